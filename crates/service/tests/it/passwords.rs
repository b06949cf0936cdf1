//! Which passwords may be chosen, how guessing is slowed down, and what changing one does (requirement K2).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anser_backend::Accounts;
use anser_service::{HashPlace, Settings};
use anser_types::limits::{PASSWORD_TRIES, TOKEN_REUSE_GRACE_MS};
use anser_types::{DeviceClass, ErrorCode, InboxSeq, Refusal};
use tokio::time::advance;

use crate::world::{Device, World, id, quick_settings, secret, while_the_pool_is_busy};

const PHONE: DeviceClass = DeviceClass::Phone;
const GOOD: &str = "correct horse";

async fn register(
    world: &World,
    name: &str,
    password: &str,
) -> Result<anser_service::SignedIn, Refusal> {
    world.service.register(id(name), secret(password), PHONE, "phone".into()).await
}

async fn sign_in(
    world: &World,
    name: &str,
    password: &str,
) -> Result<anser_service::SignedIn, Refusal> {
    world.service.sign_in(id(name), secret(password), PHONE, "phone".into()).await
}

#[tokio::test]
async fn requirement_k2_passwords_that_everybody_tries_first_are_refused_with_the_reason() {
    let world = World::new();
    for weak in [
        "password",
        "12345678",
        "qwertyuiop",
        "p4ssw0rd",
        "elizabeth",
        "aaaaaaaaaa",
        "carol-the-4th",
    ] {
        let refused = register(&world, "carol-the-4th", weak).await.err().unwrap();
        assert_eq!(refused.code, ErrorCode::PasswordRefused, "{weak}");
        // The word "password" is no secret.
        let repeated = weak != "password" && refused.detail.contains(weak);
        assert!(!refused.detail.is_empty() && !repeated, "{}", refused.detail);
    }
    for good in [GOOD, "zebra9ox", "三只灰雁飞过长江", "tr0ub4dour&3"] {
        register(&world, &format!("user-{}", good.len()), good).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn requirement_k2_guessing_gets_slower_alike_for_those_who_exist_and_those_who_do_not() {
    let world = World::new();
    register(&world, "alice", GOOD).await.unwrap();
    world.user("token-only").await;
    let mut told = Vec::new();
    for name in ["alice", "token-only", "nobody"] {
        for _ in 0..PASSWORD_TRIES {
            let wrong = sign_in(&world, name, "wrong horse").await.err().unwrap();
            assert_eq!(wrong.code, ErrorCode::WrongCredentials);
        }
        let mut waits = Vec::new();
        for _ in 0..8 {
            let slowed = sign_in(&world, name, "wrong horse").await.err().unwrap();
            assert_eq!(slowed.code, ErrorCode::RateLimited);
            let wait = slowed.retry_after_ms.unwrap();
            waits.push(wait / 1000);
            advance(Duration::from_millis(wait.into())).await;
            let wrong = sign_in(&world, name, "wrong horse").await.err().unwrap();
            assert_eq!(wrong.code, ErrorCode::WrongCredentials, "after the wait it is looked at");
        }
        told.push(waits);
    }
    assert_eq!(told[0], [1, 2, 4, 8, 16, 32, 60, 60]);
    assert!(told.iter().all(|waits| *waits == told[0]), "{told:?}");
    // The right one is no exception, or the waits would tell which one it is. After the wait it is.
    sign_in(&world, "alice", "wrong horse").await.err().unwrap();
    let wait = sign_in(&world, "alice", GOOD).await.err().unwrap().retry_after_ms.unwrap();
    advance(Duration::from_millis(wait.into())).await;
    sign_in(&world, "alice", GOOD).await.unwrap();
    let wrong = sign_in(&world, "alice", "wrong horse").await.err().unwrap();
    assert_eq!(wrong.code, ErrorCode::WrongCredentials, "what was wrong is forgiven");
}

#[tokio::test]
async fn guesses_that_come_at_the_same_moment_are_all_counted() {
    let mut settings = quick_settings();
    settings.hashing.place = HashPlace::BlockingPool;
    let world = World::with(settings);
    register(&world, "alice", GOOD).await.unwrap();
    let all = futures::future::join_all((0..50).map(|_| sign_in(&world, "alice", "wrong horse")));
    let codes: Vec<_> = all.await.into_iter().map(|told| told.err().unwrap().code).collect();
    let looked_at = codes.iter().filter(|code| **code == ErrorCode::WrongCredentials).count();
    assert_eq!(looked_at, PASSWORD_TRIES as usize);
}

#[tokio::test]
async fn requirement_k2_a_sign_in_takes_the_same_work_whether_or_not_there_is_such_a_user() {
    static HASHES: AtomicUsize = AtomicUsize::new(0);
    fn count() {
        HASHES.fetch_add(1, Ordering::SeqCst);
    }
    let mut settings = quick_settings();
    settings.hashing.place = HashPlace::OwnThread(count);
    let world = World::with(settings);
    register(&world, "alice", GOOD).await.unwrap();
    world.user("token-only").await;
    for name in ["alice", "token-only", "nobody"] {
        let before = HASHES.load(Ordering::SeqCst);
        assert!(sign_in(&world, name, "wrong horse").await.is_err());
        assert_eq!(HASHES.load(Ordering::SeqCst) - before, 1, "{name}");
    }
}

#[tokio::test]
async fn requirement_k2_a_hash_of_earlier_settings_is_made_anew_at_the_next_sign_in() {
    let world = World::new();
    register(&world, "alice", GOOD).await.unwrap();
    let mut harder = quick_settings();
    harder.hashing.memory_kib = 16;
    let service = world.elsewhere_with(&harder);
    let stored =
        async || world.store.user(id("alice")).await.unwrap().unwrap().password_hash.unwrap();
    assert!(stored().await.contains("m=8,"));
    let wrong = service.sign_in(id("alice"), secret("wrong horse"), PHONE, String::new()).await;
    assert!(wrong.is_err() && stored().await.contains("m=8,"), "a wrong one changes nothing");
    service.sign_in(id("alice"), secret(GOOD), PHONE, String::new()).await.unwrap();
    assert!(stored().await.contains("m=16,"), "{}", stored().await);
    service.sign_in(id("alice"), secret(GOOD), PHONE, String::new()).await.unwrap();
}

#[tokio::test]
async fn guarantee_g26_changing_the_password_signs_every_other_device_out() {
    let world = World::new();
    let mine = register(&world, "alice", GOOD).await.unwrap();
    let other = sign_in(&world, "alice", GOOD).await.unwrap();
    let my_phone = Device::connect(&world.service, &mine, InboxSeq::ZERO).await;
    let other_phone = Device::connect(&world.service, &other, InboxSeq::ZERO).await;
    let change = async |old: &str, new: &str| {
        world.service.change_password(&mine.token, secret(old), secret(new)).await
    };
    for (old, new, code) in [
        ("wrong horse", "quiet green lamp", ErrorCode::WrongCredentials),
        (GOOD, "password", ErrorCode::PasswordRefused),
        (GOOD, "short", ErrorCode::PasswordRefused),
    ] {
        assert_eq!(change(old, new).await.unwrap_err().code, code);
    }
    assert_eq!(other_phone.ended(), None, "nothing was changed");
    change(GOOD, "quiet green lamp").await.unwrap();
    assert_eq!(other_phone.ended(), Some(ErrorCode::SignedOut));
    assert_eq!(
        world.service.renew(&other.token).await.err().unwrap().code,
        ErrorCode::TokenInvalid
    );
    // Who changed it goes on, unless its own class lets only one be connected: it was replaced before.
    assert_ne!(my_phone.ended(), Some(ErrorCode::SignedOut));
    world.service.renew(&mine.token).await.unwrap();
    assert_eq!(
        sign_in(&world, "alice", GOOD).await.err().unwrap().code,
        ErrorCode::WrongCredentials
    );
    sign_in(&world, "alice", "quiet green lamp").await.unwrap();
}

#[tokio::test]
async fn requirement_k2_a_replaced_token_that_is_used_again_signs_the_device_out() {
    let world = World::new();
    let old = register(&world, "alice", GOOD).await.unwrap();
    let other = sign_in(&world, "alice", GOOD).await.unwrap();
    let new = world.service.renew(&old.token).await.unwrap();
    let code = async |token: &str| world.service.renew(token).await.err().map(|told| told.code);
    let phone = Device::connect(&world.service, &new, InboxSeq::ZERO).await;
    // What was on its way when the phone changed its token is late, not stolen.
    world.clock.forward(TOKEN_REUSE_GRACE_MS - 1);
    assert_eq!(code(&old.token).await, Some(ErrorCode::TokenInvalid));
    assert_eq!(phone.ended(), None);
    world.clock.forward(1);
    assert_eq!(code(&old.token).await, Some(ErrorCode::TokenReused));
    assert_eq!(phone.ended(), Some(ErrorCode::TokenReused), "nobody can tell who is who");
    for gone in [&old, &new] {
        assert_eq!(code(&gone.token).await, Some(ErrorCode::TokenInvalid));
    }
    assert_eq!(code(&other.token).await, None, "the user's other devices are not concerned");
}

#[tokio::test]
async fn guarantee_g26_a_password_that_the_app_server_resets_signs_every_device_out() {
    let world = World::with(Settings { registration: false, ..quick_settings() });
    let phone = world.connect_as("alice", PHONE).await;
    let app = world.app();
    let reset = async |name: &str, new: &str| {
        world.service.reset_password(&app, id(name), secret(new)).await
    };
    assert_eq!(reset("nobody", GOOD).await.unwrap_err().code, ErrorCode::UserUnknown);
    assert_eq!(reset("alice", "12345678").await.unwrap_err().code, ErrorCode::PasswordRefused);
    assert_eq!(phone.ended(), None);
    reset("alice", GOOD).await.unwrap();
    assert_eq!(phone.ended(), Some(ErrorCode::SignedOut));
    sign_in(&world, "alice", GOOD).await.unwrap();
}

#[test]
fn guarantee_g26_who_signs_in_while_the_password_is_changed_does_not_stay() {
    // The one blocking thread is busy until it is let go: what was stored is known to the sign-in, and not yet looked at.
    while_the_pool_is_busy(async move |let_go| {
        let world = World::new();
        register(&world, "alice", GOOD).await.unwrap();
        let mut harder = quick_settings();
        harder.hashing.memory_kib = 16;
        harder.hashing.place = HashPlace::BlockingPool;
        let slow = world.elsewhere_with(&harder);
        let app = world.app();
        let (signed_in, reset) =
            tokio::join!(slow.sign_in(id("alice"), secret(GOOD), PHONE, String::new()), async {
                let new = secret("quiet green lamp");
                let reset = world.service.reset_password(&app, id("alice"), new).await;
                let_go.send(()).unwrap();
                reset
            });
        reset.unwrap();
        assert_eq!(signed_in.err().unwrap().code, ErrorCode::WrongCredentials);
        // Nor is the old one brought back by being hashed with more work.
        let old = sign_in(&world, "alice", GOOD).await.err().unwrap();
        assert_eq!(old.code, ErrorCode::WrongCredentials);
        sign_in(&world, "alice", "quiet green lamp").await.unwrap();
    });
}
