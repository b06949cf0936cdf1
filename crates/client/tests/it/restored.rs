//! A local store that turns out to be an old copy.

use anser_client::{AppEvent, Identity, Input};
use anser_types::DeviceNo;

use crate::host::{Disk, direct};
use crate::world::World;

/// A world whose store was set back to a backup; what was done after the backup is on the server only.
fn restored(after_backup: usize) -> (World, Disk) {
    let mut world = World::online();
    for i in 0..3 {
        world.send("bob", &format!("m{i}"));
    }
    world.secs(1);
    world.server.mute = true;
    world.send("bob", "in the backup, sent later");
    let backup = world.disk.clone();
    world.server.mute = false;
    world.secs(5);
    for i in 0..after_backup {
        world.send("bob", &format!("after the backup {i}"));
    }
    world.secs(2);
    world.crash();
    world.disk = backup.clone();
    world.boot();
    (world, backup)
}

fn take_new_device(world: &mut World) {
    world.until("noticed", |w| {
        w.heard.events.iter().any(|e| matches!(e, AppEvent::StoreWasRestored))
    });
    assert!(!world.is_connected());
    let identity = Identity {
        device: DeviceNo(2),
        token: "token-2".to_owned(),
        ..world.disk.identity.clone()
    };
    world.with(|core, now| core.take_device(identity, now));
}

#[test]
fn a_restored_store_takes_a_new_device_and_sends_only_what_was_never_sent() {
    let (mut world, _) = restored(5);
    // Composed in the restored store, with a counter that was used for something else since.
    world.send("bob", "new in the restored store");
    world.input(Input::Start);
    take_new_device(&mut world);
    world.until("settled", |w| w.disk.outbox.is_empty());
    let texts = world.server.texts("bob");
    assert_eq!(texts.len(), 10, "{texts:?}");
    assert_eq!(texts.iter().filter(|t| *t == "in the backup, sent later").count(), 1);
    assert_eq!(texts.last().unwrap(), "new in the restored store");
    assert_eq!(world.disk.texts(direct("bob")), texts);
    assert_eq!(world.disk.identity.device, DeviceNo(2));
    world.send("bob", "life goes on");
    world.until("settled", |w| w.disk.outbox.is_empty());
}

#[test]
fn a_restored_store_whose_inbox_was_trimmed_searches_the_conversation() {
    let (mut world, _) = restored(5);
    for _ in 0..300 {
        world.server.says("bob", "much later");
    }
    world.server.trimmed = 200;
    world.send("bob", "new in the restored store");
    world.input(Input::Start);
    take_new_device(&mut world);
    world.until("settled", |w| w.disk.outbox.is_empty());
    let texts = world.server.texts("bob");
    assert_eq!(texts.len(), 310);
    assert_eq!(texts.iter().filter(|t| *t == "in the backup, sent later").count(), 1);
}

#[test]
fn a_crash_while_taking_the_new_device_loses_and_doubles_nothing() {
    for die in 0..12 {
        let (mut world, _) = restored(5);
        world.send("bob", "new in the restored store");
        world.input(Input::Start);
        world.until("noticed", |w| {
            w.heard.events.iter().any(|e| matches!(e, AppEvent::StoreWasRestored))
        });
        world.store = crate::world::StoreMode::DiesAfter(die);
        let identity = Identity {
            device: DeviceNo(2),
            token: "token-2".to_owned(),
            ..world.disk.identity.clone()
        };
        world.with(|core, now| core.take_device(identity, now));
        world.secs(5);
        world.store = crate::world::StoreMode::Works;
        world.crash();
        world.boot();
        world.input(Input::Start);
        world.until("settled", |w| w.disk.outbox.is_empty());
        let texts = world.server.texts("bob");
        assert_eq!(texts.len(), 10, "died at {die}: {texts:?}");
        assert_eq!(world.disk.texts(direct("bob")), texts);
    }
}

#[test]
fn two_copies_of_one_store_are_noticed_by_their_numbers() {
    let (mut world, backup) = restored(0);
    // The original and the copy composed different things under the same numbers.
    assert_eq!(backup.device.highest_used.0, world.server.devices[&1].h);
    let item = world.disk.outbox.values_mut().next().unwrap();
    let mut body = item.body.to_vec();
    *body.last_mut().unwrap() ^= 1;
    item.body = body.into();
    world.boot();
    world.input(Input::Start);
    take_new_device(&mut world);
    world.until("settled", |w| w.disk.outbox.is_empty());
    assert_eq!(world.server.texts("bob").len(), 5, "both were meant");
}

#[test]
fn a_number_that_was_given_and_freed_again_hides_no_old_copy() {
    let mut world = World::online();
    let local_no = world.send("bob", "thought better of");
    assert_eq!(world.disk.device.highest_used.0, 1, "it has a number");
    // Dies with everything that is on its way.
    world.crash();
    world.boot();
    world.with(|core, now| core.delete(local_no, now));
    world.input(Input::Start);
    world.until("freed", |w| w.disk.outbox.is_empty());
    let backup = world.disk.clone();
    // Goes out under the number that was free again.
    world.send("bob", "after the backup");
    world.until("sent", |w| w.disk.outbox.is_empty());
    world.crash();
    world.disk = backup;
    world.boot();
    world.input(Input::Start);
    take_new_device(&mut world);
    assert_eq!(world.server.texts("bob"), ["after the backup"]);
}
