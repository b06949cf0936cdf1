//! The app server's door.

use std::net::SocketAddr;

use anser_gateway::ListenerKind;
use anser_types::limits::CONTENT_MAX_BYTES;
use anser_types::{ConversationId, DeviceClass, ErrorCode, UserId};
use serde_json::{Value, json};

use crate::api::{Response, bearer, request};
use crate::peer::texts;
use crate::world::{API_KEY, World, address, tcp};

async fn app(at: SocketAddr, path: &str, body: &Value) -> Response {
    request(at, "POST", path, &bearer(API_KEY), &body.to_string()).await
}

async fn message(at: SocketAddr, key: &str, body: &Value) -> Response {
    let headers = format!("{}idempotency-key: {key}\r\n", bearer(API_KEY));
    request(at, "POST", "/v1/app/messages", &headers, &body.to_string()).await
}

#[tokio::test]
async fn requirement_i2_an_app_server_makes_users_and_mints_tokens() {
    let world = World::new();
    let gateway = world.gateway(&[ListenerKind::Http, ListenerKind::Tcp]);
    let at = address(&gateway, ListenerKind::Http);
    let made = app(at, "/v1/app/users", &json!({"user": "alice"})).await;
    assert_eq!((made.status, made.json()), (201, json!({"user": "alice"})));
    app(at, "/v1/app/users", &json!({"user": "alice"}))
        .await
        .is_problem(409, ErrorCode::UserExists);
    app(at, "/v1/app/users", &json!({"user": "a/b"}))
        .await
        .is_problem(400, ErrorCode::InvalidArgument);

    let token = |user: &str| json!({"user": user, "device_class": "phone", "device_name": "hers"});
    let minted = app(at, "/v1/app/tokens", &token("alice")).await;
    assert_eq!((minted.status, minted.json()["device_no"].clone()), (201, json!("1")));
    app(at, "/v1/app/tokens", &token("bob")).await.is_problem(404, ErrorCode::UserUnknown);
    let mut create = token("bob");
    create["create"] = json!(true);
    assert_eq!(app(at, "/v1/app/tokens", &create).await.status, 201);
    // Another token for the same device ends the first one.
    let mut again = token("alice");
    again["device_no"] = json!("1");
    let second = app(at, "/v1/app/tokens", &again).await;
    assert_eq!((second.status, second.json()["device_no"].clone()), (201, json!("1")));
    let first = minted.json()["token"].as_str().unwrap().to_owned();
    request(at, "POST", "/v1/renew", &bearer(&first), "")
        .await
        .is_problem(401, ErrorCode::TokenInvalid);
    again["device_no"] = json!("one");
    app(at, "/v1/app/tokens", &again).await.is_problem(400, ErrorCode::InvalidArgument);
}

#[tokio::test]
async fn nobody_comes_in_without_the_key() {
    let world = World::new();
    let gateway = world.gateway(&[ListenerKind::Http]);
    let at = address(&gateway, ListenerKind::Http);
    let alices = world.device("alice", DeviceClass::Phone).await;
    for path in ["/v1/app/users", "/v1/app/tokens", "/v1/app/messages"] {
        for headers in [
            String::new(),
            bearer("guess"),
            bearer(&alices.token),
            "authorization: Basic eDp5\r\n".to_owned(),
        ] {
            let refused = request(at, "POST", path, &headers, "{}").await;
            refused.is_problem(401, ErrorCode::ApiKeyInvalid);
            assert!(refused.head.contains("www-authenticate: Bearer"));
        }
    }
}

#[tokio::test]
async fn requirement_i2_an_app_server_sends_for_its_users_exactly_once() {
    let world = World::new();
    let gateway = world.gateway(&[ListenerKind::Http, ListenerKind::Tcp]);
    let at = address(&gateway, ListenerKind::Http);
    world.device("alice", DeviceClass::Phone).await;
    let mut bob = tcp(&gateway).await;
    bob.sign_in(&world.device("bob", DeviceClass::Phone).await).await;
    let hello = json!({"from": "alice", "to": {"user": "bob"}, "text": "hello"});
    let sent = message(at, "k1", &hello).await;
    assert_eq!(sent.status, 200, "{}", sent.body);
    let direct =
        ConversationId::direct(&UserId::new("alice").unwrap(), &UserId::new("bob").unwrap());
    let answer = json!({
        "conversation": direct.to_string(), "seq": "1", "server_time_ms": "1795169730288", "duplicate": false,
        "stored_offline": false
    });
    assert_eq!(sent.json(), answer);
    assert_eq!(texts(&bob.batch().await), ["alice: hello"]);

    let again = message(at, "k1", &hello).await;
    assert_eq!(
        (again.status, again.json()["seq"].clone(), again.json()["duplicate"].clone()),
        (200, json!("1"), json!(true))
    );
    let other = json!({"from": "alice", "to": {"user": "bob"}, "text": "something else"});
    message(at, "k1", &other).await.is_problem(409, ErrorCode::Conflict);

    let image = json!({
        "from": "alice", "to": {"conversation": direct.to_string()}, "kind": "image",
        "content_base64": "AAEC", "reply_to": "1"
    });
    assert_eq!(message(at, "k2", &image).await.json()["seq"], "2");
    assert_eq!(texts(&bob.batch().await), ["alice: \u{0}\u{1}\u{2}"]);
}

