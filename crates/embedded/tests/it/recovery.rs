//! What a crash leaves: everything acknowledged, at most a torn tail of what was not; and damage is always named.

use anser_backend::Appended;
use anser_embedded::OpenError;

use crate::simulated_disk::SimulatedDisk;
use crate::talk::{Talk, open, texts};

/// The last segment and the offsets where its records begin and end, found by looking for bytes that are not zero.
fn last_segment(disk: &SimulatedDisk) -> (String, usize) {
    let name = disk.names().into_iter().filter(|name| name.starts_with("segment-"));
    let used = |name: &String| disk.content(name).iter().rposition(|byte| *byte != 0);
    name.filter_map(|name| used(&name).map(|end| (name, end + 1))).next_back().unwrap()
}

#[test]
fn a_power_failure_loses_nothing_acknowledged() {
    let talk = Talk::begin();
    for n in 1..=40 {
        assert!(matches!(talk.say(n).unwrap(), Appended::Committed(_)));
        if n % 8 == 0 {
            assert_eq!(talk.recover(&talk.disk.after_power_failure()).unwrap(), texts(n));
        }
    }
}

#[test]
fn a_write_cut_at_any_byte_leaves_everything_before_it() {
    let talk = Talk::begin();
    for n in 1..=3 {
        talk.say(n).unwrap();
    }
    let before = talk.disk.after_kill();
    talk.say(4).unwrap();
    let whole = talk.disk.after_kill();
    let (name, end) = last_segment(&whole);
    let old = before.content(&name);
    let new = whole.content(&name);
    let start = old.iter().zip(&new).position(|(a, b)| a != b).unwrap();
    // The mark of the last durable commit is that of the moment before: the fourth was never acknowledged.
    for cut in start..end {
        let image = before.after_kill();
        let mut torn = old.clone();
        torn[start..cut].copy_from_slice(&new[start..cut]);
        // What was to be written may have ended in zeros, which the segment held already.
        let expected = if torn == new { texts(4) } else { texts(3) };
        image.put(&name, torn);
        assert_eq!(talk.recover(&image).unwrap(), expected, "cut at {cut} of {start}..{end}");
    }
}

#[test]
fn a_torn_tail_is_wiped_and_the_log_goes_on() {
    let talk = Talk::begin();
    talk.say(1).unwrap();
    let image = talk.disk.after_kill();
    let (name, end) = last_segment(&image);
    let mut torn = image.content(&name);
    let garbage = torn.len().min(end + 200);
    torn[end.next_multiple_of(8)..garbage].fill(0xa5);
    image.put(&name, torn);
    assert_eq!(talk.recover(&image).unwrap(), texts(1));
    // Opened a second time, behind the commit of the first start.
    assert_eq!(talk.recover(&image).unwrap(), texts(1));
}

#[test]
fn every_flipped_byte_of_a_closed_log_is_detected() {
    let talk = Talk::begin();
    for n in 1..=3 {
        talk.say(n).unwrap();
    }
    talk.runtime.block_on(talk.store.close()).unwrap();
    let image = talk.disk.after_kill();
    // As if no checkpoint had been noted: the log alone must tell.
    image.delete("checkpoint");
    let (name, end) = last_segment(&image);
    assert_eq!(talk.recover(&image.after_kill()).unwrap(), texts(3));
    let whole = image.content(&name);
    let dir = talk.directory_without_tables();
    for at in 0..end.next_multiple_of(8) {
        let flipped = image.after_kill();
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        flipped.put(&name, bytes);
        let error = open(dir.path(), &flipped).err();
        assert!(matches!(error, Some(OpenError::Damaged(_))), "byte {at} of {end}: {error:?}");
    }
}

