//! What the gateway counts, and the text of `/metrics`.

use anser_service::Status;

use crate::config::ListenerKind;
use crate::conn::Farewell;

/// The names, as an operator's dashboard sees them.
pub mod names {
    /// Gauge by `kind`: connections.
    pub const CONNECTIONS: &str = "anser_connections";
    /// Counter by `reason`: connections refused at the door.
    pub const REFUSED: &str = "anser_connections_refused_total";
    /// Counter by `kind`: times a listener could not take connections, which it tries again.
    pub const LISTENER_FAILURES: &str = "anser_listener_failures_total";
    /// Counter by `code`: sessions ended; `LEFT` when the client went by itself.
    pub const ENDED: &str = "anser_sessions_ended_total";
    /// Counter: sessions that fell behind and read pages instead of being pushed to.
    pub const FELL_BEHIND: &str = "anser_sessions_fell_behind_total";
    /// Counter by `status`: HTTP requests.
    pub const HTTP_REQUESTS: &str = "anser_http_requests_total";
}

pub(crate) fn connection_opened(kind: ListenerKind) {
    metrics::gauge!(names::CONNECTIONS, "kind" => kind.name()).increment(1.0);
}

pub(crate) fn connection_closed(kind: ListenerKind) {
    metrics::gauge!(names::CONNECTIONS, "kind" => kind.name()).decrement(1.0);
}

pub(crate) fn refused(reason: &'static str) {
    metrics::counter!(names::REFUSED, "reason" => reason).increment(1);
}

pub(crate) fn listener_failed(kind: ListenerKind) {
    metrics::counter!(names::LISTENER_FAILURES, "kind" => kind.name()).increment(1);
}

pub(crate) fn ended(farewell: Farewell) {
    let code = match farewell {
        Farewell::Closed(code) => code.name(),
        Farewell::Left => "LEFT",
    };
    metrics::counter!(names::ENDED, "code" => code).increment(1);
}

pub(crate) fn fell_behind() {
    metrics::counter!(names::FELL_BEHIND).increment(1);
}

pub(crate) fn log_behind_client() {
    metrics::counter!(anser_service::metric_names::LOG_BEHIND_CLIENT).increment(1);
}

pub(crate) fn http_request(status: u16) {
    metrics::counter!(names::HTTP_REQUESTS, "status" => status.to_string()).increment(1);
}

/// What can be read at any moment without having been counted, in Prometheus' text format.
#[must_use]
pub(crate) fn present(status: &Status) -> String {
    let mut text = String::new();
    let gauges = [
        ("anser_users_online", "Users with at least one session.", status.users_online as u64),
        (
            "anser_writer_bulk_queue_depth",
            "Commands of app servers that wait.",
            status.bulk_depth as u64,
        ),
        ("anser_commit_no", "The last durable batch.", status.ledger.commit_no.0),
        ("anser_log_epoch", "Raised when the log may have gone back.", status.ledger.log_epoch.0),
        (
            "anser_store_full",
            "1 while appends are refused for lack of space.",
            u64::from(status.ledger.full.is_some()),
        ),
        ("anser_store_failed", "1 once a write has failed.", u64::from(status.failed.is_some())),
        ("anser_draining", "1 while the server shuts down.", u64::from(status.draining)),
    ];
    for (name, help, value) in gauges {
        text += &format!("# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}\n");
    }
    text
}
