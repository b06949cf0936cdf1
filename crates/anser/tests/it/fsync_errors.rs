//! Disks that fail: the real server under strace, whose n-th fsync says EIO or never returns.

use anser_sdk::http::{AppServerClient, DeviceDescription, HttpConnection};
use anser_sdk::{Client, SecretString, Trust};
use anser_types::{DeviceClass, UserId, exit};
use rand::RngExt;
use serde_json::json;

use crate::drills::length;
use crate::http::{app, send};
use crate::kept::{dump, messages};
use crate::program::{Home, Server};

/// Messages that the store must hold: these and no others, in this order.
fn expected(up_to: usize) -> Vec<(u64, String)> {
    (1..=up_to as u64).map(|n| (n, format!("message {n}"))).collect()
}

#[test]
fn guarantee_g20_the_first_failed_sync_stops_the_server_and_nothing_acknowledged_is_lost() {
    let mut random = length::random("failed syncs");
    for _ in 0..length::factor() {
        first_failed_sync(random.random_range(12..=60));
    }
}

/// The n-th sync of the thread that commits fails, while an app server sends.
fn first_failed_sync(n: u32) {
    println!("EIO at sync {n}");
    let home = Home::new();
    let server = home.serve_under_strace(&format!("fdatasync:error=EIO:when={n}")).unwrap();
    for user in ["alice", "bob"] {
        assert_eq!(app(&server, "users", "", &json!({"user": user})).status, 201);
    }
    let say = |server: &Server, n: usize| {
        send(server, "alice", "bob", &format!("message {n}"), &format!("key-{n}"))
    };
    let mut acked = 0;
    let refused = loop {
        let answer = say(&server, acked + 1);
        if answer.status != 200 {
            break answer;
        }
        acked += 1;
    };
    assert!(acked >= 3, "too few before the failure: {acked}");
    assert_eq!(refused.body["code"], "STORE_FAILED", "{refused:?}");
    let status = server.wait();
    assert_eq!(status.code(), Some(exit::STORE_FAILED.into()), "{}", home.log());
    let log = home.log();
    assert!(log.contains("STORE_FAILED") && log.contains("next: Look at the disk"), "{log}");

    let server = home.serve();
    // The one in doubt is settled under its key, and the numbers go on behind it.
    for n in [acked + 1, acked + 2] {
        let answer = say(&server, n);
        assert_eq!((answer.status, &answer.body["seq"]), (200, &json!(n.to_string())));
    }
    assert_eq!(server.stop().0.code(), Some(0), "{}", home.log());
    assert_eq!(messages(&dump(&home)), expected(acked + 2));
}

#[test]
fn guarantee_g20_clients_of_a_server_whose_disk_failed_go_on_with_the_next_one() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut random = length::random("failed syncs under clients");
    for _ in 0..length::factor() {
        runtime.block_on(failed_sync_under_clients(random.random_range(9..=60)));
    }
}

/// The n-th sync of the thread that commits fails, while a client sends.
async fn failed_sync_under_clients(n: u32) {
    /// Messages that are put into the outbox at a time, and how many there may be in all before the failure.
    const AT_A_TIME: usize = 50;
    const AT_MOST: usize = 10_000;
    println!("EIO at sync {n}");
    let home = Home::new();
    let mut server = home.serve_under_strace(&format!("fdatasync:error=EIO:when={n}")).unwrap();
    let ports = server.ports();
    let alice = client(&home, &server, "alice").await;
    let bob = client(&home, &server, "bob").await;
    alice.wait_connected().await.unwrap();
    let mut ids = Vec::new();
    // It ends by itself: its disk fails while these are on their way.
    let ended = loop {
        for _ in 0..AT_A_TIME {
            let content = anser_types::Content::text(format!("message {}", ids.len() + 1));
            ids.push(alice.send_message(bob.user().clone(), content).await.unwrap());
        }
        if let Some(ended) = server.ended() {
            break ended;
        }
        assert!(ids.len() < AT_MOST, "sync {n} is never reached");
    };
    assert_eq!(ended.code(), Some(exit::STORE_FAILED.into()), "{}", home.log());

    let server = home.serve_at(&ports);
    for (n, id) in ids.iter().enumerate() {
        assert_eq!(alice.wait_sent(*id).await.unwrap().seq.0, n as u64 + 1);
    }
    bob.wait_synced().await.unwrap();
    alice.close().await;
    bob.close().await;
    assert_eq!(server.stop().0.code(), Some(0), "{}", home.log());
    assert_eq!(messages(&dump(&home)), expected(ids.len()));
}

async fn client(home: &Home, server: &Server, user: &str) -> Client {
    let base = format!("http://{}", server.address("http"));
    let connection = HttpConnection::new(&base, &Trust::default(), false).unwrap();
    let app = AppServerClient::new(connection, SecretString::from(server.api_key()));
    let device = DeviceDescription { class: DeviceClass::Bot, name: "disks".to_owned() };
    let user = UserId::new(user).unwrap();
    let signed_in = app.mint_token(&user, &device, true, None).await.unwrap();
    Client::builder()
        .endpoint(format!("tcp://{}", server.address("tcp")).parse().unwrap())
        .store_directory(home.path().join(user.as_str()))
        .login_as(signed_in)
        .await
        .unwrap()
}

#[test]
fn a_first_start_whose_disk_fails_or_that_is_killed_leaves_nothing_that_hinders_the_next() {
    // Where the secrets are written, and densely where the store is made.
    let points = [1, 4].into_iter().chain(8..=16).chain([30, 60]);
    for n in points {
        for accident in ["error=EIO", "signal=SIGKILL"] {
            let home = Home::new();
            let failed = home.serve_under_strace(&format!("fsync:{accident}:when={n}"));
            if let Err(status) = &failed {
                assert!(!status.success(), "{accident} at fsync {n}");
            }
            if accident == "error=EIO" && failed.is_err() {
                let log = home.log();
                assert!(log.contains("next: "), "EIO at fsync {n}: {log}");
                assert!(!log.contains("STORE_DAMAGED"), "EIO at fsync {n}: {log}");
            }
            drop(failed);
            let server = home.serve();
            assert_eq!(app(&server, "users", "", &json!({"user": "alice"})).status, 201);
        }
    }
}
