//! A socket that fails in the middle: its door opens again at the same address.
#![allow(clippy::unwrap_used)]

use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use arc_swap::ArcSwap;
use quinn::crypto::rustls::QuicClientConfig;
use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, ClientConfig, Endpoint, Runtime, TokioRuntime, UdpPoller};

use super::Door;
use super::settings::Present;
use crate::conn::Settings;

/// A socket that fails from when it is told to.
#[derive(Debug)]
struct Failing {
    socket: Arc<dyn AsyncUdpSocket>,
    fails: Arc<AtomicBool>,
}

impl AsyncUdpSocket for Failing {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Arc::clone(&self.socket).create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.socket.try_send(transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        if self.fails.load(Ordering::Relaxed) {
            return Poll::Ready(Err(io::Error::other("the network is gone")));
        }
        self.socket.poll_recv(cx, bufs, meta)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}

/// A listener's settings, and those of a client that trusts it.
fn both_sides() -> (Present, ClientConfig) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = made.signing_key.serialize_der().try_into().unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let server = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).unwrap();
    let mut client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    client.alpn_protocols = vec![b"anser/1".to_vec()];
    let client = ClientConfig::new(Arc::new(QuicClientConfig::try_from(client).unwrap()));
    let source = Arc::new(ArcSwap::from_pointee(server));
    (Present::new(source, None, &Settings::default()).unwrap(), client)
}

#[tokio::test]
async fn a_listener_whose_socket_fails_is_opened_again_at_the_same_address() {
    let (mut present, client_config) = both_sides();
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap();
    let fails = Arc::new(AtomicBool::new(false));
    let failing = Failing {
        socket: TokioRuntime.wrap_udp_socket(socket).unwrap(),
        fails: Arc::clone(&fails),
    };
    let server = quinn::ServerConfig::clone(&present.config());
    let endpoint = Endpoint::new_with_abstract_socket(
        present.endpoint(),
        Some(server),
        Arc::new(failing),
        Arc::new(TokioRuntime),
    );
    let mut door = Door { present, address, endpoint: Some(endpoint.unwrap()) };

    let mut client = Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    client.set_default_client_config(client_config);
    let connecting = client.connect(address, "localhost").unwrap();
    let serving = async { door.next().await.accept().unwrap().await };
    let (served, connected) = tokio::join!(serving, connecting);
    let (served, _connected) = (served.unwrap(), connected.unwrap());

    fails.store(true, Ordering::Relaxed);
    // Its first packet meets the failure, its next one the door that is open again.
    let connecting = client.connect(address, "localhost").unwrap();
    let serving = async {
        let _ended = served.closed().await;
        drop(served);
    };
    let coming = async { door.next().await.accept().unwrap().await };
    let ((), served, connected) = tokio::join!(serving, coming, connecting);
    assert_eq!(connected.unwrap().remote_address(), address);
    drop(served);
}
