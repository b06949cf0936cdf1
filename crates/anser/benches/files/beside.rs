//! Messages, alone and beside many uploads.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anser_server::machine;
use rand::RngExt as _;
use serde_json::Value;

use crate::program::{Home, Server};
use crate::wire::{User, answer};
use crate::{listed, median};

/// Uploads at the same time.
const UPLOADS: u32 = 200;
/// Uploads of one user.
const OF_A_USER: u32 = 20;
/// How often each sends, and how much: 100 KB a second.
const EVERY: Duration = Duration::from_millis(100);
const PIECE: [u8; 10_000] = [7; 10_000];
/// Bytes of each upload; another one follows. Those that go in step are shorter, so that they also end.
const BYTES: u64 = 2_000_000;
const BYTES_IN_STEP: u64 = 300_000;

/// What the uploads have done so far.
#[derive(Default)]
struct Done {
    bytes: AtomicU64,
    files: AtomicU64,
    enough: AtomicBool,
}

/// Measures alone and beside uploads, in turns, and prints it.
pub fn measure(home: &Home, server: &Server, rounds: usize, lockstep: bool) {
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    let done = Arc::new(Done::default());
    let mut uploaded = Duration::ZERO;
    for _ in 0..rounds {
        alone.push(p99(home, server));
        done.enough.store(false, Ordering::Relaxed);
        let uploading = begin(server, lockstep, &done);
        let started = Instant::now();
        beside.push(p99(home, server));
        done.enough.store(true, Ordering::Relaxed);
        uploaded += started.elapsed();
        for one in uploading {
            one.join().unwrap();
        }
    }
    let rate = done.bytes.load(Ordering::Relaxed) as f64 / 1e6 / uploaded.as_secs_f64();
    println!(
        "messages, send → receive, p99: alone{} ms, beside {UPLOADS} uploads{} ms ({rate:.1} MB/s, {} files)",
        listed(&alone, 1),
        listed(&beside, 1),
        done.files.load(Ordering::Relaxed)
    );
    let (alone, beside) = (median(alone), median(beside));
    println!("medians: {alone:.2}, {beside:.2} ms: {:+.0} %", (beside / alone - 1.0) * 100.0);
}

/// Milliseconds.
fn p99(home: &Home, server: &Server) -> f64 {
    let http = format!("http://{}", server.address("http"));
    let key = home.data_dir().join("api-key");
    let run = home.run(&[
        "bench",
        "rate",
        "--rate",
        "1000",
        "--secs",
        "5",
        "--pairs",
        "50",
        "--json",
        "--server",
        &server.address("tcp").to_string(),
        "--http",
        &http,
        "--api-key-file",
        key.to_str().unwrap(),
    ]);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let report: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!((&report["lost"], &report["duplicated"]), (&0.into(), &0.into()));
    report["latency_us"]["p99"].as_f64().unwrap() / 1e3
}

fn begin(server: &Server, lockstep: bool, done: &Arc<Done>) -> Vec<JoinHandle<()>> {
    let users: Vec<User> =
        (0..UPLOADS / OF_A_USER).map(|n| User::of(server, &format!("uploader-{n}"))).collect();
    let started = Instant::now();
    let uploads = (0..UPLOADS).map(|n| {
        let (user, done) = (users[(n / OF_A_USER) as usize].clone(), Arc::clone(done));
        // Their ends are spread too, unless they go in step.
        let (late, whole, missing) = if lockstep {
            (Duration::ZERO, BYTES_IN_STEP, 0)
        } else {
            (EVERY * n / UPLOADS, BYTES, u64::from(n) * BYTES / u64::from(UPLOADS))
        };
        std::thread::spawn(move || {
            // The clients of a real server run elsewhere.
            machine::give_way();
            let mut next = started + late;
            let mut bytes = whole - missing;
            while !done.enough.load(Ordering::Relaxed) {
                let address = user.begin_upload(bytes);
                let to = user.send_upload(&address, bytes);
                if send(&to, bytes, &mut next, &done) {
                    assert_eq!(answer(to).status, 204);
                    done.files.fetch_add(1, Ordering::Relaxed);
                }
                user.remove(&address);
                bytes = whole;
            }
        })
    });
    uploads.collect()
}

/// Sends one upload, piece by piece; false if it was broken off, since it is enough.
fn send(mut to: &TcpStream, bytes: u64, next: &mut Instant, done: &Done) -> bool {
    let (mut left, mut piece) = (bytes, PIECE);
    while left > 0 {
        // Nothing here is like another.
        rand::rng().fill(&mut piece[..16]);
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        *next += EVERY;
        if done.enough.load(Ordering::Relaxed) {
            return false;
        }
        let piece = &piece[..PIECE.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
        to.write_all(piece).unwrap();
        left -= piece.len() as u64;
        done.bytes.fetch_add(piece.len() as u64, Ordering::Relaxed);
    }
    true
}
