//! What commands print: shapes of JSON that programs rely on, and lines for people.

use anser_cli::chat::times::LocalTimes;
use anser_cli::say::{Lines, change_json, gap_json, message_json};
use anser_sdk::store::Status;
use anser_types::event::UnavailableReason;
use anser_types::{
    Change, ChangeKind, ChangeNo, Content, MessageKind, Seq, Unavailable, UnixMs, Version,
};
use serde_json::json;

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
