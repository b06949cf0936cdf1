//! Hello, the phases, and what happens to bytes that are no frames.

use std::time::Duration;

use anser_gateway::Farewell;
use anser_proto::codec::encode_frame;
use anser_proto::session::client::Incoming;
use anser_proto::v1::{self, Reconnect, client_frame::Frame};
use anser_service::SignedIn;
use anser_types::limits::{
    COMMANDS_IN_FLIGHT, HELLO_MAX_BYTES, HELLO_TIMEOUT_MS, REPLACED_PAUSE_MS,
};
use anser_types::{DeviceClass, ErrorCode};
use bytes::BytesMut;
use tokio::time::Instant;

use crate::peer::text_to;
use crate::world::World;

fn frame(frame: Frame) -> BytesMut {
    let mut out = BytesMut::new();
    encode_frame(&v1::ClientFrame { frame: Some(frame) }, &mut out);
    out
}

fn hello(device: &SignedIn) -> v1::Hello {
    v1::Hello {
        version_min: 1,
        version_max: 1,
        token: device.token.clone(),
        device_no: device.device.0,
        ..v1::Hello::default()
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_say_hello_in_time_is_sent_away() {
    let world = World::new();
    let (mut stranger, serving) = world.connect(1024);
    let start = Instant::now();
    let close = stranger.closed_with(ErrorCode::Silent).await;
    assert_eq!(close.reconnect(), Reconnect::Now);
    let waited = start.elapsed();
    assert!(waited >= Duration::from_millis(HELLO_TIMEOUT_MS), "{waited:?}");
    assert!(waited < Duration::from_millis(HELLO_TIMEOUT_MS + 100), "{waited:?}");
    drop(stranger);
    assert_eq!(serving.await.unwrap(), Farewell::Closed(ErrorCode::Silent));
}

#[tokio::test(start_paused = true)]
async fn requirement_e8_welcome_brings_identity_limits_and_the_first_page_together() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    let bobs = world.device("bob", DeviceClass::Phone).await;
    alice.send("bob", "one").await;
    alice.send("bob", "two").await;
    let (mut bob, _) = world.connect(64 * 1024);
    bob.hello(&bobs, crate::peer::LOG_EPOCH, 0).await;
    let welcome = bob.welcome().await;
    assert_eq!((welcome.version, welcome.user.as_str()), (1, "bob"));
    assert_eq!((welcome.inbox_head, welcome.last_command_no), (2, 0));
    assert_eq!(welcome.server_time_unix_ms, 1_795_169_730_288);
    assert_eq!(welcome.limits.unwrap().commands_in_flight as usize, COMMANDS_IN_FLIGHT);
    let first_read = bob.received_bytes;
    let batch = bob.batch().await;
    assert_eq!(bob.received_bytes, first_read, "the page came in the same write as Welcome");
    assert_eq!(crate::peer::texts(&batch), ["alice: one", "alice: two"]);
    assert_eq!(batch.head.unwrap().0, 2);
}

#[tokio::test(start_paused = true)]
async fn wrong_tokens_are_told_to_sign_in() {
    let world = World::with(|settings| settings.token_life_ms = 1_000);
    let good = world.device("alice", DeviceClass::Phone).await;
    for bad in [
        SignedIn { token: String::new(), ..good.clone() },
        SignedIn { token: "nobody's".to_owned(), ..good.clone() },
        SignedIn { device: anser_types::DeviceNo(99), ..good.clone() },
    ] {
        let (mut stranger, _) = world.connect(1024);
        stranger.hello(&bad, 0, 0).await;
        let close = stranger.closed_with(ErrorCode::TokenInvalid).await;
        assert_eq!(close.reconnect(), Reconnect::SignIn);
    }
    world.clock.advance(1_001);
    let (mut late, _) = world.connect(1024);
    late.hello(&good, 0, 0).await;
    let close = late.closed_with(ErrorCode::TokenExpired).await;
    assert_eq!(close.reconnect(), Reconnect::SignIn);
}

#[tokio::test(start_paused = true)]
async fn no_common_version_ends_for_good() {
    let world = World::new();
    let device = world.device("alice", DeviceClass::Phone).await;
    let (mut stranger, _) = world.connect(1024);
    let future = v1::Hello { version_min: 7, version_max: 9, ..hello(&device) };
    stranger.say(|wire, out| wire.hello(v1::Hello::default(), &mut out.clone())).await;
    stranger.write(&frame(Frame::Hello(future))).await;
    let close = stranger.closed_with(ErrorCode::UnsupportedVersion).await;
    assert_eq!(close.reconnect(), Reconnect::Never);
}

#[tokio::test(start_paused = true)]
async fn a_frame_of_another_phase_is_refused() {
    let world = World::new();
    let (mut stranger, _) = world.connect(1024);
    stranger.write(&frame(Frame::Ping(v1::Ping::default()))).await;
    stranger.closed_with(ErrorCode::WrongPhase).await;

    let device = world.device("alice", DeviceClass::Phone).await;
    let (mut alice, _) = world.connect(64 * 1024);
    alice.sign_in(&device).await;
    alice.write(&frame(Frame::Hello(hello(&device)))).await;
    alice.closed_with(ErrorCode::WrongPhase).await;
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_no_frames_end_the_session_with_a_reason() {
    let world = World::new();
    let garbage: [(&[u8], ErrorCode); 4] = [
        // A length that goes on for ever.
        (&[0xff; 64], ErrorCode::BadFrame),
        // A length not in its shortest form.
        (&[0x81, 0x00, 0x00], ErrorCode::BadFrame),
        // A frame that is no message.
        (&[3, 0x0f, 0xff, 0xff], ErrorCode::BadFrame),
        // Somebody speaks HTTP here: "GET / HTTP/1.1".
        (b"GET / HTTP/1.1\r\nhost: here\r\naccept: everything and more of it to fill a frame\r\n\r\n", ErrorCode::BadFrame),
    ];
    for (bytes, code) in garbage {
        let (mut stranger, _) = world.connect(1024);
        stranger.write(bytes).await;
        let close = stranger.closed_with(code).await;
        assert_eq!(close.reconnect(), Reconnect::After);
        assert!(close.retry_after_ms > 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_oversized_frame_is_refused_by_its_length_alone() {
    let world = World::new();
    let (mut stranger, _) = world.connect(1024);
    let announced = HELLO_MAX_BYTES + 1;
    stranger.write(&[(announced & 0x7f) as u8 | 0x80, (announced >> 7) as u8]).await;
    stranger.closed_with(ErrorCode::FrameTooLarge).await;

    // After Welcome the limit is that of Welcome.
    let mut alice = world.online("alice").await;
    alice.write(&[0x80, 0x80, 0x7f]).await;
    alice.closed_with(ErrorCode::FrameTooLarge).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_cut_at_any_byte_harms_nobody() {
    let world = World::new();
    let device = world.device("alice", DeviceClass::Phone).await;
    let mut bytes = frame(Frame::Hello(hello(&device)));
    bytes.extend_from_slice(&frame(Frame::Ping(v1::Ping::default())));
    for cut in 0..bytes.len() {
        let (mut half, serving) = world.connect(64 * 1024);
        half.write(&bytes[..cut]).await;
        drop(half);
        assert_eq!(serving.await.unwrap(), Farewell::Left, "cut after {cut} bytes");
    }
    assert_eq!(world.service.status().sessions, 0);
}

#[tokio::test(start_paused = true)]
async fn frames_that_arrive_byte_by_byte_are_understood() {
    let world = World::new();
    let device = world.device("alice", DeviceClass::Phone).await;
    let (mut alice, _) = world.connect(64 * 1024);
    alice.say(|wire, out| wire.hello(v1::Hello::default(), &mut out.clone())).await;
    for byte in frame(Frame::Hello(hello(&device))) {
        alice.write(&[byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(alice.welcome().await.user, "alice");
}

#[tokio::test(start_paused = true)]
async fn more_commands_than_allowed_end_the_session() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    world.device("bob", DeviceClass::Phone).await;
    let mut flood = BytesMut::new();
    for _ in 0..=COMMANDS_IN_FLIGHT {
        let (command_no, body) = alice.compose(text_to("bob", "flood"));
        alice.wire.command(anser_types::CommandNo(command_no), 0, &body, &mut flood);
    }
    alice.write(&flood).await;
    loop {
        match alice.hear().await {
            Incoming::CommandAck(_) => {}
            Incoming::Close(close) => {
                assert_eq!(close.code, u32::from(ErrorCode::OutOfOrder.number()));
                break;
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_gets_its_answers_first() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    world.device("bob", DeviceClass::Phone).await;
    let (command_no, body) = alice.compose(text_to("bob", "last words"));
    let mut out = BytesMut::new();
    alice.wire.command(anser_types::CommandNo(command_no), 0, &body, &mut out);
    alice.wire.close(&mut out);
    alice.write(&out).await;
    assert_eq!(alice.command_ack().await.error, None);
    assert_eq!(alice.hear_or_end().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_newer_session_of_a_device_replaces_the_older() {
    let world = World::new();
    let device = world.device("alice", DeviceClass::Phone).await;
    let (mut old, old_serving) = world.connect(64 * 1024);
    let first = old.sign_in(&device).await;
    let (mut new, _) = world.connect(64 * 1024);
    let second = new.sign_in(&device).await;
    assert!(second.session_epoch > first.session_epoch);
    let close = old.closed_with(ErrorCode::Replaced).await;
    // It may be the living one: the newer Hello may come from a process that died.
    assert_eq!((close.reconnect(), close.retry_after_ms), (Reconnect::After, REPLACED_PAUSE_MS));
    drop(old);
    assert_eq!(old_serving.await.unwrap(), Farewell::Closed(ErrorCode::Replaced));
    assert_eq!(new.pong().await, 0);
}

#[tokio::test(start_paused = true)]
async fn requirement_d4_newest_of_a_class_wins_and_command_lines_do_not_count() {
    let world = World::new();
    let (mut phone, _) = world.connect(64 * 1024);
    phone.sign_in(&world.device("alice", DeviceClass::Phone).await).await;
    let (mut line, _) = world.connect(64 * 1024);
    line.sign_in(&world.device("alice", DeviceClass::Cli).await).await;
    let (mut other_line, _) = world.connect(64 * 1024);
    other_line.sign_in(&world.device("alice", DeviceClass::Cli).await).await;
    let (mut new_phone, _) = world.connect(64 * 1024);
    new_phone.sign_in(&world.device("alice", DeviceClass::Phone).await).await;
    let close = phone.closed_with(ErrorCode::Replaced).await;
    assert_eq!((close.reconnect(), close.retry_after_ms), (Reconnect::Never, 0));
    for peer in [&mut line, &mut other_line, &mut new_phone] {
        assert_eq!(peer.pong().await, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hello_that_was_overtaken_does_not_keep_the_newer_phone_away() {
    let world = World::new();
    let lost = world.device("alice", DeviceClass::Phone).await;
    let (mut late, _) = world.connect(64 * 1024);
    let new = world.device("alice", DeviceClass::Phone).await;
    let (mut phone, _) = world.connect(64 * 1024);
    phone.sign_in(&new).await;
    late.sign_in(&lost).await;
    let close = phone.closed_with(ErrorCode::Replaced).await;
    assert_eq!((close.reconnect(), close.retry_after_ms), (Reconnect::After, REPLACED_PAUSE_MS));
    let (mut again, _) = world.connect(64 * 1024);
    again.sign_in(&new).await;
    assert_eq!(late.closed_with(ErrorCode::Replaced).await.reconnect(), Reconnect::Never);
}

#[tokio::test(start_paused = true)]
async fn signing_out_ends_the_session_and_says_so() {
    let world = World::new();
    let device = world.device("alice", DeviceClass::Phone).await;
    let (mut alice, _) = world.connect(64 * 1024);
    alice.sign_in(&device).await;
    world.service.sign_out(&device.token).await.unwrap();
    let close = alice.closed_with(ErrorCode::SignedOut).await;
    assert_eq!(close.reconnect(), Reconnect::SignIn);
}
