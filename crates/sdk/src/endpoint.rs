//! Endpoint URLs: where a session may be opened, and whether that is safe.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use anser_client::io::TransportKind;
use anser_types::{ErrorCode, Refusal};

/// How a session travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// Plain TCP: only for loopback, or where it is allowed explicitly.
    Tcp,
    /// TLS on TCP with ALPN `anser/1`.
    Tls,
    /// QUIC (UDP, always encrypted) with ALPN `anser/1`. The session survives a change of the network.
    Quic,
    /// WebSocket without TLS: only for loopback, or where it is allowed explicitly.
    Ws,
    /// WebSocket over TLS.
    Wss,
}

impl Scheme {
    const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Quic => "quic",
            Self::Ws => "ws",
            Self::Wss => "wss",
        }
    }

    const fn default_port(self) -> u16 {
        match self {
            Self::Tcp => 7410,
            Self::Tls | Self::Quic => 7411,
            Self::Ws => 7480,
            Self::Wss => 7443,
        }
    }

    /// Whether the bytes are encrypted on their way.
    #[must_use]
    pub const fn is_encrypted(self) -> bool {
        matches!(self, Self::Tls | Self::Quic | Self::Wss)
    }

    const fn is_web_socket(self) -> bool {
        matches!(self, Self::Ws | Self::Wss)
    }
}

/// An address a session can be opened at: `quic://host:port`, `tls://host:port`, `wss://host:port/v1/ws`, and without
/// encryption `tcp://…` or `ws://…`.
///
/// A missing port is the default one of its scheme; the path of a WebSocket may be left out and is always `/v1/ws`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// How.
    pub scheme: Scheme,
    /// Host name or address, an IPv6 address without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// Path of the session on a server's HTTP listener.
pub(crate) const WEB_SOCKET_PATH: &str = "/v1/ws";

impl Endpoint {
    /// Whether the host can only be this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// The base of the HTTP API on the same listener, which WebSocket endpoints share with it.
    #[must_use]
    pub fn http_base(&self) -> Option<String> {
        let scheme = match self.scheme {
            Scheme::Ws => "http",
            Scheme::Wss => "https",
            Scheme::Tcp | Scheme::Tls | Scheme::Quic => return None,
        };
        Some(format!("{scheme}://{}", self.authority()))
    }

    /// As the client core names it.
    #[must_use]
    pub(crate) fn to_core(&self) -> anser_client::io::Endpoint {
        anser_client::io::Endpoint {
            transport: match self.scheme {
                Scheme::Tcp => TransportKind::Tcp,
                Scheme::Tls => TransportKind::Tls,
                Scheme::Quic => TransportKind::Quic,
                Scheme::Ws => TransportKind::Ws,
                Scheme::Wss => TransportKind::Wss,
            },
            host: self.host.clone(),
            port: self.port,
            network: String::new(),
        }
    }

    /// What the client core wants to reach.
    #[must_use]
    pub(crate) fn from_core(endpoint: &anser_client::io::Endpoint) -> Self {
        Self {
            scheme: match endpoint.transport {
                TransportKind::Tcp => Scheme::Tcp,
                TransportKind::Tls => Scheme::Tls,
                TransportKind::Quic => Scheme::Quic,
                TransportKind::Ws => Scheme::Ws,
                TransportKind::Wss => Scheme::Wss,
            },
            host: endpoint.host.clone(),
            port: endpoint.port,
        }
    }

    /// `host:port`, as URLs and resolvers want it.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Refuses to send a token readable by everybody on the way.
    ///
    /// # Errors
    /// `CONFIG_INVALID` with what to write instead.
    pub fn require_private(&self, allow_plaintext: bool) -> Result<(), Refusal> {
        if self.scheme.is_encrypted() || allow_plaintext || self.is_loopback() {
            return Ok(());
        }
        let instead = if self.scheme.is_web_socket() { "wss" } else { "tls" };
        Err(Refusal::because(
            ErrorCode::ConfigInvalid,
            format!(
                "{self} would send the token unencrypted to another machine; use {instead}://{}, or allow it \
                 explicitly (allow_plaintext)",
                self.authority()
            ),
        ))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.scheme.is_web_socket() { WEB_SOCKET_PATH } else { "" };
        write!(f, "{}://{}{path}", self.scheme.name(), self.authority())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

impl FromStr for Endpoint {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let invalid = |why: &str| {
            Refusal::because(
                ErrorCode::ConfigInvalid,
                format!(
                    "'{text}' is no endpoint: {why}; write quic://host:port, tls://host:port, wss://host:port/v1/ws or tcp://host:port"
                ),
            )
        };
        let (scheme, rest) =
            text.split_once("://").ok_or_else(|| invalid("the scheme is missing"))?;
        let scheme = [Scheme::Tcp, Scheme::Tls, Scheme::Quic, Scheme::Ws, Scheme::Wss]
            .into_iter()
            .find(|known| known.name() == scheme)
            .ok_or_else(|| invalid("the scheme is not known"))?;
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, ""),
        };
        match (scheme.is_web_socket(), path) {
            (_, "" | "/") | (true, WEB_SOCKET_PATH) => {}
            (true, _) => return Err(invalid("the path of a session is /v1/ws")),
            (false, _) => return Err(invalid("only WebSocket endpoints have a path")),
        }
        let (host, port) = split_authority(authority).ok_or_else(|| invalid("host and port"))?;
        if host.is_empty() || host.contains(['@', '?', '#', ' ']) {
            return Err(invalid("the host is not valid"));
        }
        let port = match port {
            Some(port) => port
                .parse()
                .ok()
                .filter(|port| *port != 0)
                .ok_or_else(|| invalid("the port is not valid"))?,
            None => scheme.default_port(),
        };
        Ok(Self { scheme, host: host.to_owned(), port })
    }
}

/// Splits `host[:port]`, `[v6][:port]`; `None` when brackets do not match.
fn split_authority(authority: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        return match after {
            "" => Some((host, None)),
            _ => after.strip_prefix(':').map(|port| (host, Some(port))),
        };
    }
    match authority.split_once(':') {
        Some((_, port)) if port.contains(':') => None,
        Some((host, port)) => Some((host, Some(port))),
        None => Some((authority, None)),
    }
}
