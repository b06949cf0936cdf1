//! The files of the tables as they must be before the tree store may look at them, and its journal kept away from it.
//!
//! The tree store trusts its own small files: one flipped bit in the list of a keyspace's table files makes it delete
//! files, ask for gigabytes or stop the process. Every one of these files carries a checksum, so all are compared
//! first: `version`, each keyspace's `current` and the list it names, and the table of contents at the end of each
//! table file. (Blocks of table files carry their own, which the tree store compares itself.) Formats: `fjall` 3,
//! `lsm-tree` 3, `sfa` 1.
//!
//! Its journal is never read. After a checkpoint nothing rests on it: every commit behind the checkpoint is in the
//! commit log, whose checksums, unlike the journal's, cover every byte.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::{Xxh3Default, xxh3_128};

const VERSION: &str = "version";
const VERSION_CONTENT: &[u8] = b"FJL\x03";
const KEYSPACES: &str = "keyspaces";
const CURRENT: &str = "current";
const CURRENT_BYTES: usize = 25;
/// The keyspaces of `Table`, and the one that holds their names.
const KEYSPACES_OF_A_STORE: usize = 4;
const TRAILER: &[u8; 6] = b"SFA!\x01\x00";
const TRAILER_BYTES: usize = 38;
/// A table of contents has a dozen entries of some 30 bytes; a longer one is none.
const CONTENTS_MAX_BYTES: usize = 4096;
/// Bytes of a list of table files for about 30,000 of them, a terabyte of rows.
const LIST_MAX_BYTES: u64 = 1 << 20;
const JOURNAL: &str = "jnl";
const ASIDE: &str = "jnl-set-aside";

/// A file of the tables that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadFile {
    /// Its place below the directory of the tables.
    pub place: String,
    /// What is wrong with it.
    pub why: String,
}

impl BadFile {
    fn new(place: impl Into<String>, why: impl Into<String>) -> Self {
        Self { place: place.into(), why: why.into() }
    }
}

/// Why files cannot be shown to the tree store.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// One is damaged or missing.
    #[error("{}: {}", .0.place, .0.why)]
    Bad(BadFile),
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<BadFile> for FilesError {
    fn from(bad: BadFile) -> Self {
        Self::Bad(bad)
    }
}

/// A table file and the checksum of all its bytes.
#[derive(Clone, Debug)]
struct Listed {
    place: String,
    checksum: u128,
}

/// The tables' directory.
#[derive(Clone, Copy, Debug)]
pub struct TableFiles<'a> {
    path: &'a Path,
}

impl<'a> TableFiles<'a> {
    /// Of the tables in this directory.
    pub const fn of(path: &'a Path) -> Self {
        Self { path }
    }

    /// Compares everything that the tree store trusts; reads a few hundred bytes of each file. Tables that are
    /// `unfinished`, because their first start may have been killed, may lack files.
    pub fn check(self, unfinished: bool) -> Result<(), FilesError> {
        for listed in self.listed(unfinished)? {
            self.check_contents(&listed)?;
        }
        Ok(())
    }

    /// Reads every byte of every table file and tells those that differ from what was written.
    pub fn check_every_byte(self, tell: &mut dyn FnMut(BadFile)) -> Result<(), FilesError> {
        for listed in self.listed(false)? {
            let mut file = File::open(self.path.join(&listed.place))?;
            let (mut sum, mut chunk) = (Xxh3Default::new(), vec![0; 1 << 20]);
            loop {
                match file.read(&mut chunk)? {
                    0 => break,
                    some => sum.update(&chunk[..some]),
                }
            }
            if sum.digest128() != listed.checksum {
                tell(BadFile::new(listed.place, "its checksum differs"));
            }
        }
        Ok(())
    }

