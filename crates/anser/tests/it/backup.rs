//! A server is backed up while people write, dies, and comes back from the backup.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anser_sdk::http::{AppServerClient, DeviceDescription, HttpConnection};
use anser_sdk::{Client, Event, Events, PageBounds, SecretString, Trust};
use anser_types::{DeviceClass, Seq, UserId};
use rustix::process::Signal;
use serde_json::Value;

use crate::http::{get, request, send};
use crate::kept::{dump, messages};
use crate::program::{Home, Server, text};

/// Messages before the backup, and after it.
const ROUND: u64 = 60;
/// A client that hears nothing for so long hangs; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

fn said(n: u64) -> String {
    format!("message {n}")
}

/// An app server that lets Alice write to Bob, one message after the other.
struct Writer {
    acknowledged: AtomicU64,
    goes_on: AtomicBool,
}

impl Writer {
    fn write(&self, server: &Server) {
        while self.goes_on.load(Ordering::Relaxed) {
            let n = self.acknowledged.load(Ordering::Relaxed) + 1;
            let sent = send(server, "alice", "bob", &said(n), &format!("key-{n}"));
            assert_eq!((sent.status, &sent.body["seq"]), (200, &n.to_string().into()), "{sent:?}");
            self.acknowledged.store(n, Ordering::Relaxed);
        }
    }

    fn wait_until(&self, n: u64) {
        while self.acknowledged.load(Ordering::Relaxed) < n {
            std::thread::yield_now();
        }
    }
}

async fn sign_in_bob(home: &Home, server: &Server) -> Client {
    let base = format!("http://{}", server.address("http"));
    let connection = HttpConnection::new(&base, &Trust::default(), false).unwrap();
    let app = AppServerClient::new(connection, SecretString::from(server.api_key()));
    let device = DeviceDescription { class: DeviceClass::Bot, name: "backup".to_owned() };
    for user in ["alice", "bob"] {
        app.create_user(&UserId::new(user).unwrap()).await.unwrap();
    }
    let bob = app.mint_token(&UserId::new("bob").unwrap(), &device, false, None).await.unwrap();
    Client::builder()
        .endpoint(format!("tcp://{}", server.address("tcp")).parse().unwrap())
        .store_directory(home.path().join("bob"))
        .login_as(bob)
        .await
        .unwrap()
}

/// Takes events until one is as wanted.
async fn until(events: &mut Events, wanted: impl Fn(&Event) -> bool) {
    let heard = async {
        while let Some(delivery) = events.next().await {
            if wanted(delivery.event()) {
                return;
            }
        }
        panic!("the events ended");
    };
    tokio::time::timeout(PATIENCE, heard).await.expect("an event that does not come");
}

fn is_message(event: &Event, n: u64) -> bool {
    matches!(event, Event::NewMessage(message)
        if message.content.as_ref().is_some_and(|content| content.body == said(n).as_bytes()))
}

