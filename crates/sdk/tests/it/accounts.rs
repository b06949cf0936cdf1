//! Accounts through the client: passwords, tokens, renewal, sign-out, taking a new device.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anser_gateway::ListenerKind;
use anser_sdk::types::{Clock, ErrorCode, UnixMs};
use anser_sdk::{ConnectionState, Event, SecretString, SystemClock};
use tempfile::tempdir;

use crate::world::{World, id, new_text, soon, until};

fn password() -> SecretString {
    SecretString::from("correct horse battery")
}

#[tokio::test]
async fn requirement_k2_register_then_come_back_by_password_and_by_store() {
    let world = World::new();
    let (a, other) = (tempdir().unwrap(), tempdir().unwrap());
    let builder = || world.builder(ListenerKind::Tcp, a.path());
    let alice = builder().register(id("alice"), password()).await.unwrap();
    soon(alice.wait_connected()).await.unwrap();
    alice.close().await;

    // The stored device goes on; the server is not asked for another one.
    let alice = builder().login_with_password(id("alice"), password()).await.unwrap();
    soon(alice.wait_connected()).await.unwrap();
    alice.close().await;
    let alice = builder().resume().await.unwrap();
    soon(alice.wait_connected()).await.unwrap();

    let wrong = SecretString::from("incorrect horse");
    let elsewhere = world.builder(ListenerKind::Tcp, other.path());
    let error = elsewhere.clone().login_with_password(id("alice"), wrong).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::WrongCredentials);
    let error = elsewhere.register(id("alice"), password()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::UserExists);
}

#[tokio::test]
async fn a_token_from_elsewhere_logs_in() {
    let world = World::new();
    let a = tempdir().unwrap();
    let minted = world.device("alice").await;
    let builder = || world.builder(ListenerKind::Tcp, a.path());
    let error = builder().login(id("bob"), minted.token.clone()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::TokenInvalid);
    let minted = world.device("alice").await;
    let alice = builder().login(id("alice"), minted.token).await.unwrap();
    soon(alice.wait_connected()).await.unwrap();
}

#[tokio::test]
async fn logging_out_ends_the_device_and_a_new_one_goes_on() {
    let world = World::new();
    let a = tempdir().unwrap();
    world.device("bob").await;
    let alice = world.client("alice", a.path()).await;
    soon(alice.send_text(id("bob"), "before")).await.unwrap();
    let before = alice.history(id("bob"), anser_sdk::PageBounds::newest(5)).await.unwrap();
    soon(alice.logout()).await.unwrap();
    assert_eq!(alice.state(), ConnectionState::Offline);

    let alice = world.client("alice", a.path()).await;
    soon(alice.wait_connected()).await.unwrap();
    let sent = soon(alice.send_text(id("bob"), "after")).await.unwrap();
    assert_ne!(sent.id.device, before.messages[0].id.device);
    let page = alice.history(id("bob"), anser_sdk::PageBounds::newest(5)).await.unwrap();
    assert_eq!(page.messages.len(), 2);
}

#[tokio::test]
async fn a_device_signed_out_elsewhere_gets_a_new_one_by_its_source() {
    let world = World::new();
    let a = tempdir().unwrap();
    world.device("bob").await;
    let alice = world.client("alice", a.path()).await;
    soon(alice.wait_connected()).await.unwrap();
    let first = soon(alice.send_text(id("bob"), "one")).await.unwrap();
    alice.close().await;

    // The token is void when the client comes back.
    let store = world.builder(ListenerKind::Tcp, a.path());
    let token = {
        let options = anser_sdk::store::StoreOptions::with_key_file(a.path());
        let store = anser_sdk::store::Store::open(options).await.unwrap();
        let token = store.identity().await.unwrap().unwrap().token;
        store.close().await;
        token
    };
    store.account().unwrap().sign_out(&SecretString::from(token)).await.unwrap();
    let alice = store.login_with(world.devices("alice")).await.unwrap();
    let mut events = alice.events();
    until(&mut events, |event| matches!(event, Event::DeviceTaken).then_some(())).await;
    let second = soon(alice.send_text(id("bob"), "two")).await.unwrap();
    assert_ne!(first.id.device, second.id.device);
    assert_eq!(second.seq.0, 2);
}

