//! What commands print: shapes of JSON that programs rely on, and lines for people.

use anser_cli::chat::times::LocalTimes;
use anser_cli::say::{Lines, change_json, gap_json, message_json};
use anser_sdk::content_of;
use anser_sdk::store::Status;
use anser_types::body::{Body, Custom, FileRef, Forwarded, Location, MergedEntry, Picture, Voice};
use anser_types::event::UnavailableReason;
use anser_types::{
    Change, ChangeKind, ChangeNo, Content, MessageKind, Seq, Unavailable, UnixMs, Version,
};
use serde_json::json;

use anser_sdk::ChatMessage;

use crate::support::{direct, said, user, with_status};

#[test]
fn a_message_as_json() {
    let message = said("bob", 7, "hi\n你好");
    assert_eq!(
        message_json(&message),
        json!({
            "event": "message",
            "conversation": direct("bob").to_string(),
            "seq": 7,
            "peer": "bob",
            "sender": "bob",
            "client_msg_id": "2-7",
            "sent_at_ms": message.sent_at.0,
            "server_time_ms": message.sent_at.0,
            "own": false,
            "state": "received",
            "text": "hi\n你好",
        })
    );
}

#[test]
fn other_content_is_given_whole() {
    let mut message = with_status(said("alice", 1, ""), Status::Sent { stored_offline: true });
    message.content = Some(Content {
        kind: MessageKind::Custom,
        body: bytes::Bytes::from_static(&[0, 255]),
        reply_to: Some(Seq(3)),
        mentions: vec![user("bob")],
        mention_all: false,
        expires_at: None,
        burn_after_ms: None,
        files: Vec::new(),
        forwarded: None,
    });
    let shown = message_json(&message);
    assert_eq!(shown["kind"], json!(7));
    assert_eq!(shown["content_base64"], json!("AP8="));
    assert_eq!((&shown["reply_to"], &shown["mentions"]), (&json!(3), &json!(["bob"])));
    assert_eq!(shown["state"], json!("stored_offline"));
    message.content = None;
    assert_eq!(message_json(&message)["removed"], json!(true));
}

#[test]
fn changes_and_gaps_as_json() {
    let change = Change {
        conversation: direct("bob"),
        change_no: ChangeNo(2),
        after_seq: Seq(9),
        version: Version(2),
        actor: user("alice"),
        at: UnixMs(5),
        kind: ChangeKind::MembersRemoved { users: vec![user("bob")] },
    };
    let shown = change_json(&change);
    assert_eq!(shown["event"], json!("change"));
    assert_eq!(shown["change"], json!({ "kind": "members_removed", "users": ["bob"] }));
    let gap = Unavailable {
        conversation: direct("bob"),
        from: Seq(3),
        to: Seq(5),
        reason: UnavailableReason::Expired,
    };
    assert_eq!(gap_json(&gap)["reason"], json!("expired"));
}

#[test]
fn lines_for_people() {
    let lines = Lines::new(LocalTimes::utc());
    let theirs = said("bob", 7, "one\ntwo\u{1b}[0m");
    assert_eq!(lines.message(&theirs, None), "2026-11-20 11:07:00 #7 bob: one\n    two\u{fffd}[0m");
    let own = with_status(said("alice", 8, "yes"), Status::Read);
    assert_eq!(lines.message(&own, None), "2026-11-20 11:08:00 #8 alice → bob: yes  [read]");
    assert_eq!(
        lines.message(&theirs, Some("Team")).split(": ").next(),
        Some("2026-11-20 11:07:00 #7 bob in Team")
    );
}

fn of_kind(kind: MessageKind, body: &Body) -> ChatMessage {
    let mut message = said("bob", 7, "");
    message.content = Some(Content { kind, ..content_of(body).unwrap() });
    message
}

#[test]
fn requirement_g3_every_kind_is_shown_in_words() {
    let lines = Lines::new(LocalTimes::utc());
    let shown = |message: &ChatMessage| {
        let line = lines.message(message, None);
        line.split_once("bob: ").unwrap().1.to_owned()
    };
    let name = "tea.png".to_owned();
    let file = FileRef { file: "f/1".into(), name, bytes: 70_000, ..FileRef::default() };
    let picture = Picture { file: file.clone(), caption: "海边".into(), ..Picture::default() };
    let voice = Voice { file: file.clone(), duration_ms: 61_500, ..Voice::default() };
    let (latitude_e7, longitude_e7) = (312_304_000, -1_214_737_000);
    let place =
        Location { latitude_e7, longitude_e7, name: "外滩".into(), ..Location::default() };
    let custom =
        Custom { kind: "org.example.vote".into(), summary: "a vote".into(), ..Custom::default() };
    let entry = |kind, body: &str| MergedEntry {
        sender: user("carol"),
        said_at: UnixMs(1),
        kind,
        body: body.to_owned().into(),
    };
    let entries = vec![entry(MessageKind::Text, "hi"), entry(MessageKind::Unknown(77), "?")];
    for (body, words) in [
        (Body::Image(picture.clone()), "(image) 海边 (68 KiB)"),
        (Body::Voice(voice), "(voice) 1:02"),
        (Body::Video(picture, 5_000), "(video) 海边 (0:05, 68 KiB)"),
        (Body::File(file, String::new()), "(file) tea.png (68 KiB)"),
        (Body::Location(place), "(location) 外滩 · 31.23040° N 121.47370° W"),
        (Body::Card(user("carol"), "Carol".into()), "(card) Carol (carol)"),
        (Body::Custom(custom), "(custom) a vote"),
        (
            Body::Merged("Tea".into(), entries),
            "(merged) Tea (2)\n      carol: hi\n      carol: [unknown] ",
        ),
    ] {
        assert_eq!(shown(&of_kind(body.kind(), &body)), words);
    }
    // One that does not hold what its kind says, and one of a version to come.
    assert_eq!(shown(&of_kind(MessageKind::Card, &Body::Text("??".into()))), "(card)");
    let unknown = of_kind(MessageKind::Unknown(77), &Body::Text("?".into()));
    assert_eq!(shown(&unknown), "(kind 77, 1 bytes)");
    let mut forwarded = said("bob", 7, "hi");
    let mark = Forwarded { from: user("carol"), said_at: UnixMs(1) };
    let content = Content { forwarded: Some(Box::new(mark)), ..Content::text("hi") };
    forwarded.content = Some(Content { burn_after_ms: Some(5_000), ..content });
    assert_eq!(shown(&forwarded), "(forwarded from carol) hi (burns once it was read)");
}
