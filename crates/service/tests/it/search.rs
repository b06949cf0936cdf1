//! Searching one's own conversations: what is found, by whom, and what never is.

use std::sync::Arc;

use anser_backend::search::{Hits, SearchError, SearchRequest};
use anser_backend::{Boxed, SearchIndex};
use anser_service::{Hit, Ports, Query, Reply, Service};
use anser_types::{
    Alteration, Clock as _, Command, Content, ConversationId, DeviceClass, ErrorCode, InboxSeq,
    Seq, SetOptions, Target,
};

use crate::world::{Device, World, create, id, invite, kick, quick_settings, to};

fn search(text: &str, of: Option<Target>, before: Option<Hit>, limit: usize) -> Query {
    Query::Search { text: text.to_owned(), of, before, limit }
}

/// Texts that were found, newest first, and where to go on.
async fn page(device: &Device, query: Query) -> (Vec<String>, Option<Hit>) {
    let Reply::Search { found, next, complete } = device.query(query).await else {
        panic!("another reply")
    };
    assert!(complete);
    let text = |content: &Content| String::from_utf8(content.body.to_vec()).unwrap();
    let texts = found.iter().map(|one| text(one.message.content.as_ref().unwrap()));
    (texts.collect(), next)
}

async fn found(device: &Device, text: &str) -> Vec<String> {
    page(device, search(text, None, None, 0)).await.0
}

async fn alter(device: &mut Device, at: Target, seq: u64, alteration: Alteration) {
    device.done(Command::Alter { at, seq: Seq(seq), of: None, alteration }).await;
}

fn edit(text: &str) -> Alteration {
    Alteration::Edit(Content::text(text))
}

#[tokio::test]
async fn one_finds_what_was_said_in_all_of_ones_conversations() {
    let world = World::new();
    world.users(&["bob", "carol"]).await;
    let mut alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;
    alice.say(to("bob"), "今天下午开会").await;
    world.clock.forward(1_000);
    bob.say(to("alice"), "开会以前先吃饭").await;
    world.clock.forward(1_000);
    let group = alice.create_group("group", &["bob"]).await;
    bob.say(Target::Conversation(group), "nobody told me about the meeting").await;

    assert_eq!(found(&alice, "开会").await, ["开会以前先吃饭", "今天下午开会"]);
    assert_eq!(found(&bob, "下午").await, ["今天下午开会"]);
    assert_eq!(found(&alice, "MEET").await, ["nobody told me about the meeting"]);
    let here = |of| page(&alice, search("me", Some(of), None, 0));
    assert!(here(to("bob")).await.0.is_empty());
    assert_eq!(here(Target::Conversation(group)).await.0.len(), 1);
    // Nobody else's.
    let carol = world.connect("carol").await;
    for text in ["开会", "meeting"] {
        assert!(found(&carol, text).await.is_empty(), "{text}");
    }
    // With somebody one never talked to there is nothing to find.
    assert!(page(&alice, search("x", Some(to("carol")), None, 0)).await.0.is_empty());
}

#[tokio::test]
async fn guarantee_g25_what_was_said_before_one_came_or_after_one_went_is_never_found() {
    let world = World::new();
    world.users(&["bob", "carol"]).await;
    let mut alice = world.connect("alice").await;
    let group = alice.create_group("group", &["bob"]).await;
    let there = Target::Conversation(group);
    alice.say(there.clone(), "secret one").await;
    alice.done(invite(group, &["carol"])).await;
    alice.say(there.clone(), "secret two").await;
    alice.done(kick(group, &["carol"])).await;
    alice.say(there.clone(), "secret three").await;
    let carol = world.connect("carol").await;
    assert_eq!(found(&carol, "secret").await, ["secret two"]);
    assert_eq!(page(&carol, search("secret", Some(there), None, 0)).await.0, ["secret two"]);
    assert_eq!(found(&alice, "secret").await.len(), 3);

    // With history the newcomer sees all of it.
    let open = alice.done(create("open", &["bob"], true)).await.conversation.unwrap();
    alice.say(Target::Conversation(open), "in the open").await;
    alice.done(invite(open, &["carol"])).await;
    assert_eq!(found(&carol, "open").await, ["in the open"]);
}

#[tokio::test]
async fn an_edited_message_is_found_by_its_new_words_only() {
    let world = World::new();
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    alice.say(to("bob"), "三点开会").await;
    alter(&mut alice, to("bob"), 1, edit("四点散步")).await;
    assert!(found(&alice, "开会").await.is_empty());
    assert_eq!(found(&alice, "散步").await, ["四点散步"]);
    alter(&mut alice, to("bob"), 1, Alteration::Revoke).await;
    assert!(found(&alice, "散步").await.is_empty());
}

#[tokio::test]
async fn guarantee_g25_who_left_does_not_find_the_words_of_later_edits() {
    let world = World::new();
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;
    let group = alice.create_group("group", &["bob"]).await;
    let there = Target::Conversation(group);
    alice.say(there.clone(), "what bob saw").await;
    bob.done(Command::Leave { conversation: group }).await;
    alter(&mut alice, there, 1, edit("what bob never saw")).await;
    // The index holds the new words; as bob may see the message they are not in it.
    assert!(found(&bob, "never").await.is_empty());
    assert_eq!(found(&alice, "never").await, ["what bob never saw"]);
}

