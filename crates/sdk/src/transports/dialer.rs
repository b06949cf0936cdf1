//! Opens links: resolves, connects, makes TLS, upgrades to WebSocket; every failure becomes a catalogued refusal.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use anser_trust::refused_certificate;
use anser_types::{ErrorCode, Refusal};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::link::Link;
use super::quic::Quic;
use super::race::first_of;
use super::web_socket;
use crate::endpoint::{Endpoint, Scheme};
use crate::tls::TlsTerms;

/// ALPN name of the protocol; a listener that serves several protocols tells them apart by it.
const ALPN: &[u8] = b"anser/1";
/// A WebSocket begins as an HTTP/1.1 request.
const ALPN_HTTP: &[u8] = b"http/1.1";
/// Time for address, connection, TLS and upgrade together; a bad mobile link needs several seconds for them.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// Opens links with one trust setting; cheap to clone. TLS sessions are resumed across links of one dialer.
#[derive(Clone)]
pub struct Dialer {
    session_tls: TlsConnector,
    http_tls: TlsConnector,
    quic: Quic,
    allow_plaintext: bool,
}

impl Dialer {
    /// A dialer that trusts certificates and shows its own on these terms.
    ///
    /// # Errors
    /// See [`TlsTerms::config`].
    pub fn new(tls: impl Into<TlsTerms>, allow_plaintext: bool) -> Result<Self, Refusal> {
        let tls = tls.into();
        let session = Arc::new(tls.config(&[ALPN])?);
        let http = Arc::new(tls.config(&[ALPN_HTTP])?);
        Ok(Self {
            quic: Quic::new(Arc::clone(&session))?,
            session_tls: TlsConnector::from(session),
            http_tls: TlsConnector::from(http),
            allow_plaintext,
        })
    }

    /// Opens a link to an endpoint within 15 seconds.
    ///
    /// # Errors
    /// `CONFIG_INVALID` for a plain endpoint on another machine, `CERTIFICATE_REFUSED`, `CLIENT_CERTIFICATE_REFUSED` (which
    /// TLS 1.3 often tells only when the link is read: [`refusal_in`](super::link::refusal_in)), `UNREACHABLE` with what
    /// exactly failed.
    pub async fn open(&self, endpoint: &Endpoint) -> Result<Link, Refusal> {
        endpoint.require_private(self.allow_plaintext)?;
        match tokio::time::timeout(CONNECT_TIMEOUT, self.connect(endpoint)).await {
            Ok(link) => link,
            Err(_) => Err(unreachable(endpoint, "no answer within 15 seconds")),
        }
    }

    /// Opens a link to one server by the first of several ways that is ready, and says which it was. Each way begins 250 ms
    /// after the one before, or as soon as that has failed; those that were not taken are given up.
    ///
    /// # Errors
    /// As [`Self::open`] when none opens: a refused certificate if there was one, else what came of the first.
    pub async fn open_first(&self, endpoints: &[Endpoint]) -> Result<(usize, Link), Refusal> {
        first_of(endpoints.iter().map(|endpoint| self.open(endpoint)).collect()).await
    }

    /// The device is on another network: connections over QUIC go on there.
    pub fn network_changed(&self) {
        self.quic.move_on();
    }

    async fn connect(&self, endpoint: &Endpoint) -> Result<Link, Refusal> {
        match endpoint.scheme {
            Scheme::Quic => self.quic.open(endpoint).await,
            Scheme::Tcp => Ok(Link::over_stream(self.tcp(endpoint).await?)),
            Scheme::Tls => {
                let tcp = self.tcp(endpoint).await?;
                Ok(Link::over_stream(secure(&self.session_tls, tcp, endpoint).await?))
            }
            Scheme::Ws => upgrade(Box::new(self.tcp(endpoint).await?), endpoint).await,
            Scheme::Wss => {
                let tcp = self.tcp(endpoint).await?;
                let stream = secure(&self.http_tls, tcp, endpoint).await?;
                upgrade(Box::new(stream), endpoint).await
            }
        }
    }

    async fn tcp(&self, endpoint: &Endpoint) -> Result<TcpStream, Refusal> {
        let tcp = TcpStream::connect((endpoint.host.as_str(), endpoint.port))
            .await
            .map_err(|error| unreachable(endpoint, error))?;
        // A name may point anywhere: what counts is where the bytes go.
        let beyond = tcp.peer_addr().is_ok_and(|peer| !peer.ip().is_loopback());
        if beyond && !endpoint.scheme.is_encrypted() && !self.allow_plaintext {
            return Err(Refusal::because(
                ErrorCode::ConfigInvalid,
                format!("{endpoint} leads to another machine, unencrypted; use TLS"),
            ));
        }
        // Frames are small and complete: waiting to join them only adds latency.
        tcp.set_nodelay(true).map_err(|error| unreachable(endpoint, error))?;
        Ok(tcp)
    }
}

impl std::fmt::Debug for Dialer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dialer")
            .field("allow_plaintext", &self.allow_plaintext)
            .finish_non_exhaustive()
    }
}

async fn secure(
    connector: &TlsConnector,
    tcp: TcpStream,
    endpoint: &Endpoint,
) -> Result<TlsStream<TcpStream>, Refusal> {
    let name = ServerName::try_from(endpoint.host.clone()).map_err(|_| {
        Refusal::because(ErrorCode::ConfigInvalid, format!("'{}' is no host name", endpoint.host))
    })?;
    connector.connect(name, tcp).await.map_err(|error: io::Error| {
        refused_certificate(&error)
            .unwrap_or_else(|| unreachable(endpoint, format!("TLS: {error}")))
    })
}

async fn upgrade(
    stream: Box<dyn web_socket::Stream>,
    endpoint: &Endpoint,
) -> Result<Link, Refusal> {
    web_socket::upgrade(stream, endpoint).await.map_err(|error| {
        refused_certificate(&error)
            .unwrap_or_else(|| unreachable(endpoint, format!("WebSocket: {error}")))
    })
}

pub(super) fn unreachable(endpoint: &Endpoint, why: impl std::fmt::Display) -> Refusal {
    Refusal::because(ErrorCode::Unreachable, format!("{endpoint}: {why}"))
}