#[tokio::test]
async fn wrong_messages_are_refused_with_reasons() {
    let world = World::new();
    let gateway = world.gateway(&[ListenerKind::Http]);
    let at = address(&gateway, ListenerKind::Http);
    world.device("alice", DeviceClass::Phone).await;
    world.device("bob", DeviceClass::Phone).await;
    let to = json!({"user": "bob"});
    let elsewhere = json!({"conversation": "01".repeat(16)});
    let large = "x".repeat(CONTENT_MAX_BYTES + 1);
    for (number, (body, status, code)) in [
        (json!({"from": "nobody", "to": to, "text": "x"}), 404, ErrorCode::UserUnknown),
        (
            json!({"from": "alice", "to": {"user": "nobody"}, "text": "x"}),
            404,
            ErrorCode::UserUnknown,
        ),
        (
            json!({"from": "alice", "to": elsewhere, "text": "x"}),
            404,
            ErrorCode::ConversationUnknown,
        ),
        (
            json!({"from": "alice", "to": {"conversation": "xyz"}, "text": "x"}),
            400,
            ErrorCode::InvalidArgument,
        ),
        (json!({"from": "alice", "to": {}, "text": "x"}), 400, ErrorCode::InvalidArgument),
        (json!({"from": "alice", "to": to}), 400, ErrorCode::InvalidArgument),
        (
            json!({"from": "alice", "to": to, "text": "x", "content_base64": "AA=="}),
            400,
            ErrorCode::InvalidArgument,
        ),
        (
            json!({"from": "alice", "to": to, "kind": "image", "content_base64": "?"}),
            400,
            ErrorCode::InvalidArgument,
        ),
        (
            json!({"from": "alice", "to": to, "kind": "system", "content_base64": "AA=="}),
            400,
            ErrorCode::InvalidArgument,
        ),
        (
            json!({"from": "alice", "to": to, "text": "x", "reply_to": "first"}),
            400,
            ErrorCode::InvalidArgument,
        ),
        (
            json!({"from": "alice", "to": to, "text": "x", "reply_to": "7"}),
            404,
            ErrorCode::TargetMissing,
        ),
        (json!({"from": "alice", "to": to, "text": large}), 413, ErrorCode::ContentTooLarge),
    ]
    .into_iter()
    .enumerate()
    {
        println!("{number}");
        message(at, &format!("key{number}"), &body).await.is_problem(status, code);
    }
    let body = json!({"from": "alice", "to": to, "text": "x"});
    let without =
        request(at, "POST", "/v1/app/messages", &bearer(API_KEY), &body.to_string()).await;
    without.is_problem(400, ErrorCode::InvalidArgument);
    assert!(without.json()["detail"].as_str().unwrap().contains("Idempotency-Key"));
    message(at, &"k".repeat(200), &body).await.is_problem(400, ErrorCode::InvalidArgument);
}

#[tokio::test]
async fn reports_are_for_the_operator_alone_and_their_names_are_checked() {
    let world = World::new();
    let gateway = world.gateway(&[ListenerKind::Http]);
    let at = address(&gateway, ListenerKind::Http);
    let read = |headers: String, query: &'static str| async move {
        request(at, "GET", &format!("/v1/admin/reports{query}"), &headers, "").await
    };
    read(String::new(), "").await.is_problem(401, ErrorCode::ApiKeyInvalid);
    read(bearer(API_KEY), "?after=x").await.is_problem(400, ErrorCode::InvalidArgument);
    let page = read(bearer(API_KEY), "?all=true").await;
    assert_eq!((page.status, page.json()), (200, json!({"reports": [], "next": null})));
    let close = json!({"report": "1-2-3"}).to_string();
    let missing = request(at, "POST", "/v1/admin/reports/close", &bearer(API_KEY), &close).await;
    missing.is_problem(404, ErrorCode::TargetMissing);
    let refused = request(at, "POST", "/v1/admin/reports/close", "", &close).await;
    refused.is_problem(401, ErrorCode::ApiKeyInvalid);
}
