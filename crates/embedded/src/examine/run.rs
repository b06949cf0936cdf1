//! One pass over a store: its small files, its log, then every row.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use anser_backend::DeviceKey;
use anser_backend::archive::{Counts, Entry, Subject};
use anser_backend::codec::{DeviceRecord, Kept};
use anser_types::{CommandNo, LogEpoch};
use bytes::Bytes;

use super::checks::Checks;
use super::rows::{Row, Rows};
use crate::backup::place_of;
use crate::commit::{Operation, Operations};
use crate::disk::{Directory, Disk as _};
use crate::format::{FORMAT_FILE, Format};
use crate::keys::{self, Table};
use crate::log::{Checkpoint, DurableMark, survey};
use crate::opening::lock;
use crate::options::OpenError;
use crate::table_files::{BadFile, JournalAside, TableFiles};
use crate::tables::{TableError, Tables};

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Where it is.
    pub place: String,
    /// What it touches.
    pub touches: String,
}

/// What the pass meets.
#[derive(Clone, Debug)]
pub enum Found<'a> {
    /// A record that reads and makes sense, in the order of archives.
    Intact(Entry<'a>),
    /// Something that does not.
    Damage(Damage),
}

/// What there was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Examination {
    /// Intact records.
    pub counts: Counts,
    /// Readable commits of the log.
    pub commits: u64,
    /// Damages that were told.
    pub damages: u64,
    /// See [`LogEpoch`]; zero if the file that says so does not read.
    pub log_epoch: LogEpoch,
}

/// Tells what is found, and counts.
pub(super) struct Telling<'a> {
    tell: &'a mut dyn FnMut(Found<'_>) -> io::Result<()>,
    pub(super) examination: Examination,
    failed: Option<io::Error>,
}

impl Telling<'_> {
    pub(super) fn damage(&mut self, place: impl Into<String>, touches: impl Into<String>) {
        self.examination.damages += 1;
        let damage = Damage { place: place.into(), touches: touches.into() };
        let told = (self.tell)(Found::Damage(damage));
        self.keep(told);
    }

    fn intact(&mut self, entry: Entry<'_>) {
        self.examination.counts.add(entry.subject);
        let told = (self.tell)(Found::Intact(entry));
        self.keep(told);
    }

    fn keep(&mut self, told: io::Result<()>) {
        if let Err(error) = told {
            self.failed.get_or_insert(error);
        }
    }
}

