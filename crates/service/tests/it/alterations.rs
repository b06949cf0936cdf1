//! Editing, taking back, reacting, pinning: who may, for how long, and what everybody is shown afterwards.

use anser_service::{Answered, Query, Reply};
use anser_types::{
    Alteration, ChangeKind, Command, Content, ConversationId, ErrorCode, Event, Message,
    MessageKind, Outcome, Seq, Target, limits,
};

use crate::world::{Device, World, invite, kick, to};

fn edit(at: Target, seq: u64, text: &str) -> Command {
    Command::Alter {
        at,
        seq: Seq(seq),
        of: None,
        alteration: Alteration::Edit(Content::text(text)),
    }
}

fn revoke(at: Target, seq: u64) -> Command {
    Command::Alter { at, seq: Seq(seq), of: None, alteration: Alteration::Revoke }
}

fn react(at: Target, seq: u64, emoji: &str, on: bool) -> Command {
    let alteration = Alteration::React { emoji: emoji.to_owned(), on };
    Command::Alter { at, seq: Seq(seq), of: None, alteration }
}

fn pin(at: Target, seq: u64, on: bool) -> Command {
    Command::Alter { at, seq: Seq(seq), of: None, alteration: Alteration::Pin { on } }
}

async fn history(device: &Device, of: Target) -> Vec<Message> {
    let query =
        Query::History { of, after: Seq::ZERO, before: Seq::ZERO, limit: 50, oldest_first: true };
    let Reply::History { messages, .. } = device.query(query).await else { panic!() };
    messages.iter().map(|message| message.as_ref().clone()).collect()
}

fn text(message: &Message) -> Option<&str> {
    message.content.as_ref().map(|content| std::str::from_utf8(&content.body).unwrap())
}

async fn said(device: &Device, of: Target) -> Vec<String> {
    let messages = history(device, of).await;
    messages.iter().map(|message| text(message).unwrap_or("(gone)").to_owned()).collect()
}

async fn editions(device: &Device, of: Target, seq: u64) -> Vec<String> {
    let Reply::Editions(found) = device.query(Query::Editions { of, seq: Seq(seq) }).await else {
        panic!()
    };
    found.iter().map(|one| String::from_utf8(one.content.body.to_vec()).unwrap()).collect()
}

#[tokio::test]
async fn requirement_g3_an_edit_reaches_everybody_and_keeps_what_was_said_before() {
    let world = World::new();
    world.users(&["alice", "bob"]).await;
    let (mut alice, mut bob) = (world.connect("alice").await, world.connect("bob").await);
    alice.say(to("bob"), "helo").await;
    let done = alice.done(edit(to("bob"), 1, "hello")).await;
    assert_eq!(done.change_no.0, 1);
    let events = bob.events().await;
    let Event::Change(change) = &events[1].event else { panic!("{events:?}") };
    let alteration = Alteration::Edit(Content::text("hello"));
    assert_eq!(change.kind, ChangeKind::MessageAltered { seq: Seq(1), alteration });
    assert_eq!(said(&bob, to("alice")).await, ["hello"]);
    assert_eq!(editions(&bob, to("alice"), 1).await, ["helo"]);
    // A device that was away hears both, in their order (guarantee G8).
    let mut later = world.connect("bob").await;
    let missed = later.events().await;
    assert!(matches!(&missed[0].event, Event::Message(message) if message.altered.is_some()));
    assert!(matches!(&missed[1].event, Event::Change(_)));
}

#[tokio::test]
async fn requirement_g3_only_its_sender_edits_a_message_and_only_for_some_time() {
    let world = World::new();
    world.users(&["alice", "bob"]).await;
    let (mut alice, mut bob) = (world.connect("alice").await, world.connect("bob").await);
    alice.say(to("bob"), "mine").await;
    assert_eq!(bob.refused(edit(to("alice"), 1, "yours")).await, ErrorCode::NotAllowed);
    assert_eq!(alice.refused(edit(to("bob"), 2, "nothing")).await, ErrorCode::TargetMissing);
    let image = Content { kind: MessageKind::Image, ..Content::text("mine") };
    let alteration = Alteration::Edit(image);
    let other_kind = Command::Alter { at: to("bob"), seq: Seq(1), of: None, alteration };
    assert_eq!(alice.refused(other_kind).await, ErrorCode::InvalidArgument);
    world.clock.forward(limits::EDIT_WITHIN_MS + 1);
    assert_eq!(alice.refused(edit(to("bob"), 1, "late")).await, ErrorCode::TooLate);
    assert_eq!(said(&bob, to("alice")).await, ["mine"]);
}

