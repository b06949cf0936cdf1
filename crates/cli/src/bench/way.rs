//! How a light client reaches the server: plain or with TLS, from so many addresses of this machine that its ports suffice.

use std::future::poll_fn;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs as _};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::{cell::RefCell, io};

use anser_sdk::{CertificatePin, Trust};
use anyhow::{Context, Result};
use bytes::Bytes;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpSocket;
use tokio_rustls::TlsConnector;

/// Connections from one source address: Linux gives out some 28,000 ports.
const PER_ADDRESS: u32 = 20_000;

/// An open connection.
pub trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// See the module's head. Cheap to clone.
#[derive(Clone)]
pub struct Way {
    address: SocketAddr,
    tls: Option<TlsConnector>,
}

impl Way {
    /// To a listener for plain TCP.
    pub fn plain(address: &str) -> Result<Self> {
        let found = address.to_socket_addrs().with_context(|| format!("cannot find {address}"))?;
        let address = { found }.next().with_context(|| format!("{address} has no address"))?;
        Ok(Self { address, tls: None })
    }

    /// To a listener for TLS whose certificate has this pin. Sessions are not resumed: each connection pays in full.
    pub fn tls(address: &str, pin: CertificatePin) -> Result<Self> {
        let mut config = Trust::Pinned(vec![pin]).tls_config(&[b"anser/1"])?;
        config.resumption = rustls::client::Resumption::disabled();
        let tls = Some(TlsConnector::from(Arc::new(config)));
        Ok(Self { tls, ..Self::plain(address)? })
    }

    /// Where it leads.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it is encrypted.
    pub const fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Opens a connection for the client with this number.
    pub async fn open(&self, client: u32) -> io::Result<Box<dyn Stream>> {
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
        match &self.tls {
            None => Ok(Box::new(stream)),
            Some(tls) => {
                let name = ServerName::IpAddress(self.address.ip().into());
                Ok(Box::new(tls.connect(name, stream).await?))
            }
        }
    }
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
