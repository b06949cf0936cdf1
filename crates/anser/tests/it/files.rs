//! Files at the command line, against the real server: two people exchange a picture, and an upload goes on by itself
//! when the server is killed in the middle of it.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex};

use anser_sdk::{Client, Event, SecretString, ShowAs, UploadOptions, body_of};
use anser_types::UserId;
use anser_types::body::Body;
use anser_types::limits::THUMBNAIL_MAX_BYTES;
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;
use sha2::Digest as _;

use crate::program::{Home, Server, text};

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

fn object(output: &Output) -> Value {
    serde_json::from_str(&said(output)).unwrap()
}

fn code(output: &Output) -> Value {
    assert!(!output.status.success(), "{}", text(&output.stdout));
    let failure: Value = serde_json::from_slice(&output.stderr).unwrap();
    failure["error"]["code"].clone()
}

/// A file of this size that looks like nothing else.
fn file(home: &Home, name: &str, size: usize) -> (String, Vec<u8>) {
    let mut bytes = vec![0; size];
    SmallRng::seed_from_u64(size as u64).fill(&mut bytes[..]);
    let path = home.path().join(name);
    std::fs::write(&path, &bytes).unwrap();
    (path.to_str().unwrap().to_owned(), bytes)
}

/// A picture of this size without anything beside its pixels.
fn picture(home: &Home, name: &str, width: u32, height: u32) -> (String, Vec<u8>) {
    picture_that_tells(home, name, (width, height), b"")
}

/// A picture that tells this beside its pixels.
fn picture_that_tells(
    home: &Home,
    name: &str,
    (width, height): (u32, u32),
    told: &[u8],
) -> (String, Vec<u8>) {
    let line = std::iter::once(0).chain((0..width * 3).map(|n| n.to_le_bytes()[0]));
    let lines: Vec<u8> = (0..height).flat_map(|_| line.clone()).collect();
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8; 4], data: &[u8]| {
        let checked = [&kind[..], data].concat();
        png.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        png.extend(&checked);
        png.extend(crc32(&checked).to_be_bytes());
    };
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    chunk(b"IHDR", &[&size[..], &[8, 2, 0, 0, 0]].concat());
    if !told.is_empty() {
        chunk(b"tEXt", told);
    }
    chunk(b"IDAT", &zlib_stored(&lines));
    chunk(b"IEND", b"");
    let path = home.path().join(name);
    std::fs::write(&path, &png).unwrap();
    (path.to_str().unwrap().to_owned(), png)
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 }
        })
    })
}

