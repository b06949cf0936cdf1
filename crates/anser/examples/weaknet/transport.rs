//! How phones speak to the server through their links.

use std::net::SocketAddr;
use std::ops::RangeInclusive;

use anser_sdk::Endpoint;
use clap::ValueEnum;

use crate::link::Carries;

/// A transport of the client SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Transport {
    Tcp,
    Tls,
    Ws,
    Quic,
}

impl Transport {
    pub const ALL: [Self; 4] = [Self::Tcp, Self::Tls, Self::Ws, Self::Quic];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ws => "ws",
            Self::Quic => "quic",
        }
    }

    pub const fn carries(self) -> Carries {
        match self {
            Self::Tcp | Self::Tls | Self::Ws => Carries::Streams,
            Self::Quic => Carries::Datagrams,
        }
    }

    /// The server's listener for it.
    pub const fn listener(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ws => "http",
            Self::Quic => "quic",
        }
    }

    /// As long as a heartbeat is on it: three bytes, and up to six more where the client says how far its inbox reaches.
    /// TLS 1.3 adds a head of 5 bytes, a type and a tag of 16, a WebSocket's client 6 bytes of head and mask, QUIC a head
    /// with number and names (12 bytes or more), that of its stream (4 to 7) and a tag of 16.
    pub const fn beat_bytes(self) -> RangeInclusive<usize> {
        match self {
            Self::Tcp => 3..=9,
            Self::Tls => 25..=31,
            Self::Ws => 9..=15,
            Self::Quic => 38..=48,
        }
    }

    /// What an app is given that reaches the server at this address.
    pub fn endpoint(self, address: SocketAddr) -> anyhow::Result<Endpoint> {
        Ok(format!("{}://{address}", self.name()).parse()?)
    }
}
