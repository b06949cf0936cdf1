//! Saying things: composing, sending, waiting until it is sent, trying again.

use anser_types::{
    Command, Content, ConversationId, ErrorCode, MessageId, Refusal, Seq, Target, UnixMs,
};
use tokio::sync::oneshot;

use super::handle::Client;
use crate::driver::{Composed, Request};
use crate::error::Error;
use crate::events::{Delivery, Event};
use crate::store::{ArrivalNo, ChatMessage, Status};

/// A message that is durable at the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentMessage {
    /// Its `client_msg_id`.
    pub id: MessageId,
    /// Where.
    pub conversation: ConversationId,
    /// Its place.
    pub seq: Seq,
    /// The server's clock when it was accepted.
    pub server_time: UnixMs,
    /// No device of any receiver was connected: it waits in their inboxes.
    pub stored_offline: bool,
}

impl Client {
    /// The content of a text message.
    #[must_use]
    pub fn create_text_message(text: impl Into<String>) -> Content {
        Content::text(text)
    }

    /// Sends a text and waits until the server has it. While offline it waits, for up to 3 minutes from the first try.
    ///
    /// # Errors
    /// Why it could not be sent; see [`Self::wait_sent`]. The message stays in the outbox as failed.
    pub async fn send_text(
        &self,
        to: impl Into<Target>,
        text: impl Into<String>,
    ) -> Result<SentMessage, Error> {
        let id = self.send_message(to, Content::text(text)).await?;
        self.wait_sent(id).await
    }

    /// The server's time: this device's clock, corrected by what the server said when it was last heard. An expiry is a
    /// time of the server's: set `Content::expires_at` to this and some time.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn server_time(&self) -> Result<UnixMs, Error> {
        self.ask(|reply| Request::ServerTime { reply }).await
    }

    /// Puts a message into the outbox, from where it is sent exactly once and in order, also after a restart. It is in
    /// the store when this returns its `client_msg_id`.
    ///
    /// While this device's disk is full it waits for space, up to 10 seconds. Then the message is taken back, nothing
    /// of it was sent and nothing will be, and this ends with `LOCAL_DISK_FULL`; once the store has failed that long,
    /// further messages are refused at once, until something can be written again.
    ///
    /// # Errors
    /// `CONTENT_TOO_LARGE`, `OVERLOADED` (10,000 messages wait already), `LOCAL_DISK_FULL` or another reason why the
    /// local store took nothing, or the client is closed.
    pub async fn send_message(
        &self,
        to: impl Into<Target>,
        content: Content,
    ) -> Result<MessageId, Error> {
        self.compose(to.into(), content, None).await
    }

    /// Answers the message of an event and confirms that event, both in one transaction: after a kill either both
    /// are there or neither. So a message is answered exactly once, as long as it is confirmed in no other way.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the event is no message, else as [`Self::send_message`].
    pub async fn reply(&self, delivery: &Delivery, content: Content) -> Result<MessageId, Error> {
        let (Event::NewMessage(message), Some(no)) = (delivery.event(), delivery.arrival()) else {
            let what = "only a new message can be replied to";
            return Err(Refusal::because(ErrorCode::InvalidArgument, what).into());
        };
        let to = match &message.peer {
            Some(peer) => Target::User(peer.clone()),
            None => Target::Conversation(message.conversation),
        };
        self.compose(to, content, Some(no)).await
    }

    async fn compose(
        &self,
        to: Target,
        content: Content,
        confirm: Option<ArrivalNo>,
    ) -> Result<MessageId, Error> {
        let command = Command::SendMessage { to, content };
        self.ask(|reply| Request::Compose { command, confirm, reply: Composed::Stored(reply) })
            .await?
    }

    /// Waits until a message composed here is sent.
    ///
    /// # Errors
    /// Why it failed (it stays in the outbox: see [`Self::retry_message`]); `TARGET_MISSING` when this store does not
    /// know it.
    pub async fn wait_sent(&self, id: MessageId) -> Result<SentMessage, Error> {
        loop {
            let (reply, settled) = oneshot::channel();
            self.ask(|ready| Request::Watch { local_no: id.local_no, ready, reply }).await?;
            // Looked at after watching began: nothing can happen unseen in between.
            match self.inner.store.own_message(id).await? {
                None => return Err(unknown_message(id)),
                Some(message) => match message.status {
                    Status::Failed { reason, .. } => return Err(reason.into()),
                    Status::Queued | Status::Sending => {
                        settled.await.map_err(|_| Error::Closed)??;
                    }
                    _ => return sent(&message).ok_or_else(|| unknown_message(id)),
                },
            }
        }
    }

    /// Sends a failed message again under the same id; it is never sent twice.
    ///
    /// # Errors
    /// `TARGET_MISSING` when it is not a failed message of this device's outbox.
    pub async fn retry_message(&self, id: MessageId) -> Result<(), Error> {
        match self.ask(|reply| Request::Retry { id, reply }).await? {
            true => Ok(()),
            false => Err(unknown_message(id)),
        }
    }

    /// Deletes a message that is not sent. If it may have arrived it goes when that is settled, here only.
    ///
    /// # Errors
    /// `TARGET_MISSING` when it is not in the outbox (any more).
    pub async fn delete_unsent(&self, id: MessageId) -> Result<(), Error> {
        match self.ask(|reply| Request::Delete { id, reply }).await? {
            true => Ok(()),
            false => Err(unknown_message(id)),
        }
    }

    /// One's own message composed on this device, sent or not.
    ///
    /// # Errors
    /// The store failed.
    pub async fn own_message(&self, id: MessageId) -> Result<Option<ChatMessage>, Error> {
        Ok(self.inner.store.own_message(id).await?)
    }

    /// Moves one's own read position forward; others and one's other devices learn it. In the outbox when it returns.
    ///
    /// # Errors
    /// `OVERLOADED`, or the client is closed.
    pub async fn mark_as_read(&self, at: impl Into<Target>, up_to: Seq) -> Result<(), Error> {
        let command = Command::MarkRead { at: at.into(), up_to };
        self.ask(|reply| Request::Compose {
            command,
            confirm: None,
            reply: Composed::Taken(reply),
        })
        .await??;
        Ok(())
    }

    /// Tells the others that the user types (`true`) or stopped; may be lost.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn set_typing(&self, at: impl Into<Target>, typing: bool) -> Result<(), Error> {
        self.request(Request::Typing { target: at.into(), stopped: !typing }).await
    }
}

fn sent(message: &ChatMessage) -> Option<SentMessage> {
    Some(SentMessage {
        id: message.id,
        conversation: message.conversation,
        seq: message.seq?,
        server_time: message.server_time?,
        stored_offline: matches!(message.status, Status::Sent { stored_offline: true }),
    })
}

fn unknown_message(id: MessageId) -> Error {
    Refusal::because(
        ErrorCode::TargetMissing,
        format!("message {id} is not in this store's outbox"),
    )
    .into()
}
