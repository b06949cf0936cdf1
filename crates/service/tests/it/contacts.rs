//! Contacts: applying, answering, naming, ending, blocking; and who may write first.

use anser_service::{Query, Reply, Signal};
use anser_types::{
    Audience, Command, Contact, ContactAct, ErrorCode, Item, ItemKey, ItemKind, Relation,
    SetSettings, Settings,
};

use crate::world::{Device, World, create, id, invite, quick_settings, send, to};

fn act(user: &str, act: ContactAct) -> Command {
    Command::Contact { user: id(user), act }
}

fn apply(user: &str, greeting: &str) -> Command {
    act(user, ContactAct::Apply { greeting: greeting.to_owned() })
}

fn write_first(audience: Audience) -> Command {
    Command::SetSettings(SetSettings { write_first: Some(audience), ..SetSettings::default() })
}

/// One's own lists, page by page.
pub async fn items(device: &Device, kind: ItemKind) -> Vec<Item> {
    let (mut all, mut after) = (Vec::new(), ItemKey::default());
    loop {
        let prefix = ItemKey::all(kind);
        let query = Query::Items { conversation: None, prefix, after, limit: 2 };
        let Reply::Items { items, next, .. } = device.query(query).await else { panic!() };
        all.extend(items.iter().map(|change| match &change.kind {
            anser_types::ChangeKind::Item(item) => item.clone(),
            other => panic!("{other:?}"),
        }));
        let Some(next) = next else { return all };
        after = next;
    }
}

async fn relation(device: &Device, with: &str) -> Relation {
    contact(device, with).await.map_or(Relation::None, |contact| contact.relation)
}

async fn contact(device: &Device, with: &str) -> Option<Contact> {
    items(device, ItemKind::Contact).await.into_iter().find_map(|item| match item {
        Item::Contact(contact) if contact.user == id(with) => Some(contact),
        _ => None,
    })
}

#[tokio::test]
async fn requirement_g2_contacts_from_the_application_to_the_end() {
    let world = World::new();
    let (mut alice, mut bob) = (world.connect("alice").await, world.connect("bob").await);
    alice.done(apply("bob", "from the hike")).await;
    assert_eq!(relation(&alice, "bob").await, Relation::Applied);
    assert_eq!(bob.hears().await, ["alice asks to be a contact: from the hike"]);
    bob.done(act("alice", ContactAct::Accept)).await;
    for (device, other) in [(&alice, "bob"), (&bob, "alice")] {
        assert_eq!(relation(device, other).await, Relation::Contact);
    }
    alice.done(act("bob", ContactAct::Remark("Bobby".into()))).await;
    assert_eq!(contact(&alice, "bob").await.unwrap().remark, "Bobby");
    assert_eq!(contact(&bob, "alice").await.unwrap().remark, "", "a remark is one's own");
    bob.done(act("alice", ContactAct::Remove)).await;
    assert_eq!(relation(&alice, "bob").await, Relation::None);
    let told = alice.hears().await;
    assert_eq!(told.len(), 4, "applied, accepted, named, removed: {told:?}");
}

#[tokio::test]
async fn requirement_g2_a_refused_application_may_be_made_again_and_two_that_cross_agree() {
    let world = World::new();
    let (mut alice, mut bob) = (world.connect("alice").await, world.connect("bob").await);
    assert_eq!(bob.refused(act("alice", ContactAct::Accept)).await, ErrorCode::TargetMissing);
    assert_eq!(bob.refused(act("alice", ContactAct::Refuse)).await, ErrorCode::TargetMissing);
    alice.done(apply("bob", "")).await;
    bob.done(act("alice", ContactAct::Refuse)).await;
    assert_eq!(relation(&alice, "bob").await, Relation::Refused);
    assert_eq!(relation(&bob, "alice").await, Relation::None);
    alice.done(apply("bob", "please")).await;
    bob.done(apply("alice", "yes")).await;
    assert_eq!(relation(&alice, "bob").await, Relation::Contact);
    assert_eq!(relation(&bob, "alice").await, Relation::Contact);
    // Nothing more to do: answered, and nobody hears of it.
    bob.hears().await;
    alice.done(apply("bob", "again")).await;
    alice.done(act("bob", ContactAct::Accept)).await;
    assert!(bob.hears().await.is_empty());
}