#[tokio::test]
async fn a_message_is_edited_only_so_often() {
    let world = World::new();
    world.users(&["alice", "bob"]).await;
    let mut alice = world.connect("alice").await;
    alice.say(to("bob"), "0").await;
    for n in 1..=limits::EDITS_MAX {
        alice.done(edit(to("bob"), 1, &n.to_string())).await;
    }
    assert_eq!(alice.refused(edit(to("bob"), 1, "more")).await, ErrorCode::LimitReached);
    // The same again is no edit.
    let last = limits::EDITS_MAX.to_string();
    assert_eq!(alice.done(edit(to("bob"), 1, &last)).await.change_no.0, 0);
}

#[tokio::test]
async fn requirement_g3_what_is_taken_back_is_gone_for_everybody() {
    let world = World::new();
    world.users(&["alice", "bob"]).await;
    let (mut alice, mut bob) = (world.connect("alice").await, world.connect("bob").await);
    alice.say(to("bob"), "secret").await;
    alice.done(edit(to("bob"), 1, "more secret")).await;
    assert_eq!(bob.refused(revoke(to("alice"), 1)).await, ErrorCode::NotAllowed);
    alice.done(revoke(to("bob"), 1)).await;
    assert_eq!(said(&bob, to("alice")).await, ["(gone)"]);
    assert!(editions(&bob, to("alice"), 1).await.is_empty());
    // Taking back again is done already; nothing else can be done to it.
    assert_eq!(alice.done(revoke(to("bob"), 1)).await.change_no.0, 0);
    assert_eq!(alice.refused(edit(to("bob"), 1, "x")).await, ErrorCode::TargetMissing);
    assert_eq!(bob.refused(react(to("alice"), 1, "👍", true)).await, ErrorCode::TargetMissing);
    // Not even the entries of an inbox tell what it said.
    let mut later = world.connect("bob").await;
    let heard = format!("{:?}", later.events().await);
    assert!(!heard.contains("secret"), "{heard}");
    world.clock.forward(limits::REVOKE_WITHIN_MS + 1);
    alice.say(to("bob"), "stays").await;
    world.clock.forward(limits::REVOKE_WITHIN_MS + 1);
    assert_eq!(alice.refused(revoke(to("bob"), 2)).await, ErrorCode::TooLate);
}

#[tokio::test]
async fn requirement_g3_in_a_group_those_above_the_sender_take_back() {
    let world = World::new();
    world.users(&["alice", "bob", "carol"]).await;
    let (mut alice, mut bob) = (world.connect("alice").await, world.connect("bob").await);
    let mut carol = world.connect("carol").await;
    let group = alice.create_group("all", &["bob", "carol"]).await;
    let here = Target::Conversation(group);
    bob.say(here.clone(), "by bob").await;
    alice.say(here.clone(), "by alice").await;
    assert_eq!(carol.refused(revoke(here.clone(), 1)).await, ErrorCode::NotAllowed);
    assert_eq!(bob.refused(revoke(here.clone(), 2)).await, ErrorCode::NotAllowed);
    world.clock.forward(limits::REVOKE_WITHIN_MS + 1);
    alice.done(revoke(here.clone(), 1)).await;
    assert_eq!(said(&carol, here).await, ["(gone)", "by alice"]);
}

