//! QUIC: one UDP socket for all connections of a client. On another network the socket is replaced and the connections
//! go on (RFC 9000, section 9).

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;

use anser_trust::{refused_by_alert, refused_client_by_alert};
use anser_types::limits::FRAME_MAX_BYTES;
use anser_types::{ErrorCode, Refusal};
use parking_lot::Mutex;
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{
    ClientConfig, ConnectError, ConnectionError, EndpointConfig, ReadError, TransportConfig, VarInt,
};
use socket2::{Domain, Protocol, Socket, Type};

use super::dialer::unreachable;
use super::link::Link;
use super::race::first_of;
use crate::endpoint::Endpoint;

/// Unread bytes the server may have on the way to us: four of the largest frames.
const WINDOW: u32 = 1024 * 1024;
/// Bytes on the way to the server before the writer waits.
const SEND_WINDOW: u64 = FRAME_MAX_BYTES as u64;
/// QUIC's numbers for what TLS says: this and the alert (RFC 9001, section 4.8).
const TLS_ALERT: u64 = 0x100;

/// Opens links over QUIC; cheap to clone. All clones share one socket, which is opened with the first link.
#[derive(Clone)]
pub(super) struct Quic {
    config: ClientConfig,
    socket: Arc<Mutex<Option<quinn::Endpoint>>>,
}

impl Quic {
    /// With these TLS settings.
    ///
    /// # Errors
    /// `CONFIG_INVALID` when they allow no cipher suite that QUIC begins with.
    pub(super) fn new(tls: Arc<rustls::ClientConfig>) -> Result<Self, Refusal> {
        let tls = QuicClientConfig::try_from(tls).map_err(|error| {
            Refusal::because(ErrorCode::ConfigInvalid, format!("QUIC cannot be set up: {error}"))
        })?;
        let mut transport = TransportConfig::default();
        // Heartbeats decide when a connection is dead, and only they speak when nobody else does.
        transport
            .max_idle_timeout(None)
            .keep_alive_interval(None)
            // The search for a larger packet costs kilobytes with each connection, and on a path of less than 1,452 bytes
            // again every ten minutes; what people say fits into the least that every path carries.
            .mtu_discovery_config(None)
            .max_concurrent_bidi_streams(VarInt::from_u32(0))
            .max_concurrent_uni_streams(VarInt::from_u32(0))
            .stream_receive_window(VarInt::from_u32(WINDOW))
            .receive_window(VarInt::from_u32(WINDOW))
            .send_window(SEND_WINDOW)
            .datagram_receive_buffer_size(None);
        let mut config = ClientConfig::new(Arc::new(tls));
        config.transport_config(Arc::new(transport));
        Ok(Self { config, socket: Arc::default() })
    }

    /// Opens a link: handshake, and the one stream.
    ///
    /// # Errors
    /// As for the dialer; the time is the caller's to limit.
    pub(super) async fn open(&self, endpoint: &Endpoint) -> Result<Link, Refusal> {
        let addresses = tokio::net::lookup_host((endpoint.host.as_str(), endpoint.port))
            .await
            .map_err(|error| unreachable(endpoint, error))?;
        let ways = addresses.map(|address| self.connect(endpoint, address)).collect();
        first_of(ways).await.map(|(_, link)| link)
    }

    async fn connect(&self, endpoint: &Endpoint, to: SocketAddr) -> Result<Link, Refusal> {
        let socket = self.socket().map_err(|error| unreachable(endpoint, error))?;
        let connecting = socket
            .connect_with(self.config.clone(), to, &endpoint.host)
            .map_err(|error| self.cannot_connect(endpoint, error))?;
        let connection = connecting.await.map_err(|error| refused(endpoint, &error))?;
        let (send, receive) =
            connection.open_bi().await.map_err(|error| refused(endpoint, &error))?;
        Ok(Link::over_quic(receive, send))
    }

    fn cannot_connect(&self, endpoint: &Endpoint, error: ConnectError) -> Refusal {
        match error {
            ConnectError::InvalidServerName(name) => {
                Refusal::because(ErrorCode::ConfigInvalid, format!("'{name}' is no host name"))
            }
            error => {
                // The socket may have failed: the next attempt takes another.
                self.socket.lock().take();
                unreachable(endpoint, error)
            }
        }
    }

    fn socket(&self) -> io::Result<quinn::Endpoint> {
        let mut socket = self.socket.lock();
        if let Some(socket) = &*socket {
            return Ok(socket.clone());
        }
        let (config, runtime) = (EndpointConfig::default(), Arc::new(quinn::TokioRuntime));
        let opened = quinn::Endpoint::new(config, None, bind()?, runtime)?;
        *socket = Some(opened.clone());
        Ok(opened)
    }

    /// The connections go on from another socket, and say so to their servers at once.
    pub(super) fn move_on(&self) {
        let Some(socket) = self.socket.lock().clone() else { return };
        if let Err(error) = bind().and_then(|bound| socket.rebind(bound)) {
            tracing::warn!(%error, "no socket on the new network; the old one is kept");
        }
    }
}

/// A socket that reaches IPv6 and IPv4 addresses, or on a machine without IPv6 only those.
fn bind() -> io::Result<UdpSocket> {
    let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
    let both = Socket::new(Domain::IPV6, Type::DGRAM, Some(Protocol::UDP)).and_then(|socket| {
        socket.set_only_v6(false)?;
        socket.bind(&any.into())?;
        Ok(socket.into())
    });
    both.or_else(|_| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)))
}

/// What the server's last word on a connection says of this client's certificate.
pub(super) fn refusal_in(error: &io::Error) -> Option<Refusal> {
    match error.get_ref()?.downcast_ref::<ReadError>()? {
        ReadError::ConnectionLost(lost) => refused_client(lost),
        _ => None,
    }
}

fn refused_client(error: &ConnectionError) -> Option<Refusal> {
    let ConnectionError::ConnectionClosed(close) = error else { return None };
    let alert = u64::from(close.error_code).checked_sub(TLS_ALERT)?;
    refused_client_by_alert(u8::try_from(alert).ok()?)
}

fn refused(endpoint: &Endpoint, error: &ConnectionError) -> Refusal {
    let certificate = match error {
        ConnectionError::TransportError(error) => u64::from(error.code)
            .checked_sub(TLS_ALERT)
            .and_then(|alert| refused_by_alert(u8::try_from(alert).ok()?, &error.reason)),
        // The server's alerts.
        other => refused_client(other),
    };
    certificate.unwrap_or_else(|| unreachable(endpoint, format!("QUIC: {error}")))
}
