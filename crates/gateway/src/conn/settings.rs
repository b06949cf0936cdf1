//! How connections behave: times, budgets and rates, by default those of `anser_types::limits`.
//! Rates of commands and signals are the service's business.

use std::sync::Arc;
use std::time::Duration;

use anser_proto::close::CloseReason;
use anser_proto::compression::{Method, SUPPORTED};
use anser_types::{ErrorCode, limits};

use crate::gateways::PublishedList;

/// Queries of one session that run at once; they compete with everybody's reads.
const QUERIES_AT_ONCE: usize = 4;
/// Queries of one session that wait for their turn; further ones are refused with `RATE_LIMITED`.
const QUERIES_WAITING: usize = 32;

/// How a connection behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long a stranger may take to say Hello.
    pub hello_timeout: Duration,
    /// Silence after which a connection that matters now (foreground, or something unacknowledged) is dead.
    pub half_open: Duration,
    /// Silence after which a connection in the background is dead, unless its client said that it may be silent for long.
    pub background_idle: Duration,
    /// Every request ends by then.
    pub request_deadline: Duration,
    /// How long an event that was heard of may stay away before the log is read.
    pub hint_grace: Duration,
    /// How often the position is compared with the inbox head.
    pub sweep: Duration,
    /// How long a leaving session may take to finish what it has, and over which time reconnects are spread.
    pub drain: Duration,
    /// Session addresses (`host:port`) to which those are sent who find no place here.
    pub alternatives: Arc<[String]>,
    /// Where the servers are: given to clients that know another list.
    pub gateways: PublishedList,
    /// Bytes that may wait to be written before pushes stop.
    pub outbound_max_bytes: usize,
    /// Queries that run at once.
    pub queries_at_once: usize,
    /// Queries that wait for their turn.
    pub queries_waiting: usize,
    /// Compress pages and replies for clients that ask for it, and let them compress theirs.
    pub compression: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hello_timeout: Duration::from_millis(limits::HELLO_TIMEOUT_MS),
            half_open: Duration::from_millis(limits::HALF_OPEN_MS),
            background_idle: Duration::from_millis(limits::BACKGROUND_IDLE_MS),
            request_deadline: Duration::from_millis(limits::REQUEST_DEADLINE_MS),
            hint_grace: Duration::from_millis(limits::HINT_GRACE_MS),
            sweep: Duration::from_millis(limits::SWEEP_MS),
            drain: Duration::from_millis(limits::DRAIN_MS),
            alternatives: Arc::new([]),
            gateways: PublishedList::default(),
            outbound_max_bytes: limits::OUTBOUND_MAX_BYTES,
            queries_at_once: QUERIES_AT_ONCE,
            queries_waiting: QUERIES_WAITING,
            compression: true,
        }
    }
}

impl Settings {
    /// Names the alternatives to whom this server has no place for.
    pub(super) fn send_elsewhere(&self, reason: &mut CloseReason) {
        use ErrorCode as E;
        let no_place = [E::Draining, E::Overloaded, E::TooManyConnections, E::StoreFailed];
        if no_place.contains(&reason.code) {
            reason.alternatives = self.alternatives.to_vec();
        }
    }

    /// The longest silence that is suffered from anybody.
    pub(crate) fn longest_silence(&self) -> Duration {
        let background = self.background_idle(true, u32::MAX).unwrap_or(self.background_idle);
        background.max(self.half_open)
    }

    /// The methods of compression that sessions speak.
    pub(super) const fn methods(&self) -> &'static [Method] {
        if self.compression { SUPPORTED } else { &[] }
    }

    /// Silence after which a connection is dead whose client is in the background and says nothing there for up to
    /// `silence_ms` (0: not said): one interval and a half. `None` in the foreground.
    pub(super) fn background_idle(&self, background: bool, silence_ms: u32) -> Option<Duration> {
        let said = u64::from(silence_ms).min(limits::HEARTBEAT_RANGE_MS.1);
        background.then(|| self.background_idle.max(Duration::from_millis(said) * 3 / 2))
    }
}
