//! The sandbox: tokens for anybody on this machine, if the server says that it is a development server.

use anser_gateway::ListenerKind;
use anser_types::ErrorCode;

use crate::api::request;
use crate::world::{World, address};

const BODY: &str = r#"{"user":"alice"}"#;

#[tokio::test]
async fn a_development_server_gives_this_machine_a_token_for_any_user() {
    let world = World::with(|settings| settings.development = true);
    let gateway = world.gateway(&[ListenerKind::Http]);
    let http = address(&gateway, ListenerKind::Http);
    let given = request(http, "POST", "/v1/dev/token", "", BODY).await;
    assert_eq!(given.status, 201, "{}", given.body);
    let token = given.json()["token"].as_str().unwrap().to_owned();
    let bearer = format!("authorization: Bearer {token}\r\n");
    assert_eq!(request(http, "GET", "/v1/devices", &bearer, "").await.status, 200);
    for page in ["origin: https://evil.example\r\n", "x-forwarded-for: 203.0.113.5\r\n"] {
        let refused = request(http, "POST", "/v1/dev/token", page, BODY).await;
        refused.is_problem(403, ErrorCode::NotAllowed);
    }
    let wrong = request(http, "POST", "/v1/dev/token", "", r#"{"user":"a b"}"#).await;
    wrong.is_problem(400, ErrorCode::InvalidArgument);
}

#[tokio::test]
async fn any_other_server_has_no_such_door() {
    let world = World::new();
    let gateway = world.gateway(&[ListenerKind::Http]);
    let http = address(&gateway, ListenerKind::Http);
    let answer = request(http, "POST", "/v1/dev/token", "", BODY).await;
    answer.is_problem(404, ErrorCode::Unsupported);
}
