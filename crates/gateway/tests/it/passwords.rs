//! Passwords over HTTP: changed by their owner, reset by the app server.

use anser_gateway::ListenerKind;
use anser_types::ErrorCode;
use serde_json::json;

use crate::api::request;
use crate::world::{API_KEY, World, address};

#[tokio::test]
async fn requirement_k2_a_password_is_changed_by_who_knows_it_and_reset_by_the_app_server() {
    let world = World::new();
    let gateway = world.gateway(&[ListenerKind::Http]);
    let http = address(&gateway, ListenerKind::Http);
    let sign_in = async |door: &str, password: &str| {
        let body = json!({"user": "alice", "password": password, "device_class": "phone"});
        request(http, "POST", door, "", &body.to_string()).await
    };
    let weak = sign_in("/v1/register", "password").await;
    weak.is_problem(400, ErrorCode::PasswordRefused);
    let mine = sign_in("/v1/register", "correct horse").await.json();
    let other = sign_in("/v1/sign-in", "correct horse").await.json();
    let bearer = |of: &serde_json::Value| {
        format!("authorization: Bearer {}\r\n", of["token"].as_str().unwrap())
    };
    let change = async |with: &str, old: &str, new: &str| {
        let body = json!({"old": old, "new": new}).to_string();
        request(http, "POST", "/v1/password", with, &body).await
    };
    change("", "correct horse", "quiet green lamp").await.is_problem(401, ErrorCode::TokenInvalid);
    let wrong = change(&bearer(&mine), "wrong horse", "quiet green lamp").await;
    wrong.is_problem(401, ErrorCode::WrongCredentials);
    assert_eq!(change(&bearer(&mine), "correct horse", "quiet green lamp").await.status, 204);
    let devices = request(http, "GET", "/v1/devices", &bearer(&other), "").await;
    devices.is_problem(401, ErrorCode::TokenInvalid);
    assert_eq!(request(http, "GET", "/v1/devices", &bearer(&mine), "").await.status, 200);
    sign_in("/v1/sign-in", "correct horse").await.is_problem(401, ErrorCode::WrongCredentials);

    let reset = async |with: &str, user: &str| {
        let body = json!({"user": user, "password": "three grey geese"}).to_string();
        request(http, "POST", "/v1/app/passwords", with, &body).await
    };
    let key = format!("authorization: Bearer {API_KEY}\r\n");
    reset(&bearer(&mine), "alice").await.is_problem(401, ErrorCode::ApiKeyInvalid);
    reset(&key, "nobody").await.is_problem(404, ErrorCode::UserUnknown);
    assert_eq!(reset(&key, "alice").await.status, 204);
    let devices = request(http, "GET", "/v1/devices", &bearer(&mine), "").await;
    devices.is_problem(401, ErrorCode::TokenInvalid);
    assert_eq!(sign_in("/v1/sign-in", "three grey geese").await.status, 200);
}
