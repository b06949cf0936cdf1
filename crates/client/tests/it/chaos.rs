//! Seeded bad days: cuts, dead links, full stores, crashes, overload and a server that trims, all mixed.

use std::time::Duration;

use anser_client::Input;
use anser_types::{ErrorCode, InboxSeq};

use crate::host::direct;
use crate::server::error;
use crate::world::{StoreMode, World};

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn bad_thing(world: &mut World, dice: &mut Dice) {
    match dice.below(12) {
        0 => world.cut(),
        1 => world.half_open = !world.half_open,
        2 => world.store = StoreMode::Full,
        3 => world.store = StoreMode::DiesBefore(dice.below(4)),
        4 => world.store = StoreMode::DiesAfter(dice.below(4)),
        5 => world.server.mute = !world.server.mute,
        6 => world.server.lose_pushes = !world.server.lose_pushes,
        7 => world.server.push_own = !world.server.push_own,
        8 => world.server.refuse.push_back(error(ErrorCode::Overloaded)),
        9 => world.server.trimmed = world.server.head().saturating_sub(dice.below(20)),
        10 => world.restart(),
        _ => world.wall_skew_ms = i64::try_from(dice.below(7_200_000)).unwrap() - 3_600_000,
    }
}

fn heal(world: &mut World) {
    world.store = StoreMode::Works;
    world.half_open = false;
    world.server.mute = false;
    world.server.lose_pushes = false;
    world.server.refuse.clear();
    if world.core.is_none() {
        world.boot();
        world.input(Input::Start);
    }
}

#[test]
fn requirement_b5_bad_days_and_wrong_clocks_lose_double_and_reorder_nothing() {
    for seed in 0..150 {
        let mut dice = Dice(seed);
        let mut world = World::online();
        for i in 0..60 {
            if world.core.is_some() {
                world.send("bob", &format!("a{i:03}"));
            }
            world.server.says("bob", &format!("b{i:03}"));
            world.push();
            if dice.below(3) == 0 {
                bad_thing(&mut world, &mut dice);
            }
            world.run(Duration::from_millis(dice.below(2_000)));
            if dice.below(4) == 0 || world.core.is_none() {
                heal(&mut world);
            }
        }
        heal(&mut world);
        world.push();
        // What gave up is sent again by the user.
        for _ in 0..4 {
            world.secs(200);
            let parked: Vec<_> = world.disk.outbox.keys().copied().collect();
            for local_no in parked {
                world.with(|core, now| core.retry(local_no, now));
            }
        }
        assert!(world.disk.outbox.is_empty(), "seed {seed}: {:?}", world.disk.outbox);
        assert_eq!(world.disk.device.cursor, InboxSeq(world.server.head()), "seed {seed}");
        let server = world.server.texts("bob");
        let mut own: Vec<_> = server.iter().filter(|text| text.starts_with('a')).collect();
        let total = own.len();
        own.sort();
        own.dedup();
        assert_eq!(own.len(), total, "seed {seed}: each is executed once");
        let stored = world.disk.texts(direct("bob"));
        let missing = server.len() - stored.len();
        assert!(missing == 0 || world.server.trimmed > 0, "seed {seed}: {missing} missing");
        assert!(stored.iter().all(|text| server.contains(text)), "seed {seed}");
        assert_eq!(stored.last(), server.last(), "seed {seed}");
    }
}
