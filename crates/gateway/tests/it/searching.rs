//! A search on the wire: places, pages, and what cannot be asked.

use anser_proto::session::client::Incoming;
use anser_proto::v1::{self, command::Op, query::Query, reply::Reply, search_query::Of};
use anser_types::{DeviceClass, ErrorCode};
use bytes::Bytes;
use tokio::io::DuplexStream;

use crate::peer::Peer;
use crate::world::World;

async fn ask(peer: &mut Peer<DuplexStream>, search: v1::SearchQuery) -> Reply {
    let query = v1::Query { query_no: 7, query: Some(Query::Search(search)) };
    peer.say(|wire, out| wire.query(&query, out)).await;
    loop {
        if let Incoming::Reply(reply) = peer.hear().await {
            return reply.reply.unwrap();
        }
    }
}

/// The answer to a command, whatever entries of the inbox come before it.
async fn ack(peer: &mut Peer<DuplexStream>) -> v1::CommandAck {
    loop {
        if let Incoming::CommandAck(ack) = peer.hear().await {
            return ack;
        }
    }
}

async fn page(peer: &mut Peer<DuplexStream>, search: v1::SearchQuery) -> v1::SearchPage {
    match ask(peer, search).await {
        Reply::Search(page) => page,
        other => panic!("{other:?}"),
    }
}

fn texts(page: &v1::SearchPage) -> Vec<&str> {
    page.messages.iter().map(|one| std::str::from_utf8(&one.content).unwrap()).collect()
}

fn query(text: &str) -> v1::SearchQuery {
    v1::SearchQuery { text: text.to_owned(), ..Default::default() }
}

#[tokio::test(start_paused = true)]
async fn a_search_names_the_place_of_each_message_and_goes_on_from_page_to_page() {
    let world = World::new();
    world.device("bob", DeviceClass::Bot).await;
    let mut alice = world.online("alice").await;
    for text in ["今天下午开会", "下午好", "再见"] {
        alice.send("bob", text).await;
    }
    let group = v1::CreateGroup {
        title: "group".to_owned(),
        members: vec!["bob".to_owned()],
        ..Default::default()
    };
    alice.command(Op::CreateGroup(group)).await;
    let group = ack(&mut alice).await.conversation;
    let to = Some(v1::send_message::To::Conversation(group.clone()));
    let content = Bytes::from("下午在群里");
    alice.command(Op::Send(v1::SendMessage { to, content, ..Default::default() })).await;
    ack(&mut alice).await;

    let all = page(&mut alice, query("下午")).await;
    assert_eq!(all.messages.len(), 3);
    assert!(all.complete && all.next.is_empty());
    for message in &all.messages {
        assert_eq!(message.sender, "alice");
        assert_ne!(message.peer.is_empty(), message.conversation.is_empty(), "one names the place");
    }
    // One by one; the places in between are opaque.
    let (mut seen, mut before) = (Vec::new(), Bytes::new());
    loop {
        let next = v1::SearchQuery { limit: 1, before: before.clone(), ..query("下午") };
        let one = page(&mut alice, next).await;
        seen.extend(one.messages);
        before = one.next;
        if before.is_empty() {
            break;
        }
    }
    assert_eq!(seen, all.messages);
    let within = |of| v1::SearchQuery { of: Some(of), ..query("下午") };
    let direct = page(&mut alice, within(Of::User("bob".to_owned()))).await;
    assert_eq!(texts(&direct), ["下午好", "今天下午开会"]);
    let grouped = page(&mut alice, within(Of::Conversation(group))).await;
    assert_eq!(texts(&grouped), ["下午在群里"]);
}

#[tokio::test(start_paused = true)]
async fn searches_that_cannot_be_are_refused() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    let invalid = [
        query(""),
        query("。。。"),
        query(&"x".repeat(10_000)),
        v1::SearchQuery { before: Bytes::from_static(b"short"), ..query("x") },
        v1::SearchQuery { of: Some(Of::Conversation(Bytes::from_static(b"x"))), ..query("x") },
        v1::SearchQuery { of: Some(Of::User(String::new())), ..query("x") },
    ];
    for search in invalid {
        let Reply::Error(error) = ask(&mut alice, search).await else { panic!("no error") };
        assert_eq!(error.code, u32::from(ErrorCode::InvalidArgument.number()), "{error:?}");
        assert!(!error.detail.is_empty());
    }
}