#[tokio::test]
async fn without_a_source_the_app_is_told_and_can_bring_a_device() {
    let world = World::new();
    let a = tempdir().unwrap();
    world.device("bob").await;
    let minted = world.device("alice").await;
    let builder = world.builder(ListenerKind::Tcp, a.path());
    builder.account().unwrap().sign_out(&minted.token).await.unwrap();
    let alice = builder.login_as(minted).await.unwrap();
    let mut events = alice.events();
    until(&mut events, |event| matches!(event, Event::TokenExpired { .. }).then_some(())).await;
    assert!(matches!(alice.state(), ConnectionState::SignInNeeded { .. }));
    let error = soon(alice.wait_connected()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::TokenInvalid);

    alice.take_device(world.device("alice").await).await.unwrap();
    soon(alice.send_text(id("bob"), "here again")).await.unwrap();
}

/// A clock the test moves; starts at the real time, since the server looks at its own.
#[derive(Debug)]
struct MovedClock(AtomicU64);

impl Clock for MovedClock {
    fn now(&self) -> UnixMs {
        UnixMs(SystemClock.now().0 + self.0.load(Ordering::Relaxed))
    }
}

#[tokio::test]
async fn requirement_k2_a_token_is_renewed_before_it_ends() {
    let world = World::new();
    let a = tempdir().unwrap();
    world.device("bob").await;
    let clock = Arc::new(MovedClock(AtomicU64::new(0)));
    let builder = || world.builder(ListenerKind::Tcp, a.path()).clock(clock.clone());
    let alice = builder().login_with(world.devices("alice")).await.unwrap();
    soon(alice.send_text(id("bob"), "one")).await.unwrap();
    alice.close().await;

    // Three weeks later the client is started again: its token has nine days left.
    clock.0.store(21 * 24 * 3600 * 1000, Ordering::Relaxed);
    let alice = builder().resume().await.unwrap();
    let mut events = alice.events();
    until(&mut events, |event| matches!(event, Event::TokenRenewed).then_some(())).await;
    soon(alice.send_text(id("bob"), "two")).await.unwrap();
    alice.close().await;
    // The new token is the stored one.
    let alice = builder().resume().await.unwrap();
    soon(alice.send_text(id("bob"), "three")).await.unwrap();
}

#[tokio::test]
async fn requirement_d4_the_newest_session_of_a_class_wins() {
    let world = World::new();
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    let phone = |store: &std::path::Path| {
        let device = anser_sdk::http::DeviceDescription {
            class: anser_types::DeviceClass::Phone,
            name: "a phone".to_owned(),
        };
        let source = anser_sdk::AppServerDevices::new(world.app_server(), id("alice"), device);
        world.builder(ListenerKind::Tcp, store).login_with(Arc::new(source))
    };
    let old = phone(a.path()).await.unwrap();
    soon(old.wait_connected()).await.unwrap();
    let mut events = old.events();
    let new = phone(b.path()).await.unwrap();
    soon(new.wait_connected()).await.unwrap();
    let reason = until(&mut events, |event| match event {
        Event::KickedOffline { reason } => Some(reason.code),
        _ => None,
    })
    .await;
    assert_eq!(reason, ErrorCode::Replaced);
}

