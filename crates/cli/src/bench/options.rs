//! What can be asked of the load generator.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// Pairs of users, each keeping a window of unacknowledged messages full.
    Pairs,
    /// Pairs of users sending at a fixed total rate, whatever the server does.
    Rate,
    /// Connections that only beat.
    Idle,
    /// One sender, everybody else in the group receives.
    Group,
    /// One sender at a fixed rate, everybody online in the channel receives.
    Channel,
    /// A backlog is sent while the receiver is away; how long until it has all of it?
    Offline,
    /// The server is killed, everybody reconnects at once.
    Storm,
}

impl Scenario {
    /// The name on the command line and in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pairs => "pairs",
            Self::Rate => "rate",
            Self::Idle => "idle",
            Self::Group => "group",
            Self::Channel => "channel",
            Self::Offline => "offline",
            Self::Storm => "storm",
        }
    }
}

/// What clients speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP.
    Plain,
    /// TLS over TCP.
    Tls,
    /// QUIC.
    Quic,
}

/// Measure a running server, or one of its own.
#[derive(Args, Clone, Debug)]
pub struct BenchOptions {
    /// What to measure.
    #[arg(value_enum)]
    pub scenario: Scenario,
    /// The server's plain TCP address; its HTTP address is `--http`.
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "spawn", requires = "api_key_file")]
    pub server: Option<String>,
    /// The server's HTTP address, used to make users and tokens.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7480")]
    pub http: String,
    /// File that holds the API key.
    #[arg(long, value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,
    /// Start a server of its own in a temporary directory, pinned to core 0, with this process on core 1.
    #[arg(long)]
    pub spawn: bool,
    /// Clients speak TLS (`--spawn`).
    #[arg(long, requires = "spawn")]
    pub tls: bool,
    /// Clients speak QUIC (`--spawn`).
    #[arg(long, requires = "spawn", conflicts_with = "tls")]
    pub quic: bool,
    /// Where `--spawn` makes its temporary directory (default: the system's); choose a real disk, not memory.
    #[arg(long, value_name = "DIR")]
    pub spawn_dir: Option<PathBuf>,
    /// Pairs of users (`pairs`, `rate`).
    #[arg(long, default_value_t = 200)]
    pub pairs: usize,
    /// Unacknowledged messages per sender (`pairs`, `group`, `offline`).
    #[arg(long, default_value_t = 32)]
    pub window: usize,
    /// Messages per second: over all pairs (`rate`, default 5000), of the sender (`channel`, default 20).
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub rate: Option<u64>,
    /// Members, the sender included: all of them online (`group`, default 200), or not (`channel`, default 1000).
    #[arg(long)]
    pub members: Option<usize>,
    /// Members online, the sender included (`channel`).
    #[arg(long, default_value_t = 1_000)]
    pub online: usize,
    /// Connections (`idle`, `storm`).
    #[arg(long, default_value_t = 5_000)]
    pub connections: usize,
    /// Kill the server (SIGKILL) and start it again, instead of cutting connections (`storm` with `--spawn`).
    #[arg(long, requires = "spawn")]
    pub kill: bool,
    /// Messages waiting for the receiver (`offline`).
    #[arg(long, default_value_t = 10_000)]
    pub backlog: usize,
    /// Measured seconds.
    #[arg(long, default_value_t = 10)]
    pub secs: u64,
    /// Seconds before measuring begins.
    #[arg(long, default_value_t = 2)]
    pub warmup: u64,
    /// Bytes of each message's content (at least 24: counter and time).
    #[arg(long, default_value_t = 64)]
    pub body_bytes: usize,
    /// Read every conversation's history afterwards and compare the counts.
    #[arg(long)]
    pub verify: bool,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    pub json: bool,
}

impl BenchOptions {
    /// What clients speak to a server of `--spawn`.
    #[must_use]
    pub const fn transport(&self) -> Transport {
        match (self.tls, self.quic) {
            (true, _) => Transport::Tls,
            (false, true) => Transport::Quic,
            (false, false) => Transport::Plain,
        }
    }
}
