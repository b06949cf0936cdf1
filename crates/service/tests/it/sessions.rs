//! Sessions: fencing, duplicate sign-ins, tokens, and the end.

use anser_service::{Answered, Hello, SessionsPerClass, Start, Which};
use anser_types::limits::REPLACED_PAUSE_MS;
use anser_types::{DeviceClass, DeviceNo, ErrorCode, InboxSeq, LogEpoch, Seq};

use crate::world::{Device, World, not_executed, quick_settings, send, to};

#[tokio::test]
async fn a_device_has_one_session_and_the_older_is_fenced() {
    let world = World::new();
    world.user("bob").await;
    let mut old = world.connect("alice").await;
    old.say(to("bob"), "one").await;
    let mut new = Device::connect(&world.service, &old.signed_in, InboxSeq::ZERO).await;
    assert!(new.opened.epoch > old.opened.epoch);
    assert_eq!(old.ended(), Some(ErrorCode::Replaced));
    let refusal = not_executed(old.run(send(to("bob"), "two")).await);
    assert_eq!(refusal.code, ErrorCode::Replaced);
    new.say(to("bob"), "three").await;
    assert_eq!(world.direct_head("alice", "bob").await, Seq(2));
    assert_eq!(world.service.status().sessions, 1);
}

#[tokio::test]
async fn a_command_in_flight_of_a_replaced_session_is_committed_before_the_new_one_reads() {
    let world = World::new();
    world.user("bob").await;
    let mut old = world.connect("alice").await;
    world.gate.hold();
    let pending = old.submit(send(to("bob"), "in flight")).await;
    tokio::task::yield_now().await;
    let (service, signed_in) = (std::sync::Arc::clone(&world.service), old.signed_in.clone());
    let opening =
        tokio::spawn(async move { Device::connect(&service, &signed_in, InboxSeq::ZERO).await });
    tokio::task::yield_now().await;
    world.gate.release();
    let new = opening.await.unwrap();
    assert_eq!(new.opened.last_command_no.0, 1, "ordered after every earlier append");
    assert!(matches!(pending.await, Answered::Final { .. }));
}

#[tokio::test]
async fn requirement_d4_the_newest_of_a_device_class_wins() {
    let world = World::new();
    for (class, stays) in [
        (DeviceClass::Phone, false),
        (DeviceClass::Pad, false),
        (DeviceClass::Desktop, false),
        (DeviceClass::Web, false),
        (DeviceClass::Cli, true),
        (DeviceClass::Bot, true),
    ] {
        let name = class.name();
        let old = world.connect_as(name, class).await;
        let other = world.connect_as(
            name,
            if class == DeviceClass::Phone { DeviceClass::Pad } else { DeviceClass::Phone },
        );
        let other = other.await;
        let new = world.connect_as(name, class).await;
        assert_eq!(old.ended(), (!stays).then_some(ErrorCode::Replaced), "{name}");
        assert_eq!(other.ended(), None);
        assert_eq!(new.ended(), None);
    }
}

#[tokio::test]
async fn requirement_d4_how_many_of_a_class_is_the_operators_to_say_and_the_old_one_is_told_why() {
    let sessions_per_class = SessionsPerClass { phone: 2, web: 0, cli: 1, ..Default::default() };
    let world = World::with(anser_service::Settings { sessions_per_class, ..quick_settings() });
    let first = world.connect_as("alice", DeviceClass::Phone).await;
    let second = world.connect_as("alice", DeviceClass::Phone).await;
    assert_eq!((first.ended(), second.ended()), (None, None), "two phones");
    let third = world.connect_as("alice", DeviceClass::Phone).await;
    let why = first.mailbox.ended().unwrap();
    assert_eq!((why.code, why.retry_after_ms), (ErrorCode::Replaced, None));
    assert_eq!(why.detail, "a newer phone of yours is connected, and 2 at a time are allowed");
    assert_eq!((second.ended(), third.ended()), (None, None), "the newest stay");
    let again = Device::connect(&world.service, &second.signed_in, InboxSeq::ZERO).await;
    let why = second.mailbox.ended().unwrap();
    assert_eq!(why.detail, "this device has opened a newer session");
    assert_eq!((third.ended(), again.ended()), (None, None), "its own older one made the room");
    let mut browsers = Vec::new();
    for _ in 0..5 {
        browsers.push(world.connect_as("alice", DeviceClass::Web).await);
    }
    assert!(browsers.iter().all(|browser| browser.ended().is_none()), "0 is no limit");
    let terminal = world.connect_as("alice", DeviceClass::Cli).await;
    world.connect_as("alice", DeviceClass::Cli).await;
    let why = terminal.mailbox.ended().unwrap();
    assert_eq!(why.detail, "a newer cli of yours is connected, and one at a time is allowed");
}

