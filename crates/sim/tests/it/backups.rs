//! A server that is restored from a backup, judged by the checker: whoever has seen more learns it, what is still there
//! stays, and one's own lost messages are offered for sending again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anser_sim::checker::{BodyHash, check, report};
use anser_sim::coverage::Rare;
use anser_sim::world::{Setup, World, simulate};
use anser_types::{
    Alteration, Command, Content, ConversationId, DeviceClass, LogEpoch, Seq, Target,
};
use anyhow::{Context, Result, bail, ensure};

const ALICE: usize = 0;
const BOB: usize = 1;
const DESKTOP: usize = 4;

/// What a device holds of the direct conversation of Alice and Bob, from its first message on.
fn held(world: &World, device: usize) -> Vec<BodyHash> {
    let direct = ConversationId::direct(&world.users[ALICE], &world.users[BOB]);
    let store = world.devices[device].copy_store();
    let own = store.messages.iter().filter(|((id, _), _)| *id == direct);
    own.filter_map(|(_, stored)| stored.message.content.as_ref())
        .map(|content| BodyHash::of(&content.body))
        .collect()
}

fn texts(what: &[&str]) -> Vec<BodyHash> {
    what.iter().map(|text| BodyHash::of(text.as_bytes())).collect()
}

/// Runs a story, lets everything come together, and lets the checker judge it; then looks at what was left.
fn tell(story: impl AsyncFnOnce(&mut World) -> Result<()>, end: impl FnOnce(&World) -> Result<()>) {
    judge(Setup::of(1), story, end);
}

fn judge(
    setup: Setup,
    story: impl AsyncFnOnce(&mut World) -> Result<()>,
    end: impl FnOnce(&World) -> Result<()>,
) {
    let told = simulate(setup, async |world: &mut World| {
        story(world).await?;
        world.converge(Duration::from_secs(60)).await?;
        let verdicts = check(&world.evidence().await?);
        ensure!(verdicts.is_empty(), "{}", report(&verdicts));
        end(world)
    });
    told.unwrap_or_else(|error| panic!("{error:#}"));
}

async fn say(world: &World, what: &[&str]) -> Result<()> {
    for text in what {
        world.tell(ALICE, BOB, text).await?;
    }
    world.rest(5_000).await;
    Ok(())
}

#[test]
fn devices_that_saw_more_than_a_restored_backup_go_on_with_it() {
    tell(
        async |world| {
            say(world, &["one", "two", "three"]).await?;
            let backup = world.server.backend().image();
            say(world, &["four", "five"]).await?;
            ensure!(held(world, BOB).len() == 5, "everything had come");
            world.restore_server(&backup).await?;
            world.rest(5_000).await;
            world.tell(BOB, ALICE, "after the restore").await?;
            Ok(())
        },
        |world| {
            let now = texts(&["one", "two", "three", "after the restore"]);
            for device in [ALICE, BOB, DESKTOP] {
                ensure!(held(world, device) == now, "device {device} holds something else");
                let epoch = world.devices[device].copy_store().log_epoch();
                ensure!(epoch == LogEpoch(2), "device {device} is on epoch {epoch:?}");
            }
            Ok(())
        },
    );
}

#[test]
fn what_a_restore_took_away_is_offered_to_its_sender_for_sending_again() {
    tell(
        async |world| {
            say(world, &["one"]).await?;
            let backup = world.server.backend().image();
            say(world, &["two", "three"]).await?;
            world.restore_server(&backup).await?;
            world.rest(5_000).await;
            let offered = world.devices[ALICE].take_lost();
            ensure!(offered.len() == 2, "offered: {offered:?}");
            ensure!(world.devices[BOB].take_lost().is_empty(), "they are not Bob's to send");
            for command in offered {
                world.devices[ALICE].compose(command).await.transpose()?;
            }
            Ok(())
        },
        |world| {
            let all = texts(&["one", "two", "three"]);
            ensure!([ALICE, BOB, DESKTOP].iter().all(|device| held(world, *device) == all));
            Ok(())
        },
    );
}