#[tokio::test]
async fn requirement_g2_an_application_that_is_taken_back_waits_no_more() {
    let world = World::new();
    let (mut alice, mut bob) = (world.connect("alice").await, world.connect("bob").await);
    alice.done(apply("bob", "hello")).await;
    alice.done(act("bob", ContactAct::Remove)).await;
    assert_eq!(bob.refused(act("alice", ContactAct::Accept)).await, ErrorCode::TargetMissing);
}

#[tokio::test]
async fn bad_contacts_are_refused_with_a_reason() {
    let world = World::new();
    let mut alice = world.connect("alice").await;
    world.user("bob").await;
    assert_eq!(alice.refused(apply("nobody", "")).await, ErrorCode::UserUnknown);
    assert_eq!(alice.refused(apply("alice", "")).await, ErrorCode::InvalidArgument);
    assert_eq!(alice.refused(apply("bob", "two\nlines")).await, ErrorCode::InvalidArgument);
    let long = ContactAct::Remark("x".repeat(129));
    assert_eq!(alice.refused(act("bob", long)).await, ErrorCode::InvalidArgument);
}

#[tokio::test]
async fn requirement_g2_who_is_blocked_gets_the_strangers_refusal_and_hears_nothing() {
    let world = World::new();
    let (mut alice, mut bob) = (world.connect("alice").await, world.connect("bob").await);
    alice.say(to("bob"), "hello").await;
    alice.done(act("bob", ContactAct::Block)).await;
    bob.hears().await;
    assert_eq!(bob.refused(send(to("alice"), "why?")).await, ErrorCode::SenderRefused);
    assert_eq!(bob.refused(apply("alice", "why?")).await, ErrorCode::SenderRefused);
    assert_eq!(alice.refused(send(to("bob"), "hm")).await, ErrorCode::NotAllowed);
    assert!(bob.hears().await.is_empty(), "nobody is told that they are blocked");
    alice.session.signal(Signal::Typing { at: to("bob"), who: None, stopped: false });
    bob.session.signal(Signal::Typing { at: to("alice"), who: None, stopped: false });
    assert!(bob.signals().is_empty() && alice.signals().is_empty());
    alice.done(act("bob", ContactAct::Unblock)).await;
    bob.say(to("alice"), "thanks").await;
    // The same where there was no conversation yet.
    let mut carol = world.connect("carol").await;
    alice.done(act("carol", ContactAct::Block)).await;
    assert_eq!(carol.refused(send(to("alice"), "hi")).await, ErrorCode::SenderRefused);
    assert_eq!(alice.refused(send(to("carol"), "hi")).await, ErrorCode::NotAllowed);
}

#[tokio::test]
async fn requirement_g2_one_chooses_who_writes_first() {
    let world = World::new();
    let (mut alice, mut bob) = (world.connect("alice").await, world.connect("bob").await);
    alice.done(write_first(Audience::Contacts)).await;
    assert_eq!(bob.refused(send(to("alice"), "hi")).await, ErrorCode::SenderRefused);
    let refused = [create("us", &["alice"], false), invite_into(&mut bob, "alice").await];
    for command in refused {
        assert_eq!(bob.refused(command).await, ErrorCode::SenderRefused);
    }
    bob.done(apply("alice", "it is me")).await;
    alice.done(act("bob", ContactAct::Accept)).await;
    bob.say(to("alice"), "hi").await;
    bob.done(create("us", &["alice"], false)).await;
    // The end of being contacts is the end of writing for who takes from contacts only.
    alice.done(act("bob", ContactAct::Remove)).await;
    assert_eq!(bob.refused(send(to("alice"), "hi?")).await, ErrorCode::SenderRefused);
    alice.done(write_first(Audience::Nobody)).await;
    assert_eq!(bob.refused(apply("alice", "again")).await, ErrorCode::SenderRefused);
    let mut carol = world.connect("carol").await;
    assert_eq!(carol.refused(send(to("alice"), "hi")).await, ErrorCode::SenderRefused);
    // Whoever chose so may still write first, and is answered.
    alice.say(to("carol"), "hello").await;
    carol.say(to("alice"), "hello").await;
}

async fn invite_into(device: &mut Device, whom: &str) -> Command {
    let group = device.create_group("others", &[]).await;
    invite(group, &[whom])
}

