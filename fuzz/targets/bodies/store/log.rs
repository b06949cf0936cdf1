//! The commit log: arbitrary files, and logs that were written, then cut and altered.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use anser_embedded::disk::{Disk, LogFile};
use anser_embedded::raw::{
    Checkpoint, CommitBuilder, DurableMark, HEADER_BYTES, Operation, Operations, Salt, recover,
    seal, segment_header, segment_name, survey,
};

const SALT: Salt = Salt(0x5a17);
/// Commits of a scripted log; more only make it slow.
const COMMITS: usize = 32;

/// Files in memory.
#[derive(Clone, Debug, Default)]
struct Files(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

#[derive(Debug)]
struct OpenFile(Files, String);

impl Files {
    fn with<T>(&self, act: impl FnOnce(&mut BTreeMap<String, Vec<u8>>) -> T) -> T {
        act(&mut self.0.lock().expect("nobody panics here"))
    }

    fn put(&self, name: String, bytes: Vec<u8>) {
        self.with(|files| files.insert(name, bytes));
    }
}

impl LogFile for OpenFile {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let at = usize::try_from(offset).map_err(io::Error::other)?;
        self.0.with(|files| {
            let content = files.get_mut(&self.1).ok_or(io::ErrorKind::NotFound)?;
            assert!(at + bytes.len() <= content.len(), "recovery never writes behind a file's end");
            content[at..at + bytes.len()].copy_from_slice(bytes);
            Ok(())
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Disk for Files {
    fn create(&self, name: &str, bytes: u64) -> io::Result<Box<dyn LogFile>> {
        self.put(name.to_owned(), vec![0; usize::try_from(bytes).map_err(io::Error::other)?]);
        self.open(name)
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn LogFile>> {
        Ok(Box::new(OpenFile(self.clone(), name.to_owned())))
    }

    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.with(|files| files.get(name).cloned()))
    }

    fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        self.put(name.to_owned(), content.to_vec());
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.with(|files| files.remove(name));
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.with(|files| files.keys().cloned().collect()))
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Ok(u64::MAX)
    }
}

/// Everything a log gives when it is opened; `None` if it is refused.
fn opened(disk: &Files, durable: u64) -> Option<Vec<Vec<u8>>> {
    let mut commits = Vec::new();
    let recovered = recover(disk, SALT, 0, durable, |commit_no, payload| {
        assert_eq!(commit_no, commits.len() as u64 + 1, "commits come in order");
        commits.push(payload.to_vec());
        Ok(())
    });
    let recovered = recovered.ok()?;
    assert_eq!(recovered.last, commits.len() as u64, "every commit is given");
    assert!(recovered.last >= durable, "what was durable is there");
    Some(commits)
}

/// Looks at a log without changing it, then opens it twice: what it gives does not depend on how often.
fn read(disk: &Files, durable: u64) -> Option<Vec<Vec<u8>>> {
    let (mut seen, mut lost) = (Vec::new(), 0);
    let before = disk.with(|files| files.clone());
    let surveyed = survey(
        disk,
        SALT,
        (0, durable),
        &mut |commit_no, payload| seen.push((commit_no, payload.to_vec())),
        // Bytes between segments that nobody wrote are told by a look, and in nobody's way.
        &mut |found| lost += usize::from(found.commits.is_some()),
    );
    surveyed.expect("memory does not fail");
    assert!(disk.with(|files| *files == before), "looking changes nothing");
    assert!(seen.windows(2).all(|pair| pair[0].0 < pair[1].0), "commits come in order");
    let commits = opened(disk, durable)?;
    assert_eq!(opened(disk, durable).as_ref(), Some(&commits), "opened again it gives the same");
    let payloads: Vec<_> = seen.into_iter().map(|(_, payload)| payload).collect();
    assert_eq!(payloads, commits, "a look and an opening see the same commits");
    assert_eq!(lost, 0, "a log that opens lacks nothing");
    Some(commits)
}

/// Bytes as the first two segments of a log.
pub fn raw(bytes: &[u8]) {
    let [durable, cut, bytes @ ..] = bytes else { return };
    let (first, second) = bytes.split_at(usize::from(*cut).min(bytes.len()));
    let disk = Files::default();
    disk.put(segment_name(1), first.to_vec());
    disk.put(segment_name(2), second.to_vec());
    read(&disk, u64::from(*durable));
}

/// A log as the bytes say, some of it cut off or altered. What is given is always a part of what was written, and all of
/// it if nothing was harmed.
pub fn scripted(bytes: &[u8]) {
    let disk = Files::default();
    let (mut written, mut segment, mut ordinal) = (Vec::new(), Vec::new(), 0);
    let (mut harmed, mut gap, mut durable) = (false, false, 0);
    let mut rest = bytes;
    while let [what, much, more @ ..] = rest {
        let (some, behind) = more.split_at(usize::from(*much).min(more.len()));
        rest = behind;
        match what % 8 {
            0..=3 if written.len() < COMMITS => {
                if ordinal == 0 || what % 8 == 3 {
                    keep(&disk, ordinal, &mut segment);
                    ordinal += 1;
                    segment = segment_header(ordinal, written.len() as u64 + 1).to_vec();
                    gap = false;
                }
                // No writer leaves room between two records.
                harmed |= gap;
                let mut record = vec![0; HEADER_BYTES];
                record.extend_from_slice(some);
                seal(SALT, &mut record, written.len() as u64 + 1);
                segment.extend_from_slice(&record);
                written.push(some.to_vec());
            }
            4 => durable = written.len() as u64,
            5 if !segment.is_empty() => {
                let at = usize::from(*much) * 5 % segment.len();
                harmed |= some.first().is_some_and(|byte| *byte != 0);
                segment[at] ^= some.first().unwrap_or(&0);
            }
            6 if !segment.is_empty() => {
                harmed |= *much > 0;
                segment.truncate(segment.len() - usize::from(*much).min(segment.len()));
            }
            // A torn tail, or room that was allocated.
            _ => {
                harmed |= some.iter().any(|byte| *byte != 0);
                gap |= !some.is_empty();
                segment.extend_from_slice(some);
            }
        }
    }
    keep(&disk, ordinal, &mut segment);
    let Some(found) = read(&disk, durable) else {
        assert!(harmed || written.is_empty(), "a sound log opens");
        return;
    };
    assert!(written.starts_with(&found), "nothing is given that was not written");
    assert!(harmed || found == written, "a sound log gives everything");
}

fn keep(disk: &Files, ordinal: u64, segment: &mut Vec<u8>) {
    if ordinal > 0 {
        disk.put(segment_name(ordinal), std::mem::take(segment));
    }
}

/// Bytes as the operations of a commit.
pub fn commit(bytes: &[u8]) {
    let mut commit = CommitBuilder::with_header(HEADER_BYTES);
    for operation in Operations::of(bytes) {
        let Ok(operation) = operation else { return };
        match operation {
            Operation::Put(table, key, value) => {
                commit.put(table, key, |out| out.extend_from_slice(value));
            }
            Operation::Remove(table, key) => commit.remove(table, key),
            Operation::Answer(device, up_to, kept) => commit.answer(device, up_to, &kept),
        }
    }
    assert_eq!(commit.into_bytes()[HEADER_BYTES..], *bytes);
}

/// Bytes as the small files beside the segments.
pub fn marks(bytes: &[u8]) {
    let disk = Files::default();
    disk.put("checkpoint".into(), bytes.to_vec());
    disk.put("durable".into(), bytes.to_vec());
    if let Ok(checkpoint) = Checkpoint::read(&disk) {
        let before = bytes.to_vec();
        Checkpoint::write(&disk, checkpoint).expect("memory does not fail");
        let after = disk.read("checkpoint").expect("memory does not fail");
        assert_eq!(after, Some(before), "a checkpoint has one form");
    }
    let looked = DurableMark::read(&disk).ok();
    let shared: Arc<dyn Disk> = Arc::new(disk);
    let opened = DurableMark::open(&shared).ok().map(|(_, marked)| marked);
    assert_eq!(looked, opened);
}
