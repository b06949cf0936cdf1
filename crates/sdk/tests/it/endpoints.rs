//! Endpoint URLs, and that nothing secret travels unencrypted.

use anser_sdk::types::ErrorCode;
use anser_sdk::{Client, Endpoint, SecretString};
use tempfile::tempdir;

use crate::world::{World, id};

fn endpoint(text: &str) -> Endpoint {
    text.parse().unwrap()
}

#[test]
fn endpoints_are_read_and_written() {
    for (text, shown) in [
        ("tcp://127.0.0.1:7410", "tcp://127.0.0.1:7410"),
        ("tls://chat.example.org", "tls://chat.example.org:7411"),
        ("quic://chat.example.org", "quic://chat.example.org:7411"),
        ("ws://localhost:1", "ws://localhost:1/v1/ws"),
        ("wss://chat.example.org/v1/ws", "wss://chat.example.org:7443/v1/ws"),
        ("tcp://[::1]:9", "tcp://[::1]:9"),
    ] {
        assert_eq!(endpoint(text).to_string(), shown);
    }
    assert_eq!(endpoint("wss://h:1").http_base().unwrap(), "https://h:1");
    for wrong in [
        "",
        "h:1",
        "http://h",
        "tcp://",
        "tcp://h:0",
        "tcp://h:x",
        "tls://h/path",
        "quic://h/path",
        "tcp://a:b:c",
    ] {
        let refusal = wrong.parse::<Endpoint>().unwrap_err();
        assert_eq!(refusal.code, ErrorCode::ConfigInvalid, "{wrong}");
    }
}

#[test]
fn plain_endpoints_stay_on_this_machine() {
    assert!(endpoint("tcp://127.0.0.1:1").require_private(false).is_ok());
    assert!(endpoint("ws://localhost:1").require_private(false).is_ok());
    assert!(endpoint("tls://chat.example.org").require_private(false).is_ok());
    assert!(endpoint("quic://chat.example.org").require_private(false).is_ok());
    let refusal = endpoint("tcp://chat.example.org").require_private(false).unwrap_err();
    assert!(refusal.detail.contains("use tls://"), "{}", refusal.detail);
    assert!(endpoint("tcp://chat.example.org").require_private(true).is_ok());
}

#[tokio::test]
async fn passwords_are_not_sent_unencrypted_to_another_machine() {
    let store = tempdir().unwrap();
    let error = Client::builder()
        .endpoint(endpoint("wss://chat.example.org"))
        .http("http://chat.example.org")
        .store_directory(store.path())
        .login_with_password(id("alice"), SecretString::from("a password"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigInvalid);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let mut world = World::new();
    let store = tempdir().unwrap();
    let alice = world.device("alice").await;
    world.kill();
    let client = world
        .builder(anser_gateway::ListenerKind::Tcp, store.path())
        .login_as(alice)
        .await
        .unwrap();
    let mut events = client.events();
    let reason = crate::world::until(&mut events, |event| match event {
        anser_sdk::Event::Disconnected { reason, retry_in: Some(_) } => Some(reason.clone()),
        _ => None,
    })
    .await;
    assert!(reason.to_string().contains("127.0.0.1"), "{reason}");
}
