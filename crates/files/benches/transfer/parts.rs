//! What decided how it is built: the hash, and how progress is noted.

use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Instant;

use anser_backend::conformance::blobs::some_bytes;
use sha2::Digest as _;

const BLOCK: usize = 512 << 10;

/// Prints each.
pub fn measure() {
    let block = some_bytes(1, BLOCK);
    let sha2 = per_second(|| sha2::Sha256::digest(&block));
    let aws_lc = per_second(|| aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &block));
    println!("SHA-256: sha2 {sha2:.0} MiB/s, aws-lc {aws_lc:.0} MiB/s");
    let place = tempfile::tempdir().unwrap();
    let (in_place, replaced) = notes(place.path());
    println!("a note: {in_place:.2} ms in place, {replaced:.2} ms written anew and renamed");
}

fn per_second<T>(what: impl Fn() -> T) -> f64 {
    let rounds = 512;
    let started = Instant::now();
    for _ in 0..rounds {
        black_box(what());
    }
    f64::from(rounds) * BLOCK as f64 / f64::from(1 << 20) / started.elapsed().as_secs_f64()
}

/// Milliseconds of a note, by each scheme.
fn notes(place: &Path) -> (f64, f64) {
    let rounds = 200_u32;
    let (path, directory) = (place.join("note"), File::open(place).unwrap());
    std::fs::write(&path, [0; 12 << 10]).unwrap();
    File::open(&path).unwrap().sync_all().unwrap();
    let each = |started: Instant| started.elapsed().as_secs_f64() * 1e3 / f64::from(rounds);
    let started = Instant::now();
    for round in 0..rounds {
        let file = File::options().write(true).open(&path).unwrap();
        file.write_all_at(&[7; 70], 4096 * u64::from(1 + round % 2)).unwrap();
        file.sync_data().unwrap();
    }
    let in_place = each(started);
    let started = Instant::now();
    for _ in 0..rounds {
        let fresh = place.join("new");
        let file = File::create(&fresh).unwrap();
        file.write_all_at(&[7; 200], 0).unwrap();
        file.sync_data().unwrap();
        std::fs::rename(&fresh, &path).unwrap();
        directory.sync_all().unwrap();
    }
    (in_place, each(started))
}
