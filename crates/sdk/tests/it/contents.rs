//! Contents of all kinds, from who composes them to who reads them; forwarding, one by one and as one.

use anser_sdk::{ChatMessage, Client, Event, Events, body_of};
use anser_types::body::{Body, Custom, FileRef, Location, Picture, Voice};
use anser_types::{Content, ErrorCode, FileId, MessageKind, UserId};
use tempfile::tempdir;

use crate::world::{World, id, soon, until};

async fn next(events: &mut Events) -> ChatMessage {
    until(events, |event| match event {
        Event::NewMessage(message) => Some((**message).clone()),
        _ => None,
    })
    .await
}

fn every_kind() -> Vec<Content> {
    let file = FileRef { file: "files/1".into(), name: "a.bin".into(), ..FileRef::default() };
    let picture = Picture { file: file.clone(), caption: "海".into(), ..Picture::default() };
    let voice = Voice { file: file.clone(), duration_ms: 900, ..Voice::default() };
    let custom = Custom { kind: "org.example.vote".into(), ..Custom::default() };
    vec![
        Client::create_text_message("hello"),
        Client::create_image_message(picture.clone()).unwrap(),
        Client::create_voice_message(voice).unwrap(),
        Client::create_video_message(picture, 12_000).unwrap(),
        Client::create_file_message(file, "read").unwrap(),
        Client::create_location_message(Location::default()).unwrap(),
        Client::create_card_message(id("carol"), "Carol").unwrap(),
        Client::create_custom_message(custom).unwrap(),
        // Of a version to come.
        Content { kind: MessageKind::Unknown(77), ..Content::text("?") },
    ]
}

#[tokio::test]
async fn requirement_g3_every_kind_is_sent_read_and_forwarded() {
    let world = World::new();
    let (a, b, c) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    let alice = world.client("alice", a.path()).await;
    let bob = world.client("bob", b.path()).await;
    let carol = world.client("carol", c.path()).await;
    let (mut of_bob, mut of_carol) = (bob.events(), carol.events());
    let contents = every_kind();
    let mut received = Vec::new();
    for content in &contents {
        alice.send_message(id("bob"), content.clone()).await.unwrap();
        let message = next(&mut of_bob).await;
        assert_eq!(message.content.as_ref(), Some(content));
        body_of(content).unwrap();
        received.push(message);
    }
    // One by one: whose words they are goes along, also when they are forwarded again.
    for message in &received {
        let content = Client::create_forward_message(message).unwrap();
        bob.send_message(id("carol"), content).await.unwrap();
        let forwarded = next(&mut of_carol).await;
        let again = Client::create_forward_message(&forwarded).unwrap();
        for content in [forwarded.content.unwrap(), again] {
            let mark = content.forwarded.clone().unwrap();
            assert_eq!((&mark.from, mark.said_at), (&id("alice"), message.server_time.unwrap()));
            assert_eq!(Some(Content { forwarded: None, ..content }), message.content);
        }
    }
    // As one.
    let content = Client::create_merged_message("Kinds", &received).unwrap();
    let sent = bob.send_message(id("carol"), content).await.unwrap();
    soon(bob.wait_sent(sent)).await.unwrap();
    let Body::Merged(title, entries) =
        body_of(&next(&mut of_carol).await.content.unwrap()).unwrap()
    else {
        panic!()
    };
    assert_eq!((title.as_str(), entries.len()), ("Kinds", contents.len()));
    for (entry, content) in entries.iter().zip(&contents) {
        assert_eq!(
            (&entry.sender, entry.kind, &entry.body),
            (&id("alice"), content.kind, &content.body)
        );
    }
}

#[tokio::test]
async fn what_burns_or_is_gone_is_not_forwarded_and_what_expires_still_expires() {
    let world = World::new();
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    let alice = world.client("alice", a.path()).await;
    let bob = world.client("bob", b.path()).await;
    let mut of_bob = bob.events();
    soon(alice.wait_connected()).await.unwrap();
    let soon_over = anser_types::UnixMs(alice.server_time().await.unwrap().0 + 60_000);
    let expires = Content { expires_at: Some(soon_over), ..Content::text("for a minute") };
    let burns = Content { burn_after_ms: Some(60_000), ..Content::text("burns") };
    alice.send_message(id("bob"), expires).await.unwrap();
    let expiring = next(&mut of_bob).await;
    alice.send_message(id("bob"), burns).await.unwrap();
    let burning = next(&mut of_bob).await;
    let refused = Client::create_forward_message(&burning).unwrap_err();
    assert_eq!(refused.code, ErrorCode::NotAllowed);
    assert!(Client::create_merged_message("", &[burning]).is_err());
    let gone = ChatMessage { content: None, ..expiring.clone() };
    assert_eq!(Client::create_forward_message(&gone).unwrap_err().code, ErrorCode::TargetMissing);
    for content in [
        Client::create_forward_message(&expiring).unwrap(),
        Client::create_merged_message("", std::slice::from_ref(&expiring)).unwrap(),
    ] {
        assert_eq!(content.expires_at, Some(soon_over));
    }
    assert_eq!(
        Client::create_merged_message("", &[]).unwrap_err().code,
        ErrorCode::InvalidArgument
    );
    let holding = |files: std::ops::Range<u8>| {
        let files = files.map(|n| FileId([n; 16])).collect();
        ChatMessage { content: Some(Content { files, ..Content::text("x") }), ..expiring.clone() }
    };
    let merged = Client::create_merged_message("", &[holding(0..60), holding(20..100)]).unwrap();
    assert_eq!(merged.files.len(), 100, "each of them once");
    let refused = Client::create_merged_message("", &[holding(0..60), holding(60..101)]);
    assert!(refused.unwrap_err().detail.contains("101 files; at most 100"));
    // Other people's words are not edited under their name.
    let content = Client::create_forward_message(&expiring).unwrap();
    let sent = bob.send_message(id("alice"), content.clone()).await.unwrap();
    let sent = soon(bob.wait_sent(sent)).await.unwrap();
    let edited = Content { body: "other words".into(), ..content };
    let refused = bob.edit_message(id("alice"), sent.seq, edited).await.unwrap_err();
    assert_eq!(anser_types::Refusal::from(refused).code, ErrorCode::NotAllowed);
}

#[test]
fn what_makes_no_sense_is_refused_before_it_is_sent() {
    let north = Location { latitude_e7: i32::MAX, ..Location::default() };
    let refused = Client::create_location_message(north).unwrap_err();
    assert_eq!(refused.code, ErrorCode::InvalidArgument);
    assert!(refused.detail.contains("latitude_e7: within 90 degrees"), "{refused}");
    let card = Client::create_card_message(UserId::new("bob").unwrap(), "x".repeat(300));
    assert!(card.unwrap_err().detail.contains("name: at most 256 bytes"));
}
