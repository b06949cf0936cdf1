//! Presence on the wire, one's own devices and the number online over HTTP.

use anser_gateway::ListenerKind;
use anser_proto::v1::{self, signal::Signal};
use anser_types::limits::PRESENCE_PER_SESSION;
use anser_types::{DeviceClass, ErrorCode};
use serde_json::json;

use crate::api::{bearer, request};
use crate::world::{API_KEY, World, address};

fn names(users: &[&str]) -> v1::Watch {
    v1::Watch { users: users.iter().map(|user| (*user).to_owned()).collect() }
}

fn signal(signal: Signal) -> v1::Signal {
    v1::Signal { signal: Some(signal) }
}

#[tokio::test(start_paused = true)]
async fn requirement_d5_presence_is_told_in_one_signal_for_all_who_are_followed() {
    let world = World::new();
    world.device("bob", DeviceClass::Bot).await;
    let mut alice = world.online("alice").await;
    let many: Vec<String> = (0..PRESENCE_PER_SESSION - 1).map(|n| format!("u{n}")).collect();
    let watch = v1::Watch { users: many.iter().cloned().chain(["bob".to_owned()]).collect() };
    alice.say(|wire, out| wire.signal(&signal(Signal::Watch(watch)), out)).await;
    let mut told = Vec::new();
    while told.len() < PRESENCE_PER_SESSION {
        let Signal::Presence(presence) = alice.signal().await else { panic!() };
        told.extend(presence.users);
    }
    assert_eq!(told.iter().find(|one| one.user == "bob").unwrap().state, 2, "not online");
    assert!(told.iter().filter(|one| one.user != "bob").all(|one| one.state == 0));
    let mut bob = world.online("bob").await;
    let Signal::Presence(presence) = alice.signal().await else { panic!() };
    assert_eq!((presence.users[0].user.as_str(), presence.users[0].state), ("bob", 1));
    // A message is not delayed by any of it, and comes as always.
    bob.send("alice", "hi").await;
    alice.batch().await;

    let watch = Signal::Watch(names(&["one too many"]));
    alice.say(|wire, out| wire.signal(&signal(watch), out)).await;
    let Signal::WatchRefused(refused) = alice.signal().await else { panic!() };
    let code = refused.error.unwrap().code;
    assert_eq!((refused.users, code), (vec!["one too many".to_owned()], 404), "no user id");
    let watch = Signal::Watch(names(&["toomany"]));
    alice.say(|wire, out| wire.signal(&signal(watch), out)).await;
    let Signal::WatchRefused(refused) = alice.signal().await else { panic!() };
    assert_eq!(refused.error.unwrap().code, u32::from(ErrorCode::LimitReached.number()));
    // What only a server says is nothing from a client.
    let forged = Signal::Presence(v1::Presence::default());
    alice.say(|wire, out| wire.signal(&signal(forged), out)).await;

    let query = v1::query::Query::Presence(v1::PresenceQuery { users: vec!["bob".to_owned()] });
    let query = v1::Query { query_no: 3, query: Some(query) };
    alice.say(|wire, out| wire.query(&query, out)).await;
    let Some(v1::reply::Reply::Presence(page)) = alice.reply().await.reply else { panic!() };
    assert_eq!(page.users[0].state, 1);
}

#[tokio::test]
async fn requirement_d4_a_devices_token_lists_and_ends_the_others_over_http() {
    let world = World::new();
    let gateway = world.gateway(&[ListenerKind::Http]);
    let at = address(&gateway, ListenerKind::Http);
    let phone = world.device("alice", DeviceClass::Phone).await;
    let desk = world.device("alice", DeviceClass::Desktop).await;
    let (mut session, _) = world.connect(64 * 1024);
    session.sign_in(&phone).await;
    let listed = request(at, "GET", "/v1/devices", &bearer(&desk.token), "").await;
    assert_eq!(listed.status, 200, "{}", listed.body);
    let devices = listed.json()["devices"].clone();
    assert_eq!(devices.as_array().unwrap().len(), 2);
    assert_eq!(
        (&devices[0]["device_no"], &devices[0]["device_class"]),
        (&json!("1"), &json!("phone"))
    );
    assert_eq!((&devices[0]["online"], &devices[0]["current"]), (&json!(true), &json!(false)));
    assert_eq!((&devices[1]["online"], &devices[1]["current"]), (&json!(false), &json!(true)));
    assert!(devices[1].get("last_seen_ms").is_none(), "it never had a session");

    let out = |body: &str| request_out(at, &desk.token, body.to_owned());
    out("{}").await.is_problem(400, ErrorCode::InvalidArgument);
    out(r#"{"device_no":"1","others":true}"#).await.is_problem(400, ErrorCode::InvalidArgument);
    out(r#"{"device_no":"77"}"#).await.is_problem(400, ErrorCode::InvalidArgument);
    let ended = out(r#"{"others":true}"#).await;
    assert_eq!((ended.status, ended.json()), (200, json!({ "signed_out": ["1"] })));
    session.closed_with(ErrorCode::SignedOut).await;
    request(at, "GET", "/v1/devices", &bearer(&phone.token), "")
        .await
        .is_problem(401, ErrorCode::TokenInvalid);
    let listed = request(at, "GET", "/v1/devices", &bearer(&desk.token), "").await;
    assert_eq!(listed.json()["devices"].as_array().unwrap().len(), 1);
}

async fn request_out(at: std::net::SocketAddr, token: &str, body: String) -> crate::api::Response {
    request(at, "POST", "/v1/devices/sign-out", &bearer(token), &body).await
}

#[tokio::test]
async fn requirement_d5_operators_see_how_many_are_online() {
    let world = World::new();
    let gateway = world.gateway(&[ListenerKind::Http]);
    let at = address(&gateway, ListenerKind::Http);
    let (one, three) = (world.online("alice").await, world.online("bob").await);
    let desk = world.device("alice", DeviceClass::Desktop).await;
    let (mut two, _) = world.connect(64 * 1024);
    two.sign_in(&desk).await;
    let online = request(at, "GET", "/v1/admin/online", &bearer(API_KEY), "").await;
    assert_eq!(online.json(), json!({ "users_online": 2, "sessions": 3 }));
    request(at, "GET", "/v1/admin/online", "", "").await.is_problem(401, ErrorCode::ApiKeyInvalid);
    let metrics = request(at, "GET", "/metrics", &bearer(API_KEY), "").await;
    assert!(metrics.body.contains("\nanser_users_online 2\n"), "{}", metrics.body);
    drop((one, two, three));
}
