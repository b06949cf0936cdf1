//! The outbox: states, resends, refusals, limits.

use std::time::Duration;

use anser_client::{AppEvent, Input, MessageState, OutboxState};
use anser_types::{Command, ErrorCode, LocalNo, Target};

use crate::host::{direct, user};
use crate::server::error;
use crate::world::{StoreMode, World};

fn is_failed(state: Option<&MessageState>, wanted_unconfirmed: bool) -> bool {
    matches!(state, Some(MessageState::Failed { unconfirmed, .. }) if *unconfirmed == wanted_unconfirmed)
}

#[test]
fn requirement_a2_a_message_goes_queued_sending_sent() {
    let mut world = World::online();
    let hello = world.send("bob", "hello");
    world.secs(1);
    let states = world.states(hello);
    assert!(matches!(
        states[..],
        [MessageState::Queued, MessageState::Sending, MessageState::Sent { .. }]
    ));
    assert_eq!(world.disk.texts(direct("bob")), ["hello"]);
    assert!(world.disk.outbox.is_empty());
}

#[test]
fn requirement_a3_ids_are_the_device_and_a_counter_that_grows_by_one() {
    let mut world = World::new();
    let numbers: Vec<_> = (0..3).map(|_| world.send("bob", "x").0).collect();
    assert_eq!(numbers, [1, 2, 3]);
    world.restart();
    assert_eq!(world.send("bob", "x").0, 4);
    let ids: Vec<_> = world.disk.outbox.values().map(|item| item.id.to_string()).collect();
    assert_eq!(ids, ["1-1", "1-2", "1-3", "1-4"]);
}

#[test]
fn nothing_is_transmitted_before_its_number_is_stored() {
    let mut world = World::online();
    world.store = StoreMode::Full;
    let lost = world.send("bob", "not yet");
    world.secs(20);
    assert!(world.server.transmissions.is_empty());
    assert!(
        world.heard.events.iter().any(|e| matches!(e, AppEvent::StoreFailing { full: true, .. }))
    );
    world.store = StoreMode::Works;
    world.until("sent", |w| w.is_sent(lost));
}

/// Found by fuzzing: the time of the first transmission, under another number, made the new one look overdue.
#[test]
fn a_message_tried_again_waits_for_its_new_number_to_be_stored() {
    let mut world = World::online();
    world.server.refuse.push_back(error(ErrorCode::ContentTooLarge));
    let local_no = world.send("bob", "again");
    world.secs(1);
    assert!(is_failed(world.states(local_no).last(), false));

    world.store = StoreMode::Full;
    assert!(world.with(|core, now| core.retry(local_no, now)));
    world.secs(60);
    assert!(world.server.texts("bob").is_empty(), "its number is not durable yet");

    world.store = StoreMode::Works;
    world.secs(60);
    assert!(world.is_sent(local_no));
    assert_eq!(world.server.texts("bob"), ["again"]);
}

#[test]
fn requirement_a2_a_timeout_on_a_live_link_resends_the_same_bytes() {
    let mut world = World::online();
    world.server.mute = true;
    let hello = world.send("bob", "hello");
    world.secs(3);
    world.server.mute = false;
    world.until("sent", |w| w.is_sent(hello));
    let sent = &world.server.transmissions;
    assert!(sent.len() >= 2 && sent.iter().all(|t| *t == sent[0]), "{sent:?}");
    assert_eq!(world.server.texts("bob"), ["hello"], "executed once");
    assert_eq!(world.connects.len(), 1, "the link was alive");
}

#[test]
fn a_timeout_on_a_dead_link_reconnects() {
    let mut world = World::online();
    world.half_open = true;
    let hello = world.send("bob", "hello");
    world.secs(8);
    assert!(!world.is_connected(), "noticed long before the next heartbeat");
    world.half_open = false;
    world.until("sent", |w| w.is_sent(hello));
    assert_eq!(world.server.texts("bob"), ["hello"]);
}

#[test]
fn requirement_a2_five_tries_fail_and_a_new_session_settles_what_was_unconfirmed() {
    let mut world = World::online();
    world.server.mute = true;
    let hello = world.send("bob", "hello");
    world.until("failed", |w| is_failed(w.states(hello).last(), true));
    assert_eq!(world.server.transmissions.len(), 5);
    assert!(world.at < Duration::from_secs(180));
    // It had been executed all along: failed → sent is legal, and it is there once.
    world.server.mute = false;
    world.until("sent", |w| w.is_sent(hello));
    assert_eq!(world.server.texts("bob"), ["hello"]);
    assert_eq!(world.disk.texts(direct("bob")), ["hello"]);
}

