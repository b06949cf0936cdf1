//! How fast bytes go in and out, against `cp` of the same bytes in the same run.
//!
//! `cargo bench -p anser-files --bench transfer -- --mib 1024 --rounds 3`
//!
//! `--in /dev/shm` leaves the disk out, and shows what the work beside it costs. The source is in memory (for `cp` in `/dev/shm`), so at most `--mib` stand on the disk at once. Both make their copy
//! durable: `cp` by an fsync afterwards. A cold read begins after the system has dropped the file from its memory.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

mod parts;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anser_backend::conformance::blobs::{announced, hash_of, some_bytes};
use anser_backend::{Blobs as _, Variant};
use anser_files::{FileStore, Keep, Settings};
use anser_types::{FileId, Sha256, UnixMs};
use bytes::Bytes;

/// As they come from a connection.
const PIECE: usize = 64 << 10;

fn argument(name: &str, default: usize) -> usize {
    let mut arguments = std::env::args().skip_while(|argument| argument != name).skip(1);
    arguments.next().map_or(default, |value| value.parse().unwrap())
}

/// User and system time of this process so far, in seconds.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / 100.0
}

struct Bench {
    bytes: Bytes,
    source: PathBuf,
    place: PathBuf,
    store: FileStore,
}

/// Seconds of each way, one entry for a round.
#[derive(Default)]
struct Times {
    cp_in: Vec<f64>,
    /// With the hash of the bytes computed afterwards: all that an upload is.
    cp_and_hash: Vec<f64>,
    write: Vec<f64>,
    kept: Vec<f64>,
    cpu: Vec<f64>,
    cp_warm: Vec<f64>,
    read_warm: Vec<f64>,
    cp_cold: Vec<f64>,
    read_cold: Vec<f64>,
}

fn seconds(what: impl FnOnce()) -> f64 {
    let started = Instant::now();
    what();
    started.elapsed().as_secs_f64()
}

fn cp(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg(from).arg(to).status().unwrap().success());
}

/// Lets the system forget a file that is durable.
fn forget(path: &Path) {
    let file = File::open(path).unwrap();
    file.sync_all().unwrap();
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
}

impl Bench {
    fn cp_in(&self) -> f64 {
        let to = self.place.join("copy");
        let took = seconds(|| {
            cp(&self.source, &to);
            File::open(&to).unwrap().sync_all().unwrap();
        });
        std::fs::remove_file(to).unwrap();
        took
    }

    /// Seconds until the bytes are durable, and until they are kept.
    async fn upload(&self, id: u8) -> (f64, f64, Sha256) {
        let upload = announced(id, Some(self.bytes.len()));
        let id = upload.id;
        let started = Instant::now();
        self.store.begin(upload).await.unwrap();
        let mut writer = self.store.write(id, 0, None, UnixMs(1)).await.unwrap();
        for piece in self.bytes.chunks(PIECE) {
            writer.write(self.bytes.slice_ref(piece)).await.unwrap();
        }
        writer.finish().await.unwrap();
        let written = started.elapsed().as_secs_f64();
        let examined = self.store.examine(id).await.unwrap();
        let sha256 = examined.sha256;
        self.store.keep(id, examined).await.unwrap();
        (written, started.elapsed().as_secs_f64(), sha256)
    }

    async fn read(&self, sha256: Sha256) -> f64 {
        let started = Instant::now();
        let (all, mut reader) = self.store.read(sha256, Variant::Whole, None).await.unwrap();
        let mut read = 0;
        while let Some(bytes) = reader.read().await.unwrap() {
            read += bytes.len() as u64;
        }
        assert_eq!(read, all);
        started.elapsed().as_secs_f64()
    }

