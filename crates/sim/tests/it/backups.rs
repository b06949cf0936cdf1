//! A server that is restored from a backup: whoever has seen more learns it, and what is still there stays.

use std::time::Duration;

use anser_sim::checker::BodyHash;
use anser_sim::world::{Setup, World, simulate};
use anser_types::{ConversationId, LogEpoch};
use anyhow::{Result, ensure};

/// What a device holds of a conversation, from its first message on.
fn held(world: &World, device: usize, conversation: ConversationId) -> Vec<BodyHash> {
    let store = world.devices[device].copy_store();
    let own = store.messages.iter().filter(|((id, _), _)| *id == conversation);
    own.filter_map(|(_, stored)| stored.message.content.as_ref())
        .map(|content| BodyHash::of(&content.body))
        .collect()
}

fn texts(what: &[&str]) -> Vec<BodyHash> {
    what.iter().map(|text| BodyHash::of(text.as_bytes())).collect()
}

#[test]
fn devices_that_saw_more_than_a_restored_backup_go_on_with_it() {
    let told = simulate(Setup::of(1), async |world: &mut World| {
        for text in ["one", "two", "three"] {
            world.tell(0, 1, text).await?;
        }
        world.rest(5_000).await;
        let backup = world.server.backend().image();
        for text in ["four", "five"] {
            world.tell(0, 1, text).await?;
        }
        world.rest(5_000).await;
        let direct = ConversationId::direct(&world.users[0], &world.users[1]);
        ensure!(held(world, 1, direct).len() == 5, "everything had come");
        world.server.restore(&backup);
        world.rest(5_000).await;
        world.tell(1, 0, "after the restore").await?;
        world.converge(Duration::from_secs(60)).await?;
        let now = texts(&["one", "two", "three", "after the restore"]);
        for device in [0, 1, 4] {
            ensure!(held(world, device, direct) == now, "device {device} holds something else");
            let epoch = world.devices[device].copy_store().snapshot().device.log_epoch;
            ensure!(epoch == LogEpoch(2), "device {device} is on epoch {epoch:?}");
        }
        Result::Ok(())
    });
    told.unwrap_or_else(|error| panic!("{error:#}"));
}
