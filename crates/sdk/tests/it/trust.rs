//! Which certificates are accepted (requirement K1).

use std::net::SocketAddr;

use anser_gateway::ListenerKind;
use anser_sdk::http::{AccountClient, HttpConnection};
use anser_sdk::transports::Dialer;
use anser_sdk::types::ErrorCode;
use anser_sdk::{CertificatePin, Client, Endpoint, SecretString, Trust};
use tempfile::tempdir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::world::{World, soon};

fn endpoint(world: &World, kind: ListenerKind) -> Endpoint {
    world.url(kind).parse().unwrap()
}

#[tokio::test]
async fn requirement_k1_the_pinned_certificate_is_accepted() {
    let world = World::new();
    let dialer = Dialer::new(&Trust::Pinned(vec![world.pin()]), false).unwrap();
    for kind in [ListenerKind::Tls, ListenerKind::Quic, ListenerKind::Https] {
        dialer.open(&endpoint(&world, kind)).await.unwrap();
    }
}

#[tokio::test]
async fn requirement_k1_another_certificate_is_refused() {
    let world = World::new();
    let expected = CertificatePin([7; 32]);
    let dialer = Dialer::new(&Trust::Pinned(vec![expected]), false).unwrap();
    for kind in [ListenerKind::Tls, ListenerKind::Quic, ListenerKind::Https] {
        let refusal = dialer.open(&endpoint(&world, kind)).await.unwrap_err();
        assert_eq!(refusal.code, ErrorCode::CertificateRefused);
        assert!(refusal.detail.contains(&world.pin().to_string()), "{}", refusal.detail);
        assert!(refusal.detail.contains(&expected.to_string()), "{}", refusal.detail);
    }
}

#[tokio::test]
async fn requirement_k1_a_certificate_nobody_vouches_for_is_refused() {
    let world = World::new();
    let dialer = Dialer::new(&Trust::System, false).unwrap();
    for kind in [ListenerKind::Tls, ListenerKind::Quic] {
        let refusal = dialer.open(&endpoint(&world, kind)).await.unwrap_err();
        assert_eq!(refusal.code, ErrorCode::CertificateRefused);
        assert!(refusal.detail.contains("trusted by its pin"), "{}", refusal.detail);
    }
}

#[tokio::test]
async fn requirement_k1_http_obeys_the_same_trust() {
    let world = World::new();
    let base = format!("https://{}", world.address(ListenerKind::Https));
    let token = SecretString::from("no token");
    let renew = async |pin: CertificatePin| {
        let connection = HttpConnection::new(&base, &Trust::Pinned(vec![pin]), false).unwrap();
        AccountClient::new(connection).renew(&token).await.unwrap_err().code
    };
    assert_eq!(renew(world.pin()).await, ErrorCode::TokenInvalid);
    assert_eq!(renew(CertificatePin([1; 32])).await, ErrorCode::CertificateRefused);
}

#[test]
fn pins_are_read_with_and_without_colons() {
    let pin = CertificatePin([0xab; 32]);
    let plain = pin.to_string();
    assert_eq!(plain.parse::<CertificatePin>().unwrap(), pin);
    let colons = vec!["AB"; 32].join(":");
    assert_eq!(colons.parse::<CertificatePin>().unwrap(), pin);
    assert_eq!("abc".parse::<CertificatePin>().unwrap_err().code, ErrorCode::ConfigInvalid);
}

#[tokio::test]
async fn a_client_that_sees_another_certificate_says_so() {
    let world = World::new();
    let store = tempdir().unwrap();
    let device = world.device("alice").await;
    let client = Client::builder()
        .endpoint(endpoint(&world, ListenerKind::Tls))
        .trust(Trust::Pinned(vec![CertificatePin([7; 32])]))
        .store_directory(store.path())
        .login_as(device)
        .await
        .unwrap();
    let error = soon(client.wait_connected()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::CertificateRefused);
}

/// A way to the server that counts what each connection brought back.
async fn counting_way(to: SocketAddr) -> (SocketAddr, mpsc::Receiver<u64>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let here = listener.local_addr().unwrap();
    let (tell, counted) = mpsc::channel(16);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut server = TcpStream::connect(to).await.unwrap();
            let tell = tell.clone();
            tokio::spawn(async move {
                let (_, back) = copy_bidirectional(&mut client, &mut server).await.unwrap();
                // The test may be over.
                let _over = tell.send(back).await;
            });
        }
    });
    (here, counted)
}

#[tokio::test]
async fn requirement_e8_who_comes_back_resumes_tls_and_is_sent_no_certificate() {
    let world = World::new();
    let (way, mut counted) = counting_way(world.address(ListenerKind::Tls)).await;
    let store = tempdir().unwrap();
    let builder = world.builder_at(&format!("tls://{way}"), store.path());
    let alice = builder.login_with(world.devices("alice")).await.unwrap();
    soon(alice.wait_synced()).await.unwrap();
    alice.go_offline().await.unwrap();
    let first = soon(counted.recv()).await.unwrap();
    alice.go_online().await.unwrap();
    soon(alice.wait_synced()).await.unwrap();
    alice.go_offline().await.unwrap();
    let second = soon(counted.recv()).await.unwrap();
    let certificate = world.certificate_bytes();
    assert!(second + certificate < first, "{second} after {first}, certificate {certificate}");
}
