//! The process dies at every transaction, before and after it; nothing is lost, doubled or out of order.

use anser_client::Input;
use anser_types::InboxSeq;

use crate::host::direct;
use crate::world::{StoreMode, World};

/// A busy minute: both write, connections break, read positions move.
fn busy(world: &mut World) {
    world.input(Input::Start);
    for i in 0..12_usize {
        if world.core.is_some() {
            world.send("bob", &format!("a{i}"));
        }
        world.server.says("bob", &format!("b{i}"));
        world.push();
        if world.core.is_some() && i % 5 == 4 {
            world.mark_read("bob", 1);
        }
        world.run(std::time::Duration::from_millis(30));
        if i == 6 {
            world.cut();
        }
        if world.core.is_none() {
            // It is started again, and what was composed before the crash and never stored is composed again.
            world.store = StoreMode::Works;
            world.boot();
            world.input(Input::Start);
        }
    }
}

fn check(world: &mut World, what: &str) {
    world.store = StoreMode::Works;
    if world.core.is_none() {
        world.boot();
        world.input(Input::Start);
    }
    world.until("everything settled", |w| {
        w.disk.outbox.is_empty() && w.disk.device.cursor == InboxSeq(w.server.head())
    });
    let server = world.server.texts("bob");
    assert_eq!(world.disk.texts(direct("bob")), server, "{what}: the store is what the server has");
    let own: Vec<_> = server.iter().filter(|t| t.starts_with('a')).cloned().collect();
    let mut expected = own.clone();
    expected.sort_by_key(|t| t[1..].parse::<usize>().unwrap());
    expected.dedup();
    assert_eq!(own, expected, "{what}: in order, none twice");
    // A message whose record was never stored died with the process: the app was not told it was queued.
    let stored = world.disk.settled.len();
    let settled_messages = own.len();
    assert!(stored >= settled_messages, "{what}");
    let mut news = world.new_texts();
    news.sort();
    let before = news.len();
    news.dedup();
    let repeated = before - news.len();
    assert_eq!(repeated, 0, "{what}: told once by this run of the core");
}

#[test]
fn requirement_c2_a_crash_at_any_transaction_loses_and_doubles_nothing() {
    for n in 0..60 {
        for before in [true, false] {
            let mut world = World::returning();
            world.store = if before { StoreMode::DiesBefore(n) } else { StoreMode::DiesAfter(n) };
            busy(&mut world);
            check(&mut world, &format!("transaction {n}, before {before}"));
        }
    }
}

#[test]
fn every_message_the_app_was_told_is_queued_arrives() {
    use anser_client::{AppEvent, MessageState};
    for n in 0..40 {
        let mut world = World::returning();
        world.store = StoreMode::DiesAfter(n);
        busy(&mut world);
        check(&mut world, &format!("transaction {n}"));
        let server = world.server.texts("bob").iter().filter(|t| t.starts_with('a')).count();
        let mut queued: Vec<_> = world
            .heard
            .events
            .iter()
            .filter_map(|event| match event {
                AppEvent::MessageStateChanged { id, state: MessageState::Queued, .. } => Some(*id),
                _ => None,
            })
            .collect();
        queued.dedup();
        assert!(
            queued.len() <= server,
            "transaction {n}: {} were queued, {server} arrived",
            queued.len()
        );
    }
}

#[test]
fn a_store_that_fails_now_and_then_loses_nothing() {
    for n in 0..20_u64 {
        let mut world = World::online();
        for i in 0..12_u64 {
            world.store = if (i + n) % 3 == 0 { StoreMode::Full } else { StoreMode::Works };
            world.send("bob", &format!("a{i}"));
            world.server.says("bob", &format!("b{i}"));
            world.push();
            world.run(std::time::Duration::from_millis(25 * n));
        }
        check(&mut world, &format!("pattern {n}"));
        assert_eq!(world.server.texts("bob").len(), 24);
    }
}
