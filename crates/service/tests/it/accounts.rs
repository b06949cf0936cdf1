//! Registering, signing in, and tokens.

use anser_service::Settings;
use anser_types::{DeviceClass, ErrorCode, InboxSeq};

use crate::world::{Device, World, id, quick_settings, secret, while_the_pool_is_busy};

const PHONE: DeviceClass = DeviceClass::Phone;

async fn register(
    world: &World,
    name: &str,
    password: &str,
) -> Result<anser_service::SignedIn, ErrorCode> {
    let signed_in = world.service.register(id(name), secret(password), PHONE, "phone".into()).await;
    signed_in.map_err(|refusal| refusal.code)
}

async fn sign_in(
    world: &World,
    name: &str,
    password: &str,
) -> Result<anser_service::SignedIn, ErrorCode> {
    let signed_in = world.service.sign_in(id(name), secret(password), PHONE, "phone".into()).await;
    signed_in.map_err(|refusal| refusal.code)
}

#[tokio::test]
async fn requirement_k2_register_sign_in_and_use_the_token() {
    let world = World::new();
    let first = register(&world, "alice", "correct horse").await.unwrap();
    let second = sign_in(&world, "alice", "correct horse").await.unwrap();
    assert!(first.token.starts_with("ans_") && first.token.len() >= 64);
    assert_ne!(first.token, second.token);
    assert_ne!(first.device, second.device, "a new installation is a new device");
    Device::connect(&world.service, &first, InboxSeq::ZERO).await;
    Device::connect(&world.service, &second, InboxSeq::ZERO).await;
}

#[tokio::test]
async fn unknown_users_and_wrong_passwords_look_the_same() {
    let world = World::new();
    register(&world, "alice", "correct horse").await.unwrap();
    world.user("token-only").await;
    for (name, password) in [
        ("alice", "wrong horse"),
        ("alice", ""),
        ("nobody", "correct horse"),
        ("token-only", "correct horse"),
    ] {
        assert_eq!(sign_in(&world, name, password).await.err(), Some(ErrorCode::WrongCredentials));
    }
    let endless = "x".repeat(100_000);
    assert_eq!(sign_in(&world, "alice", &endless).await.err(), Some(ErrorCode::WrongCredentials));
}

#[tokio::test]
async fn registration_has_rules() {
    let world = World::new();
    for bad in ["", "1234567", &"x".repeat(257)] {
        assert_eq!(register(&world, "alice", bad).await.err(), Some(ErrorCode::PasswordRefused));
    }
    register(&world, "alice", "zebra9ox").await.unwrap();
    assert_eq!(register(&world, "alice", "zebra9ox").await.err(), Some(ErrorCode::UserExists));
    let closed = World::with(Settings { registration: false, ..quick_settings() });
    assert_eq!(
        register(&closed, "alice", "zebra9ox").await.err(),
        Some(ErrorCode::RegistrationClosed)
    );
    let name = "x".repeat(200);
    let long = world.service.sign_in(id("alice"), secret("zebra9ox"), PHONE, name).await;
    assert_eq!(long.err().unwrap().code, ErrorCode::InvalidArgument);
}

#[tokio::test]
async fn a_renewed_token_replaces_the_old_one_on_the_same_device() {
    let world = World::new();
    let old = register(&world, "alice", "correct horse").await.unwrap();
    world.clock.forward(1_000);
    let new = world.service.renew(&old.token).await.unwrap();
    assert_eq!(new.device, old.device);
    assert!(new.expires_at > old.expires_at);
    Device::connect(&world.service, &new, InboxSeq::ZERO).await;
    assert_eq!(refused(&world, &old).await, Some(ErrorCode::TokenInvalid));
    assert_eq!(world.service.renew(&old.token).await.err().unwrap().code, ErrorCode::TokenInvalid);
}

/// Why a device cannot open a session.
async fn refused(world: &World, with: &anser_service::SignedIn) -> Option<ErrorCode> {
    let epoch = world.service.status().ledger.log_epoch;
    let opened = Device::try_connect(&world.service, with, InboxSeq::ZERO, epoch).await;
    opened.err().map(|refusal| refusal.code)
}

#[tokio::test]
async fn an_answer_to_a_renewal_that_is_lost_signs_nobody_out() {
    let world = World::new();
    let old = register(&world, "alice", "correct horse").await.unwrap();
    let lost = world.service.renew(&old.token).await.unwrap();
    assert_eq!(refused(&world, &old).await, None, "the device has nothing else");
    let (first, second) =
        (world.service.renew(&old.token).await.unwrap(), world.service.renew(&old.token).await);
    let second = second.unwrap();
    assert_eq!(refused(&world, &first).await, None, "whichever of them arrives is good");
    for other in [&old, &lost, &second] {
        assert_eq!(refused(&world, other).await, Some(ErrorCode::TokenInvalid));
    }
    // To be renewed is a use as well: whoever asks has it.
    let third = world.service.renew(&first.token).await.unwrap();
    let fourth = world.service.renew(&third.token).await.unwrap();
    assert_eq!(refused(&world, &first).await, Some(ErrorCode::TokenInvalid));
    assert_eq!(refused(&world, &fourth).await, None);
}

#[tokio::test]
async fn a_renewed_token_outlives_the_old_one_only_by_its_own_time() {
    let world = World::new();
    let old = register(&world, "alice", "correct horse").await.unwrap();
    world.clock.forward(quick_settings().token_life_ms / 2);
    let new = world.service.renew(&old.token).await.unwrap();
    world.clock.forward(quick_settings().token_life_ms / 2);
    assert_eq!(refused(&world, &old).await, Some(ErrorCode::TokenExpired));
    assert_eq!(refused(&world, &new).await, None);
}

