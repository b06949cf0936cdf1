//! Searching at the server: finds what was never stored on this device. [`Client::search`] searches what is stored.

use anser_client::queries::{FoundMessage, Query, Reply};
use anser_types::Target;
use bytes::Bytes;

use super::handle::{Client, wrong_answer};
use crate::error::Error;
use crate::store::{ChatMessage, Status};

/// What to look for at the server, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSearch {
    text: String,
    of: Option<Target>,
    before: Bytes,
    limit: u32,
}

impl ServerSearch {
    /// Messages that hold all of these words, in all conversations one is or was in. In scripts without spaces any part
    /// of a text is a word; elsewhere the last word may be the beginning of one.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), of: None, before: Bytes::new(), limit: 0 }
    }

    /// Only in one conversation.
    #[must_use]
    pub fn within(mut self, of: impl Into<Target>) -> Self {
        self.of = Some(of.into());
        self
    }

    /// Messages of a page at the most; 50 if it is not said, 500 at most.
    #[must_use]
    pub const fn limit(mut self, limit: u32) -> Self {
        self.limit = limit;
        self
    }
}

/// A page of what the server found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSearchPage {
    /// The newest first, as they are now. They are not stored here.
    pub messages: Vec<ChatMessage>,
    /// Finds the next page; `None` after the last one. A page may be short, or empty, and yet not be the last.
    pub next: Option<ServerSearch>,
    /// Everything accepted before was searched. Else the server's index is behind (it catches up by itself), or one is in
    /// too many conversations to search them at once.
    pub complete: bool,
}

impl Client {
    /// Finds messages at the server. Only what one may see is found, and only text messages are searched.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when there is no word in the text or it is longer than 256 bytes, `UNSUPPORTED` when the server
    /// has search switched off, `CONVERSATION_UNKNOWN`, `USER_UNKNOWN`, `OVERLOADED`, `UNREACHABLE`, or the client is
    /// closed.
    pub async fn search_server(&self, search: ServerSearch) -> Result<ServerSearchPage, Error> {
        let ServerSearch { text, of, before, limit } = search.clone();
        let query = Query::Search { text, of, before, limit };
        let Reply::Search { found, next, complete } = self.query(query).await? else {
            return Err(wrong_answer());
        };
        let messages = found.into_iter().map(|one| self.found_message(one)).collect();
        let next = (!next.is_empty()).then_some(ServerSearch { before: next, ..search });
        Ok(ServerSearchPage { messages, next, complete })
    }

    fn found_message(&self, FoundMessage { message, peer }: FoundMessage) -> ChatMessage {
        let own = message.sender == self.inner.user;
        ChatMessage {
            conversation: message.conversation,
            seq: Some(message.seq),
            peer,
            sender: message.sender,
            id: message.id,
            sent_at: message.sent_at,
            server_time: Some(message.server_time),
            content: message.content,
            altered: message.altered,
            own,
            status: Status::Received,
        }
    }
}