/// RFC 1950 without any compression.
fn zlib_stored(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let blocks: Vec<&[u8]> = bytes.chunks(65_535).collect();
    for (n, block) in blocks.iter().enumerate() {
        let length = u16::try_from(block.len()).unwrap();
        out.push(u8::from(n + 1 == blocks.len()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(*block);
    }
    let (a, b) = bytes.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    out.extend(((b << 16) | a).to_be_bytes());
    out
}

#[test]
fn requirement_h1_two_people_exchange_a_picture_and_nobody_else_has_it() {
    let home = Home::new();
    let _server = home.serve();
    for user in ["bob", "carol"] {
        said(&home.run(&["group", "list", "--as", user]));
    }
    let (path, bytes) = picture(&home, "sunset.png", 320, 200);
    let sent = home.run(&[
        "send",
        "--as",
        "alice",
        "bob",
        "--file",
        &path,
        "--caption",
        "at the lake",
        "--json",
    ]);
    assert_eq!(object(&sent)["seq"], 1);
    let line = said(&home.run(&["history", "--as", "bob", "alice"]));
    assert!(line.contains("(image) at the lake (320×200, "), "{line}");
    let shown = object(&home.run(&["history", "--as", "bob", "alice", "--json"]));
    let id = shown["file"]["file"].as_str().unwrap();
    assert!(line.contains(&format!("[{id}]")), "{line}");
    assert_eq!(shown["file"]["name"], "sunset.png");

    let into = home.path().join("bob");
    std::fs::create_dir(&into).unwrap();
    let into = into.to_str().unwrap();
    let got = object(&home.run(&["download", "--as", "bob", "alice#1", "-o", into, "--json"]));
    assert_eq!((&got["media_type"], &got["look"]["width"]), (&"image/png".into(), &320.into()));
    assert_eq!(std::fs::read(Path::new(into).join("sunset.png")).unwrap(), bytes);
    let over = home.run(&["download", "--as", "bob", "alice#1", "-o", into, "--json"]);
    assert_eq!(code(&over), "NOT_EMPTY");
    let other = home.path().join("other.png");
    let other = other.to_str().unwrap();
    said(&home.run(&["download", "--as", "bob", id, "--with", "alice", "-o", other]));
    let no = home.run(&["download", "--as", "carol", id, "-o", into, "--json"]);
    assert_eq!(code(&no), "FILE_UNKNOWN");
    let none = home.run(&["download", "--as", "bob", "alice#2", "--json"]);
    assert_eq!(code(&none), "TARGET_MISSING");
}

#[test]
fn a_picture_that_somebody_sent_as_an_original_is_cleaned_for_who_sends_it_otherwise() {
    let home = Home::new();
    let _server = home.serve();
    let told = b"Comment\0at 47.3769 N, 8.5417 E";
    let (path, bytes) = picture_that_tells(&home, "lake.png", (320, 200), told);
    let fetched = |with: &[&str], into: &str| {
        let sent = home.run(&[&["upload", "--as", "alice", &path, "--json"], with].concat());
        let sent = object(&sent);
        let into = home.path().join(into);
        let (id, target) = (sent["file"].as_str().unwrap(), into.to_str().unwrap());
        said(&home.run(&["download", "--as", "alice", id, "-o", target]));
        std::fs::read(target).unwrap()
    };
    let tells = |bytes: &[u8]| bytes.windows(told.len()).any(|window| window == told);
    let original = fetched(&["--original"], "original.png");
    assert!(original == bytes && tells(&original));
    assert!(!tells(&fetched(&[], "cleaned.png")));
    assert_eq!(fetched(&["--original"], "again.png"), bytes);
}

/// Findings of the doctor about files.
fn found_about_files(home: &Home, words: &[&str]) -> Vec<Value> {
    let report = text(&home.run(&[&["doctor", "--json"], words].concat()).stdout);
    let findings = report.lines().map(|line| serde_json::from_str(line).unwrap());
    findings.filter(|finding: &Value| finding["check"] == "files").collect()
}

#[test]
fn guarantee_g21_what_a_disk_does_to_a_file_is_found_and_mended_by_who_has_it() {
    let home = Home::new();
    let server = home.serve();
    said(&home.run(&["group", "list", "--as", "bob"]));
    let (path, bytes) = file(&home, "geese.bin", 300_000);
    said(&home.run(&["send", "--as", "alice", "bob", "--file", &path]));
    let shown = object(&home.run(&["history", "--as", "bob", "alice", "--json"]));
    let id = shown["file"]["file"].as_str().unwrap();
    server.kill();
    let verdict = |words: &[&str]| {
        let found = found_about_files(&home, words);
        (found[0]["verdict"].clone(), found[0]["found"].as_str().unwrap().to_owned())
    };
    let (fine, room) = verdict(&[]);
    assert!(fine == "OK" && room.contains("files/kept"), "{room}");
    let (fine, told) = verdict(&["--verify"]);
    assert!(fine == "OK" && told.contains("300000 bytes"), "{told}");

    let hash = sha256_of(Path::new(&path));
    let kept = home.data_dir().join("files/kept").join(&hash[..2]).join(&hash[2..4]).join(&hash);
    let mut changed = bytes.clone();
    changed[200_000] ^= 1;
    std::fs::write(&kept, changed).unwrap();
    let (wrong, told) = verdict(&["--verify"]);
    assert!(wrong == "FAIL" && told.contains(&hash) && told.contains(id), "{told}");
    std::fs::remove_file(&kept).unwrap();
    let (wrong, told) = verdict(&["--verify"]);
    assert!(wrong == "FAIL" && told.contains("missing") && told.contains(id), "{told}");

    let server = home.serve();
    let into = home.path().join("got.bin");
    let into = into.to_str().unwrap();
    let download = || home.run(&["download", "--as", "bob", "alice#1", "-o", into, "--json"]);
    assert_eq!(code(&download()), "FILE_DAMAGED");
    // Carol has the file too: it need not be sent to bob again.
    said(&home.run(&["upload", "--as", "carol", &path]));
    said(&download());
    assert!(std::fs::read(into).unwrap() == bytes);
    server.kill();
    assert_eq!(verdict(&["--verify"]).0, "OK");
}

#[test]
fn requirement_h3_a_picture_that_tells_nothing_is_not_sent_a_second_time() {
    let home = Home::new();
    let server = home.serve();
    let told = b"Comment\0at 47.3769 N, 8.5417 E";
    let (path, bytes) = picture_that_tells(&home, "lake.png", (1_200, 900), told);
    let id = object(&home.run(&["upload", "--as", "alice", &path, "--json"]));
    let cleaned = home.path().join("cleaned.png");
    let cleaned = cleaned.to_str().unwrap();
    let id = id["file"].as_str().unwrap();
    said(&home.run(&["download", "--as", "alice", id, "-o", cleaned]));
    let gate = Gate::before(server.address("http"), usize::MAX);
    // The cleaned one, which everybody has who fetched it, and the one that tells where the lake is.
    for (path, is_sent) in [(cleaned, false), (&path, true)] {
        let before = gate.carried();
        let sent = typed(&home, &gate, &["upload", "--json", path]).wait_with_output().unwrap();
        let sent = object(&sent);
        let carried = gate.carried() - before;
        assert_eq!(carried > bytes.len(), is_sent, "{carried} bytes");
        assert_ne!(sent["file"], id);
        assert_eq!(sent["sha256"], sha256_of(Path::new(cleaned)));
        assert_eq!(
            (&sent["look"]["width"], &sent["media_type"]),
            (&1_200.into(), &"image/png".into())
        );
    }
}

fn sha256_of(file: &Path) -> String {
    anser_types::Sha256(sha2::Sha256::digest(std::fs::read(file).unwrap()).into()).to_string()
}

/// A way to the server that stops after so many bytes to it, until it is opened. It ends with the process.
struct Gate {
    address: SocketAddr,
    state: Arc<(Mutex<GateState>, Condvar)>,
}

#[derive(Default)]
struct GateState {
    carried: usize,
    open: bool,
}

impl Gate {
    fn before(server: SocketAddr, stops_after: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new((Mutex::new(GateState::default()), Condvar::new()));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                // While the server is away, whoever comes is sent away.
                let Ok(far) = TcpStream::connect(server) else { continue };
                let (near_too, far_too) = (near.try_clone().unwrap(), far.try_clone().unwrap());
                let state = Arc::clone(&shared);
                std::thread::spawn(move || {
                    carry(near, far, |bytes| pass(&state, stops_after, bytes));
                });
                std::thread::spawn(move || carry(far_too, near_too, |_| ()));
            }
        });
        Self { address, state }
    }

    /// Waits until so much was carried that it has stopped.
    fn wait_stopped(&self, stops_after: usize) {
        let (state, changed) = &*self.state;
        let stopped = |state: &mut GateState| state.carried < stops_after;
        drop(changed.wait_while(state.lock().unwrap(), stopped).unwrap());
    }

    fn open(&self) {
        let (state, changed) = &*self.state;
        state.lock().unwrap().open = true;
        changed.notify_all();
    }

    fn carried(&self) -> usize {
        self.state.0.lock().unwrap().carried
    }
}