#[test]
fn requirement_a2_three_minutes_fail_and_the_user_resends_under_the_same_id() {
    let mut world = World::online();
    // The server is reached, but what is transmitted gets lost with the link.
    let hello = world.send("bob", "hello");
    world.half_open = true;
    world.until("failed", |w| is_failed(w.states(hello).last(), true));
    assert!(world.at >= Duration::from_secs(180));
    world.half_open = false;
    world.until("settled", |w| is_failed(w.states(hello).last(), false));
    world.secs(60);
    assert!(world.server.texts("bob").is_empty(), "nothing is sent again unasked");
    assert!(world.with(|core, now| core.retry(hello, now)));
    world.until("sent", |w| w.is_sent(hello));
    assert_eq!(world.disk.messages.values().next().unwrap().message.id.local_no, hello);
    assert_eq!(world.server.texts("bob"), ["hello"]);
}

#[test]
fn what_waits_offline_does_not_fail() {
    let mut world = World::new();
    let hello = world.send("bob", "hello");
    world.secs(3_000);
    assert_eq!(world.states(hello), [MessageState::Queued]);
    world.input(Input::Start);
    world.until("sent", |w| w.is_sent(hello));
}

#[test]
fn requirement_c6_offline_commands_survive_restarts_and_run_in_order_exactly_once() {
    let mut world = World::new();
    for i in 0..100 {
        world.send("bob", &format!("m{i}"));
        if i == 50 {
            world.mark_read("bob", 1);
            world.restart();
            world.crash();
            world.boot();
        }
    }
    world.server.says("bob", "something to read");
    world.input(Input::Start);
    world.until("all sent", |w| w.disk.outbox.is_empty());
    let wanted: Vec<_> = (0..100).map(|i| format!("m{i}")).collect();
    assert_eq!(world.server.texts("bob")[1..], wanted[..]);
    assert_eq!(world.disk.texts(direct("bob")).len(), 101);
    assert_eq!(world.disk.settled.len(), 101);
}

#[test]
fn never_more_in_flight_than_the_window() {
    let mut world = World::online();
    world.server.mute = true;
    for i in 0..200 {
        world.send("bob", &format!("m{i}"));
    }
    world.secs(1);
    assert_eq!(world.server.transmissions.len(), 64);
}

#[test]
fn a_retryable_refusal_is_tried_again_in_order_after_the_time_given() {
    let mut world = World::online();
    for _ in 0..2 {
        let overloaded =
            anser_proto::v1::Error { retry_after_ms: 3_000, ..error(ErrorCode::Overloaded) };
        world.server.refuse.push_back(overloaded);
    }
    let before = world.at;
    let all: Vec<_> = (0..10).map(|i| world.send("bob", &format!("m{i}"))).collect();
    world.until("all sent", |w| all.iter().all(|no| w.is_sent(*no)));
    assert!(world.at - before >= Duration::from_secs(6));
    let wanted: Vec<_> = (0..10).map(|i| format!("m{i}")).collect();
    assert_eq!(world.server.texts("bob"), wanted);
    assert_eq!(world.connects.len(), 1);
}

#[test]
fn an_error_of_a_newer_server_does_what_its_number_says() {
    let mut world = World::online();
    for code in [577, 977, 477] {
        world.server.refuse.push_back(anser_proto::v1::Error { code, ..Default::default() });
    }
    let first = world.send("bob", "refused for good");
    let second = world.send("bob", "next");
    world.until("sent", |w| w.is_sent(second));
    assert!(is_failed(world.states(first).last(), false));
    assert_eq!(world.server.texts("bob"), ["next"]);
    assert_eq!(
        world.server.devices[&1].h, 2,
        "two passing errors used no number up, the final one did"
    );
    assert_eq!(world.connects.len(), 1);
}

#[test]
fn an_endless_overload_fails_the_message_and_frees_its_number() {
    let mut world = World::online();
    (0..5).for_each(|_| world.server.refuse.push_back(error(ErrorCode::Overloaded)));
    let unlucky = world.send("bob", "unlucky");
    world.until("failed", |w| is_failed(w.states(unlucky).last(), false));
    let next = world.send("bob", "next");
    world.until("sent", |w| w.is_sent(next));
    assert_eq!(world.server.texts("bob"), ["next"]);
    world.with(|core, now| core.retry(unlucky, now));
    world.until("sent", |w| w.is_sent(unlucky));
    assert_eq!(world.server.texts("bob"), ["next", "unlucky"]);
}

#[test]
fn out_of_order_waits_for_the_missing_number() {
    let mut world = World::online();
    // The first is refused for a moment; the second gets OUT_OF_ORDER and is repeated after the first.
    world.server.refuse.push_back(error(ErrorCode::RateLimited));
    let first = world.send("bob", "first");
    let second = world.send("bob", "second");
    world.until("both sent", |w| w.is_sent(first) && w.is_sent(second));
    assert_eq!(world.server.texts("bob"), ["first", "second"]);
    assert!(
        world.server.transmissions.len() <= 4,
        "no ping-pong: {:?}",
        world.server.transmissions
    );
}

