//! Values that stand in commands and in events alike: domain ↔ wire, for the gateway and for the client core.

pub mod bodies;
pub mod groups;
pub mod lists;
pub mod messages;
pub mod presence;

use anser_types::{ConversationId, ErrorCode, Refusal, Target, UserId};
use bytes::Bytes;

/// A field that cannot be read as what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {rule}")]
pub struct Unreadable {
    /// Which.
    pub field: &'static str,
    /// What it should be.
    pub rule: String,
}

impl From<Unreadable> for Refusal {
    fn from(error: Unreadable) -> Self {
        Self::because(ErrorCode::InvalidArgument, error.to_string())
    }
}

impl Unreadable {
    fn new(field: &'static str, rule: impl Into<String>) -> Self {
        Self { field, rule: rule.into() }
    }
}

fn user(field: &'static str, text: &str) -> Result<UserId, Unreadable> {
    UserId::new(text).map_err(|error| Unreadable::new(field, error.to_string()))
}

fn conversation(field: &'static str, bytes: &[u8]) -> Result<ConversationId, Unreadable> {
    <[u8; 16]>::try_from(bytes)
        .map(ConversationId)
        .map_err(|_| Unreadable::new(field, format!("16 bytes, not {}", bytes.len())))
}

/// A number that stands for one of several cases.
fn case<T>(field: &'static str, code: u32, of: fn(u8) -> Option<T>) -> Result<T, Unreadable> {
    u8::try_from(code)
        .ok()
        .and_then(of)
        .ok_or_else(|| Unreadable::new(field, format!("there is no case {code}")))
}

fn id_bytes(conversation: ConversationId) -> Bytes {
    Bytes::copy_from_slice(&conversation.0)
}

/// Where a command goes, from the two fields of a `oneof`.
fn target(
    user_named: Option<&str>,
    conversation_named: Option<&[u8]>,
) -> Result<Target, Unreadable> {
    match (user_named, conversation_named) {
        (Some(text), _) => user("user", text).map(Target::User),
        (None, Some(bytes)) => conversation("conversation", bytes).map(Target::Conversation),
        (None, None) => Err(Unreadable::new("at", "a user or a conversation")),
    }
}
