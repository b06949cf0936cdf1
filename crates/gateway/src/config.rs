//! What a gateway is told at start: where to listen, and how much it may take.

use std::{net::SocketAddr, sync::Arc};

use arc_swap::ArcSwap;

use crate::backup::BackupSource;
use crate::conn::Settings;
use crate::origins::Origins;
use crate::proxies::Proxies;
use crate::quic::ResetKey;

/// The certificate and its key, replaceable while serving: each handshake takes the present one.
pub type TlsSource = Arc<ArcSwap<rustls::ServerConfig>>;

/// Open files a connection needs is one; a common limit after `serve` raised it is far above this.
const CONNECTIONS: usize = 100_000;
/// Connections of one remote address: a large office behind one address fits, one machine cannot take every place.
const CONNECTIONS_PER_ADDRESS: usize = 2_000;
/// Registrations and sign-ins of one remote address per minute; each costs an argon2 hash (about 20 ms of one core).
const SIGN_INS_PER_MINUTE: u32 = 120;

/// What speaks on a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ListenerKind {
    /// Sessions on plain TCP.
    Tcp,
    /// Sessions on TLS (ALPN `anser/1`).
    Tls,
    /// Sessions on QUIC (UDP, ALPN `anser/1`).
    Quic,
    /// The HTTP API, and sessions over WebSocket at `/v1/ws`.
    Http,
    /// The same on TLS (ALPN `http/1.1`).
    Https,
}

impl ListenerKind {
    /// The name used in logs, metrics and `server.json`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Quic => "quic",
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// Whether it needs a certificate.
    #[must_use]
    pub const fn is_encrypted(self) -> bool {
        matches!(self, Self::Tls | Self::Quic | Self::Https)
    }

    /// What TLS clients may offer; a client that offers only something else is refused in the handshake.
    pub(crate) const fn alpn(self) -> &'static [u8] {
        match self {
            Self::Tcp | Self::Tls | Self::Quic => b"anser/1",
            Self::Http | Self::Https => b"http/1.1",
        }
    }
}

/// One listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenerConfig {
    /// Where; port 0 takes a free one.
    pub address: SocketAddr,
    /// What speaks there.
    pub kind: ListenerKind,
}

/// Everything a gateway is told at start.
#[derive(Clone)]
pub struct GatewayConfig {
    /// Where to listen.
    pub listeners: Vec<ListenerConfig>,
    /// Needed by [`ListenerKind::Tls`], [`ListenerKind::Quic`] and [`ListenerKind::Https`].
    pub tls: Option<TlsSource>,
    /// Tells clients over QUIC that the process they talked to is gone; without it they wait until they notice.
    pub reset_key: Option<ResetKey>,
    /// Connections at once; further ones are refused with `TOO_MANY_CONNECTIONS`.
    pub connections: usize,
    /// Connections at once from one client's address; further ones are refused with `TOO_MANY_CONNECTIONS`.
    pub connections_per_address: usize,
    /// Addresses of this machine may take every place: a reverse proxy on it speaks for everybody.
    pub loopback_is_exempt: bool,
    /// Whose word is taken for where requests come from; their own addresses are not counted.
    pub proxies: Proxies,
    /// Web pages that may use the doors of HTTP beside those of this server itself.
    pub origins: Origins,
    /// Registrations and sign-ins of one remote address per minute.
    pub sign_ins_per_minute: u32,
    /// Registrations per hour from one address.
    pub registrations_per_hour: u32,
    /// New connections per minute from one address.
    pub connections_per_minute: u32,
    /// How connections behave.
    pub connection: Settings,
    /// Renders `/metrics`; without it the route gives only what the gateway counts itself.
    pub metrics: Option<metrics_exporter_prometheus::PrometheusHandle>,
    /// Gives what `/v1/admin/backup` streams; without it the route refuses.
    pub backups: Option<Arc<dyn BackupSource>>,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            listeners: Vec::new(),
            tls: None,
            reset_key: None,
            connections: CONNECTIONS,
            connections_per_address: CONNECTIONS_PER_ADDRESS,
            loopback_is_exempt: true,
            proxies: Proxies::default(),
            origins: Origins::default(),
            sign_ins_per_minute: SIGN_INS_PER_MINUTE,
            registrations_per_hour: anser_types::limits::REGISTRATIONS_PER_HOUR,
            connections_per_minute: anser_types::limits::CONNECTIONS_PER_MINUTE,
            connection: Settings::default(),
            metrics: None,
            backups: None,
        }
    }
}
