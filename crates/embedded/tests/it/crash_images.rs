//! Crash images: everything done to the log's disk is recorded, and for each moment, and each write cut at every 512
//! bytes, the disk is put together as a crash would leave it then. Each image recovers with everything acknowledged.

use std::fs;
use std::path::Path;

use anser_backend::Appended;

use crate::simulated_disk::{Done, SimulatedDisk};
use crate::talk::{Talk, history, open, quick_directory, texts};

const SECTOR: usize = 512;

/// Alice says so many messages in each of her batches, one behind the other.
fn say_in_batches(talk: &Talk, said: &mut u64, sizes: impl Iterator<Item = u64>) {
    for size in sizes {
        let batch = (*said + 1..=*said + size).map(|n| talk.message(n)).collect();
        let results = talk.runtime.block_on(talk.store.ledger().append_batch(batch)).unwrap();
        assert!(results.iter().all(|result| matches!(result, Appended::Committed(_))));
        *said += size;
        talk.disk.acknowledge(*said);
    }
}

/// The disk before each recorded step and, of a write, with each part of it that a crash may leave: with everything
/// unsynced still there, and with all of it gone but that part.
fn each_image(
    begin: &SimulatedDisk,
    recorded: &[Done],
    mut look: impl FnMut(&SimulatedDisk, u64, &str),
) {
    let disk = begin.after_power_failure();
    let mut acknowledged = 0;
    for (step, done) in recorded.iter().enumerate() {
        let len = if let Done::Written(_, _, bytes) = done { bytes.len() } else { 0 };
        for cut in (0..len).step_by(SECTOR).chain([len]) {
            for (image, what) in
                [(disk.after_kill(), "kept"), (disk.after_power_failure(), "dropped")]
            {
                if len > 0 {
                    image.redo(done, cut);
                }
                let place = format!("step {step}, cut at {cut} of {len}, unsynced bytes {what}");
                look(&image.after_kill(), acknowledged, &place);
            }
        }
        disk.redo(done, usize::MAX);
        if let Done::Acknowledged(messages) = done {
            acknowledged = *messages;
        }
    }
    look(&disk.after_power_failure(), acknowledged, "the end");
}

#[test]
fn a_crash_at_any_sector_of_any_write_leaves_everything_acknowledged() {
    let talk = Talk::begin();
    let begin = talk.disk.begin_recording();
    let mut said = 0;
    // One message to sixteen, over several segments of the log.
    say_in_batches(&talk, &mut said, 1..=16);
    let recorded = talk.disk.recorded();
    let (mut images, mut cut_inside) = (0, 0);
    each_image(&begin, &recorded, |image, acknowledged, place| {
        let found = talk.recover(image).unwrap_or_else(|error| panic!("{place}: {error}"));
        let count = found.len() as u64;
        assert_eq!(found, texts(count), "{place}");
        assert!(count >= acknowledged, "{place}: {count} of {acknowledged} acknowledged messages");
        images += 1;
        cut_inside += u32::from(!place.contains("cut at 0 of"));
    });
    assert!(images > 150 && cut_inside > 100, "{images} images, {cut_inside} of them cut inside");
    let segments = talk.disk.names().iter().filter(|name| name.starts_with("segment-")).count();
    assert!(segments > 2, "{segments} segments");
}

/// The tables may be as old as the checkpoint that the log has noted, however long ago that was.
#[test]
fn a_crash_with_tables_of_an_earlier_moment_leaves_everything_acknowledged() {
    let mut talk = Talk::begin_with(true);
    let mut said = 0;
    for round in 0..3 {
        say_in_batches(&talk, &mut said, 1..=8);
        let tables = quick_directory();
        talk = talk.reopen_looking(round % 2 == 0, false, |dir| copy(dir, tables.path()));
        let begin = talk.disk.begin_recording();
        let before = said;
        say_in_batches(&talk, &mut said, [3, 5].into_iter());
        each_image(&begin, &talk.disk.recorded(), |image, acknowledged, place| {
            let dir = quick_directory();
            copy(tables.path(), dir.path());
            let store = open(dir.path(), image).unwrap_or_else(|e| panic!("{place}: {e}"));
            let found = history(&talk.runtime, &store, &talk.alice, &talk.bob);
            assert_eq!(found, texts(found.len() as u64), "{place}");
            assert!(found.len() as u64 >= acknowledged.max(before), "{place}");
        });
        talk = talk.reopen(false, true);
    }
}

/// Copies a file or everything below a directory; of room that was only allocated, the room.
fn copy(from: &Path, to: &Path) {
    if !from.is_dir() {
        let content = fs::read(from).unwrap();
        let used = content.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        fs::write(to, &content[..used]).unwrap();
        fs::File::options().write(true).open(to).unwrap().set_len(content.len() as u64).unwrap();
        return;
    }
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        copy(&entry.path(), &to.join(entry.file_name()));
    }
}
