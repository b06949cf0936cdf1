//! What an operator does not let be said, by whatever command it would come before others.

use std::sync::Arc;

use anser_service::{Settings, Words};
use anser_types::body::{Body, Custom};
use anser_types::{
    Alteration, Command, ContactAct, Content, ErrorCode, MemberAct, MessageKind, Seq, SetGroup,
    Target,
};
use bytes::Bytes;

use crate::world::{World, id, quick_settings, send, to};

fn words(list: &str) -> Option<Arc<Words>> {
    Some(Arc::new(Words::parse(list, read).unwrap()))
}

/// Texts and summaries as they are; other kinds cannot be read here.
fn read(kind: MessageKind, content: &Bytes) -> Option<Body> {
    let text = String::from_utf8(content.to_vec()).ok()?;
    match kind {
        MessageKind::Text => Some(Body::Text(text)),
        MessageKind::Custom => Some(Body::Custom(Custom { summary: text, ..Custom::default() })),
        _ => None,
    }
}

fn content(kind: MessageKind, body: &'static str) -> Content {
    Content { kind, ..Content::text(body) }
}

#[tokio::test]
async fn requirement_g5_words_on_the_list_are_refused_wherever_others_would_see_them() {
    let world = World::with(Settings { words: words("goose\n敏感词"), ..quick_settings() });
    world.users(&["alice", "bob"]).await;
    let (mut alice, mut bob) = (world.connect("alice").await, world.connect("bob").await);
    let group = alice.create_group("ducks", &["bob"]).await;
    alice.say(to("bob"), "a duck").await;
    let conversation = group;
    let alter = |act| Command::AlterMember { conversation, user: id("alice"), act };
    let update = |set| Command::UpdateGroup { conversation, set };
    let contact = |act| Command::Contact { user: id("bob"), act };
    let custom =
        |body| Command::SendMessage { to: to("bob"), content: content(MessageKind::Custom, body) };
    let altered = |alteration| Command::Alter { at: to("bob"), seq: Seq(1), of: None, alteration };
    let reaction = |emoji: &str, on| Alteration::React { emoji: emoji.to_owned(), on };
    let (title, announcement) = (Some("Goose".to_owned()), Some("ｇｏｏｓｅ".to_owned()));
    for refused in [
        send(to("bob"), "这是敏感词"),
        send(Target::Conversation(group), "goose"),
        custom("a goose"),
        altered(Alteration::Edit(Content::text("a GOOSE"))),
        altered(reaction("goose", true)),
        Command::CreateGroup {
            title: "goose".into(),
            members: Vec::new(),
            history_for_new_members: false,
        },
        update(SetGroup { title, ..SetGroup::default() }),
        update(SetGroup { announcement, ..SetGroup::default() }),
        alter(MemberAct::Alias("goose".into())),
        contact(ContactAct::Apply { greeting: "hi goose".into() }),
        contact(ContactAct::Remark("goose".into())),
        Command::Join { conversation, greeting: "goose".into() },
    ] {
        let said = format!("{refused:?}");
        assert_eq!(alice.refused(refused).await, ErrorCode::ContentRefused, "{said}");
    }
    // What nobody can read is shown to nobody, and passes.
    let unread = content(MessageKind::Image, "goose");
    alice.done(Command::SendMessage { to: to("bob"), content: unread }).await;
    alice.done(custom("a duck")).await;
    // Its app server is held to it too.
    let app = world.app();
    let sent = world.service.send_as(
        &app,
        id("alice"),
        "key".to_owned(),
        [0; 16],
        to("bob"),
        Content::text("goose"),
    );
    assert_eq!(sent.await.unwrap_err().code, ErrorCode::ContentRefused);
    // Another list holds from the next command on; without one everything may be said.
    world.service.set_words(words("duck"));
    bob.say(to("alice"), "goose").await;
    alice.done(altered(reaction("goose", true))).await;
    // Taken away is also what may not be said any more.
    world.service.set_words(words("goose\nduck"));
    alice.done(altered(reaction("goose", false))).await;
    assert_eq!(bob.refused(send(to("alice"), "duck")).await, ErrorCode::ContentRefused);
    world.service.set_words(None);
    bob.say(to("alice"), "duck").await;
}

#[tokio::test]
async fn what_was_accepted_before_the_list_changed_is_answered_as_before() {
    let world = World::new();
    world.users(&["alice", "bob"]).await;
    let mut alice = world.connect("alice").await;
    let request = alice.request(send(to("bob"), "goose"));
    let first = alice.session.submit(request.clone()).await.await;
    world.service.set_words(words("goose"));
    let again = alice.session.submit(request).await.await;
    let anser_service::Answered::Final { answer: first, duplicate: false, .. } = first else {
        panic!()
    };
    let anser_service::Answered::Final { answer, duplicate: true, .. } = again else { panic!() };
    assert_eq!(answer, first, "a repetition is no new message");
}
