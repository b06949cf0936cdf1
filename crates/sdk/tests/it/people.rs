//! Contacts and settings through the client: what two people are to each other on all their devices.

use anser_sdk::{Client, Event};
use anser_types::{
    Audience, Contact, ErrorCode, JoinMode, Notify, Relation, Seq, SetGroup, SetOptions,
    SetSettings,
};
use tempfile::tempdir;

use crate::world::{World, id, soon, until};

fn applied(event: &Event) -> Option<Contact> {
    match event {
        Event::ContactApplied(contact) => Some(contact.clone()),
        _ => None,
    }
}

fn changed(event: &Event) -> Option<Contact> {
    match event {
        Event::ContactChanged(contact) => Some(contact.clone()),
        _ => None,
    }
}

#[tokio::test]
async fn requirement_g2_asking_accepting_naming_and_ending_show_on_every_device() {
    let world = World::new();
    let (a, b, b2) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    let alice = world.client("alice", a.path()).await;
    let bob = world.client("bob", b.path()).await;
    let tablet = world.client("bob", b2.path()).await;
    for client in [&alice, &bob, &tablet] {
        soon(client.wait_synced()).await.unwrap();
    }
    let (mut of_alice, mut of_bob, mut of_tablet) = (alice.events(), bob.events(), tablet.events());

    soon(alice.apply_contact(id("bob"), "we met at the lake")).await.unwrap();
    for events in [&mut of_bob, &mut of_tablet] {
        assert_eq!(until(events, applied).await.greeting, "we met at the lake");
    }
    assert_eq!(until(&mut of_alice, changed).await.relation, Relation::Applied);
    assert_eq!(bob.contact_applications().await.unwrap()[0].user, id("alice"));
    assert_eq!(tablet.contact_applications().await.unwrap().len(), 1);

    soon(bob.accept_contact(id("alice"))).await.unwrap();
    for events in [&mut of_alice, &mut of_bob, &mut of_tablet] {
        assert_eq!(until(events, changed).await.relation, Relation::Contact);
    }
    assert!(tablet.contact_applications().await.unwrap().is_empty());

    soon(tablet.set_remark(id("alice"), "Alice from the lake")).await.unwrap();
    assert_eq!(until(&mut of_bob, changed).await.remark, "Alice from the lake");
    assert_eq!(alice.contact(&id("bob")).await.unwrap().remark, "", "she does not see it");

    soon(alice.remove_contact(id("bob"))).await.unwrap();
    assert_eq!(until(&mut of_bob, changed).await.relation, Relation::None);
    assert_eq!(until(&mut of_alice, changed).await.relation, Relation::None);
    assert!(alice.contacts().await.unwrap().is_empty());
    assert_eq!(bob.contacts().await.unwrap().len(), 1, "he has named her");
    assert_eq!(alice.contact(&id("zoe")).await.unwrap(), Contact::stranger(id("zoe")));
    let refused = soon(alice.accept_contact(id("bob"))).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::TargetMissing);
    assert!(alice.conversations().await.unwrap().is_empty(), "lists are no conversation");
}

#[tokio::test]
async fn requirement_g2_who_is_blocked_or_a_stranger_to_somebody_who_wants_none_is_refused() {
    let world = World::new();
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    let alice = world.client("alice", a.path()).await;
    let bob = world.client("bob", b.path()).await;
    let mut of_bob = bob.events();
    soon(bob.wait_synced()).await.unwrap();

    let contacts = SetSettings { write_first: Some(Audience::Contacts), ..SetSettings::default() };
    soon(bob.set_settings(contacts)).await.unwrap();
    let settings = until(&mut of_bob, |event| match event {
        Event::SettingsChanged(settings) => Some(*settings),
        _ => None,
    })
    .await;
    assert_eq!(settings.write_first, Audience::Contacts);
    assert_eq!(bob.settings().await.unwrap(), settings);
    let refused = soon(alice.send_text(id("bob"), "hello?")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::SenderRefused);

    soon(bob.block(id("alice"))).await.unwrap();
    assert!(until(&mut of_bob, changed).await.blocked);
    let refused = soon(alice.apply_contact(id("bob"), "please")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::SenderRefused);
    soon(bob.unblock(id("alice"))).await.unwrap();
    soon(alice.apply_contact(id("bob"), "please")).await.unwrap();
    assert_eq!(until(&mut of_bob, applied).await.user, id("alice"));
    soon(bob.refuse_contact(id("alice"))).await.unwrap();
    assert_eq!(until(&mut of_bob, changed).await.relation, Relation::None);
}