/// Found by seed 7: the edit waited in the outbox, and hit what its author had said at that place since.
#[test]
fn an_edit_of_what_a_restore_took_away_hits_nothing_else() {
    tell(
        async |world| {
            say(world, &["one"]).await?;
            let backup = world.server.backend().image();
            say(world, &["two"]).await?;
            world.devices[ALICE].plug.set_pulled(true);
            let at = Target::User(world.users[BOB].clone());
            let alteration = Alteration::Edit(Content::text("two, edited"));
            let command = Command::Alter { at, seq: Seq(2), of: None, alteration };
            world.devices[ALICE].compose(command).await.transpose()?;
            world.restore_server(&backup).await?;
            world.rest(5_000).await;
            world.tell(DESKTOP, BOB, "instead").await?;
            world.rest(30_000).await;
            world.devices[ALICE].plug.set_pulled(false);
            world.rest(30_000).await;
            Ok(())
        },
        |world| {
            ensure!(held(world, BOB) == texts(&["one", "instead"]), "the edit hit another message");
            Ok(())
        },
    );
}

/// Found by seed 19: the head of the restored log had passed what the device held of the lost one when it came back,
/// so nothing told it which of its messages were lost.
#[test]
fn a_device_that_comes_back_when_others_have_written_on_drops_what_was_lost() {
    tell(
        async |world| {
            say(world, &["one", "two", "three"]).await?;
            let backup = world.server.backend().image();
            say(world, &["four", "five"]).await?;
            world.devices[BOB].kill_within(true).await;
            world.restore_server(&backup).await?;
            world.rest(5_000).await;
            say(world, &["4", "5", "6", "7"]).await?;
            world.devices[BOB].switch_on();
            Ok(())
        },
        |world| {
            // What was said while it was away is fetched when it is looked at; only the last comes by itself.
            let now = texts(&["one", "two", "three", "7"]);
            ensure!(held(world, BOB) == now, "Bob holds {:?}", held(world, BOB));
            ensure!(world.coverage.count(Rare::CameBackLater) > 0);
            Ok(())
        },
    );
}

/// The two had not talked when the backup was made, and talk again: the conversation is another one with the same id.
#[test]
fn a_conversation_that_begins_anew_is_not_taken_for_the_lost_one() {
    tell(
        async |world| {
            let backup = world.server.backend().image();
            say(world, &["one", "two"]).await?;
            world.devices[BOB].kill_within(true).await;
            world.restore_server(&backup).await?;
            world.rest(5_000).await;
            say(world, &["eins", "zwei", "drei"]).await?;
            world.devices[BOB].switch_on();
            Ok(())
        },
        |world| {
            ensure!(held(world, BOB) == texts(&["drei"]), "Bob holds {:?}", held(world, BOB));
            Ok(())
        },
    );
}

#[test]
fn the_same_backup_can_be_restored_twice() {
    tell(
        async |world| {
            say(world, &["one"]).await?;
            let backup = world.server.backend().image();
            for text in ["two", "zwei"] {
                say(world, &[text]).await?;
                world.restore_server(&backup).await?;
                world.rest(5_000).await;
            }
            say(world, &["deux"]).await
        },
        |world| {
            let now = texts(&["one", "deux"]);
            ensure!([ALICE, BOB, DESKTOP].iter().all(|device| held(world, *device) == now));
            ensure!(world.server.log_epoch() == LogEpoch(3));
            Ok(())
        },
    );
}

