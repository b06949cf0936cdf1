//! Where files are kept: whether there is room, or an answer; and of a stopped server, file by file, whether they are what
//! they were.

use std::collections::BTreeMap;
use std::io;

use anser_backend::archive::{Entry, Subject};
use anser_backend::codec::{ContentRow, FileRow, Malformed, Reader};
use anser_backend::{BlobError, Condition};
use anser_files::{Inspection, Keep};
use anser_types::{FileId, Sha256};

use super::disk::free_space;
use super::finding::{Damages, Finding};
use crate::setup::Setup;
use crate::{files, store};

const CHECK: &str = "files";
const FIX: &str = "Put a copy back under its name, which is its SHA-256; or have whoever has the file upload it again.";

/// The place of files, without reading any.
#[must_use]
pub fn examine(setup: &Setup) -> Finding {
    let config = &setup.loaded.config;
    if !config.files.enabled {
        return Finding::ok(CHECK, "switched off");
    }
    match files::kept_in(setup) {
        Err(failure) => Finding::fail(CHECK, failure.detail, failure.next_step),
        Ok(Keep::Directory(path)) if !path.exists() => {
            Finding::ok(CHECK, format!("none yet; a start makes {}", path.display()))
        }
        Ok(Keep::Directory(path)) => {
            let room = free_space(&path, store::min_free_bytes(config));
            let found = format!("kept in {}, with room for {}", path.display(), room.found);
            Finding { check: CHECK, found, ..room }
        }
        Ok(keep @ Keep::Bucket(_)) => match reached(&keep) {
            Ok(()) => Finding::ok(CHECK, format!("the bucket '{}' answers", config.files.bucket)),
            Err(error) => Finding::fail(
                CHECK,
                format!("the bucket '{}': {error}", config.files.bucket),
                "Look at files.bucket, its endpoint and key; uploads are refused until it is there.",
            ),
        },
    }
}

fn reached(keep: &Keep) -> Result<(), BlobError> {
    let failed = |error: io::Error| BlobError::Failed(error.to_string());
    let place = Inspection::of(keep).map_err(failed)?;
    runtime().map_err(failed)?.block_on(place.check())
}

/// An object store is asked through it.
fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// The bytes that a store knows of.
#[derive(Debug, Default)]
pub struct Known(BTreeMap<Sha256, Content>);

#[derive(Debug, Default)]
struct Content {
    bytes: u64,
    files: u64,
    /// One that has these bytes.
    file: Option<FileId>,
}

impl Known {
    /// Takes in what a record of the store says of files.
    ///
    /// # Errors
    /// A record that says nothing that makes sense.
    pub fn add(&mut self, entry: &Entry<'_>) -> Result<(), Malformed> {
        match entry.subject {
            Subject::File => {
                let row = FileRow::read(entry.value)?;
                let id = FileId(Reader::new(entry.key).array()?);
                self.0.entry(row.sha256).or_default().file.get_or_insert(id);
            }
            Subject::FileContent => {
                let sha256 = Sha256(Reader::new(entry.key).array()?);
                let row = ContentRow::read(sha256, entry.value)?;
                let content = self.0.entry(sha256).or_default();
                (content.bytes, content.files) = (row.content.bytes, row.files);
            }
            _ => {}
        }
        Ok(())
    }
}

/// Reads every file that the store knows of, and tells each that is not what it was. Nothing is changed.
#[must_use]
pub fn verify(setup: &Setup, known: &Known) -> Vec<Finding> {
    if known.0.is_empty() {
        return vec![Finding::ok(CHECK, "the store knows of none")];
    }
    let keep = match files::kept_in(setup) {
        Ok(keep) => keep,
        Err(failure) => return vec![Finding::fail(CHECK, failure.detail, failure.next_step)],
    };
    let opened = Inspection::of(&keep).and_then(|place| Ok((place, runtime()?)));
    let (place, runtime) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            let found = format!("{} are known, and where they are kept: {error}", known.0.len());
            let fix = "Look at files.directory, its rights, and whether its disk is there.";
            return vec![Finding::fail(CHECK, found, fix)];
        }
    };
    let mut damages = Damages::new(CHECK, FIX);
    let (mut intact, mut bytes) = (0_u64, 0);
    for (sha256, content) in &known.0 {
        let how = match runtime.block_on(place.condition(*sha256, content.bytes)) {
            Ok(Condition::Intact) => {
                (intact, bytes) = (intact + 1, bytes + content.bytes);
                continue;
            }
            Ok(Condition::Damaged) => "it does not have its hash".to_owned(),
            Ok(Condition::Missing) => "it is missing".to_owned(),
            Ok(Condition::Unreadable(why)) => why,
            Err(error) => error.to_string(),
        };
        damages.add(format!("{sha256}: {how}; {}", content.touches()));
    }
    let read = format!("{intact} of {bytes} bytes together are intact");
    damages.counted(read.clone(), &read, "are not")
}

impl Content {
    fn touches(&self) -> String {
        match (self.file, self.files) {
            (None, _) => "touches no file".to_owned(),
            (Some(file), ..=1) => format!("touches file {file}"),
            (Some(file), files) => format!("touches file {file} and {} more", files - 1),
        }
    }
}
