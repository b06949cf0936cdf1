//! The machine: its clock and its limits.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anser_types::Clock;

use super::finding::Finding;
use crate::data_dir::DataDir;
use crate::open_files;

/// 2025-01-01: this program is younger, so an earlier clock is wrong.
const EARLIEST_MS: u64 = 1_735_689_600_000;
/// Files may be this much younger than the clock says before it counts as set back.
const SET_BACK: Duration = Duration::from_secs(3600);

/// The clock: not before this program existed, not before the newest file in the data directory.
#[must_use]
pub fn clock(clock: &dyn Clock, data_dir: &DataDir) -> Finding {
    let check = "clock";
    let fix = "Set the clock (timedatectl set-ntp true). Order never depends on it, but people see its times.";
    let now = clock.now();
    if now.0 < EARLIEST_MS {
        return Finding::fail(check, "the clock stands before the year 2025", fix);
    }
    let now = UNIX_EPOCH + Duration::from_millis(now.0);
    match newest_file(data_dir) {
        Some(newest) if newest > now + SET_BACK => {
            let ahead = newest.duration_since(now).unwrap_or_default().as_secs() / 60;
            Finding::warn(check, format!("files were written {ahead} minutes in the future"), fix)
        }
        _ => Finding::ok(check, "later than everything written so far"),
    }
}

fn newest_file(data_dir: &DataDir) -> Option<SystemTime> {
    [data_dir.root().to_owned(), data_dir.store()]
        .iter()
        .filter_map(|directory| fs::read_dir(directory).ok())
        .flatten()
        .filter_map(|entry| entry.ok()?.metadata().ok()?.modified().ok())
        .max()
}

/// The open-file limit against the configured connections.
#[must_use]
pub fn open_files(connections: u64) -> Finding {
    let check = "open files";
    let seen = open_files::look(connections);
    let ceiling = open_files::ceiling();
    if ceiling >= seen.needed {
        return Finding::ok(
            check,
            format!("limit {}, 'anser serve' raises it to {}", seen.now, seen.needed.max(seen.now)),
        );
    }
    Finding::warn(
        check,
        format!("limit {ceiling}, {connections} connections need {}", seen.needed),
        format!(
            "Raise it (ulimit -Hn {0}, systemd: LimitNOFILE={0}) or lower limits.connections.",
            seen.needed
        ),
    )
}
