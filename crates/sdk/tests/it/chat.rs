//! Two people talk, over every transport.

use anser_gateway::ListenerKind;
use anser_sdk::{Event, PageBounds, Status};
use tempfile::tempdir;

use crate::world::{World, id, new_text, soon, texts, until};

async fn two_people_talk_over(kind: ListenerKind) {
    let world = World::new();
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    let alice = world.builder(kind, a.path()).login_with(world.devices("alice")).await.unwrap();
    let bob = world.builder(kind, b.path()).login_with(world.devices("bob")).await.unwrap();
    soon(alice.wait_connected()).await.unwrap();
    soon(bob.wait_connected()).await.unwrap();
    let (mut of_alice, mut of_bob) = (alice.events(), bob.events());

    let sent = soon(alice.send_text(id("bob"), "hello")).await.unwrap();
    assert_eq!(sent.seq.0, 1);
    assert_eq!(until(&mut of_bob, new_text).await, "hello");
    soon(bob.send_text(id("alice"), "你好")).await.unwrap();
    assert_eq!(until(&mut of_alice, new_text).await, "你好");

    let page = soon(alice.history(id("bob"), PageBounds::newest(10))).await.unwrap();
    let said: Vec<_> = page.messages.iter().filter_map(|message| message.text()).collect();
    assert_eq!(said, ["hello", "你好"]);
    assert!(page.complete && !page.more);

    alice.close().await;
    bob.close().await;
}

#[tokio::test]
async fn requirement_e1_two_people_talk_over_tcp() {
    two_people_talk_over(ListenerKind::Tcp).await;
}

#[tokio::test]
async fn requirement_e1_two_people_talk_over_tls() {
    two_people_talk_over(ListenerKind::Tls).await;
}

#[tokio::test]
async fn requirement_e1_two_people_talk_over_web_socket() {
    two_people_talk_over(ListenerKind::Http).await;
}

#[tokio::test]
async fn requirement_e1_two_people_talk_over_web_socket_with_tls() {
    two_people_talk_over(ListenerKind::Https).await;
}

#[tokio::test]
async fn requirement_e1_two_people_talk_over_quic() {
    two_people_talk_over(ListenerKind::Quic).await;
}

#[tokio::test]
async fn requirement_a2_a_message_is_sent_then_delivered_then_read() {
    let world = World::new();
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    let alice = world.client("alice", a.path()).await;
    let bob = world.client("bob", b.path()).await;
    soon(bob.wait_connected()).await.unwrap();
    let (mut of_alice, mut of_bob) = (alice.events(), bob.events());

    let sent = soon(alice.send_text(id("bob"), "are you there?")).await.unwrap();
    assert!(!sent.stored_offline);
    until(&mut of_bob, new_text).await;
    until(&mut of_alice, |event| {
        matches!(event, Event::DeliveryReceipt { up_to, .. } if *up_to == sent.seq).then_some(())
    })
    .await;
    let message = alice.own_message(sent.id).await.unwrap().unwrap();
    assert_eq!(message.status, Status::Delivered);

    let list = bob.conversations().await.unwrap();
    assert_eq!((list.len(), list[0].unread, list[0].name()), (1, 1, "alice".to_owned()));
    assert_eq!(bob.total_unread().await.unwrap().unread, 1);
    bob.mark_as_read(id("alice"), sent.seq).await.unwrap();
    until(&mut of_alice, |event| {
        matches!(event, Event::ReadReceipt { up_to, .. } if *up_to == sent.seq).then_some(())
    })
    .await;
    let message = alice.own_message(sent.id).await.unwrap().unwrap();
    assert_eq!(message.status, Status::Read);
    assert_eq!(bob.total_unread().await.unwrap().unread, 0);
    assert_eq!(alice.readers(id("bob"), sent.seq).await.unwrap(), [id("bob")]);
}

#[tokio::test]
async fn requirement_d1_own_messages_appear_on_the_other_device() {
    let world = World::new();
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    let one = world.client("alice", a.path()).await;
    let other = world.client("alice", b.path()).await;
    world.device("bob").await;
    let mut of_other = other.events();
    soon(one.send_text(id("bob"), "from here")).await.unwrap();
    let own = until(&mut of_other, |event| match event {
        Event::NewMessage(message) => Some(message.own),
        _ => None,
    })
    .await;
    assert!(own);
}

#[tokio::test]
async fn typing_is_told() {
    let world = World::new();
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    let alice = world.client("alice", a.path()).await;
    let bob = world.client("bob", b.path()).await;
    soon(bob.wait_connected()).await.unwrap();
    soon(alice.send_text(id("bob"), "hi")).await.unwrap();
    let mut of_bob = bob.events();
    alice.set_typing(id("bob"), true).await.unwrap();
    let who = until(&mut of_bob, |event| match event {
        Event::Typing { who, stopped: false, .. } => Some(who.clone()),
        _ => None,
    })
    .await;
    assert_eq!(who, id("alice"));
}

#[tokio::test]
async fn many_messages_keep_their_order() {
    let world = World::new();
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    let alice = world.client("alice", a.path()).await;
    let bob = world.client("bob", b.path()).await;
    let mut of_bob = bob.events();
    let wanted: Vec<String> = (0..200).map(|n| format!("message {n}")).collect();
    for text in &wanted {
        let content = anser_sdk::Client::create_text_message(text.as_str());
        alice.send_message(id("bob"), content).await.unwrap();
    }
    assert_eq!(texts(&mut of_bob, 200).await, wanted);
}

#[tokio::test]
async fn a_refused_message_says_why_and_waits() {
    let world = World::new();
    let a = tempdir().unwrap();
    let alice = world.client("alice", a.path()).await;
    let error = soon(alice.send_text(id("nobody"), "hello?")).await.unwrap_err();
    assert_eq!(error.code(), anser_types::ErrorCode::UserUnknown);
    let page = alice.history(id("nobody"), PageBounds::newest(10)).await.unwrap();
    assert!(page.complete && page.messages.is_empty());
    assert!(matches!(page.pending[0].status, Status::Failed { unconfirmed: false, .. }));

    // Once the user exists, the same message goes, under the same id.
    world.device("nobody").await;
    let id_of_message = page.pending[0].id;
    alice.retry_message(id_of_message).await.unwrap();
    assert_eq!(soon(alice.wait_sent(id_of_message)).await.unwrap().id, id_of_message);
}
