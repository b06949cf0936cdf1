//! Idempotency-Keys whose time is over are removed, and only by a clock that can be believed.

use std::time::Duration;

use anser_backend::testing::{AppendBuilder, Person};
use anser_backend::{Appended, Ledger as _};
use anser_service::Settings;
use anser_types::{Clock as _, UserNo, limits};

use crate::world::{World, quick_settings};

const HALF_AN_HOUR_MS: u64 = 1800 * 1000;

/// A world whose work beside the commands runs every half hour.
fn slow_world() -> World {
    World::with(Settings {
        expire_every_ms: HALF_AN_HOUR_MS,
        expire_keys: 2,
        trim_every_ms: HALF_AN_HOUR_MS,
        soft_write_ms: HALF_AN_HOUR_MS,
        ..quick_settings()
    })
}

/// A request with this key at this time; whether it was executed, not answered by what is kept.
async fn executes(world: &World, key: &str, at: u64) -> bool {
    let alice = Person::new(UserNo(1), "alice");
    let request = AppendBuilder::keyed(&alice, key).at(at).build();
    let results = world.store.append_batch(vec![request]).await.unwrap();
    matches!(results[0], Appended::Committed(_))
}

#[tokio::test(start_paused = true)]
async fn keys_are_removed_when_their_time_is_over() {
    let world = slow_world();
    let begun = world.clock.now().0;
    for key in ["a", "b", "c"] {
        assert!(executes(&world, key, begun).await);
    }
    let hours = limits::IDEMPOTENCY_KEEP_MS / HALF_AN_HOUR_MS;
    for half_hour in 0..hours + 6 {
        world.clock.forward(HALF_AN_HOUR_MS);
        tokio::time::sleep(Duration::from_millis(HALF_AN_HOUR_MS)).await;
        if half_hour + 1 == hours {
            assert!(!executes(&world, "a", begun).await, "its time is just over: it may stay");
        }
    }
    for key in ["a", "b", "c"] {
        assert!(executes(&world, key, begun).await, "nothing is left of {key}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_removes_no_key() {
    let world = slow_world();
    let begun = world.clock.now().0;
    assert!(executes(&world, "a", begun).await);
    tokio::time::sleep(Duration::from_millis(HALF_AN_HOUR_MS)).await;
    world.clock.forward(2 * limits::IDEMPOTENCY_KEEP_MS);
    tokio::time::sleep(Duration::from_millis(10 * HALF_AN_HOUR_MS)).await;
    assert!(!executes(&world, "a", begun).await);
}