#[tokio::test]
async fn requirement_g3_reactions_count_each_user_once() {
    let world = World::new();
    world.users(&["alice", "bob", "carol"]).await;
    let (mut alice, mut bob) = (world.connect("alice").await, world.connect("bob").await);
    let group = alice.create_group("all", &["bob"]).await;
    let here = Target::Conversation(group);
    alice.say(here.clone(), "tea?").await;
    bob.done(react(here.clone(), 1, "👍", true)).await;
    assert_eq!(bob.done(react(here.clone(), 1, "👍", true)).await.change_no.0, 0, "already so");
    alice.done(react(here.clone(), 1, "👍", true)).await;
    bob.done(react(here.clone(), 1, "👍", false)).await;
    let shown = history(&bob, here.clone()).await;
    let reactions = &shown[0].altered.as_ref().unwrap().reactions;
    assert_eq!(reactions.len(), 1);
    assert_eq!(reactions[0].users.iter().map(|u| u.as_str()).collect::<Vec<_>>(), ["alice"]);
    for bad in ["", "two words", &"x".repeat(limits::REACTION_MAX_BYTES + 1)] {
        let refused = bob.refused(react(here.clone(), 1, bad, true)).await;
        assert_eq!(refused, ErrorCode::InvalidArgument);
    }
    for n in 1..limits::REACTIONS_MAX {
        bob.done(react(here.clone(), 1, &format!("r{n}"), true)).await;
    }
    assert_eq!(bob.refused(react(here.clone(), 1, "more", true)).await, ErrorCode::LimitReached);
    // A stranger learns nothing, not even that there is such a group.
    let mut carol = world.connect("carol").await;
    let refused = carol.refused(react(here, 1, "👍", true)).await;
    assert_eq!(refused, ErrorCode::ConversationUnknown);
}

#[tokio::test]
async fn a_message_takes_only_as_many_reactions_as_it_can_be_read_with() {
    let names: Vec<String> =
        (10..40).map(|n| format!("{n}{}", "x".repeat(limits::USER_ID_MAX_BYTES - 2))).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let world = World::new();
    world.users(&["alice"]).await;
    world.users(&names).await;
    let mut alice = world.connect("alice").await;
    let here = Target::Conversation(alice.create_group("all", &names).await);
    alice.say(here.clone(), "tea?").await;
    let mut refused = 0;
    for name in &names {
        let mut one = world.connect(name).await;
        for n in 0..limits::REACTIONS_MAX {
            let reaction = react(here.clone(), 1, &format!("r{n}"), true);
            let Answered::Final { answer, .. } = one.run(reaction).await else { panic!() };
            match answer.outcome {
                Outcome::Refused(refusal) if refusal.code == ErrorCode::LimitReached => {
                    refused += 1;
                }
                other => assert!(matches!(other, Outcome::Done(_)) && refused == 0, "{other:?}"),
            }
        }
    }
    assert!(refused > 20, "{refused}");
    let altered = history(&alice, here.clone()).await.remove(0).altered.unwrap();
    let bytes = altered.reactions_bytes();
    assert!((limits::REACTIONS_MAX_BYTES..limits::REACTIONS_MAX_BYTES + 128).contains(&bytes));
    // Who takes one back makes room.
    let mut first = world.connect(names[0]).await;
    first.done(react(here.clone(), 1, "r0", false)).await;
    first.done(react(here.clone(), 1, "r0", false)).await;
    first.done(react(here, 1, "r0", true)).await;
}

async fn pinned(device: &Device, id: ConversationId) -> Vec<Seq> {
    let query = Query::Conversations { after: None, limit: 50 };
    let Reply::Conversations { page, .. } = device.query(query).await else { panic!() };
    page.into_iter().find(|state| state.conversation == id).unwrap().pinned
}

#[tokio::test]
async fn requirement_g3_pins_are_listed_and_in_groups_set_by_admins() {
    let world = World::new();
    world.users(&["alice", "bob"]).await;
    let (mut alice, mut bob) = (world.connect("alice").await, world.connect("bob").await);
    let group = alice.create_group("all", &["bob"]).await;
    let here = Target::Conversation(group);
    for text in ["one", "two"] {
        alice.say(here.clone(), text).await;
    }
    assert_eq!(bob.refused(pin(here.clone(), 1, true)).await, ErrorCode::NotAllowed);
    alice.done(pin(here.clone(), 2, true)).await;
    alice.done(pin(here.clone(), 1, true)).await;
    assert_eq!(pinned(&bob, group).await, [Seq(2), Seq(1)]);
    alice.done(pin(here.clone(), 2, false)).await;
    assert_eq!(pinned(&bob, group).await, [Seq(1)]);
    // Between two people both may.
    bob.say(to("alice"), "here").await;
    bob.done(pin(to("alice"), 1, true)).await;
    alice.done(pin(to("bob"), 1, false)).await;
}

