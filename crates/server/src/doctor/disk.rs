//! The disk under the data directory: how long an fsync takes, how much room is left.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use super::finding::Finding;

/// Writes that are timed.
const ROUNDS: usize = 32;
/// Bytes of one write; about a small group commit.
const WRITE_BYTES: usize = 4096;
/// Every message waits for one fsync: above this people notice.
const SLOW: Duration = Duration::from_millis(25);
/// Above this the promised answer times are in danger.
const TOO_SLOW: Duration = Duration::from_millis(500);
const MIB: u64 = 1024 * 1024;
/// Room for less than this many times the least free space is worth a warning.
const SOON: u64 = 4;

/// Times writes with fsync in a scratch file, which is removed again.
#[must_use]
pub fn fsync_latency(directory: &Path) -> Finding {
    let check = "fsync";
    match timed_syncs(&directory.join("doctor.scratch")) {
        Err(error) => Finding::fail(
            check,
            format!("a file in {} cannot be written: {error}", directory.display()),
            "Give this user the right to write there; look at the disk.",
        ),
        Ok(mut times) => {
            times.sort_unstable();
            let median = times[times.len() / 2];
            let worst = times[times.len() - 1];
            let found =
                format!("{median:.1?} in the middle, {worst:.1?} at worst, of {ROUNDS} writes");
            if median >= TOO_SLOW {
                Finding::fail(check, found, "Use another disk: every message waits for an fsync.")
            } else if median >= SLOW {
                Finding::warn(
                    check,
                    found,
                    "A local SSD takes below 5 ms; network disks often more.",
                )
            } else {
                Finding::ok(check, found)
            }
        }
    }
}

fn timed_syncs(scratch: &Path) -> io::Result<Vec<Duration>> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(scratch)?;
    let block = [0x5a_u8; WRITE_BYTES];
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    std::fs::remove_file(scratch)?;
    Ok(times)
}

/// The room left, against the room below which the server answers `STORAGE_FULL`.
#[must_use]
pub fn free_space(directory: &Path, least: u64) -> Finding {
    let check = "free space";
    match rustix::fs::statvfs(directory) {
        Err(error) => Finding::fail(
            check,
            format!("{} cannot be looked at: {error}", directory.display()),
            "Look at the disk.",
        ),
        Ok(found) => {
            let free = found.f_bavail.saturating_mul(found.f_frsize);
            let text = format!("{} MiB", free / MIB);
            let why = format!("below {} MiB (store.min_free_mib) nothing is accepted", least / MIB);
            if free < least {
                Finding::fail(check, text, format!("Free space: {why}."))
            } else if free < least.saturating_mul(SOON) {
                Finding::warn(check, text, format!("Free space soon: {why}."))
            } else {
                Finding::ok(check, text)
            }
        }
    }
}
