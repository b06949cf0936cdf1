//! The only way to write what a command causes.

use anser_types::{
    CommandNo, CommitNo, ConversationId, DeviceNo, InboxSeq, LogEpoch, Seq, SessionEpoch, UnixMs,
    UserNo,
};

use crate::Boxed;
use crate::append::{Append, Appended};

/// Why a store could not do what it was asked. Anything but `Full` poisons the store: it answers nothing more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Too little free space; reads go on.
    #[error("the disk is nearly full: {0}")]
    Full(String),
    /// A write or fsync failed: what was in flight is in doubt, nothing more is accepted (guarantee G20).
    #[error("writing failed: {0}")]
    Failed(String),
    /// The store holds something it did not write.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

/// A device, by fixed-width numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceKey {
    /// Whose.
    pub user: UserNo,
    /// Which of theirs.
    pub device: DeviceNo,
}

/// What a Hello finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionOpened {
    /// Higher than every earlier session's of this device, across restarts.
    pub epoch: SessionEpoch,
    /// The highest executed command of this device; durable.
    pub last_command_no: CommandNo,
    /// The user's inbox; durable.
    pub inbox: InboxBounds,
    /// The device's last noted cursor (soft: it may be behind the client's own).
    pub cursor: InboxSeq,
}

/// What an inbox holds: entries `(floor, head]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InboxBounds {
    /// Everything up to here was trimmed (the newest entry never is).
    pub floor: InboxSeq,
    /// The last entry.
    pub head: InboxSeq,
}

/// A position that may be lost in a crash and is then restored by the next Hello. Moves forward only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoftPosition {
    /// A device has stored its inbox up to here.
    Cursor {
        /// Which device.
        device: DeviceKey,
        /// Up to where.
        up_to: InboxSeq,
    },
    /// A member's devices have stored the conversation up to here.
    Delivered {
        /// Which conversation.
        conversation: ConversationId,
        /// Whose devices.
        user: UserNo,
        /// Up to where.
        up_to: Seq,
    },
    /// A device was connected at this moment. Nothing restores it: what a crash loses stays lost.
    Seen {
        /// Which device.
        device: DeviceKey,
        /// When, by the server's clock.
        at: UnixMs,
    },
}

/// How much of the inboxes is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrimPolicy {
    /// The server's clock.
    pub now: UnixMs,
    /// Entries kept per inbox.
    pub keep: u64,
    /// Entries older than this are dropped.
    pub keep_ms: u64,
    /// Inboxes looked at in this step; the next step goes on behind them.
    pub inboxes: usize,
}

/// What one trimming step did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrimReport {
    /// Inboxes looked at.
    pub inboxes: usize,
    /// Entries removed.
    pub entries: u64,
    /// The step reached the last inbox; the next one starts over.
    pub finished: bool,
}

/// Which Idempotency-Keys go: those whose answers nobody may ask for any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpiryPolicy {
    /// Keys used at this time or earlier go. At least `IDEMPOTENCY_KEEP_MS` ago, or a request would be executed again.
    pub used_until: UnixMs,
    /// Keys looked at in this step; the next step goes on behind them.
    pub keys: usize,
}

/// What one step of removing keys did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExpiryReport {
    /// Keys looked at.
    pub keys: usize,
    /// Keys removed.
    pub removed: u64,
    /// The step reached the last key; the next one starts over.
    pub finished: bool,
}

/// A store's own account of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerStatus {
    /// Raised when the log may have gone back.
    pub log_epoch: LogEpoch,
    /// The last durable batch.
    pub commit_no: CommitNo,
    /// Set while appends are refused for lack of space.
    pub full: Option<String>,
    /// Set once a write has failed.
    pub poisoned: Option<String>,
}

/// The writer's port.
///
/// One caller at a time drives `append_batch`; the other methods may be called at any time.
pub trait Ledger: Send + Sync {
    /// Applies a batch in order and makes it durable in one commit. Returns one result per append, in order, and
    /// only after the commit: whatever it says is durable. Numbers (`Seq`, `ChangeNo`, `InboxSeq`) are assigned
    /// here and nowhere else, without holes.
    ///
    /// An append sees the effects of those before it in the same batch. A refused repetition (`Duplicate`,
    /// `Conflict`, `OutOfOrder`, `Fenced`, `Stale`…) writes nothing.
    ///
    /// # Errors
    /// A [`StoreError`] concerns the whole batch; only after `Full` is it certain that nothing of it was written.
    fn append_batch(&self, batch: Vec<Append>) -> Boxed<'_, Result<Vec<Appended>, StoreError>>;

    /// Raises the device's session epoch and reads its state, in one step ordered after every earlier append of that
    /// device. From then on appends with a lower epoch are `Fenced`. Costs no write.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn open_session(&self, device: DeviceKey) -> Boxed<'_, Result<SessionOpened, StoreError>>;

    /// Notes soft positions; they are written with the next batch or within `SOFT_WRITE_MS`, and visible to reads
    /// of this process at once. Never waits.
    fn note_positions(&self, positions: &[SoftPosition]);

    /// Writes the soft positions noted so far; called on a timer and at shutdown.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn flush_positions(&self) -> Boxed<'_, Result<(), StoreError>>;

    /// One step of trimming inboxes. Always leaves an inbox's newest entry, so that its numbers go on.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn trim(&self, policy: TrimPolicy) -> Boxed<'_, Result<TrimReport, StoreError>>;

    /// One step of removing Idempotency-Keys whose time is over (they count as new already). A key that is used again
    /// meanwhile stays.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn expire_keys(&self, policy: ExpiryPolicy) -> Boxed<'_, Result<ExpiryReport, StoreError>>;

    /// The store's account of itself. Cheap.
    fn status(&self) -> LedgerStatus;
}