    /// Every table file of every keyspace, from lists that are as they were written.
    fn listed(self, unfinished: bool) -> Result<Vec<Listed>, FilesError> {
        match fs::read(self.path.join(VERSION)) {
            Ok(content) if content == VERSION_CONTENT => {}
            Ok(_) => return Err(BadFile::new(VERSION, "it is not what was written").into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound && unfinished => {}
            Err(error) => return Err(self.failed(VERSION, error)),
        }
        let entries = match fs::read_dir(self.path.join(KEYSPACES)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound && unfinished => {
                return Ok(Vec::new());
            }
            Err(error) => return Err(self.failed(KEYSPACES, error)),
        };
        let (mut listed, mut keyspaces) = (Vec::new(), 0);
        for entry in entries {
            let name = entry?.file_name();
            let place = format!("{KEYSPACES}/{}", name.to_string_lossy());
            if name.to_str().and_then(|name| name.parse::<u64>().ok()).is_none() {
                return Err(BadFile::new(place, "it is no keyspace").into());
            }
            if unfinished && !self.path.join(&place).join(CURRENT).exists() {
                continue;
            }
            keyspaces += 1;
            self.read_list(&place, &mut listed)?;
        }
        if keyspaces < KEYSPACES_OF_A_STORE && !unfinished {
            return Err(BadFile::new(KEYSPACES, "a keyspace is missing").into());
        }
        Ok(listed)
    }

    fn read_list(self, keyspace: &str, listed: &mut Vec<Listed>) -> Result<(), FilesError> {
        let place = format!("{keyspace}/{CURRENT}");
        let current = self.read(&place, LIST_MAX_BYTES)?;
        let current: [u8; CURRENT_BYTES] = current
            .try_into()
            .map_err(|_| BadFile::new(&place, "it has not the size that was written"))?;
        let (version, rest) = current.split_at(8);
        let place = format!("{keyspace}/v{}", little_endian(version));
        let list = self.read(&place, LIST_MAX_BYTES)?;
        if rest.split_last() != Some((&0, &xxh3_128(&list).to_le_bytes()[..])) {
            let why = format!("it and the checksum in '{CURRENT}' do not match");
            return Err(BadFile::new(place, why).into());
        }
        let tables = tables_in(&list)
            .ok_or_else(|| BadFile::new(&place, "it has a form that is not known"))?;
        listed.extend(
            tables.into_iter().map(|(id, checksum)| Listed {
                place: format!("{keyspace}/tables/{id}"),
                checksum,
            }),
        );
        Ok(())
    }

    /// Compares the end of a table file: everything else in it is found from there.
    fn check_contents(self, listed: &Listed) -> Result<(), FilesError> {
        let place = &listed.place;
        let file = File::open(self.path.join(place)).map_err(|error| self.failed(place, error))?;
        let len = file.metadata()?.len();
        let most =
            usize::try_from(len).unwrap_or(usize::MAX).min(TRAILER_BYTES + CONTENTS_MAX_BYTES);
        let mut end = vec![0; most];
        file.read_exact_at(&mut end, len - most as u64)?;
        contents(&end, len)
            .ok_or_else(|| BadFile::new(place, "its table of contents is not what was written"))?;
        Ok(())
    }

    fn read(self, place: &str, most: u64) -> Result<Vec<u8>, FilesError> {
        let file = File::open(self.path.join(place)).map_err(|error| self.failed(place, error))?;
        let mut content = Vec::new();
        file.take(most).read_to_end(&mut content)?;
        Ok(content)
    }

    #[expect(clippy::unused_self, reason = "reads as a question about these files")]
    fn failed(self, place: &str, error: io::Error) -> FilesError {
        if error.kind() == io::ErrorKind::NotFound {
            return BadFile::new(place, "it is missing").into();
        }
        error.into()
    }

    fn with_extension(self, extension: &str) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.path)? {
            let path = entry?.path();
            if path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension)) {
                found.push(path);
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Puts an empty journal in place of the tree store's: it goes on from the highest number in its table files only
    /// if it finds a journal, however empty. Tables that were never finished stay as they are.
    pub fn forget_journal(self) -> io::Result<()> {
        if !self.path.join(VERSION).exists() {
            return Ok(());
        }
        for old in self.with_extension(JOURNAL)?.iter().chain(&self.with_extension(ASIDE)?) {
            fs::remove_file(old)?;
        }
        self.empty_journal()
    }

    fn empty_journal(self) -> io::Result<()> {
        File::create(self.path.join("0").with_extension(JOURNAL)).map(|_| ())
    }

    fn forget_new_journals(self) -> io::Result<()> {
        self.with_extension(JOURNAL)?.iter().try_for_each(fs::remove_file)
    }
}

