//! What the HTTP doors read and write as JSON, and how it is described. Domain values become JSON here and nowhere else.

pub(super) mod bodies;
pub(super) mod changes;
pub(super) mod contents;
pub(super) mod conversations;
pub(super) mod files;
pub(super) mod lists;
pub(super) mod messages;
pub(super) mod scalars;

pub(super) use scalars::{Base64, ConversationText, Number, To, UserName, text};
