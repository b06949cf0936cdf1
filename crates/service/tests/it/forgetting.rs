//! Messages that expire and messages that burn: shown to nobody once their time is over, and erased some time later.

use std::time::Duration;

use anser_backend::{Conversations as _, Order, PageLimit};
use anser_service::Query;
use anser_types::{
    Alteration, ChangeKind, ChangeNo, Clock as _, Command, Content, ConversationId, ErrorCode,
    Event, InboxSeq, Message, Seq, Target, UnixMs, limits,
};

use crate::world::{Device, World, id, send, to};

const MINUTE_MS: u64 = 60_000;

fn until(world: &World, text: &str, ms: u64) -> Content {
    let at = UnixMs(world.clock.now().0 + ms);
    Content { expires_at: Some(at), ..Content::text(text) }
}

fn burning(text: &str, after_ms: u32) -> Content {
    Content { burn_after_ms: Some(after_ms), ..Content::text(text) }
}

fn says(to: Target, content: Content) -> Command {
    Command::SendMessage { to, content }
}

fn reads(at: Target, up_to: u64) -> Command {
    Command::MarkRead { at, up_to: Seq(up_to) }
}

fn direct() -> ConversationId {
    ConversationId::direct(&id("alice"), &id("bob"))
}

/// Everything a user is told by every way of reading, as text to look for words in.
async fn everything(world: &World, name: &str, peer: &str) -> String {
    let mut device = world.connect(name).await;
    let of = to(peer);
    let history = Query::History {
        of: of.clone(),
        after: Seq::ZERO,
        before: Seq::ZERO,
        limit: 50,
        oldest_first: true,
    };
    let mut told = format!("{:?}", device.events().await);
    let changes = Query::Changes { conversation: direct(), after: ChangeNo::ZERO, limit: 50 };
    let queries = [
        history,
        changes,
        Query::Conversations { after: None, limit: 50 },
        Query::SyncPage {
            at: InboxSeq(u64::MAX),
            since: Default::default(),
            after: None,
            limit: 50,
            heads_only: false,
        },
        Query::Editions { of, seq: Seq(1) },
    ];
    for query in queries {
        told += &format!("{:?}", device.query(query).await);
    }
    told
}

async fn stored(world: &World, seq: u64) -> Message {
    let one = PageLimit { entries: 1, bytes: 1 };
    let (after, up_to) = (Seq(seq - 1), Seq(seq));
    let found = world.store.messages(direct(), after, up_to, Order::OldestFirst, one).await;
    found.unwrap()[0].as_ref().clone()
}