fn pass(state: &(Mutex<GateState>, Condvar), stops_after: usize, bytes: usize) {
    let (state, changed) = state;
    let mut now = state.lock().unwrap();
    now.carried += bytes;
    changed.notify_all();
    let waits = |now: &mut GateState| !now.open && now.carried >= stops_after;
    drop(changed.wait_while(now, waits).unwrap());
}

fn carry(mut from: TcpStream, mut to: TcpStream, passes: impl Fn(usize)) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        passes(read);
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    // One end broke: so does the other. Both may be gone already.
    drop(from.shutdown(Shutdown::Both));
    drop(to.shutdown(Shutdown::Both));
}

#[test]
fn requirement_h2_an_upload_goes_on_by_itself_when_the_server_is_killed_in_the_middle() {
    const SIZE: usize = 64 << 20;
    const STOPS_AFTER: usize = 48 << 20;
    let home = Home::new();
    let server = home.serve();
    let ports = server.ports();
    said(&home.run(&["group", "list", "--as", "bob"]));
    let (path, bytes) = file(&home, "film.bin", SIZE);
    let gate = Gate::before(server.address("http"), STOPS_AFTER);
    let (url, key) = (format!("http://{}", gate.address), home.data_dir().join("api-key"));
    let words = ["send", "--as", "alice", "bob", "--file", &path, "--json", "--server", &url];
    let mut command = home.program(&words);
    command.arg("--api-key-file").arg(key).stdout(Stdio::piped()).stderr(Stdio::piped());
    let sending = command.spawn().unwrap();
    gate.wait_stopped(STOPS_AFTER);
    server.kill();
    let _server = home.serve_at(&ports);
    gate.open();
    let sent = sending.wait_with_output().unwrap();
    assert_eq!(object(&sent)["seq"], 1, "{}", text(&sent.stderr));
    // What the first server had taken for good was not sent to the second one; 32 MiB may go with the process.
    assert!(gate.carried() < SIZE + (34 << 20), "{} bytes", gate.carried());

    let target = home.path().join("back.bin");
    let target = target.to_str().unwrap();
    said(&home.run(&["download", "--as", "bob", "alice#1", "-o", target]));
    assert_eq!(std::fs::read(target).unwrap(), bytes);
    let left = home.run(&["upload", "--as", "alice", "--list", "--json"]);
    assert_eq!(said(&left), "");
}

