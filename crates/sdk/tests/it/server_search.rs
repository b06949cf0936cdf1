//! Searching at the server: finds what was never stored here.

use anser_sdk::{ServerSearch, Status};
use anser_types::ErrorCode;
use tempfile::tempdir;

use crate::world::{World, id, soon};

#[tokio::test]
async fn a_new_device_finds_what_was_said_before_it_was_there() {
    let world = World::new();
    let (a, b, again) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    let alice = world.client("alice", a.path()).await;
    let bob = world.client("bob", b.path()).await;
    soon(bob.wait_connected()).await.unwrap();
    let group = soon(alice.create_group("friends", vec![id("bob")], false)).await.unwrap();
    for text in ["今天下午开会", "Lunch at noon", "下午茶"] {
        soon(alice.send_text(id("bob"), text)).await.unwrap();
    }
    soon(bob.send_text(group, "下午见")).await.unwrap();

    let new = world.client("alice", again.path()).await;
    soon(new.wait_connected()).await.unwrap();
    let search = ServerSearch::new("下午").limit(2);
    let first = soon(new.search_server(search)).await.unwrap();
    assert_eq!((first.messages.len(), first.complete), (2, true));
    let last = soon(new.search_server(first.next.unwrap())).await.unwrap();
    assert_eq!((last.messages.len(), last.next), (1, None));
    let found = first.messages.iter().chain(&last.messages);
    let mut texts: Vec<_> = found.clone().filter_map(|message| message.text()).collect();
    texts.sort_unstable();
    assert_eq!(texts, ["下午茶", "下午见", "今天下午开会"]);
    for message in found {
        let in_group = message.conversation == group;
        assert_eq!(message.own, !in_group);
        assert_eq!(message.peer, (!in_group).then(|| id("bob")));
        assert_eq!(message.status, Status::Received);
    }
    let within = ServerSearch::new("下午").within(group);
    assert_eq!(soon(new.search_server(within)).await.unwrap().messages.len(), 1);

    let refused = soon(new.search_server(ServerSearch::new("?"))).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::InvalidArgument);
}