#[tokio::test]
async fn pages_go_on_without_doubles() {
    let world = World::new();
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    // All at the same time: order and pages come from the places then.
    for round in 0..7 {
        alice.say(to("bob"), &format!("round {round}")).await;
    }
    let (mut all, mut next) = (Vec::new(), None);
    loop {
        let (texts, then) = page(&alice, search("round", None, next, 3)).await;
        all.extend(texts);
        next = then;
        if next.is_none() {
            break;
        }
    }
    let expected: Vec<String> = (0..7).rev().map(|round| format!("round {round}")).collect();
    assert_eq!(all, expected);
}

#[tokio::test]
async fn what_cannot_be_searched_is_refused_with_a_reason() {
    let world = World::new();
    world.user("bob").await;
    let alice = world.connect("alice").await;
    let refused = async |text: &str, of| {
        let query = search(text, of, None, 0);
        alice.session.query(query).await.unwrap_err()
    };
    for text in ["", "   ", "?!", "🎉"] {
        let refusal = refused(text, None).await;
        assert_eq!(refusal.code, ErrorCode::InvalidArgument);
        assert!(refusal.detail.contains("no letter"), "{refusal}");
    }
    let refusal = refused(&"长".repeat(4_000), None).await;
    assert_eq!(refusal.code, ErrorCode::InvalidArgument);
    assert!(refusal.detail.contains("12000 bytes, the limit is 256"), "{refusal}");
    let nowhere = Some(Target::Conversation(ConversationId::group([1; 16])));
    assert_eq!(refused("x", nowhere).await.code, ErrorCode::ConversationUnknown);
    assert_eq!(refused("x", Some(Target::User(id("nobody")))).await.code, ErrorCode::UserUnknown);
}

/// An index that says whatever it was told to.
struct Told(Result<Hits, SearchError>);

impl SearchIndex for Told {
    fn search(&self, _: SearchRequest) -> Boxed<'_, Result<Hits, SearchError>> {
        Box::pin(async { self.0.clone() })
    }

    fn committed(&self, _: &[ConversationId]) {}
}

/// Alice's device at a service with this index, on the world's store.
async fn with_index(world: &World, index: Option<Told>) -> Device {
    let signed_in = world.token("alice", DeviceClass::Cli).await;
    let store = Arc::new(world.store.clone());
    let ports = Ports {
        ledger: Arc::clone(&store) as _,
        conversations: Arc::clone(&store) as _,
        lists: Arc::clone(&store) as _,
        accounts: store,
        files: None,
        search: index.map(|index| Arc::new(index) as _),
    };
    let entropy = Arc::new(crate::world::Counter::default());
    let service = Service::start(ports, Arc::clone(&world.clock) as _, entropy, quick_settings());
    Device::connect(&service, &signed_in, InboxSeq::ZERO).await
}

#[tokio::test]
async fn an_index_that_is_wrong_shows_nothing_it_should_not() {
    let world = World::new();
    world.users(&["bob", "carol"]).await;
    let mut alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;
    alice.say(to("bob"), "hello").await;
    alice.say(to("bob"), "good bye").await;
    bob.say(to("carol"), "hello, not for alice").await;
    let hit = |one: &str, other: &str, seq| Hit {
        at: world.clock.now(),
        conversation: ConversationId::direct(&id(one), &id(other)),
        seq: Seq(seq),
    };
    // Somebody else's; one that does not hold it; one that does not exist; the right one.
    let hits = vec![
        hit("bob", "carol", 1),
        hit("alice", "bob", 2),
        hit("alice", "bob", 9),
        hit("alice", "bob", 1),
    ];
    let alice = with_index(&world, Some(Told(Ok(Hits { hits, complete: false })))).await;
    let reply = alice.query(search("hello", None, None, 10)).await;
    let Reply::Search { found, complete: false, .. } = reply else { panic!("{reply:?}") };
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].message.seq, Seq(1));
}

#[tokio::test]
async fn a_server_without_an_index_or_with_one_that_fails_says_so() {
    let world = World::new();
    let failed = SearchError::Failed("a byte is wrong".to_owned());
    for (index, code) in [
        (None, ErrorCode::Unsupported),
        (Some(Told(Err(SearchError::Busy))), ErrorCode::Overloaded),
        (Some(Told(Err(failed))), ErrorCode::Internal),
    ] {
        let alice = with_index(&world, index).await;
        let refusal = alice.session.query(search("x", None, None, 0)).await.unwrap_err();
        assert_eq!(refusal.code, code);
        assert!(!refusal.detail.is_empty());
    }
}

#[tokio::test]
async fn guarantee_g25_what_one_has_put_away_is_found_no_more() {
    let world = World::new();
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;
    for text in ["goose one", "goose two", "goose three"] {
        bob.say(to("alice"), text).await;
        world.clock.forward(1_000);
    }
    let (at, seqs) = (to("bob"), vec![Seq(2)]);
    alice.done(Command::Hide { at, seqs }).await;
    assert_eq!(found(&alice, "goose").await, ["goose three", "goose one"]);
    let set = SetOptions { cleared_up_to: Some(Seq(1)), ..SetOptions::default() };
    alice.done(Command::SetOptions { at: to("bob"), set }).await;
    assert_eq!(found(&alice, "goose").await, ["goose three"]);
    assert_eq!(found(&bob, "goose").await.len(), 3, "for oneself only");
}