#[tokio::test]
async fn requirement_d4_ones_devices_are_listed_and_signed_out_from_another() {
    let world = World::new();
    let phone = world.connect_as("alice", DeviceClass::Phone).await;
    let mut desk = world.connect("alice").await;
    let pad = world.connect_as("alice", DeviceClass::Pad).await;
    let bob = world.connect("bob").await;
    let left_at = {
        use anser_types::Clock;
        world.clock.forward(1_000);
        let left_at = world.clock.now();
        drop(pad);
        world.clock.forward(60_000);
        left_at
    };
    let token = desk.signed_in.token.clone();
    let listed = world.service.devices(&token).await.unwrap();
    let shown: Vec<_> = listed.iter().map(|d| (d.class, d.online, d.current)).collect();
    assert_eq!(
        shown,
        [
            (DeviceClass::Phone, true, false),
            (DeviceClass::Cli, true, true),
            (DeviceClass::Pad, false, false),
        ]
    );
    assert_eq!(listed[2].last_seen, left_at);
    let one = Which::One(phone.signed_in.device);
    let ended = world.service.sign_out_devices(&token, one).await.unwrap();
    assert_eq!(ended, [phone.signed_in.device]);
    assert_eq!(phone.ended(), Some(ErrorCode::SignedOut), "at once (guarantee G26)");
    let epoch = world.service.status().ledger.log_epoch;
    let refused =
        Device::try_connect(&world.service, &phone.signed_in, InboxSeq::ZERO, epoch).await;
    assert_eq!(refused.err().unwrap().code, ErrorCode::TokenInvalid, "its token is void");
    let again = world.service.sign_out_devices(&token, one).await.unwrap_err();
    assert_eq!(again.code, ErrorCode::InvalidArgument);
    let late = world.connect("alice").await;
    let ended = world.service.sign_out_devices(&token, Which::Others).await.unwrap();
    assert_eq!(ended.len(), 2);
    assert_eq!((late.ended(), desk.ended()), (Some(ErrorCode::SignedOut), None));
    assert_eq!(bob.ended(), None, "other people's stay");
    desk.say(to("bob"), "still here").await;
    assert_eq!(world.service.devices(&token).await.unwrap().len(), 1);
    assert_eq!(world.service.devices("ans_no").await.unwrap_err().code, ErrorCode::TokenInvalid);
}

/// A phone is lost while its Hello is on the way, and the next one's overtakes it. The lost one took the session over,
/// and the phone in somebody's hand was told never to come back.
#[tokio::test]
async fn whom_a_hello_replaced_that_it_had_overtaken_may_come_back() {
    let world = World::new();
    let lost = world.token("alice", DeviceClass::Phone).await;
    let arrived = world.service.arrival();
    let new = world.connect_as("alice", DeviceClass::Phone).await;
    let late = Hello {
        token: lost.token.clone(),
        device: lost.device,
        log_epoch: LogEpoch::ZERO,
        inbox_cursor: InboxSeq::ZERO,
        rebuild_above: 0,
        arrived,
    };
    let _ghost = world.service.open_session(late).await.unwrap();
    let ended = new.mailbox.ended().unwrap();
    assert_eq!((ended.code, ended.retry_after_ms), (ErrorCode::Replaced, Some(REPLACED_PAUSE_MS)));
    // It comes back, and the one it finds there stays away.
    let ghost_again = Device::connect(&world.service, &lost, InboxSeq::ZERO).await;
    let _back = Device::connect(&world.service, &new.signed_in, InboxSeq::ZERO).await;
    assert_eq!(ghost_again.mailbox.ended().unwrap().retry_after_ms, None);
}

#[tokio::test]
async fn of_two_sessions_opened_at_once_one_stays() {
    let world = World::new();
    let signed_in = world.token("alice", DeviceClass::Phone).await;
    let (one, two) = tokio::join!(
        Device::connect(&world.service, &signed_in, InboxSeq::ZERO),
        Device::connect(&world.service, &signed_in, InboxSeq::ZERO)
    );
    let (old, mut new) = if one.opened.epoch < two.opened.epoch { (one, two) } else { (two, one) };
    assert_eq!((old.ended(), new.ended()), (Some(ErrorCode::Replaced), None));
    new.say(to("alice"), "still here").await;
}

#[tokio::test]
async fn a_wrong_token_or_device_opens_nothing() {
    let world = World::new();
    let good = world.token("alice", DeviceClass::Cli).await;
    let epoch = world.service.status().ledger.log_epoch;
    let mut wrong = good.clone();
    wrong.token.push('x');
    let mut other_device = good.clone();
    other_device.device = DeviceNo(99);
    for bad in [wrong, other_device] {
        let refusal =
            Device::try_connect(&world.service, &bad, InboxSeq::ZERO, epoch).await.err().unwrap();
        assert_eq!(refusal.code, ErrorCode::TokenInvalid);
    }
    world.clock.forward(quick_settings().token_life_ms);
    let refusal =
        Device::try_connect(&world.service, &good, InboxSeq::ZERO, epoch).await.err().unwrap();
    assert_eq!(refusal.code, ErrorCode::TokenExpired);
}

