//! What is repeated over HTTP is done once, and how often one may ask.

use anser_types::ErrorCode;
use serde_json::{Value, json};

use super::client::Town;
use crate::api::{bearer, request};
use crate::world::API_KEY;

fn say(text: &str) -> Value {
    json!({"to": {"user": "bob"}, "text": text})
}

#[tokio::test]
async fn requirement_e2_a_repeated_request_is_done_once_and_gets_its_first_answer() {
    let town = Town::of(&["alice", "bob"]).await;
    let first = town.act_once("alice", "k", "POST", "/v1/messages", &say("one")).await;
    let again = town.act_once("alice", "k", "POST", "/v1/messages", &say("one")).await;
    let (mut first, again) = (town.done(&first), town.done(&again));
    first["duplicate"] = json!(true);
    first["stored_offline"] = json!(false);
    assert_eq!(again, first);
    let other = town.act_once("alice", "k", "POST", "/v1/messages", &say("two")).await;
    other.is_problem(409, ErrorCode::Conflict);
    let elsewhere = town
        .act_once("alice", "k", "POST", "/v1/groups", &json!({"title": "x", "members": []}))
        .await;
    elsewhere.is_problem(409, ErrorCode::Conflict);
    // Keys of different users never meet.
    let bobs = json!({"to": {"user": "alice"}, "text": "one"});
    let bobs = town.act_once("bob", "k", "POST", "/v1/messages", &bobs).await;
    assert_eq!(town.done(&bobs)["seq"], "2");
    let history = town.get("bob", "/v1/conversations/user:alice/messages").await.json();
    assert_eq!(history["head"], "2");

    let made = json!({"title": "group", "members": ["bob"]});
    let group = town.done(&town.act_once("alice", "g", "POST", "/v1/groups", &made).await);
    let leave = format!("/v1/groups/{}/leave", group["conversation"].as_str().unwrap());
    town.done(&town.act_once("bob", "l", "POST", &leave, &Value::Null).await);
    let again = town.done(&town.act_once("bob", "l", "POST", &leave, &Value::Null).await);
    assert_eq!(again["duplicate"], true, "though bob is not in it any more");
    let anew = town.act_once("bob", "l2", "POST", &leave, &Value::Null).await;
    anew.is_problem(404, ErrorCode::ConversationUnknown);
}

#[tokio::test]
async fn a_refusal_is_an_answer_too_and_a_key_is_needed() {
    let town = Town::of(&["alice"]).await;
    let early = town.act_once("alice", "k", "POST", "/v1/messages", &say("one")).await;
    early.is_problem(404, ErrorCode::UserUnknown);
    town.world.device("bob", anser_types::DeviceClass::Phone).await;
    let again = town.act_once("alice", "k", "POST", "/v1/messages", &say("one")).await;
    again.is_problem(404, ErrorCode::UserUnknown);
    town.done(&town.act_once("alice", "k2", "POST", "/v1/messages", &say("one")).await);
    let none = town.ask("alice", "POST", "/v1/messages", "", &say("one").to_string()).await;
    none.is_problem(400, ErrorCode::InvalidArgument);
    assert!(none.json()["detail"].as_str().unwrap().contains("Idempotency-Key"));
    let long = town.act_once("alice", &"k".repeat(129), "POST", "/v1/messages", &say("one")).await;
    long.is_problem(400, ErrorCode::InvalidArgument);
}

#[tokio::test]
async fn requirement_g5_one_asks_by_http_no_faster_than_a_session_commands() {
    let town = Town::with(&["alice"], |settings| {
        settings.commands_per_second = 1;
        settings.commands_burst = 2;
    })
    .await;
    let first = town.get("alice", "/v1/settings").await;
    assert_eq!(first.status, 200);
    assert!(first.head.contains("ratelimit-policy: \"user\";q=2;w=2\r\n"), "{}", first.head);
    assert!(first.head.contains("ratelimit: \"user\";r="), "{}", first.head);
    // The bucket goes by the machine's clock, and fills up more slowly than one can ask.
    let refused = loop {
        let asked = town.get("alice", "/v1/settings").await;
        if asked.status != 200 {
            break asked;
        }
    };
    refused.is_problem(429, ErrorCode::RateLimited);
    assert!(refused.head.contains("retry-after: "), "{}", refused.head);
    assert!(refused.head.contains("ratelimit: \"user\";r=0;t="), "{}", refused.head);
    // The app server answers for itself.
    for _ in 0..4 {
        let asked = request(town.at, "GET", "/v1/settings?as=alice", &bearer(API_KEY), "").await;
        assert_eq!(asked.status, 200, "{}", asked.body);
        assert!(!asked.head.contains("\r\nratelimit"), "{}", asked.head);
    }
}

#[tokio::test]
async fn who_was_too_fast_says_the_same_again_with_the_same_key() {
    let town = Town::with(&["alice", "bob", "carol"], |settings| {
        settings.group_messages_per_second = 1;
        settings.group_messages_burst = 1;
    })
    .await;
    let group = town.group(&["alice", "bob"]).await;
    let say = |text: &str| json!({"to": {"conversation": group}, "text": text});
    // The bucket goes by the machine's clock, and fills up more slowly than one can speak.
    let mut said = 0_u64;
    let flooded = loop {
        let key = said.to_string();
        let answer = town.act_once("alice", &key, "POST", "/v1/messages", &say("again")).await;
        if answer.status != 200 {
            break answer;
        }
        said += 1;
    };
    flooded.is_problem(429, ErrorCode::GroupFlooded);
    let wait = flooded.json()["retry_after_ms"].as_u64().unwrap();
    assert!(wait > 0 && wait <= 1_001, "{wait}");
    // Until there is room again.
    let key = said.to_string();
    let done = loop {
        let again = town.act_once("alice", &key, "POST", "/v1/messages", &say("again")).await;
        if again.status == 200 {
            break again.json();
        }
        again.is_problem(429, ErrorCode::GroupFlooded);
    };
    assert_eq!((&done["seq"], &done["duplicate"]), (&json!((said + 1).to_string()), &json!(false)));
}