#[tokio::test]
async fn signing_out_with_either_token_ends_both() {
    for with_the_new_one in [false, true] {
        let world = World::new();
        let old = register(&world, "alice", "correct horse").await.unwrap();
        let phone = Device::connect(&world.service, &old, InboxSeq::ZERO).await;
        let new = world.service.renew(&old.token).await.unwrap();
        let with = if with_the_new_one { &new } else { &old };
        world.service.sign_out(&with.token).await.unwrap();
        assert_eq!(phone.ended(), Some(ErrorCode::SignedOut));
        for token in [&old, &new] {
            assert_eq!(refused(&world, token).await, Some(ErrorCode::TokenInvalid));
        }
    }
}

#[tokio::test]
async fn an_expired_token_is_of_no_use_but_to_sign_out() {
    let world = World::new();
    let token = register(&world, "alice", "correct horse").await.unwrap().token;
    world.clock.forward(quick_settings().token_life_ms);
    assert_eq!(world.service.renew(&token).await.err().unwrap().code, ErrorCode::TokenExpired);
    world.service.sign_out(&token).await.unwrap();
    assert_eq!(world.service.sign_out(&token).await.err().unwrap().code, ErrorCode::TokenInvalid);
}

#[tokio::test]
async fn signing_out_ends_the_session_of_that_device_alone() {
    let world = World::new();
    let phone = world.connect_as("alice", PHONE).await;
    let desk = world.connect_as("alice", DeviceClass::Desktop).await;
    world.service.sign_out(&phone.signed_in.token).await.unwrap();
    assert_eq!(phone.ended(), Some(ErrorCode::SignedOut));
    assert_eq!(desk.ended(), None);
    let epoch = world.service.status().ledger.log_epoch;
    let back = Device::try_connect(&world.service, &phone.signed_in, InboxSeq::ZERO, epoch).await;
    assert_eq!(back.err().unwrap().code, ErrorCode::TokenInvalid);
}

#[tokio::test]
async fn a_user_has_a_bounded_number_of_devices() {
    let world = World::with(Settings { devices_per_user: 2, ..quick_settings() });
    let first = register(&world, "alice", "correct horse").await.unwrap();
    sign_in(&world, "alice", "correct horse").await.unwrap();
    assert_eq!(
        sign_in(&world, "alice", "correct horse").await.err(),
        Some(ErrorCode::TooManyDevices)
    );
    world.service.sign_out(&first.token).await.unwrap();
    let third = sign_in(&world, "alice", "correct horse").await.unwrap();
    assert_ne!(third.device, first.device, "a device number is never given again");
    world.clock.forward(quick_settings().token_life_ms);
    sign_in(&world, "alice", "correct horse").await.unwrap();
}

#[test]
fn too_many_sign_ins_at_once_are_told_to_come_back() {
    let mut settings = quick_settings();
    settings.hashing.place = anser_service::HashPlace::BlockingPool;
    settings.hashing.at_once = 1;
    settings.hashing.waiting = 1;
    // The one blocking thread is busy until it is let go, so no hash ends early.
    while_the_pool_is_busy(async move |let_go| {
        let world = World::with(settings);
        let (a, b, (c, d)) = tokio::join!(
            sign_in(&world, "alice", "whatever it is"),
            sign_in(&world, "bob", "whatever it is"),
            async {
                let refused = (
                    sign_in(&world, "carol", "whatever it is").await,
                    sign_in(&world, "dave", "whatever it is").await,
                );
                let_go.send(()).unwrap();
                refused
            }
        );
        assert_eq!(a.err(), Some(ErrorCode::WrongCredentials));
        assert_eq!(b.err(), Some(ErrorCode::WrongCredentials), "it waited");
        assert_eq!(c.err(), Some(ErrorCode::Overloaded));
        assert_eq!(d.err(), Some(ErrorCode::Overloaded));
    });
}

#[test]
fn a_sign_in_that_waits_too_long_for_its_turn_is_told_to_come_back() {
    let mut settings = quick_settings();
    settings.hashing.place = anser_service::HashPlace::BlockingPool;
    settings.hashing.at_once = 1;
    settings.hashing.wait_ms = 1;
    while_the_pool_is_busy(async move |let_go| {
        // The one blocking thread is busy until bob has been answered.
        let world = World::with(settings);
        let (hashed, waited) = tokio::join!(sign_in(&world, "alice", "whatever it is"), async {
            let (bob, password) = (id("bob"), secret("whatever it is"));
            let refused = world.service.sign_in(bob, password, PHONE, "phone".into()).await;
            let_go.send(()).unwrap();
            refused.err().unwrap()
        });
        assert_eq!(hashed.err(), Some(ErrorCode::WrongCredentials), "it had its turn");
        assert_eq!(waited.code, ErrorCode::Overloaded);
        assert!(waited.retry_after_ms.is_some());
    });
}

#[tokio::test]
async fn hashes_on_threads_of_their_own_begin_as_they_are_told() {
    static BEGUN: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    fn begin() {
        assert_eq!(std::thread::current().name(), Some("anser-hash"));
        BEGUN.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }
    let mut settings = quick_settings();
    settings.hashing.place = anser_service::HashPlace::OwnThread(begin);
    let world = World::with(settings);
    register(&world, "alice", "correct horse").await.unwrap();
    sign_in(&world, "alice", "correct horse").await.unwrap();
    let wrong = sign_in(&world, "alice", "wrong horse").await;
    assert_eq!(wrong.err(), Some(ErrorCode::WrongCredentials));
    assert_eq!(BEGUN.load(std::sync::atomic::Ordering::SeqCst), 3);
}