#[tokio::test]
async fn requirement_c6_a_contact_deleted_offline_is_deleted_when_the_network_is_back() {
    let world = World::new();
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    let alice = world.client("alice", a.path()).await;
    let bob = world.client("bob", b.path()).await;
    soon(bob.wait_synced()).await.unwrap();
    let mut of_bob = bob.events();
    soon(alice.apply_contact(id("bob"), "")).await.unwrap();
    until(&mut of_bob, applied).await;
    soon(bob.accept_contact(id("alice"))).await.unwrap();
    assert_eq!(until(&mut of_bob, changed).await.relation, Relation::Contact);

    alice.go_offline().await.unwrap();
    // The wait is given up, the command is not.
    let remove = alice.remove_contact(id("bob"));
    assert!(futures::poll!(std::pin::pin!(remove)).is_pending());
    alice.set_typing(id("bob"), false).await.unwrap();
    alice.close().await;
    let alice = world.client("alice", a.path()).await;
    assert_eq!(until(&mut of_bob, changed).await.relation, Relation::None);
    drop(alice);
}

/// Everything a person has put in order.
async fn put_in_order(alice: &Client, bob: &Client) {
    soon(alice.apply_contact(id("bob"), "hi")).await.unwrap();
    soon(bob.accept_contact(id("alice"))).await.unwrap();
    for text in ["one", "two", "three"] {
        soon(bob.send_text(id("alice"), text)).await.unwrap();
    }
    let set = SetOptions {
        pinned: Some(true),
        notify: Some(Notify::Nothing),
        draft: Some("dear bob".to_owned()),
        ..SetOptions::default()
    };
    soon(alice.set_conversation_options(id("bob"), set)).await.unwrap();
    soon(alice.delete_messages_for_me(id("bob"), vec![Seq(3)])).await.unwrap();
    let silent = SetSettings { show_read: Some(false), ..SetSettings::default() };
    soon(alice.set_settings(silent)).await.unwrap();
    let group = soon(alice.create_group("friends", vec![id("bob")], true)).await.unwrap();
    let set = SetGroup { join: Some(JoinMode::Open), ..SetGroup::default() };
    soon(alice.update_group(group, set)).await.unwrap();
}

#[tokio::test]
async fn requirement_c4_a_new_device_has_everything_that_the_others_have() {
    let world = World::new();
    let (a, b, a2) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    let alice = world.client("alice", a.path()).await;
    let bob = world.client("bob", b.path()).await;
    soon(bob.wait_synced()).await.unwrap();
    put_in_order(&alice, &bob).await;

    let tablet = world.client("alice", a2.path()).await;
    soon(tablet.wait_synced()).await.unwrap();
    assert_eq!(tablet.contact(&id("bob")).await.unwrap().relation, Relation::Contact);
    assert!(!tablet.settings().await.unwrap().show_read);
    let listed = tablet.conversations().await.unwrap();
    let first = &listed[0];
    assert_eq!((first.name().as_str(), first.unread), ("bob", 2));
    let options = &first.options;
    assert_eq!(
        (options.pinned, options.notify, options.draft.as_str()),
        (true, Notify::Nothing, "dear bob")
    );
    assert_eq!(first.last_message.as_ref().and_then(|last| last.text()), Some("two"));
    assert_eq!(listed.len(), 2);
    let group = listed[1].group.as_ref().expect("a rebuild tells all of a group");
    assert_eq!((group.join, group.history_for_new_members), (JoinMode::Open, true));
    let total = tablet.total_unread().await.unwrap();
    assert_eq!((total.unread, total.muted), (0, 2));
}

#[tokio::test]
async fn requirement_c4_a_device_that_was_away_hears_only_of_what_changed() {
    let world = World::new();
    let (a, b, a2) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    let alice = world.client("alice", a.path()).await;
    let bob = world.client("bob", b.path()).await;
    let tablet = world.client("alice", a2.path()).await;
    for client in [&alice, &bob, &tablet] {
        soon(client.wait_synced()).await.unwrap();
    }
    let mut of_tablet = tablet.events();
    soon(alice.set_remark(id("carol"), "Carol")).await.unwrap_err();
    soon(alice.set_remark(id("bob"), "Bobby")).await.unwrap();
    assert_eq!(until(&mut of_tablet, changed).await.remark, "Bobby");
    tablet.go_offline().await.unwrap();
    put_in_order(&alice, &bob).await;
    tablet.go_online().await.unwrap();
    soon(tablet.wait_synced()).await.unwrap();
    let contact = tablet.contact(&id("bob")).await.unwrap();
    assert_eq!((contact.relation, contact.remark.as_str()), (Relation::Contact, "Bobby"));
    assert!(!tablet.settings().await.unwrap().show_read);
    let listed = tablet.conversations().await.unwrap();
    assert_eq!((listed.len(), listed[0].name().as_str(), listed[0].unread), (2, "bob", 2));
    assert_eq!(listed[0].options.draft, "dear bob");
    let mut told = Vec::new();
    until(&mut of_tablet, |event| {
        told.extend(changed(event).map(|contact| contact.relation));
        matches!(event, Event::SyncFinished).then_some(())
    })
    .await;
    assert_eq!(told, [Relation::Applied, Relation::Contact]);
}