#[test]
fn a_device_that_the_restored_server_does_not_know_signs_in_anew_and_sends_what_waits() {
    tell(
        async |world| {
            say(world, &["one"]).await?;
            let backup = world.server.backend().image();
            // An old copy of its store makes the phone a new device, which the backup does not hold.
            let copy = world.devices[ALICE].copy_store();
            say(world, &["two"]).await?;
            world.devices[ALICE].restore(copy).await;
            world.devices[ALICE].switch_on();
            world.rest(30_000).await;
            let taken = world.devices[ALICE].identity();
            ensure!(
                taken.class == DeviceClass::Phone
                    && world.coverage.count(Rare::NewDeviceTaken) == 1
            );
            world.restore_server(&backup).await?;
            world.tell(ALICE, BOB, "three").await?;
            world.rest(30_000).await;
            ensure!(world.devices[ALICE].identity().device > taken.device, "it is still {taken:?}");
            Ok(())
        },
        |world| {
            ensure!(world.coverage.count(Rare::SignedInAgain) == 1);
            ensure!(
                held(world, BOB) == texts(&["one", "three"]),
                "Bob holds {:?}",
                held(world, BOB)
            );
            Ok(())
        },
    );
}

/// Found by seed 79: after a transaction that failed the device does not know any more how far its conversations
/// reach, and took nothing for lost.
#[test]
fn a_device_whose_disk_was_full_learns_what_was_lost_all_the_same() {
    tell(
        async |world| {
            say(world, &["one"]).await?;
            let backup = world.server.backend().image();
            say(world, &["two", "three"]).await?;
            let full = Arc::clone(&world.devices[BOB].disk_full);
            full.store(true, Ordering::Relaxed);
            for n in 0..10 {
                say(world, &[&format!("not stored {n}")]).await?;
            }
            ensure!(world.coverage.count(Rare::DeviceDiskFull) > 0);
            world.restore_server(&backup).await?;
            world.rest(1_000).await;
            full.store(false, Ordering::Relaxed);
            world.rest(60_000).await;
            say(world, &["eins", "zwei", "drei"]).await
        },
        |world| {
            let now = texts(&["one", "eins", "zwei", "drei"]);
            ensure!(held(world, BOB) == now, "Bob holds {:?}", held(world, BOB));
            Ok(())
        },
    );
}

/// The restored log gives seqs again that were read in the lost one. What stands there now has not been read, and
/// when it is, its sender hears of it.
#[test]
fn receipts_of_a_lost_log_do_not_stand_for_the_one_that_replaces_it() {
    let direct = |world: &World| ConversationId::direct(&world.users[ALICE], &world.users[BOB]);
    let read = async |world: &World, up_to: u64| {
        let at = Target::Conversation(direct(world));
        let command = Command::MarkRead { at, up_to: Seq(up_to) };
        world.devices[BOB].compose(command).await.transpose()?;
        world.rest(5_000).await;
        Result::Ok(())
    };
    let seen_as_read = |world: &World| {
        let marks = world.devices[ALICE].copy_store().snapshot().conversations;
        let mark = marks.into_iter().find(|mark| mark.conversation == direct(world));
        mark.map(|mark| mark.peer_read)
    };
    tell(
        async |world| {
            say(world, &["one"]).await?;
            let backup = world.server.backend().image();
            say(world, &["two", "three", "four"]).await?;
            read(world, 4).await?;
            ensure!(seen_as_read(world) == Some(Seq(4)));
            world.restore_server(&backup).await?;
            world.rest(5_000).await;
            say(world, &["zwei", "drei"]).await?;
            ensure!(seen_as_read(world) == Some(Seq(1)), "nobody has read what stands there now");
            read(world, 2).await
        },
        |world| {
            ensure!(seen_as_read(world) == Some(Seq(2)), "shown: {:?}", seen_as_read(world));
            Ok(())
        },
    );
}

/// Runs a story in which a rebuild takes many pages.
fn tell_slowly(
    story: impl AsyncFnOnce(&mut World) -> Result<()>,
    end: impl FnOnce(&World) -> Result<()>,
) {
    judge(Setup { page_entries: 1, ..Setup::of(1) }, story, end);
}

/// Waits until Bob's rebuild is under way and has come so far.
async fn rebuild_until(world: &World, so_far: impl Fn(&World) -> bool) -> Result<()> {
    let is_there = |world: &World| {
        let rebuild = world.devices[BOB].copy_store().snapshot().device.rebuild;
        rebuild.is_some() && so_far(world)
    };
    for _ in 0..5_000 {
        if is_there(world) {
            return Ok(());
        }
        world.rest(1).await;
    }
    bail!("the rebuild did not stop where it should")
}

