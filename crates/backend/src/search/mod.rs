//! The port of search: an index beside the log, fed from it.
//!
//! The index is a hint, the log is the truth: a hit names a place, and whoever shows it reads the message there again,
//! as the asker may see it, and keeps it only if [`Wanted::is_in`] still holds. So an index that is behind, or wrong,
//! shows nothing that should not be seen.

mod wanted;
mod words;

use anser_types::{ConversationId, Seq, UnixMs};

use crate::Boxed;
pub use wanted::{NothingWanted, Wanted};
pub use words::{Piece, WORD_MAX_CHARS, is_unspaced, pieces};

/// A part of one conversation that may be searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Which conversation.
    pub conversation: ConversationId,
    /// Stretches `(after, up_to]` of messages.
    pub spans: Vec<(Seq, Seq)>,
}

impl Scope {
    /// Whether this message lies within.
    #[must_use]
    pub fn holds(&self, seq: Seq) -> bool {
        self.spans.iter().any(|(after, up_to)| seq > *after && seq <= *up_to)
    }
}

/// A place at which something was found. Ordered by time; places of the same time by conversation and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// When it was said, by the server's clock.
    pub at: UnixMs,
    /// Where.
    pub conversation: ConversationId,
    /// Which message.
    pub seq: Seq,
}

/// What to look for, and where.
#[derive(Clone, Debug)]
pub struct SearchRequest {
    /// What.
    pub wanted: Wanted,
    /// Where; no conversation twice.
    pub scopes: Vec<Scope>,
    /// Only places before this one.
    pub before: Option<Hit>,
    /// Places at most.
    pub limit: usize,
}

/// What an index knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// The newest places within the request, newest first.
    pub hits: Vec<Hit>,
    /// Everything that was accepted when the request came is in the index.
    pub complete: bool,
}

/// Why an index did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// Too many searches wait already.
    #[error("too many searches at once")]
    Busy,
    /// The index failed; it is looked at, and rebuilt if need be.
    #[error("the index failed: {0}")]
    Failed(String),
}

/// An index of what was said.
pub trait SearchIndex: Send + Sync {
    /// The newest places that hold what is wanted.
    ///
    /// # Errors
    /// See [`SearchError`].
    fn search(&self, request: SearchRequest) -> Boxed<'_, Result<Hits, SearchError>>;

    /// A hint that something was committed in these conversations. Never waits, and may be lost: the index finds out by
    /// itself, later.
    fn committed(&self, conversations: &[ConversationId]);
}
