//! Accounts over HTTP, health, and errors as problem documents.

use std::net::SocketAddr;

use anser_gateway::ListenerKind;
use anser_types::{DeviceClass, ErrorCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::{API_KEY, World, address};

/// A response, read to its end.
pub struct Response {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Response {
    /// A header of it, in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    /// The problem document of this code, with all its fields.
    #[track_caller]
    pub fn is_problem(&self, status: u16, code: ErrorCode) {
        assert_eq!(self.status, status, "{}", self.body);
        assert!(self.head.contains("content-type: application/problem+json"), "{}", self.head);
        let problem = self.json();
        assert_eq!(problem["code"], code.name(), "{problem}");
        assert_eq!(problem["number"], code.number());
        assert_eq!(problem["status"], status);
        assert_eq!(problem["title"], code.text());
        assert_eq!(problem["next_step"], code.next_step());
        assert_eq!(problem["type"], format!("urn:anser:error:{}", code.name()));
        assert!(problem["detail"].is_string());
    }
}

/// One request on its own connection.
pub async fn request(
    at: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> Response {
    let mut stream = TcpStream::connect(at).await.unwrap();
    let length = body.len();
    // Unless it is said to be something else.
    let json =
        if headers.contains("content-type:") { "" } else { "content-type: application/json\r\n" };
    let text = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-length: {length}\r\n{json}{headers}\r\n{body}"
    );
    // A refusal may come before the whole body is read.
    drop(stream.write_all(text.as_bytes()).await);
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no response: {text}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Response { status, head: with_small_names(head), body: body.to_owned() }
}

/// A head whose names are written small, whoever wrote them.
fn with_small_names(head: &str) -> String {
    let line = |line: &str| match line.split_once(": ") {
        Some((name, value)) => format!("{}: {value}\r\n", name.to_lowercase()),
        None => format!("{line}\r\n"),
    };
    head.lines().map(line).collect()
}

pub fn bearer(secret: &str) -> String {
    format!("authorization: Bearer {secret}\r\n")
}

async fn post(at: SocketAddr, path: &str, body: &Value) -> Response {
    request(at, "POST", path, "", &body.to_string()).await
}

fn credentials(user: &str, password: &str) -> Value {
    json!({"user": user, "password": password, "device_class": "phone", "device_name": "a phone"})
}

const PASSWORD: &str = "correct horse";

#[tokio::test]
async fn requirement_e2_a_life_of_an_account_over_http() {
    let world = World::new();
    let gateway = world.gateway(&[ListenerKind::Http]);
    let at = address(&gateway, ListenerKind::Http);
    let registered = post(at, "/v1/register", &credentials("alice", PASSWORD)).await;
    assert_eq!(registered.status, 201, "{}", registered.body);
    let body = registered.json();
    assert_eq!((&body["user"], &body["device_no"]), (&json!("alice"), &json!("1")));
    let expires: u64 = body["expires_at_ms"].as_str().unwrap().parse().unwrap();
    assert!(expires > 1_795_169_730_288);

    let signed_in = post(at, "/v1/sign-in", &credentials("alice", PASSWORD)).await;
    assert_eq!(signed_in.status, 200);
    assert_eq!(signed_in.json()["device_no"], "2", "a new sign-in is a new device");
    let token = signed_in.json()["token"].as_str().unwrap().to_owned();

    let renewed = request(at, "POST", "/v1/renew", &bearer(&token), "").await;
    assert_eq!((renewed.status, renewed.json()["device_no"].clone()), (200, json!("2")));
    let new_token = renewed.json()["token"].as_str().unwrap().to_owned();
    assert_ne!(new_token, token);
    // As if that answer had been lost: the old token still opens doors, and the device asks again.
    let again = request(at, "POST", "/v1/renew", &bearer(&token), "").await;
    assert_eq!((again.status, again.json()["device_no"].clone()), (200, json!("2")));

    let out = request(at, "POST", "/v1/sign-out", &bearer(&new_token), "").await;
    assert_eq!((out.status, out.body.as_str()), (204, ""));
    for gone in [&new_token, &token] {
        request(at, "POST", "/v1/renew", &bearer(gone), "")
            .await
            .is_problem(401, ErrorCode::TokenInvalid);
    }
}

#[tokio::test]
async fn wrong_accounts_are_refused_with_reasons() {
    let world = World::with(|settings| settings.token_life_ms = 1_000);
    let gateway = world.gateway(&[ListenerKind::Http]);
    let at = address(&gateway, ListenerKind::Http);
    let registered = post(at, "/v1/register", &credentials("alice", PASSWORD)).await;
    let token = registered.json()["token"].as_str().unwrap().to_owned();
    let register = |user, password| credentials(user, password);
    for (path, body, status, code) in [
        ("/v1/register", register("alice", PASSWORD), 409, ErrorCode::UserExists),
        ("/v1/register", register("carol", "short"), 400, ErrorCode::PasswordRefused),
        ("/v1/register", register("has space", PASSWORD), 400, ErrorCode::InvalidArgument),
        ("/v1/register", register("", PASSWORD), 400, ErrorCode::InvalidArgument),
        ("/v1/sign-in", register("alice", "wrong horse"), 401, ErrorCode::WrongCredentials),
        ("/v1/sign-in", register("nobody", PASSWORD), 401, ErrorCode::WrongCredentials),
    ] {
        post(at, path, &body).await.is_problem(status, code);
    }
    let mut toaster = credentials("dave", PASSWORD);
    toaster["device_class"] = json!("toaster");
    let refused = post(at, "/v1/register", &toaster).await;
    refused.is_problem(400, ErrorCode::InvalidArgument);
    assert!(refused.json()["detail"].as_str().unwrap().contains("phone, pad"), "{}", refused.body);

    request(at, "POST", "/v1/renew", "", "").await.is_problem(401, ErrorCode::TokenInvalid);
    request(at, "POST", "/v1/sign-out", &bearer("x"), "")
        .await
        .is_problem(401, ErrorCode::TokenInvalid);
    world.clock.advance(2_000);
    request(at, "POST", "/v1/renew", &bearer(&token), "")
        .await
        .is_problem(401, ErrorCode::TokenExpired);
}

#[tokio::test]
async fn a_closed_server_lets_nobody_register() {
    let world = World::with(|settings| settings.registration = false);
    let gateway = world.gateway(&[ListenerKind::Http]);
    let at = address(&gateway, ListenerKind::Http);
    post(at, "/v1/register", &credentials("alice", PASSWORD))
        .await
        .is_problem(403, ErrorCode::RegistrationClosed);
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_named_without_being_repeated() {
    let world = World::new();
    let gateway = world.gateway(&[ListenerKind::Http]);
    let at = address(&gateway, ListenerKind::Http);
    for body in [
        "",
        "{",
        "no json",
        r#"{"user": "alice"}"#,
        r#"{"user": 7, "password": "secret words", "device_class": "phone"}"#,
        r#"{"user": "alice", "password": ["secret words"], "device_class": "phone"}"#,
    ] {
        let refused = request(at, "POST", "/v1/register", "", body).await;
        refused.is_problem(400, ErrorCode::InvalidArgument);
        assert!(!refused.body.contains("secret words"), "{}", refused.body);
    }
    let missing = request(at, "POST", "/v1/register", "", r#"{"user": "alice"}"#).await;
    assert!(missing.json()["detail"].as_str().unwrap().contains("`password`"), "{}", missing.body);
    let huge = format!(r#"{{"user": "{}"}}"#, "x".repeat(300 * 1024));
    request(at, "POST", "/v1/register", "", &huge)
        .await
        .is_problem(413, ErrorCode::ContentTooLarge);
    // Fields of the future are no error.
    let mut future = credentials("alice", PASSWORD);
    future["passkey"] = json!({"some": "thing"});
    assert_eq!(post(at, "/v1/register", &future).await.status, 201);
}

#[tokio::test]
async fn a_flood_of_sign_ins_is_slowed_down() {
    let world = World::new();
    let mut config = world.config(&[ListenerKind::Http]);
    config.sign_ins_per_minute = 3;
    let gateway = world.start(config);
    let at = address(&gateway, ListenerKind::Http);
    for _ in 0..3 {
        post(at, "/v1/sign-in", &credentials("nobody", PASSWORD))
            .await
            .is_problem(401, ErrorCode::WrongCredentials);
    }
    let refused = post(at, "/v1/sign-in", &credentials("nobody", PASSWORD)).await;
    refused.is_problem(429, ErrorCode::RateLimited);
    assert!(refused.json()["retry_after_ms"].as_u64().unwrap() > 0);
    assert!(refused.head.contains("retry-after: "), "{}", refused.head);
    // Other doors stay open.
    assert_eq!(request(at, "GET", "/healthz", "", "").await.status, 200);
}

#[tokio::test]
async fn requirement_g5_accounts_are_not_made_by_the_hundred_from_one_address() {
    let world = World::new();
    let mut config = world.config(&[ListenerKind::Http]);
    config.registrations_per_hour = 2;
    let gateway = world.start(config);
    let at = address(&gateway, ListenerKind::Http);
    for user in ["one", "two"] {
        assert_eq!(post(at, "/v1/register", &credentials(user, PASSWORD)).await.status, 201);
    }
    let refused = post(at, "/v1/register", &credentials("three", PASSWORD)).await;
    refused.is_problem(429, ErrorCode::RateLimited);
    assert!(refused.json()["retry_after_ms"].as_u64().unwrap() > 60_000);
}

#[tokio::test]
async fn unknown_routes_and_methods_are_problems_too() {
    let world = World::new();
    let gateway = world.gateway(&[ListenerKind::Http]);
    let at = address(&gateway, ListenerKind::Http);
    request(at, "GET", "/v1/nothing", "", "").await.is_problem(404, ErrorCode::Unsupported);
    request(at, "DELETE", "/v1/register", "", "").await.is_problem(405, ErrorCode::Unsupported);
    request(at, "GET", "/v1/ws", "", "").await.is_problem(400, ErrorCode::InvalidArgument);
}

#[tokio::test]
async fn health_readiness_and_figures() {
    let world = World::new();
    let gateway = world.gateway(&[ListenerKind::Http, ListenerKind::Tcp]);
    let at = address(&gateway, ListenerKind::Http);
    let mut alice = crate::world::tcp(&gateway).await;
    alice.sign_in(&world.device("alice", DeviceClass::Phone).await).await;
    assert_eq!(request(at, "GET", "/healthz", "", "").await.status, 200);
    assert_eq!(request(at, "GET", "/readyz", "", "").await.status, 200);
    request(at, "GET", "/metrics", "", "").await.is_problem(401, ErrorCode::ApiKeyInvalid);
    let figures = request(at, "GET", "/metrics", &bearer(API_KEY), "").await;
    assert_eq!(figures.status, 200);
    assert!(figures.body.contains("\nanser_users_online 1\n"), "{}", figures.body);
    world.service.drain().await;
    request(at, "GET", "/readyz", "", "").await.is_problem(503, ErrorCode::Draining);
    assert_eq!(request(at, "GET", "/healthz", "", "").await.status, 200);
}

#[tokio::test]
async fn a_request_without_a_place_is_a_problem() {
    let world = World::new();
    let mut config = world.config(&[ListenerKind::Http]);
    config.connections = 0;
    let gateway = world.start(config);
    let at = address(&gateway, ListenerKind::Http);
    request(at, "GET", "/healthz", "", "").await.is_problem(503, ErrorCode::TooManyConnections);
}