#[tokio::test]
async fn leaving_takes_the_session_out_of_the_registry() {
    let world = World::new();
    let alice = world.connect("alice").await;
    let reader = alice.session.reader();
    assert_eq!(world.service.status().users_online, 1);
    drop(alice);
    assert_eq!(world.service.status().users_online, 0);
    assert_eq!(reader.caller().user().as_str(), "alice");
}

#[tokio::test]
async fn requirement_j6_draining_refuses_what_is_new_and_answers_what_is_under_way() {
    let world = World::new();
    world.user("bob").await;
    let signed_in = world.token("bob", DeviceClass::Cli).await;
    let mut alice = world.connect("alice").await;
    world.gate.hold();
    let under_way = alice.submit(send(to("bob"), "just in time")).await;
    world.service.drain().await;
    assert_eq!(alice.ended(), Some(ErrorCode::Draining));
    assert!(world.service.status().draining);
    assert_eq!(not_executed(alice.run(send(to("bob"), "late")).await).code, ErrorCode::Draining);
    let epoch = world.service.status().ledger.log_epoch;
    let refused = Device::try_connect(&world.service, &signed_in, InboxSeq::ZERO, epoch).await;
    let refusal = refused.err().unwrap();
    assert_eq!(refusal.code, ErrorCode::Draining);
    assert!(refusal.retry_after_ms.is_some());
    world.gate.release();
    world.service.stop().await;
    assert!(matches!(under_way.await, Answered::Final { .. }));
    assert_eq!(world.direct_head("alice", "bob").await, Seq(1));
}

#[tokio::test]
async fn a_full_server_sends_strangers_away() {
    let world = World::with(anser_service::Settings { sessions: 1, ..quick_settings() });
    let alice = world.connect("alice").await;
    let bob = world.token("bob", DeviceClass::Cli).await;
    let epoch = world.service.status().ledger.log_epoch;
    let refused = Device::try_connect(&world.service, &bob, InboxSeq::ZERO, epoch).await;
    assert_eq!(refused.err().unwrap().code, ErrorCode::TooManyConnections);
    drop(alice);
    Device::connect(&world.service, &bob, InboxSeq::ZERO).await;
}

#[tokio::test]
async fn requirement_c7_a_new_device_rebuilds_unless_nothing_ever_came() {
    let world = World::new();
    let mut alice = world.connect("alice").await;
    let signed_in = world.token("bob", DeviceClass::Cli).await;
    let new = || Device::try_connect(&world.service, &signed_in, InboxSeq::ZERO, LogEpoch::ZERO);
    assert_eq!(new().await.unwrap().opened.start, Start::FromCursor(InboxSeq::ZERO));
    alice.say(to("bob"), "hi").await;
    let mut bob = new().await.unwrap();
    assert_eq!(bob.opened.start, Start::Reset { at: InboxSeq(1), reason: None });
    bob.cursor = InboxSeq(1);
    bob.ack(&[]);
    alice.say(to("bob"), "there").await;
    assert_eq!(bob.hears().await, ["alice: there"]);
    // Who was here while the inbox was empty knows its epoch, and missed the first message.
    let mut bob = Device::connect(&world.service, &signed_in, InboxSeq::ZERO).await;
    assert_eq!(bob.hears().await, ["alice: hi", "alice: there"]);
}

#[tokio::test]
async fn requirement_c3_a_device_on_demand_rebuilds_rather_than_read_much() {
    use anser_service::{Query, Reply};
    let world = World::new();
    let mut alice = world.connect("alice").await;
    let signed_in = world.token("bob", DeviceClass::Cli).await;
    drop(Device::connect(&world.service, &signed_in, InboxSeq::ZERO).await);
    for n in 1..=6 {
        alice.say(to("bob"), &format!("no {n}")).await;
    }
    let log_epoch = world.service.status().ledger.log_epoch;
    let comes = async |rebuild_above, cursor| {
        let hello = Hello {
            token: signed_in.token.clone(),
            device: signed_in.device,
            log_epoch,
            inbox_cursor: InboxSeq(cursor),
            rebuild_above,
            arrived: world.service.arrival(),
        };
        world.service.open_session(hello).await.unwrap().0
    };
    let reset = Start::Reset { at: InboxSeq(6), reason: None };
    assert_eq!(comes(0, 0).await.opened().start, Start::FromCursor(InboxSeq(0)), "reads it all");
    assert_eq!(comes(5, 1).await.opened().start, Start::FromCursor(InboxSeq(1)), "that is 5");
    let bob = comes(5, 0).await;
    assert_eq!(bob.opened().start, reset);
    let rows = Query::SyncPage {
        at: InboxSeq(6),
        since: LogEpoch::ZERO,
        after: None,
        limit: 0,
        heads_only: true,
    };
    let Reply::SyncPage { page, .. } = bob.query(rows).await.unwrap() else { panic!() };
    assert_eq!((page[0].unread, page[0].head), (6, Seq(6)));
    assert!(page[0].last_message.is_none() && page[0].last_at.0 > 0, "when, not what");
}