/// The world's clock and the runtime's go on together.
async fn pass(world: &World, ms: u64) {
    world.clock.forward(ms);
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

#[tokio::test(start_paused = true)]
async fn requirement_g3_what_has_expired_is_shown_to_nobody_and_erased() {
    let world = World::new();
    world.users(&["alice", "bob"]).await;
    let mut alice = world.connect("alice").await;
    let content = until(&world, "secret", MINUTE_MS);
    alice.done(says(to("bob"), content.clone())).await;
    let edit = Content { body: "more secret".into(), ..content.clone() };
    let alteration = Alteration::Edit(edit);
    alice.done(Command::Alter { at: to("bob"), seq: Seq(1), of: None, alteration }).await;
    for (name, peer) in [("alice", "bob"), ("bob", "alice")] {
        let told = everything(&world, name, peer).await;
        assert!(told.matches("more secret").count() >= 4, "{told}");
    }
    // Its time is over, and nothing was erased yet: the clock has gone on, the work beside has not run.
    world.clock.forward(MINUTE_MS);
    assert!(stored(&world, 1).await.content.is_some());
    for (name, peer) in [("alice", "bob"), ("bob", "alice")] {
        let told = everything(&world, name, peer).await;
        assert!(!told.contains("secret"), "{name} is told {told}");
    }
    let late = Command::Alter {
        at: to("alice"),
        seq: Seq(1),
        of: None,
        alteration: Alteration::React { emoji: "👍".to_owned(), on: true },
    };
    let mut bob = world.connect("bob").await;
    assert_eq!(bob.refused(late).await, ErrorCode::TargetMissing);
    // Then it is erased: its place stays, and no inbox hears of it.
    let heard = world.inbox_head(&bob).await;
    pass(&world, MINUTE_MS).await;
    let left = stored(&world, 1).await;
    assert_eq!((left.seq, left.content.is_none()), (Seq(1), true));
    assert_eq!(world.inbox_head(&bob).await, heard);
    alice.say(to("bob"), "next").await;
    assert_eq!(world.direct_head("alice", "bob").await, Seq(2));
}

#[tokio::test(start_paused = true)]
async fn requirement_g3_a_clock_that_jumps_erases_nothing() {
    let world = World::new();
    world.users(&["alice", "bob"]).await;
    let mut alice = world.connect("alice").await;
    let content = until(&world, "kept", 3 * 3600 * 1000);
    alice.done(says(to("bob"), content)).await;
    world.clock.forward(4 * 3600 * 1000);
    tokio::time::sleep(Duration::from_millis(MINUTE_MS)).await;
    assert!(stored(&world, 1).await.content.is_some());
}

#[tokio::test]
async fn requirement_g3_times_must_make_sense() {
    let world = World::new();
    world.users(&["alice", "bob", "carol"]).await;
    let mut alice = world.connect("alice").await;
    let group = alice.create_group("g", &["bob"]).await;
    let past = Content { expires_at: Some(world.clock.now()), ..Content::text("late") };
    assert_eq!(alice.refused(says(to("bob"), past)).await, ErrorCode::TooLate);
    let far = until(&world, "far", limits::EXPIRES_WITHIN_MS + 1);
    assert_eq!(alice.refused(says(to("bob"), far)).await, ErrorCode::InvalidArgument);
    for ms in [limits::BURN_AFTER_MS.0 - 1, limits::BURN_AFTER_MS.1 + 1] {
        let refused = alice.refused(says(to("bob"), burning("x", ms))).await;
        assert_eq!(refused, ErrorCode::InvalidArgument);
    }
    // Only between two people something burns.
    for target in [Target::Conversation(group), to("alice")] {
        let refused = alice.refused(says(target, burning("x", 5_000))).await;
        assert_eq!(refused, ErrorCode::NotAllowed);
    }
    // An edit changes no time, and what burns is not edited.
    alice.done(says(to("bob"), until(&world, "timed", MINUTE_MS))).await;
    alice.done(says(to("bob"), burning("burns", 5_000))).await;
    for (seq, code) in [(1, ErrorCode::InvalidArgument), (2, ErrorCode::InvalidArgument)] {
        let alteration = Alteration::Edit(Content::text("for ever"));
        let edit = Command::Alter { at: to("bob"), seq: Seq(seq), of: None, alteration };
        assert_eq!(alice.refused(edit).await, code);
    }
    let alteration = Alteration::Edit(burning("other", 5_000));
    let edit = Command::Alter { at: to("bob"), seq: Seq(2), of: None, alteration };
    assert_eq!(alice.refused(edit).await, ErrorCode::NotAllowed);
    for alteration in [Alteration::Burn(UnixMs(1)), Alteration::Expire] {
        let told = Command::Alter { at: to("bob"), seq: Seq(1), of: None, alteration };
        assert_eq!(alice.refused(told).await, ErrorCode::Unsupported);
    }
}

/// The times at which messages burn, as a device hears of them.
async fn burns(device: &mut Device) -> Vec<(Seq, UnixMs)> {
    let events = device.events().await.into_iter();
    let burns = events.filter_map(|delivery| match delivery.event {
        Event::Change(change) => match change.kind {
            ChangeKind::MessageAltered { seq, alteration: Alteration::Burn(at) } => Some((seq, at)),
            _ => None,
        },
        _ => None,
    });
    burns.collect()
}

#[tokio::test(start_paused = true)]
async fn requirement_g3_a_message_burns_some_time_after_its_receiver_has_read_it() {
    let world = World::new();
    world.users(&["alice", "bob"]).await;
    let (mut alice, mut bob) = (world.connect("alice").await, world.connect("bob").await);
    alice.say(to("bob"), "stays").await;
    alice.done(says(to("bob"), burning("fuse", 5_000))).await;
    alice.done(says(to("bob"), burning("later", 9_000))).await;
    bob.done(says(to("alice"), burning("from bob", 5_000))).await;
    // Nobody has read it: it waits. Its sender's own reading does not count.
    alice.done(reads(to("bob"), 4)).await;
    pass(&world, MINUTE_MS).await;
    assert!(stored(&world, 2).await.content.is_some());
    let from_bob = burns(&mut alice).await;
    assert_eq!(from_bob.len(), 1, "alice has read what bob said: {from_bob:?}");
    // Bob reads the first of the two: both sides hear when it burns, in the commit of the read position.
    let now = world.clock.now().0;
    let read = bob.done(reads(to("alice"), 2)).await;
    assert_eq!(burns(&mut alice).await, [(Seq(2), UnixMs(now + 5_000))]);
    assert_eq!(burns(&mut bob).await.last(), Some(&(Seq(2), UnixMs(now + 5_000))));
    // The answer names the entry of the position, the last one.
    assert_eq!(read.inbox_seq, world.inbox_head(&bob).await);
    // Reading it again, or further, puts nothing off.
    pass(&world, 4_000).await;
    bob.done(reads(to("alice"), 4)).await;
    assert_eq!(burns(&mut alice).await, [(Seq(3), UnixMs(now + 13_000))]);
    world.clock.forward(1_000);
    let told = everything(&world, "alice", "bob").await;
    assert!(!told.contains("fuse") && told.contains("later"), "{told}");
    pass(&world, MINUTE_MS).await;
    for (seq, there) in [(1, true), (2, false), (3, false), (4, false)] {
        assert_eq!(stored(&world, seq).await.content.is_some(), there, "message {seq}");
    }
}

#[tokio::test(start_paused = true)]
async fn requirement_g3_a_restart_between_reading_and_burning_loses_no_time() {
    let mut world = World::new();
    world.users(&["alice", "bob"]).await;
    let (mut alice, mut bob) = (world.connect("alice").await, world.connect("bob").await);
    // The first message there is.
    alice.done(says(to("bob"), burning("fuse", 5_000))).await;
    bob.done(reads(to("alice"), 1)).await;
    world.crash();
    world.clock.forward(5_000);
    assert!(!everything(&world, "bob", "alice").await.contains("fuse"));
    pass(&world, MINUTE_MS).await;
    assert!(stored(&world, 1).await.content.is_none());
}

#[tokio::test]
async fn requirement_g3_only_so_much_that_burns_waits_to_be_read() {
    let world = World::new();
    world.users(&["alice", "bob"]).await;
    let (mut alice, mut bob) = (world.connect("alice").await, world.connect("bob").await);
    for _ in 0..limits::BURN_UNREAD_MAX {
        alice.done(says(to("bob"), burning("fuse", 5_000))).await;
    }
    assert_eq!(alice.refused(says(to("bob"), burning("x", 5_000))).await, ErrorCode::LimitReached);
    alice.done(send(to("bob"), "what does not burn is sent all the same")).await;
    bob.done(reads(to("alice"), limits::BURN_UNREAD_MAX)).await;
    assert_eq!(burns(&mut bob).await.len() as u64, limits::BURN_UNREAD_MAX);
    alice.done(says(to("bob"), burning("x", 5_000))).await;
}
