//! The report: one JSON object for machines, one table for people.

use hdrhistogram::Histogram;
use serde::Serialize;

/// Percentiles in microseconds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Latency {
    /// Half were faster.
    pub p50: u64,
    /// 95 % were faster.
    pub p95: u64,
    /// 99 % were faster.
    pub p99: u64,
    /// 99.9 % were faster.
    pub p999: u64,
    /// The slowest.
    pub max: u64,
}

impl Latency {
    /// From a histogram of nanoseconds.
    #[must_use]
    pub fn from_nanoseconds(histogram: &Histogram<u64>) -> Self {
        let at = |quantile: f64| histogram.value_at_quantile(quantile) / 1_000;
        Self {
            p50: at(0.50),
            p95: at(0.95),
            p99: at(0.99),
            p999: at(0.999),
            max: histogram.max() / 1_000,
        }
    }
}

/// What a scenario found. Fields that do not apply are absent from the JSON.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Which scenario.
    pub scenario: &'static str,
    /// Measured seconds.
    pub secs: f64,
    /// Connections held.
    pub connections: usize,
    /// Messages received per second.
    pub delivered_per_s: f64,
    /// Messages acknowledged to their senders per second.
    pub acked_per_s: f64,
    /// Send to receive.
    pub latency_us: Latency,
    /// `channel`: send to the receive of the last member online.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_latency_us: Option<Latency>,
    /// Send to acknowledgement.
    pub ack_latency_us: Latency,
    /// Acknowledged to the sender and never received.
    pub lost: u64,
    /// Received more than once.
    pub duplicated: u64,
    /// Received after a later one of the same sender.
    pub reordered: u64,
    /// The server's processor time per message delivered (`--spawn`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_cpu_us_per_message: Option<f64>,
    /// The server's resident memory per connection, in bytes, above what it had before them (`--spawn`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_rss_per_connection: Option<f64>,
    /// `idle`: the server's processor time for an hour of one connection's beats, in milliseconds (`--spawn`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_cpu_ms_per_connection_hour: Option<f64>,
    /// Bytes both ways on the sockets per message delivered.
    pub wire_bytes_per_message: f64,
    /// `offline`, `storm`: how long until everybody had everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_ms: Option<f64>,
    /// `storm`: attempts that were refused because too many came at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turned_away: Option<u64>,
    /// `storm`: send to acknowledgement of those who were connected all the time, before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calm_ack_us: Option<Latency>,
    /// `storm`: the same, until everybody was back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storm_ack_us: Option<Latency>,
    /// `--verify`: messages that history held, and those it should have held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<Verified>,
}

/// What re-reading history found.
#[derive(Clone, Debug, Serialize)]
pub struct Verified {
    /// Messages that were acknowledged.
    pub acknowledged: u64,
    /// Of those, how many history holds.
    pub in_history: u64,
}

impl Report {
    /// Whether the promises held.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.lost == 0
            && self.duplicated == 0
            && self.reordered == 0
            && self.verified.as_ref().is_none_or(|v| v.in_history >= v.acknowledged)
    }

    /// The table for people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut rows: Vec<(&str, String)> = vec![
            ("scenario", self.scenario.to_owned()),
            ("measured", format!("{:.1} s, {} connections", self.secs, self.connections)),
            ("delivered", format!("{:.0} /s", self.delivered_per_s)),
            ("acknowledged", format!("{:.0} /s", self.acked_per_s)),
            ("send → receive", milliseconds(&self.latency_us)),
            ("send → ack", milliseconds(&self.ack_latency_us)),
            (
                "lost, doubled, reordered",
                format!("{}, {}, {}", self.lost, self.duplicated, self.reordered),
            ),
            ("bytes on the wire", format!("{:.0} per message", self.wire_bytes_per_message)),
        ];
        if let Some(last) = &self.last_latency_us {
            rows.push(("send → last receive", milliseconds(last)));
        }
        if let Some(cpu) = self.server_cpu_us_per_message {
            rows.push(("server processor", format!("{cpu:.1} µs per message")));
        }
        if let Some(rss) = self.server_rss_per_connection {
            rows.push(("server memory", format!("{:.1} KiB per connection", rss / 1024.0)));
        }
        if let Some(cpu) = self.server_cpu_ms_per_connection_hour {
            rows.push(("server processor", format!("{cpu:.1} ms per connection and hour")));
        }
        if let Some(settled) = self.settled_ms {
            rows.push(("settled after", format!("{settled:.0} ms")));
        }
        if let Some(turned_away) = self.turned_away {
            rows.push(("told to come back later", format!("{turned_away} times")));
        }
        if let (Some(calm), Some(storm)) = (&self.calm_ack_us, &self.storm_ack_us) {
            rows.push(("others' ack, before", milliseconds(calm)));
            rows.push(("others' ack, meanwhile", milliseconds(storm)));
        }
        if let Some(verified) = &self.verified {
            rows.push((
                "history",
                format!("{} of {} acknowledged", verified.in_history, verified.acknowledged),
            ));
        }
        rows.iter().map(|(name, value)| format!("{name:<26}{value}\n")).collect()
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown with two decimals")]
fn milliseconds(latency: &Latency) -> String {
    let ms = |us: u64| us as f64 / 1_000.0;
    format!(
        "p50 {:.2}  p95 {:.2}  p99 {:.2}  p99.9 {:.2}  max {:.2} ms",
        ms(latency.p50),
        ms(latency.p95),
        ms(latency.p99),
        ms(latency.p999),
        ms(latency.max)
    )
}
