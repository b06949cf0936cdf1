//! Every figure the service reports, in one place, through the `metrics` facade.

use anser_types::ErrorCode;

/// The names, as an operator's dashboard sees them.
pub mod names {
    /// Counter: messages that were accepted (durable).
    pub const MESSAGES_ACCEPTED: &str = "anser_messages_accepted_total";
    /// Histogram: appends per group commit.
    pub const BATCH_APPENDS: &str = "anser_batch_appends";
    /// Histogram: seconds from handing a batch to the store until its commit.
    pub const COMMIT_SECONDS: &str = "anser_commit_seconds";
    /// Gauge: commands waiting for the writer.
    pub const QUEUE_DEPTH: &str = "anser_writer_queue_depth";
    /// Gauge: sessions.
    pub const SESSIONS: &str = "anser_sessions";
    /// Gauge: how often users are followed by sessions that want to know whether they are online.
    pub const PRESENCE_WATCHES: &str = "anser_presence_watches";
    /// Counter: mailboxes that overflowed (their sessions read their inbox instead).
    pub const MAILBOX_OVERFLOWS: &str = "anser_mailbox_overflows_total";
    /// Counter by `reason`: signals dropped, because a mailbox was full (`full`), a sender too fast (`too_fast`), too many
    /// waited for a look-up (`too_many`), the server busy (`busy`), or because a newer one came before it was told
    /// (`replaced`).
    pub const SIGNALS_DROPPED: &str = "anser_signals_dropped_total";
    /// Counter by `code`: refusals.
    pub const REFUSALS: &str = "anser_refusals_total";
    /// Counter: commands whose rules ran again because the conversation had changed meanwhile.
    pub const RULES_AGAIN: &str = "anser_rules_again_total";
    /// Counter: inbox entries trimmed.
    pub const TRIMMED: &str = "anser_inbox_entries_trimmed_total";
    /// Counter: Idempotency-Keys removed because their time was over.
    pub const KEYS_EXPIRED: &str = "anser_idempotency_keys_expired_total";
    /// Counter: messages erased because their time was over.
    pub const MESSAGES_EXPIRED: &str = "anser_messages_expired_total";
    /// Counter: uploads given up because nothing came any more.
    pub const UPLOADS_GIVEN_UP: &str = "anser_uploads_given_up_total";
    /// Counter: files removed because no message had held them for long.
    pub const FILES_REMOVED: &str = "anser_files_removed_total";
    /// Counter by `how`: times that the bytes of a file were found damaged (`damaged`), lost (`missing`) or could not be
    /// read (`unreadable`), by looking or because somebody wanted them.
    pub const FILES_DAMAGED: &str = "anser_files_damaged_total";
    /// Counter: bytes of files that were read again and had their hash.
    pub const FILE_BYTES_VERIFIED: &str = "anser_file_bytes_verified_total";
    /// Counter: tokens that their devices had replaced and that were used all the same; their devices were signed out.
    pub const TOKENS_REUSED: &str = "anser_tokens_reused_total";
    /// Counter: sessions whose client had seen more than the log holds.
    pub const LOG_BEHIND_CLIENT: &str = "anser_log_behind_client_total";
}

pub(crate) fn uploads_given_up(count: u64) {
    metrics::counter!(names::UPLOADS_GIVEN_UP).increment(count);
}

pub(crate) fn files_removed(count: u64) {
    metrics::counter!(names::FILES_REMOVED).increment(count);
}

/// How bytes of a file were found.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Harm {
    Damaged,
    Missing,
    Unreadable,
}

pub(crate) fn file_damaged(how: Harm) {
    let how = match how {
        Harm::Damaged => "damaged",
        Harm::Missing => "missing",
        Harm::Unreadable => "unreadable",
    };
    metrics::counter!(names::FILES_DAMAGED, "how" => how).increment(1);
}

pub(crate) fn file_bytes_verified(bytes: u64) {
    metrics::counter!(names::FILE_BYTES_VERIFIED).increment(bytes);
}

pub(crate) fn messages_accepted(count: u64) {
    metrics::counter!(names::MESSAGES_ACCEPTED).increment(count);
}

#[expect(clippy::cast_precision_loss, reason = "figures stay far below 2^52")]
pub(crate) fn batch(appends: usize, seconds: f64, queued: usize) {
    metrics::histogram!(names::BATCH_APPENDS).record(appends as f64);
    metrics::histogram!(names::COMMIT_SECONDS).record(seconds);
    metrics::gauge!(names::QUEUE_DEPTH).set(queued as f64);
}

#[expect(clippy::cast_precision_loss, reason = "figures stay far below 2^52")]
pub(crate) fn sessions(count: usize) {
    metrics::gauge!(names::SESSIONS).set(count as f64);
}

#[expect(clippy::cast_precision_loss, reason = "figures stay far below 2^52")]
pub(crate) fn presence_watches(count: usize) {
    metrics::gauge!(names::PRESENCE_WATCHES).set(count as f64);
}

pub(crate) fn mailbox_overflow() {
    metrics::counter!(names::MAILBOX_OVERFLOWS).increment(1);
}

/// Why a signal is not told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lost {
    Full,
    TooFast,
    TooMany,
    Busy,
    Replaced,
}

pub(crate) fn signal_dropped(why: Lost) {
    let reason = match why {
        Lost::Full => "full",
        Lost::TooFast => "too_fast",
        Lost::TooMany => "too_many",
        Lost::Busy => "busy",
        Lost::Replaced => "replaced",
    };
    metrics::counter!(names::SIGNALS_DROPPED, "reason" => reason).increment(1);
}

pub(crate) fn refused(code: ErrorCode) {
    metrics::counter!(names::REFUSALS, "code" => code.name()).increment(1);
}

pub(crate) fn rules_again() {
    metrics::counter!(names::RULES_AGAIN).increment(1);
}

pub(crate) fn trimmed(entries: u64) {
    metrics::counter!(names::TRIMMED).increment(entries);
}

pub(crate) fn keys_expired(keys: u64) {
    metrics::counter!(names::KEYS_EXPIRED).increment(keys);
}

pub(crate) fn messages_expired(messages: u64) {
    metrics::counter!(names::MESSAGES_EXPIRED).increment(messages);
}

pub(crate) fn token_reused() {
    metrics::counter!(names::TOKENS_REUSED).increment(1);
}

pub(crate) fn log_behind_client() {
    metrics::counter!(names::LOG_BEHIND_CLIENT).increment(1);
}