    async fn round(&self, times: &mut Times) {
        let cp_in = self.cp_in();
        times.cp_in.push(cp_in);
        let hash = seconds(|| {
            std::hint::black_box(hash_of(&self.bytes));
        });
        times.cp_and_hash.push(cp_in + hash);
        let cpu = cpu_seconds();
        let (written, kept, sha256) = self.upload(1).await;
        times.cpu.push(cpu_seconds() - cpu);
        times.write.push(written);
        times.kept.push(kept);
        let hash = sha256.to_string();
        let path = self.place.join("files").join(&hash[..2]).join(&hash[2..4]).join(&hash);
        times.cp_warm.push(seconds(|| cp(&path, Path::new("/dev/null"))));
        times.read_warm.push(self.read(sha256).await);
        forget(&path);
        times.cp_cold.push(seconds(|| cp(&path, Path::new("/dev/null"))));
        forget(&path);
        times.read_cold.push(self.read(sha256).await);
        self.store.give_up(FileId([1; 16])).await.unwrap();
        self.store.remove(sha256).await.unwrap();
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn print(name: &str, mib: usize, ours: &[f64], cp: &[f64]) {
    let ratios: Vec<f64> = ours.iter().zip(cp).map(|(ours, cp)| cp / ours).collect();
    let each: String = ratios.iter().map(|ratio| format!(" {ratio:.2}")).collect();
    println!(
        "{name}: {:.0} MiB/s, cp {:.0} MiB/s, {:.2} of cp (rounds:{each})",
        mib as f64 / median(ours),
        mib as f64 / median(cp),
        median(&ratios),
    );
    let best = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
    let (ours, cp) = (best(ours), best(cp));
    println!(
        "    at best {:.0} MiB/s, cp {:.0} MiB/s, {:.2} of cp",
        mib as f64 / ours,
        mib as f64 / cp,
        cp / ours
    );
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (mib, rounds) = (argument("--mib", 1024), argument("--rounds", 3));
    parts::measure();
    let directory = std::env::args().skip_while(|argument| argument != "--in").nth(1);
    let place = tempfile::tempdir_in(directory.as_deref().unwrap_or("/tmp")).unwrap();
    let fast = tempfile::tempdir_in("/dev/shm").unwrap();
    let bytes = some_bytes(1, mib << 20);
    let source = fast.path().join("source");
    std::fs::write(&source, &bytes).unwrap();
    let settings = Settings {
        spool: place.path().join("spool"),
        keep: Keep::Directory(place.path().join("files")),
        workers: 2,
        on_worker_start: || {},
        min_free_bytes: 0,
    };
    let store = FileStore::open(&settings).unwrap();
    let bench = Bench { bytes, source, place: place.path().to_owned(), store };
    let mut times = Times::default();
    for _ in 0..rounds {
        bench.round(&mut times).await;
    }
    println!("{mib} MiB, median of {rounds} rounds");
    print("written, durable", mib, &times.write, &times.cp_in);
    print("written, hashed, examined, kept", mib, &times.kept, &times.cp_in);
    print("the same, against cp and sha256", mib, &times.kept, &times.cp_and_hash);
    print("read, warm", mib, &times.read_warm, &times.cp_warm);
    print("read, cold", mib, &times.read_cold, &times.cp_cold);
    println!("CPU of an upload: {:.2} s", median(&times.cpu));
    small(&bench.store).await;
    bench.store.close().await;
}

/// Uploads of 20 KB, one after the other, as when somebody sends voices.
async fn small(store: &FileStore) {
    let started = Instant::now();
    let count = 100_u8;
    for id in 1..=count {
        let bytes = some_bytes(u32::from(id), 20_000);
        let upload = announced(id, Some(bytes.len()));
        let id = upload.id;
        store.begin(upload).await.unwrap();
        let mut writer = store.write(id, 0, None, UnixMs(1)).await.unwrap();
        writer.write(bytes).await.unwrap();
        writer.finish().await.unwrap();
        let examined = store.examine(id).await.unwrap();
        store.keep(id, examined).await.unwrap();
        store.give_up(id).await.unwrap();
    }
    let each = started.elapsed().as_secs_f64() / f64::from(count);
    println!("an upload of 20 KB, from begin to give_up: {:.2} ms", each * 1e3);
}
