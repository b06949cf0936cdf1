//! One large file up and down, in turns with `cp`.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::program::{Home, Server};
use crate::wire::{self, User, answer};
use crate::{listed, median};

pub struct Settings {
    pub mib: usize,
    pub rounds: usize,
}

/// Seconds of each way, one entry for a round.
#[derive(Default)]
struct Times {
    cp: Vec<f64>,
    up: Vec<f64>,
    down: Vec<f64>,
    cpu_up: Vec<f64>,
    cpu_down: Vec<f64>,
}

struct Bench {
    user: User,
    /// The server's process.
    pid: u64,
    /// Where it keeps complete files.
    files: PathBuf,
    place: PathBuf,
    source: PathBuf,
    bytes: u64,
}

/// Measures, and prints it.
pub fn measure(home: &Home, server: &Server, settings: &Settings) {
    let bytes = (settings.mib as u64) << 20;
    let bench = Bench {
        user: User::of(server, "alice"),
        pid: server.announcement()["pid"].as_u64().unwrap(),
        files: home.data_dir().join("files/kept"),
        place: home.path().to_owned(),
        source: home.path().join("source"),
        bytes,
    };
    bench.make_source();
    println!(
        "{} MiB, {} rounds; each round's share of cp behind the colon",
        settings.mib, settings.rounds
    );
    for (name, cold) in [("warm", false), ("cold", true)] {
        let mut times = Times::default();
        for _ in 0..settings.rounds {
            bench.round(cold, &mut times);
        }
        times.print(name);
    }
    println!("the server's memory at its highest: {} MB", bench.peak_megabytes());
    std::fs::remove_file(&bench.source).unwrap();
}

impl Times {
    fn print(&self, name: &str) {
        let milliseconds = |seconds: &[f64]| {
            listed(&seconds.iter().map(|seconds| seconds * 1e3).collect::<Vec<_>>(), 0)
        };
        println!("{name}: cp{} ms", milliseconds(&self.cp));
        for (way, took, cpu) in
            [("upload", &self.up, &self.cpu_up), ("download", &self.down, &self.cpu_down)]
        {
            let shares: Vec<f64> = self.cp.iter().zip(took).map(|(cp, took)| cp / took).collect();
            let each = listed(&shares, 2);
            let median = median(shares);
            let (took, cpu) = (milliseconds(took), milliseconds(cpu));
            println!(
                "{name}: {way}{took} ms, the server's CPU{cpu} ms:{each}, median {median:.2} of cp"
            );
        }
    }
}

fn seconds(what: impl FnOnce()) -> f64 {
    let started = Instant::now();
    what();
    started.elapsed().as_secs_f64()
}

/// Lets the system forget a file that is durable.
fn forget(path: &Path) {
    let file = File::open(path).unwrap();
    file.sync_all().unwrap();
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
}

/// Reads a file, so that the system has it in its memory.
fn remember(path: &Path) {
    std::io::copy(&mut File::open(path).unwrap(), &mut std::io::sink()).unwrap();
}

fn prepare(path: &Path, cold: bool) {
    if cold { forget(path) } else { remember(path) }
}

impl Bench {
    /// Bytes that look like nothing else.
    fn make_source(&self) {
        let mut random = SmallRng::seed_from_u64(1);
        let mut file = File::create(&self.source).unwrap();
        let mut piece = vec![0; 1 << 20];
        for _ in 0..self.bytes >> 20 {
            random.fill(&mut piece[..]);
            file.write_all(&piece).unwrap();
        }
    }

    /// Another file than before: the same one would be kept already.
    fn change_source(&self) {
        let mut first = [0; 16];
        rand::rng().fill(&mut first);
        let file = File::options().write(true).open(&self.source).unwrap();
        file.write_all_at(&first, 0).unwrap();
        file.sync_all().unwrap();
    }

    /// User and system time of the server so far, in seconds.
    fn cpu_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
        (ticks(11) + ticks(12)) / 100.0
    }

    fn peak_megabytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1_000
    }

    /// Seconds of `cp` and its fsync.
    fn cp(&self) -> f64 {
        let to = self.place.join("copy");
        let took = seconds(|| {
            assert!(Command::new("cp").arg(&self.source).arg(&to).status().unwrap().success());
            File::open(&to).unwrap().sync_all().unwrap();
        });
        std::fs::remove_file(to).unwrap();
        took
    }

    /// Seconds until an upload is answered; its address.
    fn upload(&self) -> (f64, String) {
        let started = Instant::now();
        let address = self.user.begin_upload(self.bytes);
        let to = self.user.send_upload(&address, self.bytes);
        wire::send(&File::open(&self.source).unwrap(), &to, self.bytes);
        assert_eq!(answer(to).status, 204);
        (started.elapsed().as_secs_f64(), address)
    }

    /// Seconds until a file is here and durable.
    fn download(&self, file: &str) -> f64 {
        let to = self.place.join("fetched");
        let took = seconds(|| {
            let fetched = answer(self.user.ask("GET", &format!("/v1/files/{file}/content"), "", 0));
            assert_eq!(fetched.status, 200);
            fetched.save(&File::create(&to).unwrap());
        });
        assert_eq!(std::fs::metadata(&to).unwrap().len(), self.bytes);
        std::fs::remove_file(to).unwrap();
        took
    }

    /// Before each way as much of the system's memory is given back as it takes: fresh memory costs a virtual machine more
    /// than the copy itself, and `cp` and the server must be alike in that.
    fn round(&self, cold: bool, times: &mut Times) {
        self.change_source();
        prepare(&self.source, cold);
        times.cp.push(self.cp());
        prepare(&self.source, cold);
        let before = self.cpu_seconds();
        let (took, address) = self.upload();
        times.up.push(took);
        times.cpu_up.push(self.cpu_seconds() - before);
        let file = address.strip_prefix("/v1/uploads/").unwrap();
        let about = answer(self.user.ask("GET", &format!("/v1/files/{file}"), "", 0)).json();
        let hash = about["sha256"].as_str().unwrap();
        let kept = self.files.join(&hash[..2]).join(&hash[2..4]).join(hash);
        prepare(&kept, cold);
        forget(&self.source);
        let before = self.cpu_seconds();
        times.down.push(self.download(file));
        times.cpu_down.push(self.cpu_seconds() - before);
        self.user.remove(&address);
        // Its bytes stay until they are collected.
        forget(&kept);
    }
}