/// Found by seed 1323: a rebuild from another log was interrupted by a second restore. What its first pages had brought
/// of the log between was still there, and was called lost.
#[test]
fn a_rebuild_that_another_restore_interrupts_takes_nothing_for_lost_that_is_there() {
    let two = |world: &World| held(world, BOB).contains(&BodyHash::of(b"two"));
    tell_slowly(
        async |world| {
            for user in [ALICE, 2, 3] {
                world.tell(BOB, user, "hello").await?;
            }
            world.rest(5_000).await;
            let first = world.server.backend().image();
            say(world, &["lost"]).await?;
            world.devices[BOB].kill_within(true).await;
            world.restore_server(&first).await?;
            world.rest(5_000).await;
            say(world, &["one", "two"]).await?;
            let second = world.server.backend().image();
            world.devices[BOB].switch_on();
            rebuild_until(world, two).await?;
            world.devices[BOB].kill_within(true).await;
            world.restore_server(&second).await?;
            world.rest(5_000).await;
            world.devices[BOB].switch_on();
            Ok(())
        },
        |world| {
            ensure!(two(world), "it is still on the server");
            Ok(())
        },
    );
}

/// Found by seed 195: a new device had not finished its first rebuild when the server was restored, and took what it
/// had sent and stored meanwhile for messages of the restored log.
#[test]
fn a_new_device_whose_first_rebuild_a_restore_interrupts_learns_what_was_lost() {
    tell_slowly(
        async |world| {
            for user in [ALICE, 2, 3] {
                world.tell(BOB, user, "hello").await?;
            }
            world.rest(5_000).await;
            world.replace_device(BOB).await;
            let backup = world.server.backend().image();
            world.devices[BOB].switch_on();
            world.tell(BOB, ALICE, "from the new phone").await?;
            let sent = BodyHash::of(b"from the new phone");
            rebuild_until(world, |world| held(world, BOB).contains(&sent)).await?;
            world.devices[BOB].kill_within(true).await;
            world.restore_server(&backup).await?;
            world.rest(5_000).await;
            say(world, &["in its place"]).await?;
            world.devices[BOB].switch_on();
            world.rest(5_000).await;
            ensure!(world.devices[BOB].take_lost().len() == 1, "it is offered for sending again");
            Ok(())
        },
        |world| {
            ensure!(held(world, BOB).last() == Some(&BodyHash::of(b"in its place")));
            Ok(())
        },
    );
}

/// A conversation that began again in the restored log was remembered without its beginning: the next change of its row
/// (here: something that burns) wrote that away, and a device that held the lost one was not told.
#[test]
fn a_conversation_that_began_again_is_told_from_the_lost_one_after_its_row_was_changed() {
    tell(
        async |world: &mut World| {
            let backup = world.server.backend().image();
            say(world, &["one", "two", "three"]).await?;
            for device in [ALICE, DESKTOP] {
                world.devices[device].kill_within(true).await;
            }
            world.restore_server(&backup).await?;
            world.rest(20_000).await;
            let to = Target::User(world.users[ALICE].clone());
            world.tell(BOB, ALICE, "anew").await?;
            world.rest(5_000).await;
            let content = Content { burn_after_ms: Some(60_000), ..Content::text("fuse") };
            let burns = Command::SendMessage { to, content };
            world.devices[BOB].compose(burns).await.context("off")??;
            world.rest(5_000).await;
            world.tell(BOB, ALICE, "and on").await?;
            world.tell(BOB, ALICE, "and on and on").await?;
            world.rest(5_000).await;
            for device in [ALICE, DESKTOP] {
                world.devices[device].switch_on();
            }
            world.rest(20_000).await;
            Ok(())
        },
        |world| {
            let lost = texts(&["one", "two", "three"]);
            let kept = held(world, DESKTOP);
            ensure!(!kept.is_empty() && !kept.iter().any(|one| lost.contains(one)), "{kept:?}");
            Ok(())
        },
    );
}