#[test]
fn a_permanent_refusal_uses_its_number_up_and_waits_for_the_user() {
    let mut world = World::online();
    world.server.refuse.push_back(error(ErrorCode::UserUnknown));
    let lost = world.send("nobody", "hello?");
    let next = world.send("bob", "next");
    world.until("sent", |w| w.is_sent(next));
    let Some(MessageState::Failed { reason, unconfirmed: false }) = world.states(lost).pop() else {
        panic!("{:?}", world.states(lost));
    };
    assert_eq!(reason.code, ErrorCode::UserUnknown);
    assert!(world.with(|core, now| core.delete(lost, now)));
    assert!(world.disk.outbox.is_empty());
    assert!(!world.with(|core, now| core.retry(lost, now)));
}

#[test]
fn deleting_an_unconfirmed_message_takes_effect_once_it_is_settled() {
    let mut world = World::online();
    world.server.mute = true;
    let arrived = world.send("bob", "arrived");
    world.secs(1);
    assert!(world.with(|core, now| core.delete(arrived, now)));
    assert_eq!(world.disk.outbox.len(), 1, "not known yet whether it arrived");
    world.server.mute = false;
    world.until("settled", |w| w.disk.outbox.is_empty());
    assert_eq!(world.disk.hidden.len(), 1);

    world.half_open = true;
    let lost = world.send("bob", "lost");
    assert!(world.with(|core, now| core.delete(lost, now)));
    world.half_open = false;
    world.until("settled", |w| w.disk.outbox.is_empty());
    assert_eq!(world.server.texts("bob"), ["arrived"]);
}

#[test]
fn a_cut_in_the_middle_settles_by_arithmetic() {
    let mut world = World::online();
    // Executed, but the answers are lost with the connection; the later ones never arrive.
    world.server.mute = true;
    for i in 0..10 {
        world.send("bob", &format!("m{i}"));
    }
    world.secs(1);
    for i in 10..20 {
        world.send("bob", &format!("m{i}"));
    }
    world.cut();
    world.server.mute = false;
    world.until("all settled", |w| w.disk.outbox.is_empty());
    let wanted: Vec<_> = (0..20).map(|i| format!("m{i}")).collect();
    assert_eq!(world.server.texts("bob"), wanted);
    assert_eq!(world.disk.texts(direct("bob")), wanted);
    let mut numbers: Vec<_> = world.server.transmissions.iter().map(|t| t.1).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers, (1..=20).collect::<Vec<_>>(), "dense");
}

#[test]
fn read_positions_supersede_each_other_while_they_wait() {
    let mut world = World::new();
    (1..=5).for_each(|seq| {
        world.mark_read("bob", seq);
    });
    assert_eq!(world.disk.outbox.len(), 1);
    (0..5).for_each(|_| world.server.says("bob", "x"));
    world.input(Input::Start);
    world.until("done", |w| w.disk.outbox.is_empty());
    assert_eq!(world.disk.read[&direct("bob")].0, 5);
    assert_eq!(world.server.transmissions.len(), 1);
}

#[test]
fn a_group_command_is_done_and_its_change_arrives() {
    let mut world = World::online();
    let command = Command::CreateGroup {
        title: "walkers".to_owned(),
        members: vec![user("bob")],
        history_for_new_members: true,
    };
    let made = world.with(|core, now| core.compose(command, now).unwrap());
    world.secs(1);
    let done = world.heard.events.iter().any(|event| {
        matches!(event, AppEvent::CommandDone { local_no, outcome: Ok(done) }
            if *local_no == made && done.conversation.is_some())
    });
    assert!(done);
    assert_eq!(world.disk.changes.len(), 1);
    assert!(world.heard.events.iter().any(|e| matches!(e, AppEvent::GroupChanged { .. })));
}

#[test]
fn what_no_server_could_take_is_refused_at_once() {
    let mut world = World::new();
    let huge = anser_types::Content::text("x".repeat(64 * 1024 + 1));
    let command = Command::SendMessage { to: Target::User(user("bob")), content: huge };
    let refused = world.with(|core, now| core.compose(command, now)).unwrap_err();
    assert_eq!(refused.code, ErrorCode::ContentTooLarge);
    let unknown = world.with(|core, now| core.compose(Command::Unknown, now)).unwrap_err();
    assert_eq!(unknown.code, ErrorCode::Unsupported);
    assert_eq!(world.send("bob", "fine"), LocalNo(1), "no counter is used up");
}

#[test]
fn a_failed_message_stays_failed_over_a_restart() {
    let mut world = World::online();
    world.server.refuse.push_back(error(ErrorCode::UserUnknown));
    let lost = world.send("nobody", "hello?");
    world.secs(1);
    world.restart();
    world.secs(5);
    let state = &world.disk.outbox[&lost].state;
    assert!(
        matches!(state, OutboxState::Failed { reason, unconfirmed: None } if reason.code == ErrorCode::UserUnknown)
    );
    assert_eq!(world.server.transmissions.len(), 1);
}