#[tokio::test]
async fn where_an_app_keeps_the_relations_users_make_none_but_still_block() {
    let mut settings = quick_settings();
    settings.relations_by_app = true;
    let world = World::with(settings);
    let (mut alice, mut bob) = (world.connect("alice").await, world.connect("bob").await);
    for what in [ContactAct::Accept, ContactAct::Refuse, ContactAct::Remove] {
        assert_eq!(alice.refused(act("bob", what)).await, ErrorCode::NotAllowed);
    }
    assert_eq!(alice.refused(apply("bob", "")).await, ErrorCode::NotAllowed);
    alice.done(write_first(Audience::Nobody)).await;
    bob.say(to("alice"), "the app lets me").await;
    alice.done(act("bob", ContactAct::Block)).await;
    assert_eq!(bob.refused(send(to("alice"), "still?")).await, ErrorCode::SenderRefused);
}

#[tokio::test]
async fn requirement_d1_lists_reach_ones_other_devices_and_survive_a_crash() {
    let mut world = World::new();
    let (mut phone, mut desk) = (world.connect("alice").await, world.connect("alice").await);
    world.user("bob").await;
    phone.done(act("bob", ContactAct::Remark("Bobby".into()))).await;
    phone.done(write_first(Audience::Contacts)).await;
    // Set to what it is: done, and nobody hears of it.
    phone.done(write_first(Audience::Contacts)).await;
    assert_eq!(
        desk.hears().await,
        ["alice calls bob Bobby", "alice set who writes first: Contacts"]
    );
    world.crash();
    let alice = world.connect("alice").await;
    assert_eq!(contact(&alice, "bob").await.unwrap().remark, "Bobby");
    let settings = Settings { write_first: Audience::Contacts, ..Settings::default() };
    assert_eq!(items(&alice, ItemKind::Settings).await, [Item::Settings(settings)]);
}

#[tokio::test]
async fn ones_own_conversation_is_listed_once_there_is_a_note_in_it() {
    let world = World::new();
    let mut alice = world.connect("alice").await;
    alice.done(write_first(Audience::Contacts)).await;
    let listed = |reply| match reply {
        Reply::Conversations { page, more } => (page.len(), more),
        other => panic!("{other:?}"),
    };
    let list = || Query::Conversations { after: None, limit: 1 };
    assert_eq!(listed(alice.query(list()).await), (0, false));
    alice.say(to("alice"), "a note").await;
    assert_eq!(listed(alice.query(list()).await), (1, false));
}

#[tokio::test]
async fn requirement_g2_who_blocks_in_the_same_instant_is_not_brought_into_a_group() {
    let world = World::new();
    let mut alice = world.connect("alice").await;
    let (mut bob, mut carol) = (world.connect("bob").await, world.connect("carol").await);
    let group = alice.create_group("all", &["carol"]).await;
    // Decided before the block is committed, written behind it.
    for making in [false, true] {
        let name = if making { "carol" } else { "bob" };
        let blocker = if making { &mut carol } else { &mut bob };
        world.gate.hold();
        let block = blocker.submit(act("alice", ContactAct::Block)).await;
        let command = if making { create("more", &[name], false) } else { invite(group, &[name]) };
        let brought = alice.submit(command).await;
        world.gate.release();
        crate::world::done(block.await);
        match brought.await {
            anser_service::Answered::Final { answer, .. } => match answer.outcome {
                anser_types::Outcome::Refused(refusal) => {
                    assert_eq!(refusal.code, ErrorCode::SenderRefused, "{name}");
                }
                anser_types::Outcome::Done(_) => panic!("{name} was brought in"),
            },
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_block_beside_the_first_message_holds_for_the_conversation_that_begins() {
    let world = World::new();
    let (mut alice, mut bob) = (world.connect("alice").await, world.connect("bob").await);
    // Decided while there is no conversation, written behind the message that begins it.
    world.gate.hold();
    let first = bob.submit(send(to("alice"), "hello")).await;
    let block = alice.submit(act("bob", ContactAct::Block)).await;
    world.gate.release();
    crate::world::done(first.await);
    crate::world::done(block.await);
    assert_eq!(bob.refused(send(to("alice"), "why?")).await, ErrorCode::SenderRefused);
    assert_eq!(alice.refused(send(to("bob"), "hm")).await, ErrorCode::NotAllowed);
}