/// The tree store's journal, set aside while somebody only looks; dropping it puts everything back.
#[derive(Debug)]
pub struct JournalAside<'a> {
    files: TableFiles<'a>,
}

impl<'a> JournalAside<'a> {
    /// Sets it aside and puts an empty one in its place.
    pub fn begin(files: TableFiles<'a>) -> io::Result<Self> {
        if files.with_extension(ASIDE)?.is_empty() {
            for journal in files.with_extension(JOURNAL)? {
                fs::rename(&journal, journal.with_extension(ASIDE))?;
            }
        }
        let aside = Self { files };
        files.forget_new_journals()?;
        files.empty_journal()?;
        Ok(aside)
    }

    fn put_back(&self) -> io::Result<()> {
        self.files.forget_new_journals()?;
        for aside in self.files.with_extension(ASIDE)? {
            fs::rename(&aside, aside.with_extension(JOURNAL))?;
        }
        Ok(())
    }
}

impl Drop for JournalAside<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.put_back() {
            // Nobody reads it: the next start begins with an empty one.
            tracing::warn!(%error, "the journal of the tables was not put back");
        }
    }
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn take<'a>(bytes: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(taken)
}

fn number(bytes: &mut &[u8], len: usize) -> Option<u64> {
    take(bytes, len).map(little_endian)
}

/// The table of contents that ends a file of `len` bytes, if it is as it was written: name, place and length of each
/// section. `end` is the end of the file.
fn contents(end: &[u8], len: u64) -> Option<Vec<(Vec<u8>, u64, u64)>> {
    let (before, trailer) = end.split_at_checked(end.len().checked_sub(TRAILER_BYTES)?)?;
    let mut rest = trailer.strip_prefix(TRAILER)?;
    let checksum = take(&mut rest, 16)?;
    let (at, contents_len) = (number(&mut rest, 8)?, number(&mut rest, 8)?);
    if at.checked_add(contents_len)?.checked_add(TRAILER_BYTES as u64)? != len {
        return None;
    }
    let start = before.len().checked_sub(usize::try_from(contents_len).ok()?)?;
    let mut entries = &before[start..];
    if xxh3_128(entries).to_le_bytes() != checksum {
        return None;
    }
    (take(&mut entries, 4)? == b"TOC!").then_some(())?;
    let count = number(&mut entries, 4)?;
    let mut found = Vec::new();
    for _ in 0..count {
        let (at, section) = (number(&mut entries, 8)?, number(&mut entries, 8)?);
        let name = number(&mut entries, 2)?;
        found.push((take(&mut entries, usize::try_from(name).ok()?)?.to_vec(), at, section));
    }
    Some(found)
}

/// Number and checksum of every table file in a keyspace's list.
fn tables_in(list: &[u8]) -> Option<Vec<(u64, u128)>> {
    let sections = contents(list, list.len() as u64)?;
    let (_, at, len) = sections.into_iter().find(|(name, ..)| name == b"tables")?;
    let (at, len) = (usize::try_from(at).ok()?, usize::try_from(len).ok()?);
    let mut section = list.get(at..at.checked_add(len)?)?;
    let mut found = Vec::new();
    for _ in 0..number(&mut section, 1)? {
        for _ in 0..number(&mut section, 1)? {
            for _ in 0..number(&mut section, 4)? {
                let id = number(&mut section, 8)?;
                (number(&mut section, 1)? == 0).then_some(())?;
                let checksum = u128::from_le_bytes(take(&mut section, 16)?.try_into().ok()?);
                take(&mut section, 8)?;
                found.push((id, checksum));
            }
        }
    }
    Some(found)
}
