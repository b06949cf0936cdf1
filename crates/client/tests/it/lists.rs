//! One's own lists: as entries of the inbox, and in the rebuild.

use anser_client::{AppEvent, Input};
use anser_types::{
    Change, ChangeKind, ChangeNo, Command, Contact, ContactAct, ConversationId, InboxSeq, Item,
    Seq, UnixMs, Version,
};

use crate::host::user;
use crate::world::{StoreMode, World};

fn names(world: &World) -> Vec<String> {
    let named = world.disk.items.iter().map(|(user, change)| match &change.kind {
        ChangeKind::Item(Item::Contact(contact)) => format!("{user}: {}", contact.remark),
        other => panic!("{other:?}"),
    });
    named.collect()
}

#[test]
fn requirement_c4_a_rebuild_brings_the_lists_page_by_page_and_forgets_what_is_not_in_them() {
    let mut world = World::new();
    world.server.says("bob", "hello");
    world.server.sync_limit = 2;
    for user in ["bob", "carol", "dave", "erin", "frank"] {
        world.server.names(user, "as it is");
    }
    world.server.reset_at = Some(world.server.head());
    // What an earlier log said of somebody this one knows nothing of.
    let zoe = Item::Contact(Contact::stranger(user("zoe")));
    let change = Change {
        conversation: ConversationId::own(&user("alice")),
        change_no: ChangeNo(1),
        after_seq: Seq::ZERO,
        version: Version(1),
        actor: user("alice"),
        at: UnixMs(1),
        kind: ChangeKind::Item(zoe),
    };
    world.disk.items.insert("zoe".to_owned(), change);
    world.input(Input::Start);
    let head = world.server.head();
    world.until("rebuilt", |w| w.disk.device.cursor == InboxSeq(head));
    let wanted = ["bob", "carol", "dave", "erin", "frank"].map(|user| format!("{user}: as it is"));
    assert_eq!(names(&world), wanted);
    let told = |event: &&AppEvent| matches!(event, AppEvent::ListChanged { .. });
    assert_eq!(world.heard.events.iter().filter(told).count(), 5);
    world.server.names("bob", "as it is now");
    world.push();
    world.secs(1);
    assert_eq!(names(&world)[0], "bob: as it is now");
}

#[test]
fn requirement_c7_a_rebuild_that_dies_among_the_lists_begins_them_anew() {
    for die_after in 0..12 {
        let mut world = World::new();
        world.server.says("bob", "hello");
        for user in ["bob", "carol", "dave", "erin", "frank"] {
            world.server.names(user, "as it is");
        }
        world.server.sync_limit = 3;
        world.server.reset_at = Some(world.server.head());
        world.store = StoreMode::DiesAfter(die_after);
        world.input(Input::Start);
        world.secs(3);
        world.store = StoreMode::Works;
        world.crash();
        world.boot();
        world.input(Input::Start);
        let head = world.server.head();
        world.until("rebuilt", |w| w.disk.device.cursor == InboxSeq(head));
        assert_eq!(names(&world).len(), 5);
    }
}

#[test]
fn an_item_that_is_older_than_the_stored_one_changes_nothing() {
    let mut world = World::returning();
    world.server.names("bob", "first");
    world.server.names("bob", "second");
    // The page of a rebuild shows the present state; the entries that led to it come afterwards.
    world.server.reset_at = Some(0);
    world.input(Input::Start);
    world.until("caught up", |w| w.disk.device.cursor.0 == w.server.head());
    assert_eq!(names(&world), ["bob: second"]);
}

#[test]
fn requirement_c6_a_contact_removed_in_airplane_mode_is_removed_once_after_a_restart() {
    let mut world = World::returning();
    let command = Command::Contact { user: user("bob"), act: ContactAct::Remove };
    let local_no = world.with(|core, now| core.compose(command.clone(), now)).unwrap();
    world.secs(1);
    world.crash();
    world.boot();
    assert_eq!(world.disk.outbox[&local_no].command(), Some(command));
    world.input(Input::Start);
    world.until("done", |w| w.disk.settled.contains_key(&local_no));
    world.cut();
    world.secs(60);
    let numbers: Vec<u64> = world.server.transmissions.iter().map(|(_, no, _)| *no).collect();
    assert_eq!(numbers, [1], "sent once, and never again");
}
