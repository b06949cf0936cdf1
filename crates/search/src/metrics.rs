//! Every figure of search, in one place, through the `metrics` facade.

/// The names, as an operator's dashboard sees them.
pub mod names {
    /// Gauge: documents in the index: messages with text, and one per conversation.
    pub const DOCUMENTS: &str = "anser_search_documents";
    /// Counter: messages put into the index.
    pub const INDEXED: &str = "anser_search_indexed_total";
    /// Gauge: conversations known to have news that are not in the index yet.
    pub const WAITING: &str = "anser_search_waiting_conversations";
    /// Gauge: 1 when everything accepted is in the index, 0 while it is behind.
    pub const COMPLETE: &str = "anser_search_complete";
    /// Histogram: seconds of one commit of the index.
    pub const COMMIT_SECONDS: &str = "anser_search_commit_seconds";
    /// Histogram: seconds of one search in the index.
    pub const QUERY_SECONDS: &str = "anser_search_query_seconds";
    /// Counter: indexes that could not be trusted and were thrown away.
    pub const REBUILDS: &str = "anser_search_rebuilds_total";
}

pub(crate) fn committed(messages: u64, seconds: f64) {
    metrics::counter!(names::INDEXED).increment(messages);
    metrics::histogram!(names::COMMIT_SECONDS).record(seconds);
}

#[expect(clippy::cast_precision_loss, reason = "figures stay far below 2^52")]
pub(crate) fn state(documents: u64, waiting: usize, complete: bool) {
    metrics::gauge!(names::DOCUMENTS).set(documents as f64);
    metrics::gauge!(names::WAITING).set(waiting as f64);
    metrics::gauge!(names::COMPLETE).set(if complete { 1.0 } else { 0.0 });
}

pub(crate) fn query(seconds: f64) {
    metrics::histogram!(names::QUERY_SECONDS).record(seconds);
}

pub(crate) fn rebuild() {
    metrics::counter!(names::REBUILDS).increment(1);
}
