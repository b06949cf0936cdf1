//! Reading: conversations with unread counts, history (local first, filled from the server), search.

use anser_client::queries::{Query, Reply};
use anser_types::{Change, ConversationId, ErrorCode, Refusal, Seq, Target, UserId};

use super::handle::{Client, wrong_answer};
use super::state::ConnectionState;
use crate::error::Error;
use crate::store::{ChatMessage, Conversation, Filled, HistoryPage, PageBounds, TotalUnread};

/// Changes fetched at a time.
const CHANGES_PAGE: u32 = 200;
/// Pages of history fetched for one call; a page of the server holds up to 500 messages.
const FILLS_MAX: usize = 16;

impl Client {
    /// The conversations to show: pinned ones first, then the one with the newest message first. Hidden ones are left
    /// out until their next message, and one's own until there is a note in it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn conversations(&self) -> Result<Vec<Conversation>, Error> {
        Ok(self.inner.store.conversations().await?)
    }

    /// One conversation, hidden or not, if it is known here.
    ///
    /// # Errors
    /// The store failed.
    pub async fn conversation(&self, of: impl Into<Target>) -> Result<Option<Conversation>, Error> {
        let id = self.conversation_of(&of.into());
        Ok(self.inner.store.conversation(id).await?)
    }

    /// The id of the direct conversation with this user; both sides compute the same.
    #[must_use]
    pub fn direct_conversation(&self, peer: &UserId) -> ConversationId {
        ConversationId::direct(&self.inner.user, peer)
    }

    /// Unread messages of all conversations that are listed and that one is a member of; those of conversations one
    /// does not want to hear of are counted apart.
    ///
    /// # Errors
    /// The store failed.
    pub async fn total_unread(&self) -> Result<TotalUnread, Error> {
        Ok(TotalUnread::of(&self.conversations().await?))
    }

    /// Who has read up to this message or further, oneself left out, as far as it is known here.
    ///
    /// # Errors
    /// The store failed.
    pub async fn readers(&self, of: impl Into<Target>, seq: Seq) -> Result<Vec<UserId>, Error> {
        let id = self.conversation_of(&of.into());
        Ok(self.inner.store.readers(id, seq).await?)
    }

    /// A page of history in the order it should be shown. What is missing here is fetched and kept; without a
    /// connection the page holds what there is and says `complete: false`.
    ///
    /// # Errors
    /// The store failed, or the server refuses: `CONVERSATION_UNKNOWN` of a group one was never in, `USER_UNKNOWN` of a
    /// user who does not exist and to whom nothing was said here either.
    pub async fn history(
        &self,
        of: impl Into<Target>,
        bounds: PageBounds,
    ) -> Result<HistoryPage, Error> {
        let target = of.into();
        let id = self.conversation_of(&target);
        let mut missing = Some(bounds);
        // The server gives at most its own page at a time.
        for _ in 0..FILLS_MAX {
            let page = self.inner.store.history(id, bounds).await?;
            let Some(ask) = missing else {
                // Everything was asked for: what is not here now does not exist.
                return Ok(HistoryPage { complete: true, ..page });
            };
            if page.complete || !self.may_be_asked() {
                return Ok(page);
            }
            match self.fill(&target, id, ask).await {
                Ok(rest) => missing = rest,
                // Offline or slow: what is here is better than nothing, and marked as incomplete.
                Err(Error::Refused(refusal)) if refusal.code.retryable() => return Ok(page),
                // Nobody has said anything there yet, or the server has lost what was said.
                Err(Error::Refused(refusal))
                    if id.is_direct()
                        && knows_nothing(
                            &refusal,
                            page.messages.len() + page.pending.len() > 0,
                        ) =>
                {
                    missing = None;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(self.inner.store.history(id, bounds).await?)
    }

    /// One message, as it is stored here; fetched if it is not.
    ///
    /// # Errors
    /// The store failed, or the server refuses.
    pub async fn message(
        &self,
        of: impl Into<Target>,
        seq: Seq,
    ) -> Result<Option<ChatMessage>, Error> {
        let bounds =
            PageBounds { before: Some(seq.next()), ..PageBounds::after(seq.previous(), 1) };
        let page = self.history(of, bounds).await?;
        Ok(page.messages.into_iter().find(|message| message.seq == Some(seq)))
    }

    /// What happened to a group beside its messages, oldest first: who made it, came, left, what it is now. Local first; what is
    /// missing here is fetched and kept.
    ///
    /// # Errors
    /// The store failed, or the server refuses.
    pub async fn changes(&self, of: impl Into<Target>) -> Result<Vec<Change>, Error> {
        let id = self.conversation_of(&of.into());
        let store = &self.inner.store;
        while let Some(after) = store.changes_missing_after(id).await? {
            if !self.may_be_asked() {
                break;
            }
            let query = Query::Changes { conversation: id, after, limit: CHANGES_PAGE };
            match self.query(query).await {
                Ok(Reply::Changes { changes, more }) => {
                    store.fill_changes(id, changes, more).await?;
                }
                Ok(_) => return Err(wrong_answer()),
                Err(Error::Refused(refusal)) if refusal.code.retryable() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(store.changes(id).await?)
    }

    /// Whether a query has a chance; without a session it would only wait for its deadline.
    fn may_be_asked(&self) -> bool {
        matches!(self.state(), ConnectionState::Connected | ConnectionState::Connecting)
    }

    /// Fetches one page of history and keeps it. Gives what of the bounds is still to be fetched.
    async fn fill(
        &self,
        target: &Target,
        id: ConversationId,
        bounds: PageBounds,
    ) -> Result<Option<PageBounds>, Error> {
        let peer = match target {
            Target::User(peer) => Some(peer.clone()),
            Target::Conversation(_) => {
                self.inner.store.conversation(id).await?.and_then(|conversation| conversation.peer)
            }
        };
        let (after, before) = (bounds.after.unwrap_or_default(), bounds.before.unwrap_or_default());
        let of = peer.clone().map_or_else(|| target.clone(), Target::User);
        let oldest_first = bounds.oldest_first;
        let query = Query::History { of, after, before, limit: bounds.limit, oldest_first };
        let Reply::History { conversation, messages, unavailable, head, more } =
            self.query(query).await?
        else {
            return Err(wrong_answer());
        };
        let page = Filled {
            conversation,
            peer,
            after,
            before,
            oldest_first,
            messages,
            unavailable,
            head,
            more,
        };
        let rest = page.rest(bounds);
        self.inner.store.fill(page).await?;
        Ok(rest)
    }

    /// Messages stored here that contain this text, the newest first; within one conversation or all. What is only at
    /// the server is found by [`Self::search_server`].
    ///
    /// # Errors
    /// The store failed.
    pub async fn search(
        &self,
        text: &str,
        within: Option<ConversationId>,
        limit: u32,
    ) -> Result<Vec<ChatMessage>, Error> {
        Ok(self.inner.store.search(text, within, limit).await?)
    }
}

/// The server has nothing of a direct conversation. That is no error, unless there is nobody to talk to.
fn knows_nothing(refusal: &Refusal, something_is_here: bool) -> bool {
    match refusal.code {
        ErrorCode::ConversationUnknown => true,
        ErrorCode::UserUnknown => something_is_here,
        _ => false,
    }
}
