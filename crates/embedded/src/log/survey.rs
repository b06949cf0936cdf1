//! Reading a log without changing anything: every record that reads, and an account of everything that does not.

use std::io;

use super::record::{self, Salt};
use super::segment::{SEGMENT_HEADER_BYTES, first_commit, name_of, ordinal_of};
use crate::disk::Disk;

/// Something that does not read: where, and which commits that concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// File and offset.
    pub place: String,
    /// The first and the last commit; `None` if it is something between commits.
    pub commits: Option<(u64, u64)>,
}

/// Gives every readable commit in order to `each`, and everything that does not read but was accepted to `unread`. A
/// torn tail that was never accepted is no damage. Commits up to `checkpoint` may be gone, `known` is the last commit that
/// is known to have been accepted.
pub fn survey(
    disk: &dyn Disk,
    salt: Salt,
    (checkpoint, known): (u64, u64),
    each: &mut dyn FnMut(u64, &[u8]),
    unread: &mut dyn FnMut(Unread),
) -> io::Result<()> {
    let mut ordinals: Vec<u64> = disk.list()?.iter().filter_map(|name| ordinal_of(name)).collect();
    ordinals.sort_unstable();
    let mut surveyor = Surveyor { salt, checkpoint, next: None, doubtful: None, each, unread };
    for ordinal in ordinals {
        let bytes = disk.read(&name_of(ordinal))?.unwrap_or_default();
        surveyor.segment(ordinal, &bytes);
    }
    surveyor.end(known);
    Ok(())
}

struct Surveyor<'a> {
    salt: Salt,
    checkpoint: u64,
    /// The number of the next commit, once one was read.
    next: Option<u64>,
    /// Bytes that do not read: a torn tail unless an accepted commit turns out to be missing there.
    doubtful: Option<String>,
    each: &'a mut dyn FnMut(u64, &[u8]),
    unread: &'a mut dyn FnMut(Unread),
}

impl Surveyor<'_> {
    fn segment(&mut self, ordinal: u64, bytes: &[u8]) {
        if bytes.iter().all(|byte| *byte == 0) {
            // Prepared and not used yet.
            return;
        }
        let name = name_of(ordinal);
        match first_commit(ordinal, bytes) {
            Some(first) => self.reach(first, &format!("{name}, its beginning")),
            None => self.note(format!("{name}, its header")),
        }
        let mut at = SEGMENT_HEADER_BYTES.min(bytes.len());
        while at < bytes.len() {
            if let Some(record) = record::read(self.salt, &bytes[at..]) {
                self.reach(record.commit_no, &format!("{name}, before byte {at}"));
                if self.next.is_none_or(|next| next == record.commit_no) {
                    (self.each)(record.commit_no, record.payload);
                    self.next = Some(record.commit_no + 1);
                }
                at += record.stored;
                continue;
            }
            let later = (at + 8..bytes.len())
                .step_by(8)
                .find(|later| record::read(self.salt, &bytes[*later..]).is_some());
            let end = later.unwrap_or(bytes.len());
            if bytes[at..end].iter().any(|byte| *byte != 0) {
                self.note(format!("{name}, bytes {at} to {end}"));
            }
            at = end;
        }
    }

    fn note(&mut self, place: String) {
        self.doubtful = Some(match self.doubtful.take() {
            Some(earlier) => format!("{earlier}; {place}"),
            None => place,
        });
    }

    /// The next readable commit is this one: what lies between was accepted.
    fn reach(&mut self, commit_no: u64, place: &str) {
        let doubtful = self.doubtful.take();
        let next = self.next.unwrap_or(commit_no.min(self.checkpoint + 1));
        let commits = (next < commit_no).then(|| (next, commit_no - 1));
        if doubtful.is_some() || commits.is_some() {
            let place = doubtful.unwrap_or_else(|| place.to_owned());
            (self.unread)(Unread { place, commits });
        }
        self.next = Some(next.max(commit_no));
    }

    fn end(&mut self, known: u64) {
        let next = self.next.unwrap_or(1);
        if known >= next {
            let place = self.doubtful.take().unwrap_or_else(|| "its end".to_owned());
            (self.unread)(Unread { place, commits: Some((next, known)) });
        }
    }
}
