//! Pages of lists, versions, and contents by their kinds.

use anser_types::ErrorCode;
use serde_json::{Value, json};

use super::client::Town;

async fn say(town: &Town, text: &str) {
    let body = json!({"to": {"user": "bob"}, "text": text});
    town.done(&town.act("alice", "POST", "/v1/messages", &body).await);
}

fn texts(page: &Value) -> Vec<&str> {
    let messages = page["messages"].as_array().unwrap().iter();
    messages.map(|one| one["content"]["body"]["text"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_was_said_is_read_page_by_page_either_way() {
    let town = Town::of(&["alice", "bob"]).await;
    for text in ["one", "two", "three", "four", "five"] {
        say(&town, text).await;
    }
    let at = "/v1/conversations/user:bob/messages";
    let newest = town.get("alice", &format!("{at}?limit=2")).await.json();
    assert_eq!((texts(&newest), &newest["next"]), (vec!["four", "five"], &json!("4")));
    let before = town.get("alice", &format!("{at}?limit=2&before=4")).await.json();
    assert_eq!(texts(&before), ["two", "three"]);
    let last = town.get("alice", &format!("{at}?limit=2&before=2")).await.json();
    assert_eq!((texts(&last), &last["next"]), (vec!["one"], &Value::Null));
    let oldest = town.get("alice", &format!("{at}?limit=3&oldest_first=true")).await.json();
    assert_eq!((texts(&oldest), &oldest["next"]), (vec!["one", "two", "three"], &json!("3")));
    let after = town.get("alice", &format!("{at}?limit=3&oldest_first=true&after=3")).await.json();
    assert_eq!((texts(&after), &after["next"]), (vec!["four", "five"], &Value::Null));
    for wrong in ["limit=0", "limit=x", "before=x", "before=-1", "after=%2B1", "oldest_first=maybe"]
    {
        let refused = town.get("alice", &format!("{at}?{wrong}")).await;
        refused.is_problem(400, ErrorCode::InvalidArgument);
    }
    let refused = town.get("alice", "/v1/conversations/bob/messages").await;
    refused.is_problem(400, ErrorCode::InvalidArgument);
}

#[tokio::test]
async fn lists_go_on_where_their_page_says() {
    let town = Town::of(&["alice", "bob", "carol", "dave"]).await;
    for user in ["bob", "carol", "dave"] {
        let path = format!("/v1/contacts/{user}");
        town.done(&town.act("alice", "POST", &path, &json!({"act": "apply"})).await);
        let body = json!({"to": {"user": user}, "text": "hi, it is me"});
        town.done(&town.act("alice", "POST", "/v1/messages", &body).await);
    }
    for (list, name, before) in [
        ("/v1/contacts", "contacts", "after"),
        ("/v1/conversations", "conversations", "after"),
        ("/v1/sync?at=0", "conversations", "after"),
        ("/v1/search?text=hi", "messages", "before"),
    ] {
        let (mut found, mut query) = (Vec::new(), String::new());
        let mark = if list.contains('?') { '&' } else { '?' };
        loop {
            let page = town.get("alice", &format!("{list}{mark}limit=1{query}")).await;
            let page = town.done(&page);
            found.extend(page[name].as_array().unwrap().clone());
            match page["next"].as_str() {
                Some(next) => query = format!("&{before}={next}"),
                None => break,
            }
        }
        assert_eq!(found.len(), 3, "{list}: {found:?}");
        found.dedup();
        assert_eq!(found.len(), 3, "{list}");
        let refused = town.get("alice", &format!("{list}{mark}{before}=~")).await;
        refused.is_problem(400, ErrorCode::InvalidArgument);
    }
}

fn tag(head: &str) -> &str {
    head.split("etag: ").nth(1).unwrap().split("\r\n").next().unwrap()
}

#[tokio::test]
async fn who_has_a_version_is_told_that_it_is_still_the_same() {
    let town = Town::of(&["alice", "bob", "carol"]).await;
    let group = town.group(&["alice", "bob"]).await;
    let members = format!("/v1/groups/{group}/members");
    let invite = json!({"users": ["carol"]});
    let contact = json!({"act": "block"});
    for (list, changes, body) in [
        (members.as_str(), members.as_str(), &invite),
        ("/v1/contacts", "/v1/contacts/bob", &contact),
    ] {
        let first = town.get("alice", list).await;
        assert_eq!(first.status, 200);
        let known = format!("if-none-match: {}\r\n", tag(&first.head).to_uppercase());
        let same = town.ask("alice", "GET", list, &known, "").await;
        assert_eq!((same.status, same.body.as_str()), (304, ""));
        assert_eq!(tag(&same.head), tag(&first.head));
        town.done(&town.act("alice", "POST", changes, body).await);
        let other = town.ask("alice", "GET", list, &known, "").await;
        assert_eq!(other.status, 200);
        assert_ne!(tag(&other.head), tag(&first.head));
    }
}

/// One message of each kind, as it is written and read.
fn bodies() -> Vec<Value> {
    let file = json!({
        "file": "https://example.org/1", "name": "1.png", "media_type": "image/png", "bytes": "9007199254740993",
        "sha256": "ab".repeat(32),
    });
    vec![
        json!({"kind": "text", "text": "hello"}),
        json!({"kind": "image", "file": file, "width": 3, "height": 2, "thumbnail_base64": "AAEC", "caption": "c"}),
        json!({"kind": "voice", "file": file, "duration_ms": 1200, "waveform_base64": "AAEC"}),
        json!({"kind": "video", "file": file, "width": 3, "height": 2, "thumbnail_base64": null, "caption": "",
            "duration_ms": 5}),
        json!({"kind": "file", "file": file, "caption": "read this"}),
        json!({"kind": "location", "latitude_e7": 312_304_000, "longitude_e7": 1_214_737_000, "name": "here",
            "address": ""}),
        json!({"kind": "card", "user": "carol", "name": "Carol"}),
        json!({"kind": "custom", "type": "org.example.vote", "data_base64": "AAEC", "summary": "a vote"}),
        json!({"kind": "merged", "title": "lunch", "entries": [
            {"sender": "carol", "said_at_ms": "1795169730288", "kind": "text", "kind_code": null,
                "content_base64": "aGk="}]}),
    ]
}

#[tokio::test]
async fn contents_of_each_kind_are_written_and_read_as_json() {
    let town = Town::of(&["alice", "bob"]).await;
    for body in bodies() {
        let new = json!({"to": {"user": "bob"}, "body": body});
        town.done(&town.act("alice", "POST", "/v1/messages", &new).await);
    }
    let read = town.get("bob", "/v1/conversations/user:alice/messages").await.json();
    for (message, body) in read["messages"].as_array().unwrap().iter().zip(bodies()) {
        let content = &message["content"];
        assert_eq!((&content["body"], &content["kind"]), (&body, &body["kind"]));
        // The bytes, sent as they are, say the same.
        let raw = json!({
            "to": {"user": "bob"}, "kind": content["kind"], "content_base64": content["content_base64"],
        });
        let sent = town.done(&town.act("alice", "POST", "/v1/messages", &raw).await);
        let after = sent["seq"].as_str().unwrap().parse::<u64>().unwrap() - 1;
        let path = format!("/v1/conversations/user:alice/messages?after={after}");
        assert_eq!(town.get("bob", &path).await.json()["messages"][0]["content"]["body"], body);
    }
}

#[tokio::test]
async fn contents_that_make_no_sense_are_refused_with_the_field() {
    let town = Town::of(&["alice", "bob"]).await;
    for (content, names) in [
        (json!({}), "one of text, body"),
        (json!({"text": "x", "content_base64": "AA=="}), "one of text, body"),
        (json!({"content_base64": "AA=="}), "kind: one of text, image"),
        (json!({"kind": "image", "content_base64": "?"}), "content_base64: "),
        (json!({"body": {"kind": "file", "file": {"file": ""}}}), "file: it is missing"),
        (
            json!({"body": {"kind": "file", "file": {"file": "a", "sha256": "+f".repeat(32)}}}),
            "sha256: 64",
        ),
        (json!({"body": {"kind": "dance"}}), "body"),
        (
            json!({"body": {"kind": "location", "latitude_e7": 2_000_000_000, "longitude_e7": 0}}),
            "latitude_e7: ",
        ),
        (json!({"text": "x", "reply_to": 7}), "expected a string at line 1"),
        (json!({"text": "x", "reply_to": "7x"}), "reply_to: a number"),
        (json!({"text": "x", "burn_after_ms": "99999999999"}), "burn_after_ms: 1000 to"),
        (json!({"text": "x", "mentions": ["a b"]}), "mentions: "),
    ] {
        let mut body = content.clone();
        body["to"] = json!({"user": "bob"});
        let refused = town.act("alice", "POST", "/v1/messages", &body).await;
        refused.is_problem(400, ErrorCode::InvalidArgument);
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(names), "{content}: {detail}");
    }
}

#[tokio::test]
async fn what_stood_in_a_wrong_place_is_not_repeated() {
    let town = Town::of(&["alice"]).await;
    for wrong in ["secret", "missing field secret", "x, expected secret"] {
        let body = json!({"to": {"user": "bob"}, "text": "x", "mention_all": wrong});
        let refused = town.act("alice", "POST", "/v1/messages", &body).await;
        refused.is_problem(400, ErrorCode::InvalidArgument);
        assert!(!refused.body.contains("secret"), "{}", refused.body);
        let body = json!({"act": wrong});
        let refused = town.act("alice", "POST", "/v1/contacts/bob", &body).await;
        refused.is_problem(400, ErrorCode::InvalidArgument);
        assert!(!refused.body.contains("secret"), "{}", refused.body);
    }
}
