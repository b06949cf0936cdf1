//! Bugs of the product that the simulation found, each as the shortest story that shows it, and as the seed that found
//! it. (A seed tells another story once the simulation itself changes; the stories stay. Those about servers restored from
//! a backup stand in `backups.rs`.)

use std::time::Duration;

use anser_client::records::{OutboxItem, OutboxState};
use anser_sim::chaos::{Plan, run};
use anser_sim::checker::{check, report};
use anser_sim::coverage::Rare;
use anser_sim::disk::Mishap;
use anser_sim::network::Weather;
use anser_sim::world::{Setup, World, simulate};
use anser_types::{Alteration, Command, Content, Seq, SetSettings, Target};
use anyhow::{Context, Result, ensure};

fn holds(seed: u64) {
    let run = run(Plan::of(seed)).unwrap_or_else(|stopped| panic!("{:#}", stopped.error));
    let verdicts = check(&run.evidence);
    assert!(verdicts.is_empty(), "{}", report(&verdicts));
}

fn tell(setup: Setup, story: impl AsyncFnOnce(&mut World) -> Result<()>) {
    let evidence = simulate(setup, async |world: &mut World| {
        story(world).await?;
        world.converge(Duration::from_secs(60)).await?;
        world.evidence().await
    });
    let verdicts = check(&evidence.unwrap_or_else(|error| panic!("{error:#}")));
    assert!(verdicts.is_empty(), "{}", report(&verdicts));
}

#[test]
fn seeds_that_found_something() {
    // Those from the second line on found something in alterations: tombstones that differed (1), edits of an old copy
    // (41, 295, 309, 805), what who left twice is shown (26), edits of lost messages that hit others (7, 23).
    [19, 21, 22, 47, 79, 110, 195, 208, 570, 664, 714, 723, 807, 1081, 1323, 4203, 5467, 8288]
        .into_iter()
        .chain([1, 7, 23, 26, 41, 295, 309, 805])
        // Reading that was told (38), a conversation's beginning that was forgotten (83), what was forgotten early (5, 19).
        .chain([38, 83, 5, 19])
        // A block that a direct conversation did not hear of, which was begun at the same moment.
        .chain([2336])
        .for_each(holds);
}

/// The rebuild goes on in the next session, where `SyncReset` names a later position than the one it began with. The
/// server ignored the acknowledgement of the earlier position, and the device heard nothing any more.
#[test]
fn an_interrupted_rebuild_starts_the_flow_again() {
    let mut setup = Setup::of(1);
    setup.service.inbox_keep = 12;
    setup.service.trim_every_ms = 1_000;
    setup.page_entries = 1;
    tell(setup, async |world: &mut World| {
        for user in [0, 2, 3] {
            world.tell(1, user, "hello").await?;
        }
        world.rest(5_000).await;
        world.devices[1].kill_within(true).await;
        for n in 0..30 {
            world.tell_all(0, &format!("message {n}")).await?;
        }
        world.rest(5_000).await;
        world.devices[1].switch_on();
        let bob = |world: &World| world.devices[1].copy_store().snapshot().device;
        let begun =
            |world: &World| bob(world).rebuild.is_some_and(|rebuild| rebuild.after.is_some());
        for _ in 0..5_000 {
            if begun(world) {
                break;
            }
            world.rest(1).await;
        }
        ensure!(begun(world), "no page of a rebuild was stored");
        world.devices[1].plug.set_pulled(true);
        for n in 30..35 {
            world.tell_all(0, &format!("message {n}")).await?;
        }
        world.rest(5_000).await;
        world.devices[1].plug.set_pulled(false);
        Ok(())
    });
}

/// A number is given, freed by the next session, and used for another message after a copy of the store was made. The
/// copy was not known to be old, and its compose counter was given twice.
#[test]
fn an_old_copy_is_noticed_although_its_last_number_had_been_freed() {
    let setup = Setup { page_entries: 2, ..Setup::of(1) };
    tell(setup, async |world: &mut World| {
        world.tell(0, 1, "one").await?;
        world.rest(5_000).await;
        // A message gets a number and stays here: the device dies before it leaves.
        let local_no = world.tell(0, 1, "two").await?;
        world.devices[0].kill_within(true).await;
        ensure!(world.devices[0].store.lock().outbox().iter().any(|i| i.id.local_no == local_no));
        world.devices[0].switch_on();
        world.rest(5_000).await;
        let copy = world.devices[0].copy_store();
        world.tell(0, 1, "three").await?;
        world.rest(5_000).await;
        world.devices[0].restore(copy).await;
        world.devices[0].switch_on();
        world.tell(0, 2, "four").await?;
        world.rest(30_000).await;
        ensure!(world.devices[0].identity().device.0 > 2, "the old copy was not noticed");
        Ok(())
    });
}

