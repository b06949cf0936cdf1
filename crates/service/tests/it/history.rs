//! Reading back: history both ways, the conversation list, unread counts.

use anser_service::{ConversationState, Query, Reply};
use anser_types::{Command, ErrorCode, Seq, Target, limits};

use crate::world::{Device, World, id, to};

async fn page(
    device: &Device,
    of: Target,
    (after, before): (u64, u64),
    limit: usize,
    oldest_first: bool,
) -> (Vec<u64>, bool) {
    let (after, before) = (Seq(after), Seq(before));
    let query = Query::History { of, after, before, limit, oldest_first };
    let Reply::History { messages, more, unavailable, .. } = device.query(query).await else {
        panic!()
    };
    assert!(unavailable.is_empty());
    (messages.iter().map(|message| message.seq.0).collect(), more)
}

async fn list(device: &Device) -> Vec<ConversationState> {
    let query = Query::Conversations { after: None, limit: 0 };
    let Reply::Conversations { page, more } = device.query(query).await else { panic!() };
    assert!(!more);
    page
}

#[tokio::test]
async fn history_is_paged_both_ways() {
    let world = World::new();
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    for n in 1..=10 {
        alice.say(to("bob"), &n.to_string()).await;
    }
    let bob = world.connect("bob").await;
    let with = || to("alice");
    assert_eq!(page(&bob, with(), (0, 0), 3, false).await, (vec![8, 9, 10], true));
    assert_eq!(page(&bob, with(), (0, 8), 3, false).await, (vec![5, 6, 7], true));
    assert_eq!(page(&bob, with(), (0, 3), 3, false).await, (vec![1, 2], false));
    assert_eq!(page(&bob, with(), (0, 0), 3, true).await, (vec![1, 2, 3], true));
    assert_eq!(page(&bob, with(), (7, 0), 3, true).await, (vec![8, 9, 10], false));
    assert_eq!(page(&bob, with(), (3, 6), 0, true).await, (vec![4, 5], false));
    assert_eq!(page(&bob, with(), (10, 0), 3, true).await, (vec![], false));
}

#[tokio::test]
async fn history_of_nothing_and_of_strangers() {
    let world = World::new();
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    let eve = world.connect("eve").await;
    assert_eq!(page(&alice, to("bob"), (0, 0), 0, false).await, (vec![], false));
    let direct = alice.say(to("bob"), "psst").await.conversation.unwrap();
    let ask =
        |of| Query::History { of, after: Seq(0), before: Seq(0), limit: 0, oldest_first: false };
    let refused = eve.session.query(ask(Target::Conversation(direct))).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::ConversationUnknown);
    let refused = eve.session.query(ask(to("nobody"))).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::UserUnknown);
}

#[tokio::test]
async fn requirement_c3_unread_counts_come_first() {
    let world = World::new();
    let mut alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;
    for text in ["1", "2", "3"] {
        alice.say(to("bob"), text).await;
    }
    bob.say(to("alice"), "4").await;
    bob.say(to("bob"), "a note").await;
    let group = alice.create_group("all", &["bob"]).await;
    alice.say(Target::Conversation(group), "hi").await;

    let conversations = list(&bob).await;
    assert_eq!(conversations.len(), 3);
    let state = |peer: &str| {
        conversations.iter().find(|state| state.peer == Some(id(peer))).unwrap().clone()
    };
    let with_alice = state("alice");
    assert_eq!((with_alice.unread, with_alice.head, with_alice.members), (3, Seq(4), 2));
    assert_eq!(with_alice.last_message.unwrap().seq, Seq(4));
    assert_eq!((state("bob").unread, state("bob").members), (0, 1));
    let of_group = conversations.iter().find(|state| state.peer.is_none()).unwrap();
    assert_eq!(
        (of_group.group.as_ref().unwrap().title.as_str(), of_group.unread, of_group.members),
        ("all", 1, 2)
    );

    bob.done(Command::MarkRead { at: to("alice"), up_to: Seq(2) }).await;
    let again = list(&bob).await;
    let with_alice = again.iter().find(|state| state.peer == Some(id("alice"))).unwrap();
    assert_eq!((with_alice.unread, with_alice.read_up_to), (1, Seq(2)));
    let of_alice = list(&alice).await;
    let with_bob = of_alice.iter().find(|state| state.peer == Some(id("bob"))).unwrap();
    assert_eq!(with_bob.peer_read, Seq(2));
}

#[tokio::test]
async fn unread_is_counted_to_a_bound() {
    let world = World::new();
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    let mut pending = Vec::new();
    for n in 0..1_005 {
        pending.push(alice.submit(crate::world::send(to("bob"), &n.to_string())).await);
    }
    for pending in pending {
        crate::world::done(pending.await);
    }
    let bob = world.connect("bob").await;
    assert_eq!(list(&bob).await[0].unread, limits::UNREAD_COUNT_MAX);
}

#[tokio::test]
async fn the_list_is_paged_by_id() {
    let world = World::new();
    let mut alice = world.connect("alice").await;
    for name in ["b", "c", "d", "e", "f"] {
        world.user(name).await;
        alice.say(to(name), "hi").await;
    }
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let query = Query::Conversations { after, limit: 2 };
        let Reply::Conversations { page, more } = alice.query(query).await else { panic!() };
        seen.extend(page.iter().map(|state| state.conversation));
        after = seen.last().copied();
        if !more {
            break;
        }
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.is_sorted());
}
