//! An archive comes back as it was written, or not at all.

use anser_backend::archive::{ArchiveError, Entry, Header, Reader, Subject, Summary, Writer};
use anser_backend::codec::write_number;
use anser_types::{CommitNo, ErrorCode, LogEpoch, UnixMs};

fn header() -> Header {
    Header {
        log_epoch: LogEpoch(3),
        commit_no: CommitNo(77),
        starts: 5,
        made_at: UnixMs(1_780_000_000_000),
        program: "0.1.0".to_owned(),
    }
}

fn number(number: u64) -> Vec<u8> {
    let mut row = Vec::new();
    write_number(&mut row, number);
    row
}

type Record = (Subject, Vec<u8>, Vec<u8>);

/// Floors of a few inboxes, then cursors of their devices.
fn records(inboxes: u64) -> Vec<Record> {
    let floors = (1..=inboxes)
        .map(|user| (Subject::InboxFloor, user.to_be_bytes().to_vec(), number(user * 7)));
    let cursors = (1..=inboxes).map(|user| {
        let key = [user.to_be_bytes(), 1_u64.to_be_bytes()].concat();
        (Subject::Cursor, key, number(user * 1_000_000))
    });
    floors.chain(cursors).collect()
}

fn write(records: &[Record]) -> Result<(Vec<u8>, Summary), ArchiveError> {
    let mut writer = Writer::begin(Vec::new(), &header())?;
    for (subject, key, value) in records {
        writer.put(&Entry { subject: *subject, key, value })?;
    }
    writer.finish()
}

fn read(bytes: &[u8]) -> Result<(Vec<Record>, Summary), ArchiveError> {
    let mut reader = Reader::begin(bytes)?;
    assert_eq!(*reader.header(), header());
    let mut records = Vec::new();
    while let Some(entry) = reader.next()? {
        records.push((entry.subject, entry.key.to_vec(), entry.value.to_vec()));
    }
    Ok((records, reader.summary().unwrap()))
}

#[test]
fn what_was_written_comes_back_with_the_same_counts_and_root_hash() {
    for inboxes in [0, 1, 9, 40_000] {
        let records = records(inboxes);
        let (bytes, written) = write(&records).unwrap();
        let (found, summary) = read(&bytes).unwrap();
        assert!(found == records, "{inboxes} inboxes");
        assert_eq!(summary, written);
        assert_eq!(summary.bytes, bytes.len() as u64);
        assert_eq!(summary.counts.of(Subject::Cursor), inboxes);
        assert_eq!(Reader::begin(&bytes[..]).unwrap().verify().unwrap(), (header(), summary));
    }
}

#[test]
fn the_root_hash_is_of_the_records_alone() {
    let (_, one) = write(&records(9)).unwrap();
    let mut other = header();
    other.log_epoch = LogEpoch(9);
    other.program = "another".to_owned();
    let mut writer = Writer::begin(Vec::new(), &other).unwrap();
    for (subject, key, value) in &records(9) {
        writer.put(&Entry { subject: *subject, key, value }).unwrap();
    }
    let (_, same) = writer.finish().unwrap();
    assert_eq!(one.root, same.root);
    assert_ne!(one.root, write(&records(10)).unwrap().1.root);
}

#[test]
fn every_flipped_bit_is_refused() {
    let (bytes, _) = write(&records(4)).unwrap();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            let error = read(&flipped).expect_err("a flipped bit was overlooked");
            assert_eq!(error.code(), ErrorCode::ArchiveDamaged, "byte {at}: {error}");
        }
    }
}

#[test]
fn an_archive_cut_off_anywhere_is_refused() {
    let (bytes, _) = write(&records(4)).unwrap();
    for cut in 0..bytes.len() {
        let error = read(&bytes[..cut]).expect_err("a cut was overlooked");
        assert!(matches!(error, ArchiveError::Truncated { .. }), "cut at {cut}: {error}");
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(read(&longer).unwrap_err().to_string().contains("something follows its end"));
}

#[test]
fn blocks_that_changed_places_are_refused() {
    let (bytes, _) = write(&records(40_000)).unwrap();
    let first = bytes.len() - write(&[]).unwrap().0.len();
    assert!(first > 2 * 256 * 1024, "more than one block is needed here");
    // The end of an empty archive: what every one ends with, and a count for each subject.
    let start = write(&[]).unwrap().0.len() - (41 + Subject::ALL.len());
    let len = |at: usize| 9 + u32::from_le_bytes(*bytes[at..].first_chunk().unwrap()) as usize;
    let (a, b) = (len(start), len(start + len(start)));
    let swapped = [
        &bytes[..start],
        &bytes[start + a..start + a + b],
        &bytes[start..start + a],
        &bytes[start + a + b..],
    ];
    let error = read(&swapped.concat()).unwrap_err();
    assert!(error.to_string().contains("block 0"), "{error}");
}

#[test]
fn a_newer_format_is_refused_as_such() {
    let (mut bytes, _) = write(&records(1)).unwrap();
    let body = u32::from_le_bytes(*bytes[12..].first_chunk().unwrap()) as usize;
    bytes[8] = 2;
    let sum = crc32c::crc32c(&bytes[..16 + body]);
    bytes[16 + body..20 + body].copy_from_slice(&sum.to_le_bytes());
    let error = read(&bytes).unwrap_err();
    assert!(matches!(error, ArchiveError::TooNew { found: 2, known: 1 }), "{error}");
    assert_eq!(error.code(), ErrorCode::ArchiveTooNew);
}

#[test]
fn another_file_is_called_no_archive() {
    let error = read(b"SQLite format 3\0 and so on, for a while").unwrap_err();
    assert!(matches!(error, ArchiveError::NotAnArchive), "{error}");
}

#[test]
fn records_out_of_order_twice_or_without_sense_are_not_written() {
    let good = records(2);
    let mut turned = good.clone();
    turned.swap(0, 1);
    let mut twice = good.clone();
    twice.push(good[3].clone());
    let mut foolish = good;
    foolish[1].2 = vec![9, 9, 9];
    for (records, why) in
        [(turned, "out of order"), (twice, "out of order"), (foolish, "unknown row format")]
    {
        let error = write(&records).unwrap_err();
        assert_eq!(error.code(), ErrorCode::StoreDamaged);
        assert!(error.to_string().contains(why), "{error}");
    }
}