/// What alice types while her server is behind a gate.
fn typed(home: &Home, gate: &Gate, words: &[&str]) -> Child {
    let mut command = home.program(words);
    command.args(["--as", "alice", "--server", &format!("http://{}", gate.address)]);
    command.arg("--api-key-file").arg(home.data_dir().join("api-key"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Alice uploads this until the gate stops it, and types Ctrl+C.
fn paused_by_a_signal(home: &Home, gate: &Gate, path: &str, stops_after: usize) -> Output {
    let uploading = typed(home, gate, &["upload", path]);
    gate.wait_stopped(stops_after);
    let pid = rustix::process::Pid::from_child(&uploading);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    uploading.wait_with_output().unwrap()
}

#[test]
fn requirement_h2_an_upload_paused_by_a_signal_goes_on_with_another_command() {
    const SIZE: usize = 24 << 20;
    const STOPS_AFTER: usize = 14 << 20;
    let home = Home::new();
    let server = home.serve();
    let (path, bytes) = file(&home, "film.bin", SIZE);
    let gate = Gate::before(server.address("http"), STOPS_AFTER);
    let types = |words: &[&str]| typed(&home, &gate, words).wait_with_output().unwrap();
    let why = text(&paused_by_a_signal(&home, &gate, &path, STOPS_AFTER).stderr);
    assert!(why.contains("next: Go on with 'anser upload --as alice --resume'"), "{why}");
    gate.open();
    let listed = said(&types(&["upload", "--list"]));
    assert!(listed.contains("film.bin (") && listed.contains(" of 24.0 MiB sent)"), "{listed}");
    let before = gate.carried();
    let file = object(&types(&["upload", "--resume", "--json"]));
    assert!(gate.carried() - before < 20 << 20, "{} bytes", gate.carried() - before);
    let target = home.path().join("back.bin");
    let (id, target) = (file["file"].as_str().unwrap(), target.to_str().unwrap());
    said(&types(&["download", id, "-o", target]));
    assert_eq!(std::fs::read(target).unwrap(), bytes);
    assert_eq!(said(&types(&["upload", "--list"])), "");
}

#[test]
fn an_upload_that_is_given_up_is_named_and_what_is_not_there_is_refused() {
    const STOPS_AFTER: usize = 6 << 20;
    let home = Home::new();
    let server = home.serve();
    let (path, _) = file(&home, "film.bin", 10 << 20);
    let gate = Gate::before(server.address("http"), STOPS_AFTER);
    paused_by_a_signal(&home, &gate, &path, STOPS_AFTER);
    gate.open();
    let types = |words: &[&str]| typed(&home, &gate, words).wait_with_output().unwrap();
    let another = types(&["upload", "--json", "--forget", "another.bin"]);
    assert_eq!(code(&another), "FILE_UNKNOWN");
    assert_eq!(object(&types(&["upload", "--json", "--forget", &path]))["path"], path);
    assert_eq!(code(&types(&["upload", "--json", "--forget", &path])), "FILE_UNKNOWN");
    assert_eq!(said(&types(&["upload", "--list", "--json"])), "");
}

#[test]
fn requirement_h4_small_pictures_come_with_the_message_and_at_the_server() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let home = Home::new();
        let server = home.serve();
        let (path, png) = picture(&home, "large.png", 900, 600);
        let alice = client(&home, &server, "alice").await;
        let bob = client(&home, &server, "bob").await;
        let mut of_bob = bob.events();
        let transfer = alice.upload(Path::new(&path), UploadOptions::default()).await.unwrap();
        let file = transfer.done().await.unwrap();
        let look = file.look.clone().unwrap();
        assert_eq!((look.width, look.height), (900, 600));
        let content = Client::create_file_message_of(&file, ShowAs::WhatItIs, "").unwrap();
        alice.send_message(bob.user().clone(), content).await.unwrap();
        let message = loop {
            if let Event::NewMessage(message) = of_bob.next().await.unwrap().event() {
                break message.clone();
            }
        };
        // Before anything is fetched there is something to show, and its dimensions.
        let Body::Image(image) = body_of(message.content.as_ref().unwrap()).unwrap() else {
            panic!("{message:?}")
        };
        assert_eq!((image.width, image.height), (900, 600));
        assert!(is_jpeg(&image.thumbnail) && image.thumbnail.len() <= THUMBNAIL_MAX_BYTES);
        let at = Client::file_at(&message).unwrap();
        for size in look.thumbnails {
            assert!(is_jpeg(&bob.thumbnail(at, size).await.unwrap()), "{size:?}");
        }
        // By a link, without a token.
        let links = bob.file_links(at).await.unwrap();
        let address = links.content.strip_prefix("http://").unwrap();
        let (authority, path) = address.split_at(address.find('/').unwrap());
        assert_eq!(authority, server.address("http").to_string());
        let mut stream = TcpStream::connect(authority).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200") && answer.ends_with(&png));
        alice.close().await;
        bob.close().await;
    });
}

async fn client(home: &Home, server: &Server, user: &str) -> Client {
    let client = Client::builder()
        .endpoint(format!("tcp://{}", server.address("tcp")).parse().unwrap())
        .http(format!("http://{}", server.address("http")))
        .store_directory(home.path().join(user))
        .login_with_api_key(UserId::new(user).unwrap(), SecretString::from(server.api_key()))
        .await
        .unwrap();
    client.wait_connected().await.unwrap();
    client
}

fn is_jpeg(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xd8, 0xff])
}
