//! Behind a reverse proxy: everybody is counted by the address they really come from, and nobody can choose one.

use anser_gateway::{Gateway, GatewayConfig, ListenerKind, Proxies, ProxyHeader};
use anser_types::ErrorCode;
use axum::http::HeaderValue;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, http::StatusCode};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::api::{Response, request};
use crate::world::{World, address};

fn trusting(world: &World, proxies: &str) -> GatewayConfig {
    let mut config = world.config(&[ListenerKind::Http]);
    config.proxies = Proxies::new(proxies, ProxyHeader::XForwardedFor).unwrap();
    config
}

async fn sign_in(gateway: &Gateway, forwarded_for: &str) -> Response {
    let at = address(gateway, ListenerKind::Http);
    let headers = format!("x-forwarded-for: {forwarded_for}\r\n");
    let body = r#"{"user": "nobody", "password": "correct horse", "device_class": "phone"}"#;
    request(at, "POST", "/v1/sign-in", &headers, body).await
}

#[tokio::test]
async fn sign_ins_through_a_trusted_proxy_are_counted_by_client() {
    let world = World::new();
    let mut config = trusting(&world, "127.0.0.0/8");
    config.sign_ins_per_minute = 2;
    let gateway = world.start(config);
    for client in ["198.51.100.1", "2001:db8::1"] {
        for _ in 0..2 {
            sign_in(&gateway, client).await.is_problem(401, ErrorCode::WrongCredentials);
        }
        sign_in(&gateway, client).await.is_problem(429, ErrorCode::RateLimited);
        let disguised = format!("203.0.113.77, {client}");
        sign_in(&gateway, &disguised).await.is_problem(429, ErrorCode::RateLimited);
    }
}

#[tokio::test]
async fn nobody_else_can_choose_an_address() {
    let world = World::new();
    for proxies in ["", "10.0.0.0/8"] {
        let mut config = trusting(&world, proxies);
        config.sign_ins_per_minute = 1;
        let gateway = world.start(config);
        sign_in(&gateway, "198.51.100.1").await.is_problem(401, ErrorCode::WrongCredentials);
        sign_in(&gateway, "198.51.100.2").await.is_problem(429, ErrorCode::RateLimited);
    }
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn browser(gateway: &Gateway, client: &str) -> Result<Socket, StatusCode> {
    let url = format!("ws://{}/v1/ws", address(gateway, ListenerKind::Http));
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("x-forwarded-for", HeaderValue::from_str(client).unwrap());
    match connect_async(request).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(response)) => Err(response.status()),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn places_behind_a_trusted_proxy_are_counted_by_client() {
    let world = World::new();
    let mut config = trusting(&world, "127.0.0.1");
    config.connections_per_address = 1;
    let gateway = world.start(config);
    let first = browser(&gateway, "198.51.100.1").await.unwrap();
    let full = browser(&gateway, "198.51.100.1").await.err();
    assert_eq!(full, Some(StatusCode::SERVICE_UNAVAILABLE));
    browser(&gateway, "198.51.100.2").await.unwrap();
    drop(first);
    // The server notices at its own time.
    while browser(&gateway, "198.51.100.1").await.is_err() {}
}

#[tokio::test]
async fn a_proxy_itself_may_take_every_place() {
    let world = World::new();
    for (proxies, all_fit) in [("127.0.0.1", true), ("10.0.0.1", false)] {
        let mut config = trusting(&world, proxies);
        config.connections_per_address = 1;
        config.loopback_is_exempt = false;
        let gateway = world.start(config);
        let _first = browser(&gateway, "198.51.100.1").await.unwrap();
        let at = address(&gateway, ListenerKind::Http);
        let second = request(at, "GET", "/healthz", "", "").await;
        assert_eq!(second.status, if all_fit { 200 } else { 503 }, "{}", second.body);
    }
}
