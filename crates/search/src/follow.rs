//! Follows the log: compares each conversation's heads with the positions in the index and reads what lies between.

use std::sync::Arc;

use anser_backend::{Conversations, Heads, Inspect, Ledger, Order, PageLimit, StoreError};
use anser_types::{Alteration, ChangeKind, ConversationId, Seq, limits};

use crate::index::{Index, IndexError, Position};

/// Read at once of one conversation: the store's blocking threads serve people between two pages.
const PAGE: PageLimit = PageLimit { entries: limits::PAGE_MAX, bytes: 1024 * 1024 };

/// What is followed.
#[derive(Clone)]
pub struct Logs {
    /// Asked for the log's epoch, its last commit and whether the disk is full; nothing is ever written.
    pub ledger: Arc<dyn Ledger>,
    /// Heads, messages and changes.
    pub conversations: Arc<dyn Conversations>,
    /// Which conversations there are.
    pub inspect: Arc<dyn Inspect>,
}

/// Why following ended.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The log cannot be read.
    #[error("the log cannot be read: {0}")]
    Store(#[from] StoreError),
    /// The index cannot be read or written.
    #[error("the index failed: {0}")]
    Index(#[from] IndexError),
    /// The index knows more than the log: it is of another log.
    #[error("the index is ahead of the log in conversation {0}")]
    Ahead(ConversationId),
}

/// Whether a conversation is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Everything up to its heads is in the index.
    Done,
    /// There is more; call again.
    More,
}

/// Brings what was said into an index.
pub struct Follower {
    logs: Logs,
    index: Index,
}

impl Follower {
    /// Follows these logs.
    #[must_use]
    pub const fn new(logs: Logs, index: Index) -> Self {
        Self { logs, index }
    }

    /// The index.
    #[must_use]
    pub const fn index(&self) -> &Index {
        &self.index
    }

    /// The logs.
    #[must_use]
    pub const fn logs(&self) -> &Logs {
        &self.logs
    }

    /// See [`Index::commit`].
    ///
    /// # Errors
    /// See there.
    pub fn commit(&mut self) -> Result<u64, IndexError> {
        self.index.commit()
    }

    /// Everything that is in the log now, committed.
    ///
    /// # Errors
    /// See [`FollowError`].
    pub async fn catch_up(&mut self) -> Result<(), FollowError> {
        let mut after = None;
        loop {
            let ids = self.conversations(after, limits::PAGE_MAX).await?;
            let Some(last) = ids.last().copied() else { break };
            for id in ids {
                while self.follow(id).await? == Progress::More {}
            }
            after = Some(last);
        }
        if self.index.has_news() {
            self.index.commit()?;
        }
        Ok(())
    }

    /// Conversations after one, ascending.
    ///
    /// # Errors
    /// See [`FollowError`].
    pub async fn conversations(
        &self,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<ConversationId>, FollowError> {
        Ok(self.logs.inspect.conversation_ids(after, limit).await?)
    }

    /// One page of one conversation: messages first, then what changed of those that were in the index before.
    ///
    /// # Errors
    /// See [`FollowError`].
    pub async fn follow(&mut self, id: ConversationId) -> Result<Progress, FollowError> {
        // Read before anything else: a message shows at least what all changes up to this head made of it.
        let heads = self.logs.conversations.heads(id).await?;
        let position = self.index.position(id)?;
        if position.seq > heads.seq || position.change_no > heads.change_no {
            return Err(FollowError::Ahead(id));
        }
        let reached = if position.change_no < heads.change_no {
            self.changes(id, position, heads).await?
        } else if position.seq < heads.seq {
            self.messages(id, position, heads).await?
        } else {
            return Ok(Progress::Done);
        };
        self.index.reached(id, reached);
        let done = reached == Position { seq: heads.seq, change_no: heads.change_no };
        Ok(if done { Progress::Done } else { Progress::More })
    }

    async fn messages(
        &mut self,
        id: ConversationId,
        from: Position,
        heads: Heads,
    ) -> Result<Position, FollowError> {
        let conversations = &self.logs.conversations;
        let read =
            conversations.messages(id, from.seq, heads.seq, Order::OldestFirst, PAGE).await?;
        for message in &read {
            self.index.add(message)?;
        }
        // A record that is not there any more is no reason to stop.
        let seq = read.last().map_or(heads.seq, |last| last.seq);
        Ok(Position { seq, ..from })
    }

    /// Messages above the position are not in the index yet: what changed of them comes with them.
    async fn changes(
        &mut self,
        id: ConversationId,
        from: Position,
        heads: Heads,
    ) -> Result<Position, FollowError> {
        if from.seq == Seq::ZERO {
            return Ok(Position { change_no: heads.change_no, ..from });
        }
        let read = self.logs.conversations.changes(id, from.change_no, PAGE).await?;
        let mut altered: Vec<Seq> = Vec::new();
        for change in &read {
            match &change.kind {
                ChangeKind::MessageAltered { seq, alteration }
                    if *seq <= from.seq && alters_text(alteration) =>
                {
                    altered.push(*seq);
                }
                _ => {}
            }
        }
        altered.sort_unstable();
        altered.dedup();
        for seq in altered {
            self.again(id, seq).await?;
        }
        let change_no = read.last().map_or(heads.change_no, |last| last.change_no);
        Ok(Position { change_no, ..from })
    }

    /// Puts a message in as it is now, in place of what was there.
    async fn again(&mut self, id: ConversationId, seq: Seq) -> Result<(), FollowError> {
        self.index.remove(id, seq)?;
        let (after, order) = (seq.previous(), Order::OldestFirst);
        let read = self.logs.conversations.messages(id, after, seq, order, PAGE).await?;
        for message in &read {
            self.index.add(message)?;
        }
        Ok(())
    }
}

const fn alters_text(alteration: &Alteration) -> bool {
    match alteration {
        Alteration::Edit(_) | Alteration::Revoke | Alteration::Expire | Alteration::Gone => true,
        Alteration::React { .. } | Alteration::Pin { .. } | Alteration::Burn(_) => false,
    }
}