/// Reads everything in a store that nobody uses, and tells every intact record and every damage. Nothing is changed.
///
/// # Errors
/// If another process uses the store, or `tell` failed.
pub fn examine(
    dir: &Path,
    tell: &mut dyn FnMut(Found<'_>) -> io::Result<()>,
) -> Result<Examination, OpenError> {
    let _lock = lock(dir)?;
    let mut telling = Telling { tell, examination: Examination::default(), failed: None };
    let format = read_format(dir, &mut telling);
    let path = dir.join("tables");
    // Stands before the tables, so that they let go of their directory before it is put back as it was.
    let mut aside = None;
    let tables = open_tables(&path, &mut aside, &mut telling)?;
    let applied = match tables.as_ref().map(Tables::applied) {
        None => 0,
        Some(Ok(applied)) => applied,
        Some(Err(error)) => {
            telling.damage("tables, the last applied commit", error.to_string());
            0
        }
    };
    let mut log = Log { applied, ..Log::default() };
    if let Some(format) = format {
        log.read(dir, format, &mut telling)?;
    }
    let frozen = tables.as_ref().map(Tables::freeze);
    let mut rows = Rows { tables: frozen, overlay: log.overlay };
    add_answers(&mut rows, log.answers, &mut telling);
    let mut checks = Checks::default();
    for subject in Subject::ALL {
        examine_subject(&rows, subject, &mut checks, &mut telling)?;
    }
    checks.finish(&rows, &mut telling)?;
    telling.failed.map_or(Ok(telling.examination), |error| Err(error.into()))
}

fn read_format(dir: &Path, telling: &mut Telling<'_>) -> Option<Format> {
    let read = Directory::open(dir).and_then(|dir| dir.read(FORMAT_FILE));
    let format = match read {
        Ok(Some(content)) => Format::read(&content).map_err(|error| format!("{error:?}")),
        Ok(None) => Err("it is missing".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    match format {
        Ok(format) => {
            telling.examination.log_epoch = format.log_epoch;
            Some(format)
        }
        Err(why) => {
            let touches =
                "the whole commit log (its checksums cannot be checked) and the log epoch";
            telling.damage(format!("format: {why}"), touches);
            None
        }
    }
}

fn open_tables<'a>(
    path: &'a Path,
    aside: &mut Option<JournalAside<'a>>,
    telling: &mut Telling<'_>,
) -> io::Result<Option<Tables>> {
    let touches = "everything but the commits still in the log";
    if !path.exists() {
        telling.damage("tables: they are missing", touches);
        return Ok(None);
    }
    let files = TableFiles::of(path);
    let mut tell = |bad: BadFile| {
        let touches = "rows of this file; those that do not read are told below";
        telling.damage(format!("tables: {}: {}", bad.place, bad.why), touches);
    };
    let opened = files.check_every_byte(&mut tell).and_then(|()| files.check(false));
    let opened = opened.map_err(TableError::from).and_then(|()| {
        *aside = Some(JournalAside::begin(files).map_err(fjall::Error::from)?);
        Tables::open_to_look(path)
    });
    match opened {
        Ok(tables) => Ok(Some(tables)),
        Err(error) => {
            telling.damage(format!("tables: {error}"), touches);
            Ok(None)
        }
    }
}

/// What the log adds to the tables.
#[derive(Default)]
struct Log {
    applied: u64,
    checkpoint: u64,
    overlay: super::rows::Overlay,
    answers: Vec<(DeviceKey, CommandNo, Kept)>,
}

impl Log {
    fn read(
        &mut self,
        dir: &Path,
        format: Format,
        telling: &mut Telling<'_>,
    ) -> Result<(), OpenError> {
        let disk = Directory::open(&dir.join("log"))?;
        let checkpoint = Checkpoint::read(&disk).unwrap_or_else(|error| {
            telling.damage(format!("log: {error}"), "where the log may end is not known");
            0
        });
        let durable = DurableMark::read(&disk).unwrap_or_else(|error| {
            telling.damage(format!("log: {error}"), "where the log may end is not known");
            0
        });
        self.checkpoint = checkpoint;
        if self.applied < checkpoint {
            let touches = format!("commits {} to {checkpoint}", self.applied + 1);
            telling.damage("tables: they lack commits that had reached them", touches);
        }
        let mut unread = Vec::new();
        let mut broken = Vec::new();
        let known = checkpoint.max(durable).max(self.applied);
        let mut commits = 0;
        let mut each = |no: u64, payload: &[u8]| {
            commits += 1;
            if let Err(error) = self.add(no, payload) {
                broken.push((no, error));
            }
        };
        survey(&disk, format.salt, (checkpoint, known), &mut each, &mut |found| {
            unread.push(found);
        })?;
        telling.examination.commits = commits;
        for found in unread {
            let touches = match found.commits {
                None => "no commit, only what separates them".to_owned(),
                Some((from, to)) if to <= checkpoint => {
                    format!("commits {from} to {to}, which the tables hold")
                }
                Some((from, to)) => format!("commits {from} to {to}"),
            };
            telling.damage(format!("log: {}", found.place), touches);
        }
        for (no, error) in broken {
            telling.damage(format!("log: {error}"), format!("commit {no}"));
        }
        Ok(())
    }

    fn add(&mut self, no: u64, payload: &[u8]) -> Result<(), crate::codec::Malformed> {
        for operation in Operations::of(payload) {
            match operation? {
                Operation::Answer(device, up_to, kept) => {
                    self.answers.push((device, up_to, *kept));
                }
                // The tables have it, or something newer. Behind the checkpoint one table may hold a commit that another
                // one lacks.
                _ if no <= self.checkpoint => {}
                Operation::Put(table, key, value) => {
                    let value = Bytes::copy_from_slice(value);
                    self.overlay.insert((table, key.to_vec()), Some(value));
                }
                Operation::Remove(table, key) => {
                    self.overlay.insert((table, key.to_vec()), None);
                }
            }
        }
        Ok(())
    }
}

/// Brings devices' records to the end of the log, as a start would.
fn add_answers(
    rows: &mut Rows,
    answers: Vec<(DeviceKey, CommandNo, Kept)>,
    telling: &mut Telling<'_>,
) {
    let mut records = BTreeMap::<DeviceKey, DeviceRecord>::new();
    for (device, up_to, kept) in answers {
        let record = records.entry(device).or_insert_with(|| {
            let key = keys::device(device);
            match rows.get(Table::State, &key) {
                // Damage of the row itself is told when all rows are read.
                Ok(row) => row.and_then(|row| DeviceRecord::read(&row).ok()).unwrap_or_default(),
                Err(error) => {
                    let DeviceKey { user, device } = device;
                    let touches = format!("the commands of device {} of user {}", device.0, user.0);
                    telling.damage(format!("tables: {error}"), touches);
                    DeviceRecord::default()
                }
            }
        });
        record.note(up_to, kept);
    }
    for (device, record) in records {
        let mut row = Vec::new();
        record.write(&mut row);
        rows.overlay.insert((Table::State, keys::device(device)), Some(row.into()));
    }
}

fn examine_subject(
    rows: &Rows,
    subject: Subject,
    checks: &mut Checks,
    telling: &mut Telling<'_>,
) -> io::Result<()> {
    let place = place_of(subject);
    let (from, to) = place.range();
    rows.each(place.table, (&from, to.as_deref()), &mut |row| {
        match row {
            Row::Unreadable(after, before, why) => {
                let shown = |key: Option<Vec<u8>>, end: &str| {
                    key.map_or(end.to_owned(), |key| {
                        super::checks::name_of(subject, place.key_in_archive(&key))
                    })
                };
                let touches = format!(
                    "{} between {} and {}",
                    subject.name(),
                    shown(after, "the first"),
                    shown(before, "the last")
                );
                telling.damage(format!("tables ({}): {why}", place.table.name()), touches);
            }
            Row::Whole(key, value) => {
                let key = place.key_in_archive(&key);
                let entry = Entry { subject, key, value: &value };
                match entry.check() {
                    Ok(()) => {
                        checks.look_at(&entry, rows, telling);
                        telling.intact(entry);
                    }
                    Err(error) => {
                        let name = super::checks::name_of(subject, key);
                        telling.damage(format!("tables ({}): {error}", place.table.name()), name);
                    }
                }
            }
        }
        Ok(())
    })
}
