//! Altering what was said: editing, taking back, reacting, pinning. All of it works offline: it waits in the outbox,
//! survives a restart, and is executed exactly once.

use anser_client::queries::{Query, Reply};
use anser_types::{Alteration, Command, Content, Done, Edition, Seq, Target};

use super::handle::{Client, wrong_answer};
use crate::error::Error;

impl Client {
    /// Replaces the content of one's own message; its kind and the message it answers stay. Waits for the server's
    /// answer; giving up the wait gives up nothing: the command is in the outbox, also after a restart. Everybody in
    /// the conversation hears [`Event::MessageEdited`](crate::Event::MessageEdited).
    ///
    /// # Errors
    /// `TARGET_MISSING`, `NOT_ALLOWED`, `TOO_LATE`, `LIMIT_REACHED`, `CONTENT_TOO_LARGE`, `OVERLOADED`, or the client
    /// is closed.
    pub async fn edit_message(
        &self,
        at: impl Into<Target>,
        seq: Seq,
        content: Content,
    ) -> Result<Done, Error> {
        self.alter_message(at, seq, Alteration::Edit(content)).await
    }

    /// Takes a message back for everybody: one's own for some time, in a group also those of members below one's own
    /// role. As [`Self::edit_message`]; the event is [`Event::MessageRevoked`](crate::Event::MessageRevoked).
    ///
    /// # Errors
    /// As [`Self::edit_message`].
    pub async fn revoke_message(&self, at: impl Into<Target>, seq: Seq) -> Result<Done, Error> {
        self.alter_message(at, seq, Alteration::Revoke).await
    }

    /// Adds one's own reaction, or takes it away (`on` false). As [`Self::edit_message`]; the event is
    /// [`Event::ReactionChanged`](crate::Event::ReactionChanged).
    ///
    /// # Errors
    /// As [`Self::edit_message`].
    pub async fn react_to_message(
        &self,
        at: impl Into<Target>,
        seq: Seq,
        emoji: impl Into<String>,
        on: bool,
    ) -> Result<Done, Error> {
        self.alter_message(at, seq, Alteration::React { emoji: emoji.into(), on }).await
    }

    /// Pins a message to its conversation, or unpins it (`on` false). As [`Self::edit_message`]; the event is
    /// [`Event::MessagePinned`](crate::Event::MessagePinned).
    ///
    /// # Errors
    /// As [`Self::edit_message`].
    pub async fn pin_message(
        &self,
        at: impl Into<Target>,
        seq: Seq,
        on: bool,
    ) -> Result<Done, Error> {
        self.alter_message(at, seq, Alteration::Pin { on }).await
    }

    /// The contents a message had before it was edited, oldest first, asked from the server. Empty once it was taken
    /// back.
    ///
    /// # Errors
    /// `TARGET_MISSING`, `UNREACHABLE`, or the client is closed.
    pub async fn editions(&self, of: impl Into<Target>, seq: Seq) -> Result<Vec<Edition>, Error> {
        match self.query(Query::Editions { of: of.into(), seq }).await? {
            Reply::Editions(editions) => Ok(editions),
            _ => Err(wrong_answer()),
        }
    }

    /// Any alteration, as [`Self::edit_message`] and the others.
    ///
    /// # Errors
    /// As [`Self::edit_message`].
    pub async fn alter_message(
        &self,
        at: impl Into<Target>,
        seq: Seq,
        alteration: Alteration,
    ) -> Result<Done, Error> {
        // (The driver names the message: what is asked for is taken at once, whoever gives up the wait.)
        self.execute(Command::Alter { at: at.into(), seq, of: None, alteration }).await
    }
}