/// Found by seed 208: an old copy asks for the answers to numbers that were used for something else since. Before the
/// first of them came and showed it, it had sent again what had been sent under another number.
#[test]
fn an_old_copy_sends_nothing_before_the_answers_it_asks_for_are_here() {
    tell(Setup { page_entries: 2, ..Setup::of(1) }, async |world: &mut World| {
        world.tell(0, 1, "one").await?;
        world.rest(5_000).await;
        // Two messages have numbers, and the server has no room for them.
        world.server.disk.set_full(true);
        let withdrawn = world.tell(0, 1, "withdrawn").await?;
        world.tell(0, 1, "two").await?;
        world.rest(100).await;
        let copy = world.devices[0].copy_store();
        let numbered = |item: &&OutboxItem| matches!(item.state, OutboxState::Numbered(_));
        ensure!(copy.outbox().iter().filter(numbered).count() == 2);
        // One is withdrawn: the other one gets its number, behind what fills the inbox meanwhile.
        world.devices[0].delete(withdrawn).await;
        world.rest(100).await;
        world.devices[0].kill_within(true).await;
        world.server.disk.set_full(false);
        for n in 0..30 {
            world.tell(1, 0, &format!("message {n}")).await?;
        }
        world.rest(30_000).await;
        world.devices[0].switch_on();
        world.rest(30_000).await;
        ensure!(world.devices[0].store.lock().outbox().is_empty());
        world.devices[0].restore(copy).await;
        world.network.set_weather(Weather { delay_ms: 500, ..Weather::FAIR });
        world.devices[0].switch_on();
        world.rest(30_000).await;
        ensure!(world.coverage.count(Rare::NewDeviceTaken) == 1, "the old copy was not noticed");
        Ok(())
    });
}

/// A process dies right after it said Hello; the next one's Hello overtakes it. The late one took the session over, and
/// the device was told never to come back.
#[test]
fn a_hello_that_comes_late_does_not_keep_its_own_device_away() {
    tell(Setup::of(1), async |world: &mut World| {
        for _ in 0..20 {
            world.devices[1].kill_within(true).await;
            world.network.set_weather(Weather { delay_ms: 3_000, ..Weather::FAIR });
            world.devices[1].switch_on();
            world.rest(world.random.below(4_000)).await;
            world.devices[1].kill_within(true).await;
            world.network.set_weather(Weather::FAIR);
            world.devices[1].switch_on();
            world.rest(3_000).await;
            world.tell(0, 1, "are you there?").await?;
            world.converge(Duration::from_secs(60)).await?;
        }
        Ok(())
    });
}

/// Found by seeds 5467 and 8288: the same across two devices. The Hello of a phone that was lost came after that of the
/// phone which took its place.
#[test]
fn a_hello_of_a_lost_device_does_not_keep_its_successor_away() {
    tell(Setup::of(1), async |world: &mut World| {
        for _ in 0..20 {
            world.devices[1].kill_within(true).await;
            world.network.set_weather(Weather { delay_ms: 3_000, ..Weather::FAIR });
            world.devices[1].switch_on();
            world.rest(world.random.below(4_000)).await;
            world.replace_device(1).await;
            world.network.set_weather(Weather::FAIR);
            world.devices[1].switch_on();
            world.rest(3_000).await;
            world.tell(0, 1, "are you there?").await?;
            world.converge(Duration::from_secs(60)).await?;
        }
        Ok(())
    });
}

/// Found by seeds 41, 295 and 309: an old copy of a device's store makes an edit again that was made before, over what
/// was written since. The inbox shows it, or the changes do where that was passed (or had been, when the copy was made).
#[test]
fn an_old_copy_does_not_edit_again() {
    for rebuilt in [false, true] {
        let mut setup = Setup::of(1);
        if rebuilt {
            setup.service.inbox_keep = 12;
            setup.service.trim_every_ms = 1_000;
        }
        tell(setup, async |world: &mut World| {
            world.tell(0, 1, "one").await?;
            world.rest(5_000).await;
            world.devices[0].plug.set_pulled(true);
            edit(world, "two").await?;
            world.rest(1_000).await;
            let copy = world.devices[0].copy_store();
            world.devices[0].plug.set_pulled(false);
            world.rest(5_000).await;
            edit(world, "three").await?;
            for n in 0..30 {
                world.tell(2, 0, &format!("message {n}")).await?;
            }
            world.rest(30_000).await;
            world.devices[0].restore(copy).await;
            world.devices[0].switch_on();
            world.rest(60_000).await;
            let shown = world.devices[1].copy_store();
            let shown = shown.messages.values().find(|stored| stored.message.seq == Seq(1));
            let content = shown.and_then(|stored| stored.message.content.as_ref());
            ensure!(content == Some(&Content::text("three")), "{content:?}");
            Ok(())
        });
    }
}

async fn edit(world: &World, text: &str) -> Result<()> {
    let at = Target::User(world.users[1].clone());
    let alteration = Alteration::Edit(Content::text(text));
    let command = Command::Alter { at, seq: Seq(1), of: None, alteration };
    world.devices[0].compose(command).await.transpose()?;
    Ok(())
}

/// Whoever shows to nobody how far they have read, and whose connection had ended when it was committed, was shown: the
/// server asked the sessions of the reader, and there were none.
#[test]
fn who_hangs_up_while_they_read_shows_it_to_nobody() {
    let mut setup = Setup::of(1);
    setup.users.truncate(2);
    setup.devices.truncate(2);
    tell(setup, async |world: &mut World| {
        world.tell(0, 1, "one").await?;
        world.rest(5_000).await;
        let set = SetSettings { show_read: Some(false), ..SetSettings::default() };
        world.devices[1].compose(Command::SetSettings(set)).await.context("off")??;
        world.rest(5_000).await;
        world.server.disk.go_wrong_in(1, Mishap::Slow(Duration::from_secs(5)));
        let read = Command::MarkRead { at: Target::User(world.users[0].clone()), up_to: Seq(1) };
        world.devices[1].compose(read).await.context("off")??;
        world.rest(1_000).await;
        world.devices[1].kill_within(true).await;
        world.rest(10_000).await;
        ensure!(world.coverage.count(Rare::ReadUnseen) > 0, "nobody read");
        ensure!(world.coverage.count(Rare::ReadReceipt) == 0, "alice was told");
        Ok(())
    });
}
