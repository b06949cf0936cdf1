//! The server is killed again and again with many commands in flight; nothing is lost, doubled or out of order.
//!
//! The judge reads the raw store, not the clients' counts.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use anser_sim::checker::MessageKey;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use crate::people::{Board, Person, come_back, gather, judge, raw_store, settle};
use crate::program::Home;

/// Kills that count: with at least [`IN_FLIGHT`] commands under way.
const KILLS: usize = 20;
/// Commands that were numbered and not answered when the server died.
const IN_FLIGHT: usize = 64;
/// Kills after which the store must hold commands whose answer never arrived.
const IN_DOUBT: usize = 5;
/// People, each writing to the next one.
const PEOPLE: usize = 6;
/// Messages each of them has waiting when the server comes back: more than fit on the wire at once.
const WAITING: usize = 100;
/// Answers after which the server dies, at the most.
const ANSWERS: u64 = 60;
/// Rounds after which too few kills have counted.
const ROUNDS: usize = 60;

/// What a series of kills met.
#[derive(Debug, Default)]
struct Tally {
    counted: usize,
    /// Kills after which at least one unanswered command was found executed.
    executed_unanswered: usize,
    in_flight: usize,
    in_doubt: usize,
}

#[test]
fn requirement_a4_kill_after_kill_nothing_is_lost_or_doubled() {
    let seed: u64 =
        std::env::var("ANSER_KILL_SEED").map_or_else(|_| rand::random(), |s| s.parse().unwrap());
    println!("seed {seed} (ANSER_KILL_SEED={seed} repeats the random choices)");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(kill_after_kill(SmallRng::seed_from_u64(seed)));
}

async fn kill_after_kill(mut random: SmallRng) {
    let home = Home::new();
    let mut server = home.serve();
    let ports = server.ports();
    let board = Board::new();
    let endpoint = format!("tcp://{}", server.address("tcp"));
    let mut people = gather(&home, &server, PEOPLE, &board, &endpoint).await;
    server.kill();

    let mut tally = Tally::default();
    for round in 0..ROUNDS {
        if tally.counted == KILLS {
            break;
        }
        for person in &mut people {
            person.keep_waiting(&board, WAITING, round).await;
        }
        let dies_after = board.acked.load(Ordering::Relaxed) + random.random_range(1..=ANSWERS);
        server = home.serve_at(&ports);
        come_back(&people).await;
        board.reaches("answers", &board.acked, dies_after).await;
        server.kill();
        count(&home, &people, &mut tally, round).await;
    }
    println!("{tally:?}");
    assert_eq!(tally.counted, KILLS, "too few kills had {IN_FLIGHT} commands in flight: {tally:?}");
    assert!(tally.executed_unanswered >= IN_DOUBT, "{tally:?}");

    server = home.serve_at(&ports);
    come_back(&people).await;
    settle(&people, &board).await;
    let (status, _) = server.stop();
    assert_eq!(status.code(), Some(0), "{}", home.log());
    judge(&home, people).await;
}

/// How many commands the kill left without an answer, and how many of those the store holds.
async fn count(home: &Home, people: &[Person], tally: &mut Tally, round: usize) {
    let store = raw_store(home).await;
    let stored: BTreeMap<MessageKey, _> = store
        .iter()
        .flat_map(|log| log.messages.iter().map(|message| (message.key.clone(), message.seq)))
        .collect();
    let (mut in_flight, mut in_doubt) = (0, 0);
    for person in people {
        let open = person.in_flight(WAITING).await;
        in_flight += open.len();
        let user = person.client.user();
        in_doubt += open
            .iter()
            .filter(|id| stored.contains_key(&MessageKey { sender: user.clone(), id: **id }))
            .count();
    }
    println!("kill {round}: {in_flight} in flight, {in_doubt} of them executed");
    if in_flight >= IN_FLIGHT {
        tally.counted += 1;
        tally.in_flight += in_flight;
        tally.in_doubt += in_doubt;
        tally.executed_unanswered += usize::from(in_doubt > 0);
    }
}