#[tokio::test]
async fn requirement_k5_who_has_left_sees_a_message_as_it_was_then() {
    let world = World::new();
    world.users(&["alice", "bob"]).await;
    let (mut alice, bob) = (world.connect("alice").await, world.connect("bob").await);
    let group = alice.create_group("all", &["bob"]).await;
    let here = Target::Conversation(group);
    alice.say(here.clone(), "first").await;
    alice.done(edit(here.clone(), 1, "second")).await;
    alice.done(kick(group, &["bob"])).await;
    alice.done(edit(here.clone(), 1, "third")).await;
    assert_eq!(said(&bob, here.clone()).await, ["second"]);
    assert_eq!(editions(&bob, here.clone(), 1).await, ["first"]);
    let mut away = world.connect("bob").await;
    let heard = format!("{:?}", away.events().await);
    assert!(heard.contains("second") && !heard.contains("third"), "{heard}");
    let query = Query::Conversations { after: None, limit: 50 };
    let Reply::Conversations { page, .. } = bob.query(query).await else { panic!() };
    assert_eq!(page[0].last_message.as_deref().and_then(text), Some("second"));
    // What is taken back is gone for them too.
    alice.done(revoke(here.clone(), 1)).await;
    assert_eq!(said(&bob, here).await, ["(gone)"]);
}

/// Found by seed 26 of the simulation.
#[tokio::test]
async fn who_has_left_twice_sees_a_message_as_it_was_when_they_left_last() {
    let world = World::new();
    world.users(&["alice", "bob"]).await;
    let (mut alice, bob) = (world.connect("alice").await, world.connect("bob").await);
    let group = alice.create_group("all", &["bob"]).await;
    let here = Target::Conversation(group);
    alice.say(here.clone(), "first").await;
    alice.done(kick(group, &["bob"])).await;
    alice.done(edit(here.clone(), 1, "second")).await;
    alice.done(invite(group, &["bob"])).await;
    assert_eq!(said(&bob, here.clone()).await, ["second"]);
    alice.done(kick(group, &["bob"])).await;
    alice.done(edit(here.clone(), 1, "third")).await;
    assert_eq!(said(&bob, here).await, ["second"]);
}

#[tokio::test]
async fn requirement_g3_an_unread_mention_is_shown_with_its_conversation() {
    let world = World::new();
    world.users(&["alice", "bob", "carol"]).await;
    let (mut alice, bob) = (world.connect("alice").await, world.connect("bob").await);
    let carol = world.connect("carol").await;
    let group = alice.create_group("all", &["bob", "carol"]).await;
    let here = Target::Conversation(group);
    let called = |mentions: &[&str], mention_all| Command::SendMessage {
        to: here.clone(),
        content: Content {
            mentions: mentions.iter().map(|name| crate::world::id(name)).collect(),
            mention_all,
            ..Content::text("look")
        },
    };
    let mentioned = async |device: &Device| {
        let query = Query::Conversations { after: None, limit: 50 };
        let Reply::Conversations { page, .. } = device.query(query).await else { panic!() };
        page[0].mentioned
    };
    alice.done(called(&["bob"], false)).await;
    assert_eq!((mentioned(&bob).await, mentioned(&carol).await), (Seq(1), Seq::ZERO));
    alice.done(called(&[], true)).await;
    assert_eq!((mentioned(&bob).await, mentioned(&carol).await), (Seq(2), Seq(2)));
}

#[tokio::test]
async fn a_message_that_is_meant_is_altered_and_never_another_in_its_place() {
    let world = World::new();
    world.users(&["alice", "bob"]).await;
    let (mut alice, bob) = (world.connect("alice").await, world.connect("bob").await);
    alice.say(to("bob"), "one").await;
    alice.say(to("bob"), "two").await;
    let said = history(&bob, to("alice")).await;
    // As if a restored server held another message at this place than the client that composed the command.
    let alteration = Alteration::Edit(Content::text("uno"));
    let meant = |of| Command::Alter {
        at: to("bob"),
        seq: Seq(1),
        of: Some(of),
        alteration: alteration.clone(),
    };
    assert_eq!(alice.refused(meant(said[1].id)).await, ErrorCode::TargetMissing);
    alice.done(meant(said[0].id)).await;
    assert_eq!(self::said(&bob, to("alice")).await, ["uno", "two"]);
}
