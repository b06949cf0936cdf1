//! The threads: they open, follow, answer, and end.

use std::sync::Arc;
use std::time::Duration;

use anser_backend::SearchIndex as _;
use anser_backend::search::{Hits, SearchError, SearchRequest, Wanted};
use anser_search::{Pace, Search};
use futures::executor::block_on;

use crate::world::{World, everything};

/// Far more than an index of a few messages needs; one that fails must not be waited for.
const AT_MOST: Duration = Duration::from_secs(300);

fn ask(search: &Search, world: &World, text: &str) -> Result<Hits, SearchError> {
    block_on(search.search(SearchRequest {
        wanted: Wanted::new(text).unwrap(),
        scopes: vec![everything(world.direct())],
        before: None,
        limit: 10,
    }))
}

/// What is found once the index knows everything.
fn complete(search: &Search, world: &World, text: &str) -> Vec<u64> {
    assert!(search.wait_until_complete(AT_MOST), "the index never became complete");
    let Hits { hits, complete } = ask(search, world, text).unwrap();
    assert!(complete);
    hits.iter().map(|hit| hit.seq.0).collect()
}

fn start(world: &World) -> Arc<Search> {
    let pace =
        Pace { commit_every: Duration::ZERO, retry_after: Duration::ZERO, ..Pace::default() };
    Search::start(&world.place(), world.logs(), pace).unwrap()
}

#[test]
fn what_is_said_is_found_as_soon_as_the_index_says_it_is_complete() {
    let mut world = World::new();
    world.say("今天下午开会");
    let search = start(&world);
    assert_eq!(complete(&search, &world, "开会"), [1]);
    world.say("会开完了");
    search.committed(&[world.direct()]);
    assert_eq!(complete(&search, &world, "开完"), [2]);
    world.edit(2, "散会");
    search.committed(&[world.direct()]);
    assert_eq!(complete(&search, &world, "开完"), [] as [u64; 0]);
    assert_eq!(complete(&search, &world, "散会"), [2]);
    search.stop();
}

#[test]
fn what_was_said_while_nobody_indexed_is_found_after_the_next_start() {
    let mut world = World::new();
    world.say("hello");
    let search = start(&world);
    assert_eq!(complete(&search, &world, "hello"), [1]);
    drop(search);
    world.say("hello again");
    let search = start(&world);
    assert_eq!(complete(&search, &world, "hello"), [2, 1]);
}

#[test]
fn an_index_ahead_of_its_log_is_replaced_while_running() {
    let mut world = World::new();
    world.say("one");
    world.say("two");
    drop(world.index());
    world.store = anser_backend::MemoryBackend::new();
    let (alice, bob) = (world.alice.clone(), world.bob.clone());
    world.open(&alice, &bob);
    world.say_in(world.direct(), &bob, "three");
    let search = start(&world);
    assert_eq!(complete(&search, &world, "three"), [1]);
    assert_eq!(complete(&search, &world, "two"), [] as [u64; 0]);
}

#[test]
fn a_search_after_the_end_is_refused() {
    let world = World::new();
    let search = start(&world);
    search.stop();
    assert!(matches!(ask(&search, &world, "hello"), Err(SearchError::Failed(_))));
}