#[test]
fn every_flipped_byte_before_the_last_record_is_detected_after_a_crash_too() {
    let talk = Talk::begin();
    for n in 1..=3 {
        talk.say(n).unwrap();
    }
    let (name, last) = last_segment(&talk.disk);
    talk.say(4).unwrap();
    let image = talk.disk.after_kill();
    // The second in which the mark is not written yet.
    image.delete("durable");
    let whole = image.content(&name);
    let dir = talk.directory_without_tables();
    for at in 0..last {
        let flipped = image.after_kill();
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        flipped.put(&name, bytes);
        let error = open(dir.path(), &flipped).err();
        assert!(matches!(error, Some(OpenError::Damaged(_))), "byte {at} of {last}: {error:?}");
    }
}

#[test]
fn damage_names_how_many_commits_are_concerned() {
    let talk = Talk::begin();
    for n in 1..=60 {
        talk.say(n).unwrap();
    }
    talk.runtime.block_on(talk.store.close()).unwrap();
    let image = talk.disk.after_kill();
    image.delete("checkpoint");
    let segments: Vec<String> =
        image.names().into_iter().filter(|name| name.starts_with("segment-")).collect();
    assert!(segments.len() > 2, "{segments:?}");
    let commits = talk.store.counters().commit_no;

    let lost_tail = image.after_kill();
    let (last, _) = last_segment(&image);
    for name in segments.iter().filter(|name| **name >= last) {
        lost_tail.delete(name);
    }
    let text = talk.recover(&lost_tail).unwrap_err().to_string();
    assert!(text.contains(&format!("to {commits} of the commit log cannot be read")), "{text}");

    let lost_middle = image.after_kill();
    lost_middle.delete(&segments[1]);
    let text = talk.recover(&lost_middle).unwrap_err().to_string();
    assert!(text.contains("acknowledged commits are concerned"), "{text}");
}

/// Found by fuzzing: only whole records counted as a proof, so the damaged end of a segment was taken for a torn tail if
/// the next segment held no whole record yet.
#[test]
fn the_beginning_of_a_segment_proves_what_lies_before_it() {
    let talk = Talk::begin();
    let mut said = 0;
    let segments = |disk: &SimulatedDisk| {
        disk.names().into_iter().filter(|name| name.starts_with("segment-")).collect::<Vec<_>>()
    };
    let (before, image) = loop {
        let before = talk.disk.after_kill();
        said += 1;
        talk.say(said).unwrap();
        let (last, _) = last_segment(&talk.disk);
        let (earlier, _) = last_segment(&before);
        if last != earlier && segments(&before).len() > 1 {
            break (earlier, talk.disk.after_kill());
        }
    };
    // The second in which the mark is not written yet.
    image.delete("durable");
    let (last, end) = last_segment(&image);
    let mut bytes = image.content(&last);
    // Of its first write only the beginning has reached the disk.
    bytes[64..end].fill(0);
    image.put(&last, bytes);
    assert_eq!(talk.recover(&image.after_kill()).unwrap(), texts(said - 1), "a torn tail");
    let mut bytes = image.content(&before);
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[used] ^= 1;
    image.put(&before, bytes);
    let error = talk.recover(&image).unwrap_err();
    assert!(error.to_string().contains("acknowledged commits are concerned"), "{error}");
}

#[test]
fn a_damaged_mark_or_format_is_detected() {
    let talk = Talk::begin();
    talk.say(1).unwrap();
    talk.runtime.block_on(talk.store.close()).unwrap();
    for name in ["checkpoint", "durable"] {
        let image = talk.disk.after_kill();
        let mut bytes = image.content(name);
        bytes.iter_mut().for_each(|byte| *byte ^= 0x40);
        image.put(name, bytes);
        let error = talk.recover(&image).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
    let format = talk.dir.path().join("format");
    let whole = std::fs::read(&format).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&format, bytes).unwrap();
        let error = talk.recover(&talk.disk.after_kill()).unwrap_err();
        assert!(matches!(error, OpenError::Damaged(_)), "byte {at}: {error}");
    }
}

#[test]
fn tables_behind_their_checkpoint_are_detected() {
    let talk = Talk::begin();
    talk.say(1).unwrap();
    talk.runtime.block_on(talk.store.close()).unwrap();
    let error = talk.recover(&talk.disk.after_kill()).unwrap_err();
    assert!(error.to_string().contains("the tables end at commit 0"), "{error}");
}