#[tokio::test]
async fn requirement_g10_a_restored_store_takes_a_new_device_and_sends_nothing_twice() {
    let world = World::new();
    let (a, b, copy) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    let bob = world.client("bob", b.path()).await;
    soon(bob.wait_connected()).await.unwrap();
    let mut of_bob = bob.events();
    let alice = world.client("alice", a.path()).await;
    soon(alice.send_text(id("bob"), "one")).await.unwrap();
    alice.go_offline().await.unwrap();
    let waiting = anser_sdk::Client::create_text_message("two");
    alice.send_message(id("bob"), waiting).await.unwrap();
    alice.close().await;
    // A backup is made here.
    for entry in std::fs::read_dir(a.path()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let alice = world.client("alice", a.path()).await;
    let sent = soon(alice.send_text(id("bob"), "three")).await.unwrap();
    assert_eq!(sent.seq.0, 3);
    alice.close().await;

    // The backup is brought back: "two" waits in it, though it was sent long ago.
    let builder = world.builder(ListenerKind::Tcp, copy.path());
    let alice = builder.login_with(world.devices("alice")).await.unwrap();
    let mut events = alice.events();
    until(&mut events, |event| matches!(event, Event::DeviceTaken).then_some(())).await;
    let sent = soon(alice.send_text(id("bob"), "four")).await.unwrap();
    assert_eq!(sent.seq.0, 4, "nothing was sent twice");
    let mut said = Vec::new();
    while said.last().is_none_or(|text| text != "four") {
        said.push(until(&mut of_bob, new_text).await);
    }
    assert_eq!(said, ["one", "two", "three", "four"]);
}

#[tokio::test]
async fn requirement_d4_a_device_is_signed_out_from_another_and_hears_of_it() {
    let world = World::new();
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    let builder = |store: &std::path::Path| world.builder(ListenerKind::Tcp, store);
    let lost = builder(a.path()).register(id("alice"), password()).await.unwrap();
    // Without its password: it cannot come back by itself.
    soon(lost.wait_connected()).await.unwrap();
    lost.close().await;
    let lost = builder(a.path()).resume().await.unwrap();
    let mut of_lost = lost.events();
    soon(lost.wait_connected()).await.unwrap();
    let here = builder(b.path()).login_with_password(id("alice"), password()).await.unwrap();
    soon(here.wait_connected()).await.unwrap();
    let devices = soon(here.devices()).await.unwrap();
    let shown: Vec<_> = devices.iter().map(|d| (d.name.as_str(), d.online, d.current)).collect();
    assert_eq!(shown, [("a test", true, false), ("a test", true, true)]);
    soon(here.sign_out_device(devices[0].device)).await.unwrap();
    let reason = until(&mut of_lost, |event| match event {
        Event::TokenExpired { reason } => Some(reason.clone()),
        _ => None,
    })
    .await;
    assert_eq!(reason.code, ErrorCode::SignedOut);
    let again = soon(here.sign_out_device(devices[0].device)).await.unwrap_err();
    assert_eq!(again.code(), ErrorCode::InvalidArgument);
    assert_eq!(soon(here.sign_out_other_devices()).await.unwrap(), []);
    assert_eq!(soon(here.devices()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn requirement_k2_a_changed_password_signs_the_other_devices_out() {
    let world = World::new();
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    let builder = |store: &std::path::Path| world.builder(ListenerKind::Tcp, store);
    let other = builder(a.path()).register(id("alice"), password()).await.unwrap();
    soon(other.wait_connected()).await.unwrap();
    other.close().await;
    let other = builder(a.path()).resume().await.unwrap();
    let mut of_other = other.events();
    soon(other.wait_connected()).await.unwrap();
    let here = builder(b.path()).login_with_password(id("alice"), password()).await.unwrap();
    soon(here.wait_connected()).await.unwrap();
    let secret = |text: &str| SecretString::from(text.to_owned());
    let weak = soon(here.change_password(password(), secret("12345678"))).await.unwrap_err();
    assert_eq!(weak.code(), ErrorCode::PasswordRefused);
    let wrong = soon(here.change_password(secret("wrong horse"), secret("quiet green lamp"))).await;
    assert_eq!(wrong.unwrap_err().code(), ErrorCode::WrongCredentials);
    soon(here.change_password(password(), secret("quiet green lamp"))).await.unwrap();
    let reason = until(&mut of_other, |event| match event {
        Event::TokenExpired { reason } => Some(reason.clone()),
        _ => None,
    });
    assert_eq!(reason.await.code, ErrorCode::SignedOut);
    assert_eq!(soon(here.devices()).await.unwrap().len(), 1);
}
