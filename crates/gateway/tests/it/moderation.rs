//! Words that may not be said, in contents of every kind as they come through the doors.

use std::sync::Arc;

use anser_gateway::{ListenerKind, read_body};
use anser_proto::v1;
use anser_proto::v1::alteration::How;
use anser_proto::v1::command::Op;
use anser_proto::values::bodies::write;
use anser_service::Words;
use anser_types::body::{Body, Custom, FileRef, Location, MergedEntry, Picture, Voice};
use anser_types::{DeviceClass, ErrorCode, MessageKind, UnixMs, UserId};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::json;

use crate::api::{bearer, request};
use crate::peer::text_to;
use crate::world::{API_KEY, World, address};

fn world(list: &str) -> World {
    World::with(|settings| {
        settings.words = Some(Arc::new(Words::parse(list, read_body).unwrap()));
    })
}

fn id(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

fn file(name: &str) -> FileRef {
    FileRef { file: "https://example.org/1".into(), name: name.into(), ..FileRef::default() }
}

fn picture(name: &str, caption: &str) -> Picture {
    Picture { file: file(name), caption: caption.into(), ..Picture::default() }
}

fn place(name: &str, address: &str) -> Location {
    Location { name: name.into(), address: address.into(), ..Location::default() }
}

fn merged(title: &str, within: &[Body]) -> Body {
    let entry = |body: &Body| MergedEntry {
        sender: id("carol"),
        said_at: UnixMs(1_795_000_000_000),
        kind: body.kind(),
        body: write(body).unwrap(),
    };
    Body::Merged(title.into(), within.iter().map(entry).collect())
}

/// Contents that show this word, each at another place.
fn showing(word: &str) -> Vec<Body> {
    let deep = merged("", &[Body::Text("hi".into()), Body::Image(picture("", word))]);
    vec![
        Body::Text(format!("a {word}")),
        Body::Image(picture("", word)),
        Body::Image(picture(&format!("{word}.png"), "")),
        Body::Voice(Voice { file: file(word), ..Voice::default() }),
        Body::Video(picture("", word), 1_000),
        Body::File(file("a.txt"), word.into()),
        Body::File(file(word), String::new()),
        Body::File(FileRef { file: format!("{word}.txt"), ..FileRef::default() }, String::new()),
        Body::Location(place(word, "")),
        Body::Location(place("", word)),
        Body::Card(id("bob"), word.into()),
        Body::Custom(Custom {
            kind: "org.example.x".into(),
            summary: word.into(),
            data: Bytes::new(),
        }),
        merged(word, &[Body::Text("hi".into())]),
        merged("", &[Body::System(word.into())]),
        merged("", &[Body::Text("hi".into()), merged("", &[deep])]),
    ]
}

fn send(body: &Body) -> Op {
    let Op::Send(message) = text_to("bob", "") else { unreachable!() };
    Op::Send(v1::SendMessage { kind: body.kind().code(), content: write(body).unwrap(), ..message })
}

fn edit(seq: u64, body: &Body) -> Op {
    let content = v1::EditedContent {
        kind: body.kind().code(),
        content: write(body).unwrap(),
        ..v1::EditedContent::default()
    };
    Op::Alter(v1::Alter {
        at: Some(v1::alter::At::User("bob".into())),
        seq,
        alteration: Some(v1::Alteration {
            how: Some(How::Edit(v1::Edit { content: Some(content) })),
        }),
        ..v1::Alter::default()
    })
}

#[tokio::test]
async fn requirement_g5_words_are_found_in_captions_names_and_what_is_forwarded() {
    let world = world("goose\n敏感词");
    world.device("bob", DeviceClass::Phone).await;
    let mut alice = world.online("alice").await;
    let gateway = world.gateway(&[ListenerKind::Http]);
    let at = address(&gateway, ListenerKind::Http);
    let refused = Some(u32::from(ErrorCode::ContentRefused.number()));
    for word in ["Goose", "说敏感词了"] {
        for (number, (bad, good)) in showing(word).iter().zip(showing("duck")).enumerate() {
            let mut run = async |op| {
                alice.command(op).await;
                alice.command_ack().await
            };
            let code = |ack: &v1::CommandAck| ack.error.as_ref().map(|error| error.code);
            assert_eq!(code(&run(send(bad)).await), refused, "sent: {bad:?}");
            let said = run(send(&good)).await;
            assert_eq!(said.error, None, "{good:?}");
            assert_eq!(code(&run(edit(said.seq, bad)).await), refused, "edited to: {bad:?}");
            // Their app server is held to it too.
            let message = json!({
                "from": "alice", "to": {"user": "bob"}, "kind": bad.kind().name(),
                "content_base64": STANDARD.encode(write(bad).unwrap()),
            });
            let headers =
                format!("{}idempotency-key: {}-{number}\r\n", bearer(API_KEY), word.len());
            request(at, "POST", "/v1/app/messages", &headers, &message.to_string())
                .await
                .is_problem(403, ErrorCode::ContentRefused);
        }
    }
}

#[tokio::test]
async fn what_no_client_shows_as_text_is_not_looked_into() {
    let world = world("goose");
    world.device("bob", DeviceClass::Phone).await;
    let mut alice = world.online("alice").await;
    let custom = Custom { data: "goose".into(), kind: "org.goose.x".into(), ..Custom::default() };
    let unreadable = |kind: MessageKind| {
        let Op::Send(message) = text_to("bob", "goose") else { unreachable!() };
        Op::Send(v1::SendMessage { kind: kind.code(), ..message })
    };
    for op in [
        send(&Body::Custom(custom)),
        send(&Body::Card(id("goose"), String::new())),
        unreadable(MessageKind::Image),
        unreadable(MessageKind::Merged),
        unreadable(MessageKind::Unknown(77)),
    ] {
        let said = format!("{op:?}");
        alice.command(op).await;
        assert_eq!(alice.command_ack().await.error, None, "{said}");
    }
}
