//! Full disks: the server's and a client's, each a small tmpfs of its own. Needs the right to mount; without it the
//! tests say loudly that they did nothing.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anser_sdk::http::{AppServerClient, DeviceDescription, HttpConnection, SignedIn};
use anser_sdk::{ChatMessage, Client, Event, Events, PageBounds, SecretString, Trust};
use anser_types::{DeviceClass, ErrorCode, UserId};
use serde_json::json;
use tempfile::TempDir;

use crate::http::{app, send};
use crate::kept::{dump, messages};
use crate::program::{Home, Server};

/// A disk of a few MiB. It goes away with the test.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// Mounts it, or says that this machine does not allow it.
    fn mount(mib: u32) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"])
            .arg(dir.path())
            .output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(dir));
        }
        // Past the test's captured output: a skipped test must not look like a passed one.
        let skipped = "SKIPPED: full disks were not tested, mounting a tmpfs is not allowed here\n";
        std::io::stderr().write_all(skipped.as_bytes()).unwrap();
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Fills it until only so much is free.
    fn fill_but(&self, free_kib: u64) {
        self.heal();
        let mut filler = File::create(self.path().join("filler")).unwrap();
        let room = || {
            let stat = rustix::fs::statvfs(self.path()).unwrap();
            stat.f_bavail * stat.f_frsize / 1024
        };
        while room() > free_kib {
            let piece = usize::try_from(room() - free_kib).unwrap().min(1024) * 1024;
            filler.write_all(&vec![1; piece]).unwrap();
        }
    }

    /// Somebody has freed the space.
    fn heal(&self) {
        std::fs::remove_file(self.path().join("filler")).unwrap_or_default();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(self.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "{}", self.path().display());
    }
}

fn app_server(server: &Server) -> AppServerClient {
    let base = format!("http://{}", server.address("http"));
    let connection = HttpConnection::new(&base, &Trust::default(), false).unwrap();
    AppServerClient::new(connection, SecretString::from(server.api_key()))
}

async fn device(server: &Server, user: &str) -> SignedIn {
    let device = DeviceDescription { class: DeviceClass::Bot, name: "full disks".to_owned() };
    let user = UserId::new(user).unwrap();
    app_server(server).mint_token(&user, &device, true, None).await.unwrap()
}

async fn client(server: &Server, who: SignedIn, store: &Path) -> Client {
    Client::builder()
        .endpoint(format!("tcp://{}", server.address("tcp")).parse().unwrap())
        .store_directory(store)
        .login_as(who)
        .await
        .unwrap()
}

/// The text of the next message from somebody else.
async fn next_text(events: &mut Events) -> String {
    loop {
        let next = tokio::time::timeout(PATIENCE, events.next()).await;
        if let Event::NewMessage(message) = next.expect("a message").unwrap().event() {
            return text_of(message);
        }
    }
}

fn text_of(message: &ChatMessage) -> String {
    String::from_utf8(message.content.as_ref().unwrap().body.to_vec()).unwrap()
}

/// Only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(40);

/// The smallest margin a server may keep.
const MARGIN: [&str; 2] = ["--set", "store.min_free_mib=64"];

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

#[test]
fn guarantee_g19_a_full_disk_refuses_writes_serves_readers_and_heals() {
    let Some(disk) = SmallDisk::mount(192) else { return };
    let home = Home::inside(disk.path());
    let elsewhere = tempfile::tempdir().unwrap();
    let server = home.serve_with(&MARGIN);
    let options = [server.ports(), MARGIN.map(str::to_owned).to_vec()].concat();
    let say = |server: &Server, n: usize| {
        send(server, "alice", "bob", &format!("message {n}"), &format!("key-{n}"))
    };
    assert_eq!(app(&server, "users", "", &json!({"user": "alice"})).status, 201);
    let runtime = runtime();
    let bob = runtime.block_on(device(&server, "bob"));
    assert_eq!(say(&server, 1).status, 200);

    disk.fill_but(0);
    let refused = say(&server, 2);
    assert_eq!(refused.body["code"], "STORAGE_FULL", "{refused:?}");
    assert!(refused.body["retry_after_ms"].is_number(), "{refused:?}");
    // Reading goes on, for people who come now as well.
    runtime.block_on(async {
        let bob = client(&server, bob, elsewhere.path()).await;
        bob.wait_synced().await.unwrap();
        let page =
            bob.history(UserId::new("alice").unwrap(), PageBounds::newest(10)).await.unwrap();
        assert_eq!(page.messages.iter().map(text_of).collect::<Vec<_>>(), ["message 1"]);
        bob.close().await;
    });

    // A kill on the full disk, and a start with hardly any room.
    server.kill();
    disk.fill_but(4096);
    let server = home.serve_at(&options);
    assert_eq!(say(&server, 2).body["code"], "STORAGE_FULL", "{}", home.log());
    disk.heal();
    assert_eq!((say(&server, 2).status, say(&server, 3).body["seq"].clone()), (200, json!("3")));
    assert_eq!(server.stop().0.code(), Some(0), "{}", home.log());
    let expected: Vec<_> = (1..=3).map(|n| (n, format!("message {n}"))).collect();
    assert_eq!(messages(&dump(&home)), expected);
    drop(home);
}

#[test]
fn a_full_disk_of_a_client_loses_nothing_and_heals() {
    let Some(disk) = SmallDisk::mount(32) else { return };
    let home = Home::new();
    let server = home.serve();
    runtime().block_on(async {
        let (alice, bob) = (device(&server, "alice").await, device(&server, "bob").await);
        let elsewhere = tempfile::tempdir().unwrap();
        let alice = client(&server, alice, elsewhere.path()).await;
        let bob = client(&server, bob, &disk.path().join("bob")).await;
        let mut heard = bob.events();
        bob.wait_synced().await.unwrap();
        let long = |n: usize| format!("{n}: {}", "x".repeat(60_000));

        disk.fill_but(0);
        // More than the pages that the store has allocated can take.
        for n in 1..=30 {
            alice.send_text(bob.user().clone(), long(n)).await.unwrap();
        }
        let mut texts = Vec::new();
        loop {
            let next = tokio::time::timeout(PATIENCE, heard.next()).await;
            match next.expect("the app is told that its disk is full").unwrap().event() {
                Event::StoreFailing { full, .. } => break assert!(full),
                Event::NewMessage(message) => texts.push(text_of(message)),
                _ => {}
            }
        }
        disk.heal();
        while texts.len() < 30 {
            texts.push(next_text(&mut heard).await);
        }
        assert_eq!(texts, (1..=30).map(long).collect::<Vec<_>>());
        bob.send_text(alice.user().clone(), "room again").await.unwrap();
        alice.close().await;
        bob.close().await;
    });
    assert_eq!(server.stop().0.code(), Some(0), "{}", home.log());
}

#[test]
fn a_client_store_that_cannot_be_made_on_a_full_disk_says_so() {
    let Some(disk) = SmallDisk::mount(32) else { return };
    let home = Home::new();
    let server = home.serve();
    runtime().block_on(async {
        let carol = device(&server, "carol").await;
        disk.fill_but(0);
        let refused = Client::builder()
            .endpoint(format!("tcp://{}", server.address("tcp")).parse().unwrap())
            .store_directory(disk.path().join("carol"))
            .login_as(carol)
            .await
            .unwrap_err();
        assert_eq!(refused.code(), ErrorCode::LocalDiskFull, "{refused}");
    });
    assert_eq!(server.stop().0.code(), Some(0), "{}", home.log());
}
