//! The checker is proven by bugs: each is put between the parts of a simulation, must be caught with the right kind of
//! verdict, and the same workload without it must pass.

mod alterations;
mod channels;
mod client;
mod disk;
mod forgetting;
mod members;
mod numbers;
mod reads;
mod repetition;
mod table;
mod wishes;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anser_sim::checker::{Kind, Verdict, check, report};
use anser_sim::seams::{Seams, Unbent};
use anser_sim::world::{Setup, World, simulate};
use anyhow::Result;

/// What people do in a run.
type Script = for<'a> fn(&'a mut World) -> Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

/// A bug that is put in on purpose.
pub struct Bug {
    pub name: &'static str,
    /// The promise it breaks.
    pub promise: &'static str,
    /// Where it is put in.
    pub seam: &'static str,
    /// The workload that catches it, in a few words.
    pub workload: &'static str,
    /// The verdict that must be found.
    pub verdict: Kind,
    pub seams: fn() -> Arc<dyn Seams>,
    pub setup: fn(&mut Setup),
    pub script: Script,
}

/// All of them, in the order of the guarantees' list; then those of alterations, of channels, of what users wish for
/// themselves, and of what must be forgotten.
pub const BUGS: [&Bug; 29] = [
    &disk::ACK_BEFORE_FSYNC,
    &repetition::NO_DEDUPE,
    &repetition::DEDUPE_IN_MEMORY,
    &numbers::SEQ_FROM_MEMORY,
    &client::CURSOR_BEFORE_STORE,
    &reads::DELETIONS_SKIPPED,
    &disk::FSYNC_ERROR_IGNORED,
    &reads::DROP_ON_SLOW_CONSUMER,
    &disk::FAN_OUT_BEFORE_COMMIT,
    &members::CACHED_TOO_LONG,
    &disk::UNCOMMITTED_READS,
    &numbers::HEAD_FROM_LAST_KEY,
    &client::NUMBERS_RESUMED,
    &members::OLD_SNAPSHOT,
    &reads::HOLE_AT_HAND_OVER,
    &reads::LOST_LAST_HINT,
    &alterations::ALTERED_TWICE,
    &alterations::ALTERATIONS_SKIPPED,
    &alterations::STILL_GIVEN,
    &channels::POSITION_AHEAD,
    &channels::OLD_MEMBERS,
    &wishes::REMOVED_STILL_GIVEN,
    &wishes::SHOWN_MEANWHILE,
    &wishes::HEARD_THOUGH_BLOCKED,
    &wishes::READ_TOLD,
    &wishes::WENT_UNTOLD,
    &forgetting::NOTHING_ERASED,
    &forgetting::BURNS_AT_ONE_END,
    &forgetting::ERASED_EARLY,
];

/// Runs the workload with or without the bug. Without it, everything must also come together.
fn verdicts(bug: &Bug, with_bug: bool) -> Vec<Verdict> {
    let mut setup = Setup::of(7);
    (bug.setup)(&mut setup);
    setup.seams = if with_bug { (bug.seams)() } else { Arc::new(Unbent) };
    let evidence = simulate(setup, async |world: &mut World| {
        (bug.script)(world).await?;
        let converged = world.converge(Duration::from_secs(120)).await;
        if !with_bug {
            converged?;
        }
        world.evidence().await
    });
    let evidence = evidence.unwrap_or_else(|error| panic!("{}: {error:#}", bug.name));
    check(&evidence)
}

fn prove(bug: &Bug) {
    let without = verdicts(bug, false);
    assert!(without.is_empty(), "without the bug: {}", report(&without));
    let with = verdicts(bug, true);
    let caught = with.iter().any(|verdict| verdict.kind == bug.verdict);
    assert!(caught, "{}: not found as {:?}: {}", bug.name, bug.verdict, report(&with));
}

/// The usual setup.
fn usual(_: &mut Setup) {}

/// Two people with a phone each.
fn two_people(setup: &mut Setup) {
    setup.users.truncate(2);
    setup.devices.truncate(2);
}

macro_rules! proofs {
    ($($test:ident: $bug:path,)*) => {
        $(#[test]
        fn $test() {
            prove(&$bug);
        })*
    };
}

proofs! {
    an_ack_before_the_fsync_is_caught: disk::ACK_BEFORE_FSYNC,
    no_dedupe_is_caught: repetition::NO_DEDUPE,
    dedupe_in_memory_only_is_caught: repetition::DEDUPE_IN_MEMORY,
    a_seq_from_memory_is_caught: numbers::SEQ_FROM_MEMORY,
    a_cursor_before_the_store_is_caught: client::CURSOR_BEFORE_STORE,
    skipped_deletions_are_caught: reads::DELETIONS_SKIPPED,
    an_ignored_fsync_error_is_caught: disk::FSYNC_ERROR_IGNORED,
    a_drop_on_a_slow_consumer_is_caught: reads::DROP_ON_SLOW_CONSUMER,
    fan_out_before_the_commit_is_caught: disk::FAN_OUT_BEFORE_COMMIT,
    membership_cached_too_long_is_caught: members::CACHED_TOO_LONG,
    an_answer_from_uncommitted_memory_is_caught: disk::UNCOMMITTED_READS,
    a_head_from_the_last_key_is_caught: numbers::HEAD_FROM_LAST_KEY,
    numbers_resumed_after_a_restore_are_caught: client::NUMBERS_RESUMED,
    a_member_list_of_an_old_snapshot_is_caught: members::OLD_SNAPSHOT,
    a_hole_at_the_hand_over_is_caught: reads::HOLE_AT_HAND_OVER,
    a_lost_last_hint_is_caught: reads::LOST_LAST_HINT,
    an_alteration_that_is_done_twice_is_caught: alterations::ALTERED_TWICE,
    alterations_skipped_in_sync_are_caught: alterations::ALTERATIONS_SKIPPED,
    a_history_that_gives_what_was_taken_back_is_caught: alterations::STILL_GIVEN,
    a_position_in_a_channel_ahead_of_its_store_is_caught: channels::POSITION_AHEAD,
    old_members_of_a_channel_are_caught: channels::OLD_MEMBERS,
    removed_messages_that_are_still_given_are_caught: wishes::REMOVED_STILL_GIVEN,
    what_is_shown_again_during_a_rebuild_is_caught: wishes::SHOWN_MEANWHILE,
    blocks_that_nobody_looks_at_are_caught: wishes::HEARD_THOUGH_BLOCKED,
    reading_that_is_told_all_the_same_is_caught: wishes::READ_TOLD,
    a_follower_who_is_not_told_is_caught: wishes::WENT_UNTOLD,
    a_server_that_erases_nothing_is_caught: forgetting::NOTHING_ERASED,
    what_burns_at_one_end_only_is_caught: forgetting::BURNS_AT_ONE_END,
    a_message_erased_for_another_one_is_caught: forgetting::ERASED_EARLY,
}
