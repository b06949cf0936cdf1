//! Bad days of a channel: whatever is lost, doubled or swapped, and whenever the process dies, everything of it is stored
//! once, in order and as it is now.

use std::time::Duration;

use anser_client::Input;
use anser_proto::v1;
use anser_proto::v1::change::Kind;

use crate::channel_server::CHANNEL;
use crate::channels::{check_all_is_here, following, says, send};
use crate::world::{StoreMode, World};

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// What happens in a channel on a bad day.
fn something_happens(world: &mut World, dice: &mut Dice, i: usize) {
    let channel = world.server.channels.of(CHANNEL);
    let (member, last) = (channel.is_member(), channel.messages.len() as u64);
    let recent = (last - channel.begins().seq).min(5);
    match dice.below(8) {
        // Whoever is away does not see what becomes of what they saw.
        0 | 1 if member && recent > 0 => {
            let seq = last - dice.below(recent);
            world.server.channels.reacts(CHANNEL, seq);
        }
        0 if !member => drop(world.server.joins(CHANNEL)),
        1 if member && dice.below(4) == 0 => {
            let removed = v1::MembersRemoved { users: vec!["alice".to_owned()] };
            world.server.leaves(CHANNEL, Kind::MembersRemoved(removed), true);
        }
        2 if member => world.server.mentions(CHANNEL, &format!("m{i}")),
        3 if member && world.core.is_some() => drop(send(world, &format!("a{i}"))),
        4 => {
            world.server.channels.changes(CHANNEL, None);
        }
        _ => drop(world.server.channels.says(CHANNEL, "bob", &format!("m{i}"))),
    }
}

/// Everything is well again, and everything that is missing is told of.
fn heal(world: &mut World) {
    world.store = StoreMode::Works;
    world.server.mute = false;
    world.server.mute_queries = false;
    if world.core.is_none() {
        world.boot();
        world.input(Input::Start);
    }
}

fn check_the_end(world: &mut World, what: &str) {
    heal(world);
    world.server.channels.dice = None;
    world.until("connected", World::is_connected);
    if !world.server.channels.of(CHANNEL).is_member() {
        world.server.joins(CHANNEL);
    }
    world.push();
    world.sweep();
    for _ in 0..4 {
        world.secs(100);
        let parked: Vec<_> = world.disk.outbox.keys().copied().collect();
        for local_no in parked {
            world.with(|core, now| core.retry(local_no, now));
        }
    }
    world.secs(60);
    assert!(world.disk.outbox.is_empty(), "{what}: {:?}", world.disk.outbox);
    check_all_is_here(world, what);
    let mut own: Vec<_> =
        world.disk.texts(CHANNEL).into_iter().filter(|text| text.starts_with('a')).collect();
    let all = own.len();
    own.dedup();
    assert_eq!(own.len(), all, "{what}: each is said once");
}

/// Runs in which people talk while `trouble` is made, and `after_a_while` brings relief or not, each to its end.
fn run_all(
    trouble: impl Fn(&mut World, &mut Dice),
    after_a_while: impl Fn(&mut World, &mut Dice),
    check: impl Fn(&World, &str),
) {
    for seed in 0..150 {
        let mut dice = Dice(seed);
        let mut world = following();
        world.server.channels.dice = Some(seed);
        for i in 0..60 {
            something_happens(&mut world, &mut dice, i);
            world.push();
            trouble(&mut world, &mut dice);
            world.run(Duration::from_millis(dice.below(400)));
            after_a_while(&mut world, &mut dice);
        }
        let what = format!("seed {seed}");
        check_the_end(&mut world, &what);
        check(&world, &what);
    }
}

#[test]
fn requirement_g1_whatever_is_lost_a_channel_is_stored_whole_once_and_in_order() {
    run_all(
        |world, dice| match dice.below(20) {
            0 => world.cut(),
            1 => world.store = StoreMode::Full,
            2 => world.store = StoreMode::DiesBefore(dice.below(4)),
            3 => world.store = StoreMode::DiesAfter(dice.below(4)),
            4 => world.restart(),
            5 => world.server.mute_queries = !world.server.mute_queries,
            6 => world.sweep(),
            7 => world.server.mute = !world.server.mute,
            8 => world.server.lose_pushes = !world.server.lose_pushes,
            9 => world.server.answers_late = Duration::from_millis(dice.below(300)),
            _ => {}
        },
        |world, dice| {
            if dice.below(4) == 0 || world.core.is_none() {
                heal(world);
            }
        },
        |_, _| {},
    );
}

#[test]
fn without_a_crash_each_message_of_a_channel_is_told_exactly_once() {
    run_all(
        |world, dice| match dice.below(12) {
            0 => world.cut(),
            1 => world.store = StoreMode::Full,
            2 | 3 => world.sweep(),
            4 => world.server.lose_pushes = !world.server.lose_pushes,
            5 => world.server.answers_late = Duration::from_millis(dice.below(300)),
            _ => {}
        },
        |world, dice| {
            if dice.below(4) == 0 {
                world.store = StoreMode::Works;
            }
        },
        |world, what| {
            let mut told = world.new_texts();
            told.sort();
            let texts = world.disk.texts(CHANNEL).into_iter();
            let mut wanted: Vec<_> = texts.filter(|text| text.starts_with('m')).collect();
            wanted.sort();
            assert_eq!(told, wanted, "{what}");
        },
    );
}

/// Half a minute of a channel, with a gap, an absence and a mention.
fn busy(world: &mut World) {
    for i in 0..14 {
        if world.core.is_some() && i % 4 == 1 {
            send(world, &format!("a{i}"));
        }
        world.server.channels.lose_pushes = (5..7).contains(&i);
        says(world, i..i + 1);
        if i % 5 == 3 {
            world.server.mentions(CHANNEL, &format!("call {i}"));
        }
        world.server.channels.reacts(CHANNEL, 1);
        world.push();
        world.run(Duration::from_millis(40));
        if i == 8 {
            world.cut();
        }
        if world.core.is_none() {
            world.store = StoreMode::Works;
            world.boot();
            world.input(Input::Start);
        }
    }
}

#[test]
fn requirement_c2_a_crash_at_any_transaction_loses_and_doubles_nothing_of_a_channel() {
    for n in 0..60 {
        for before in [true, false] {
            let mut world = following();
            world.store = if before { StoreMode::DiesBefore(n) } else { StoreMode::DiesAfter(n) };
            busy(&mut world);
            check_the_end(&mut world, &format!("transaction {n}, before {before}"));
        }
    }
}
