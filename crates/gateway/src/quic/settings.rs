//! How QUIC connections behave: TLS 1.3 with the server's certificate, one stream, small windows, no early data.

use std::{net::SocketAddr, net::UdpSocket, sync::Arc, time::Duration};

use anser_types::limits::{FRAME_MAX_BYTES, HELLO_MAX_BYTES, OUTBOUND_MAX_BYTES};
use quinn::crypto::rustls::{NoInitialCipherSuite, QuicServerConfig};
use quinn::{
    ConnectionId, ConnectionIdGenerator, Endpoint, EndpointConfig, IdleTimeout, ServerConfig,
    TransportConfig, VarInt,
};

use crate::config::{ListenerKind, TlsSource};
use crate::conn::Settings;

use super::reset_key::ResetKey;

/// Unread bytes a stranger may make the server hold: a Hello fits several times.
const STRANGER_WINDOW: VarInt = window(4 * HELLO_MAX_BYTES);
/// Unread bytes of an open session: a frame. The stream may have them from the start, but the connection's window counts.
pub(crate) const SESSION_WINDOW: VarInt = window(FRAME_MAX_BYTES);
/// Bytes that wait for the other side's acknowledgement before the actor's own budget fills.
const SEND_WINDOW: u64 = OUTBOUND_MAX_BYTES as u64 / 2;
/// Connections that came and have not been looked at; more are refused.
const WAITING: usize = 4_096;
/// Bytes kept of each of those beside its first packet: the rest of a large ClientHello.
const WAITING_BYTES: u64 = 8 * 1024;
/// Bytes kept of all of them together.
const WAITING_BYTES_IN_ALL: u64 = 4 * 1024 * 1024;
/// What the system may hold for us of a burst. All connections share one socket; the system may give less.
const SOCKET_BYTES: usize = 4 * 1024 * 1024;

/// Bytes that name a connection.
const NAME_BYTES: usize = 8;
/// Between two answers to packets of connections that are not known: 5,000 a second, somewhat more than sessions are let in
/// at. An answer is smaller than what it answers, and costs no more than reading it.
const RESET_EVERY: Duration = Duration::from_micros(200);

/// The settings of a listener, and the certificate they were made with.
pub(super) struct Present {
    source: TlsSource,
    reset_key: Option<ResetKey>,
    tls: Arc<rustls::ServerConfig>,
    config: Arc<ServerConfig>,
}

impl Present {
    /// With the certificate of this moment.
    ///
    /// # Errors
    /// The certificate's settings allow no cipher suite that QUIC begins with.
    pub(super) fn new(
        source: TlsSource,
        reset_key: Option<ResetKey>,
        connection: &Settings,
    ) -> Result<Self, NoInitialCipherSuite> {
        let tls = source.load_full();
        let mut config = ServerConfig::with_crypto(crypto(&tls)?);
        config
            .transport_config(Arc::new(transport(connection)))
            .max_incoming(WAITING)
            .incoming_buffer_size(WAITING_BYTES)
            .incoming_buffer_size_total(WAITING_BYTES_IN_ALL);
        Ok(Self { source, reset_key, tls, config: Arc::new(config) })
    }

    /// The settings for a handshake that begins now: a certificate that was replaced is used at once.
    pub(super) fn config(&mut self) -> Arc<ServerConfig> {
        let tls = self.source.load_full();
        if !Arc::ptr_eq(&tls, &self.tls) {
            match crypto(&tls) {
                Ok(crypto) => {
                    // The key of address tokens stays: those that are on their way stay good.
                    let mut config = ServerConfig::clone(&self.config);
                    config.crypto = crypto;
                    self.config = Arc::new(config);
                }
                Err(error) => tracing::error!(%error, "QUIC goes on with the old certificate"),
            }
            self.tls = tls;
        }
        Arc::clone(&self.config)
    }

    /// Takes the address.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn bind(&self, address: SocketAddr) -> std::io::Result<Endpoint> {
        let socket = UdpSocket::bind(address)?;
        let buffers = socket2::SockRef::from(&socket);
        buffers.set_recv_buffer_size(SOCKET_BYTES)?;
        buffers.set_send_buffer_size(SOCKET_BYTES)?;
        let server = Some(ServerConfig::clone(&self.config));
        Endpoint::new(self.endpoint(), server, socket, Arc::new(quinn::TokioRuntime))
    }

    pub(super) fn endpoint(&self) -> EndpointConfig {
        let mut config = match &self.reset_key {
            Some(key) => EndpointConfig::new(Arc::clone(&key.0) as _),
            None => EndpointConfig::default(),
        };
        config.cid_generator(|| Box::new(Names)).min_reset_interval(RESET_EVERY);
        config
    }
}

/// Names of connections, at random. None is given twice, not even by the next process: whoever had a connection of this
/// name could end another one of it.
struct Names;

impl ConnectionIdGenerator for Names {
    fn generate_cid(&mut self) -> ConnectionId {
        ConnectionId::new(&rand::random::<[u8; NAME_BYTES]>())
    }

    fn cid_len(&self) -> usize {
        NAME_BYTES
    }

    fn cid_lifetime(&self) -> Option<Duration> {
        None
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the limits are far below")]
const fn window(bytes: usize) -> VarInt {
    VarInt::from_u32(bytes as u32)
}

fn crypto(tls: &rustls::ServerConfig) -> Result<Arc<QuicServerConfig>, NoInitialCipherSuite> {
    let mut tls = tls.clone();
    tls.alpn_protocols = vec![ListenerKind::Quic.alpn().to_vec()];
    // A Hello must not be repeated by whoever recorded it.
    tls.max_early_data_size = 0;
    tls.send_half_rtt_data = false;
    QuicServerConfig::try_from(tls).map(Arc::new)
}

fn transport(connection: &Settings) -> TransportConfig {
    let mut transport = TransportConfig::default();
    // The actor decides when silence means death; QUIC must not be quicker, and says nothing by itself.
    let idle = connection.longest_silence() + connection.half_open;
    transport
        .max_idle_timeout(Some(IdleTimeout::try_from(idle).unwrap_or(VarInt::MAX.into())))
        .keep_alive_interval(None)
        // Looking for larger packets would cost a phone more than they save: see the client's settings.
        .mtu_discovery_config(None)
        .max_concurrent_bidi_streams(VarInt::from_u32(1))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(SESSION_WINDOW)
        .receive_window(STRANGER_WINDOW)
        .send_window(SEND_WINDOW)
        .datagram_receive_buffer_size(None);
    transport
}
