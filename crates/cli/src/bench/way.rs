//! How a light client reaches the server: plain, with TLS or by QUIC, from so many addresses of this machine that its ports suffice.

use std::future::poll_fn;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs as _};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::{cell::RefCell, io};

use anser_sdk::{CertificatePin, Trust};
use anyhow::{Context, Result};
use bytes::Bytes;
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, TransportConfig};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;

use super::options::Transport;

/// Connections from one source address: Linux gives out some 28,000 ports.
const PER_ADDRESS: u32 = 20_000;

/// An open connection.
pub trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// See the module's head. Cheap to clone.
#[derive(Clone)]
pub struct Way {
    address: SocketAddr,
    how: How,
}

#[derive(Clone)]
enum How {
    Plain,
    Tls(TlsConnector),
    /// All connections share a socket, which is opened with the first.
    Quic(ClientConfig, Arc<OnceLock<quinn::Endpoint>>),
}

impl Way {
    /// To a listener for plain TCP.
    pub fn plain(address: &str) -> Result<Self> {
        let found = address.to_socket_addrs().with_context(|| format!("cannot find {address}"))?;
        let address = { found }.next().with_context(|| format!("{address} has no address"))?;
        Ok(Self { address, how: How::Plain })
    }

    /// To a listener for TLS whose certificate has this pin. Sessions are not resumed: each connection pays in full.
    pub fn tls(address: &str, pin: CertificatePin) -> Result<Self> {
        let how = How::Tls(TlsConnector::from(Arc::new(tls_config(pin)?)));
        Ok(Self { how, ..Self::plain(address)? })
    }

    /// To a listener for QUIC whose certificate has this pin. Sessions are not resumed either.
    pub fn quic(address: &str, pin: CertificatePin) -> Result<Self> {
        let mut transport = TransportConfig::default();
        // As for every client: heartbeats decide when a connection is dead.
        transport.max_idle_timeout(None).keep_alive_interval(None);
        let mut config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls_config(pin)?)?));
        config.transport_config(Arc::new(transport));
        Ok(Self { how: How::Quic(config, Arc::default()), ..Self::plain(address)? })
    }

    /// The same way for another thread, which has a socket of its own.
    pub fn apart(&self) -> Self {
        let how = match &self.how {
            How::Quic(config, _) => How::Quic(config.clone(), Arc::default()),
            how => how.clone(),
        };
        Self { address: self.address, how }
    }

    /// Where it leads.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What is spoken on it.
    pub const fn transport(&self) -> Transport {
        match self.how {
            How::Plain => Transport::Plain,
            How::Tls(_) => Transport::Tls,
            How::Quic(..) => Transport::Quic,
        }
    }

    /// Opens a connection for the client with this number.
    pub async fn open(&self, client: u32) -> io::Result<Box<dyn Stream>> {
        match &self.how {
            How::Plain => Ok(Box::new(self.connect(client).await?)),
            How::Tls(tls) => {
                let name = ServerName::IpAddress(self.address.ip().into());
                Ok(Box::new(tls.connect(name, self.connect(client).await?).await?))
            }
            How::Quic(config, socket) => {
                if socket.get().is_none() {
                    let opened = quinn::Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0)))?;
                    // Only this thread opens it.
                    let _first = socket.set(opened);
                }
                let Some(socket) = socket.get() else { return Err(io::ErrorKind::Other.into()) };
                let name = self.address.ip().to_string();
                let connecting = socket.connect_with(config.clone(), self.address, &name);
                let connection = connecting.map_err(io::Error::other)?.await?;
                let (send, receive) = connection.open_bi().await?;
                Ok(Box::new(tokio::io::join(receive, send)))
            }
        }
    }

    async fn connect(&self, client: u32) -> io::Result<TcpStream> {
        let socket = match self.address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        if self.address.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST) && client >= PER_ADDRESS {
            let last = u8::try_from(1 + client / PER_ADDRESS).unwrap_or(u8::MAX);
            socket.bind(SocketAddr::from(([127, 0, 0, last], 0)))?;
        }
        let stream = socket.connect(self.address).await?;
        // Small frames must leave at once; a socket that refuses the option still works.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
        Ok(stream)
    }
}

fn tls_config(pin: CertificatePin) -> Result<rustls::ClientConfig> {
    let mut config = Trust::Pinned(vec![pin]).tls_config(&[b"anser/1"])?;
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}

thread_local! {
    /// One buffer for all connections of the fleet: what is read is copied out before the next one is read.
    static READ_BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; 64 * 1024]);
}

/// What comes next; empty at the end. Never ends without a connection.
pub async fn read(stream: Option<&mut Box<dyn Stream>>) -> io::Result<Bytes> {
    let Some(stream) = stream else { return std::future::pending().await };
    poll_fn(|cx| {
        READ_BUFFER.with_borrow_mut(|buffer| {
            let mut space = ReadBuf::new(buffer);
            match Pin::new(&mut *stream).poll_read(cx, &mut space) {
                Poll::Ready(Ok(())) => Poll::Ready(Ok(Bytes::copy_from_slice(space.filled()))),
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                Poll::Pending => Poll::Pending,
            }
        })
    })
    .await
}