fn json_of(home: &Home, words: &[&str]) -> Value {
    let output = home.run(words);
    assert!(output.status.success(), "{words:?}: {}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn refused(home: &Home, words: &[&str], code: &str) {
    let output = home.run(words);
    assert!(!output.status.success(), "{words:?} was not refused");
    assert!(text(&output.stderr).contains(code), "{words:?}: {}", text(&output.stderr));
}

fn path(home: &Home, name: &str) -> String {
    home.path().join(name).to_str().unwrap().to_owned()
}

#[test]
fn guarantee_g22_a_backup_under_load_brings_a_dead_server_back() {
    let home = Home::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = home.serve();
    let bob = runtime.block_on(sign_in_bob(&home, &server));
    let mut events = bob.events();
    let writer = Writer { acknowledged: AtomicU64::new(0), goes_on: AtomicBool::new(true) };
    let archive = path(&home, "backup.anser");

    let (before, made, after) = std::thread::scope(|scope| {
        scope.spawn(|| writer.write(&server));
        writer.wait_until(ROUND);
        let before = writer.acknowledged.load(Ordering::Relaxed);
        let made = json_of(&home, &["backup", "--to", &archive, "--json"]);
        let after = writer.acknowledged.load(Ordering::Relaxed) + 1;
        writer.wait_until(after + ROUND);
        writer.goes_on.store(false, Ordering::Relaxed);
        (before, made, after)
    });
    let written = writer.acknowledged.load(Ordering::Relaxed);
    let held = made["counts"]["messages"].as_u64().unwrap();
    assert!((before..=after).contains(&held), "{before} ≤ {held} ≤ {after}");
    assert_eq!(made["counts"]["inbox_entries"], 2 * held);
    assert_eq!(made["counts"]["idempotency_keys"], held);
    // Bob has seen everything, also what the backup does not hold.
    runtime.block_on(until(&mut events, |event| is_message(event, written)));

    let ports = server.ports();
    server.kill();
    fs::rename(home.data_dir(), home.path().join("lost")).unwrap();
    let restored = json_of(&home, &["restore", "--from", &archive, "--verify", "--json"]);
    assert_eq!(restored["root_hash"], made["root_hash"]);
    assert_eq!((&restored["counts"], &restored["verified"]), (&made["counts"], &true.into()));

    let server = home.serve_at(&ports);
    // A rebuild: the server's log epoch is another one.
    runtime.block_on(until(&mut events, |event| {
        matches!(event, Event::SyncStarted { missing: None })
    }));
    runtime.block_on(until(&mut events, |event| matches!(event, Event::SyncFinished)));
    let history = || {
        let alice = UserId::new("alice").unwrap();
        let bounds = PageBounds { oldest_first: true, ..PageBounds::newest(1000) };
        let page = runtime.block_on(bob.history(alice, bounds)).unwrap();
        let told = |m: &anser_sdk::ChatMessage| {
            (m.seq.unwrap_or(Seq::ZERO).0, m.content.as_ref().map(|c| text(&c.body)).unwrap())
        };
        page.messages.iter().map(told).collect::<Vec<_>>()
    };
    let expected: Vec<_> = (1..=held).map(|n| (n, said(n))).collect();
    let found = history();
    assert!(found.starts_with(&expected), "what is still there was lost: {found:?}");
    // A resent request finds its first answer; the next message continues the numbering and arrives.
    let again = send(&server, "alice", "bob", &said(held), &format!("key-{held}"));
    assert_eq!(
        (&again.body["seq"], &again.body["duplicate"]),
        (&held.to_string().into(), &true.into())
    );
    let next = send(&server, "alice", "bob", "after the restore", "key-new");
    assert_eq!(next.body["seq"], (held + 1).to_string(), "{next:?}");
    runtime.block_on(until(&mut events, |event| {
        matches!(event, Event::NewMessage(message)
            if message.content.as_ref().is_some_and(|c| c.body == "after the restore".as_bytes()))
    }));
    let found = history();
    assert!(
        found.contains(&(held + 1, "after the restore".to_owned())),
        "held {held} written {written} {found:?}"
    );
    runtime.block_on(bob.close());
    assert_eq!(server.stop().0.code(), Some(0), "{}", home.log());
    assert_eq!(messages(&dump(&home)).len() as u64, held + 1);
}

#[test]
fn a_backup_of_a_stopped_server_needs_no_server_and_is_the_same() {
    let home = Home::new();
    let server = home.serve();
    assert_eq!(send(&server, "alice", "bob", "nobody", "key-0").status, 404);
    for user in ["alice", "bob"] {
        let body = serde_json::json!({"user": user});
        assert_eq!(crate::http::app(&server, "users", "", &body).status, 201);
    }
    for n in 1..=3 {
        assert_eq!(send(&server, "alice", "bob", &said(n), &format!("key-{n}")).status, 200);
    }
    let online = json_of(&home, &["backup", "--to", &path(&home, "online"), "--json"]);
    assert_eq!(server.stop().0.code(), Some(0));
    let offline = json_of(&home, &["backup", "--to", &path(&home, "offline"), "--json"]);
    assert_eq!(online["root_hash"], offline["root_hash"]);
    refused(&home, &["backup", "--to", &path(&home, "online")], "NOT_EMPTY");
    refused(&home, &["backup", "--to", "/nowhere/at/all"], "STORE_FAILED");
    refused(&home, &["restore", "--from", &path(&home, "online")], "NOT_EMPTY");
}

#[test]
fn guarantee_g19_the_doctor_reads_every_byte_and_salvages_what_is_intact() {
    let home = Home::new();
    let server = home.serve();
    for user in ["alice", "bob"] {
        let body = serde_json::json!({"user": user});
        assert_eq!(crate::http::app(&server, "users", "", &body).status, 201);
    }
    for n in 1..=3 {
        assert_eq!(send(&server, "alice", "bob", &said(n), &format!("key-{n}")).status, 200);
    }
    refused(&home, &["doctor", "--verify"], "STORE_IN_USE");
    server.kill();
    let sound = home.run(&["doctor", "--verify"]);
    assert!(sound.status.success(), "{}", text(&sound.stdout));

    // The text of the second message, where it stands in the log.
    let log = home.data_dir().join("store/log");
    let segment = fs::read_dir(log).unwrap().map(|entry| entry.unwrap().path());
    let segment = segment.filter(|path| path.to_str().unwrap().contains("segment-")).min().unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    let at = bytes.windows(9).position(|window| window == b"message 2").unwrap();
    bytes[at] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let to = path(&home, "salvaged");
    let damaged = home.run(&["doctor", "--salvage", "--to", &to]);
    let report = text(&damaged.stdout);
    assert_eq!(damaged.status.code(), Some(anser_types::exit::DOCTOR.into()), "{report}");
    assert!(report.contains("touches commits"), "{report}");
    let salvaged = fs::read_to_string(&to).unwrap();
    let lines: Vec<Value> =
        salvaged.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kept: Vec<_> = messages(&lines).into_iter().map(|(_, text)| text).collect();
    assert!(kept.contains(&said(1)) && kept.contains(&said(3)), "{kept:?}");
    assert!(lines.iter().any(|line| line["kind"] == "damage"), "{salvaged}");
}

#[test]
fn a_backup_goes_through_tls_when_there_is_no_plain_http() {
    let home = Home::new();
    let listening = |https: &str| {
        let (free, off) = ("127.0.0.1:0", "off");
        let options = ["--tcp", free, "--tls", off, "--quic", off, "--http", off, "--https", https];
        home.serve_at(&options.map(str::to_owned))
    };
    let server = listening("127.0.0.1:0");
    let made = home.run(&["backup", "--to", &path(&home, "by-tls")]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert!(text(&made.stdout).contains("root hash"), "{}", text(&made.stdout));
    server.kill();
    let server = listening("off");
    refused(&home, &["backup", "--to", &path(&home, "no-way")], "CONFIG_INVALID");
    server.kill();
}

#[test]
fn the_admin_door_needs_the_api_key() {
    let home = Home::new();
    let server = home.serve();
    let asked = get(&server, "/v1/admin/backup");
    assert_eq!((asked.status, &asked.body["code"]), (401, &"API_KEY_INVALID".into()), "{asked:?}");
    let wrong = "authorization: Bearer anser_0000000000000000000000000000000000000000000\r\n";
    assert_eq!(request(&server, "GET", "/v1/admin/backup", wrong, "").status, 401);
    server.kill();
}

#[test]
fn an_interrupted_backup_or_a_damaged_archive_leaves_nothing_under_its_name() {
    let home = Home::new();
    let server = home.serve();
    let good = path(&home, "good");
    json_of(&home, &["backup", "--to", &good, "--json"]);
    // Stopped processes hold what they have: the server is there and gives nothing.
    server.signal(Signal::STOP);
    let to = path(&home, "interrupted");
    let mut begun = home.program(&["backup", "--to", &to]).spawn().unwrap();
    while !Path::new(&format!("{to}.part")).exists() {
        std::thread::yield_now();
    }
    begun.kill().unwrap();
    begun.wait().unwrap();
    assert!(!Path::new(&to).exists());
    // The next one replaces what the killed one left.
    server.signal(Signal::CONT);
    json_of(&home, &["backup", "--to", &to, "--json"]);
    assert!(!Path::new(&format!("{to}.part")).exists());
    server.kill();

    let bytes = fs::read(&good).unwrap();
    for (name, damaged) in [
        ("cut", bytes[..bytes.len() - 1].to_vec()),
        ("empty", Vec::new()),
        ("flipped", {
            let mut flipped = bytes.clone();
            flipped[bytes.len() / 2] ^= 4;
            flipped
        }),
    ] {
        let from = path(&home, name);
        fs::write(&from, damaged).unwrap();
        let new = path(&home, "new");
        refused(&home, &["restore", "--from", &from, "--data-dir", &new], "ARCHIVE_DAMAGED");
        assert!(!Path::new(&new).exists(), "{name} left something");
    }
}
