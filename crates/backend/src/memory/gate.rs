//! The moment of a commit, as something a simulator can hold in its hands.

use crate::Boxed;

/// What is about to become durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingCommit {
    /// Which kind of write.
    pub kind: CommitKind,
    /// Appends that take effect with it; zero unless it is a batch.
    pub appends: usize,
}

/// Which kind of write a commit makes durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitKind {
    /// A batch of appends, with the soft positions noted before it.
    Batch,
    /// Soft positions alone.
    Positions,
    /// A step of trimming.
    Trim,
    /// A step of removing keys.
    Expiry,
    /// A user, password or token.
    Account,
    /// A file.
    File,
}

/// How a commit ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommitDecision {
    /// It becomes durable.
    Commit,
    /// There is no space: certainly nothing of it is written, the store goes on.
    Full(String),
    /// Writing fails and the store is poisoned. `kept` says whether a later reopen finds the write after all.
    Fail {
        /// The write survives although its caller heard of a failure.
        kept: bool,
    },
    /// The process dies at this instant: no caller gets an answer. `kept` says on which side of the commit.
    Crash {
        /// The write survives.
        kept: bool,
    },
}

/// Asked once per commit, after everything was checked and numbered and before any of it is visible.
///
/// While the returned future is pending, the commit is in flight: readers see nothing of it, and a crash loses it.
pub trait CommitGate: Send + Sync {
    /// How this commit ends, and (by when the future ends) how long it takes.
    fn decide(&self, commit: PendingCommit) -> Boxed<'_, CommitDecision>;
}

/// Commits everything at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct AtOnce;

impl CommitGate for AtOnce {
    fn decide(&self, _commit: PendingCommit) -> Boxed<'_, CommitDecision> {
        Box::pin(std::future::ready(CommitDecision::Commit))
    }
}
