//! What `anser backup` and `anser restore` do.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write as _};
use std::path::Path;
use std::time::Instant;

use anser_backend::archive::{ArchiveError, Header, Reader, Summary};
use anser_embedded::{BackupError, RestoreError, RestoreOptions, restore};
use anser_types::{Clock as _, ErrorCode, LogEpoch};

use super::fetch;
use super::part::Part;
use super::report::Report;
use crate::failure::Failure;
use crate::machine::{SystemClock, runtime};
use crate::setup::Setup;
use crate::store;

/// Bytes read from an archive at once.
const READ_BYTES: usize = 1024 * 1024;

/// Writes everything the store holds into a new file: through the running server if there is one, else directly.
/// Returns what to tell.
///
/// # Errors
/// Whatever kept it from being whole; there is no file of this name then.
pub fn back_up(setup: &Setup, to: &Path, json: bool) -> Result<String, Failure> {
    let begun = Instant::now();
    let part = Part::begin(to).map_err(|error| cannot_write(to, &error))?;
    let runtime = runtime()?;
    let (header, archive) =
        match store::open_existing(&setup.data_dir.store(), &setup.loaded.config) {
            Ok(opened) => {
                let made = runtime
                    .block_on(opened.snapshot())
                    .map_err(|error| Failure::new(ErrorCode::StoreFailed, error.to_string()));
                let made = made.and_then(|snapshot| from_store(&snapshot, part, to));
                runtime.block_on(store::close(opened))?;
                made?
            }
            Err(failure) if failure.code == ErrorCode::StoreInUse => {
                let incoming = runtime.block_on(fetch::begin(&setup.data_dir))?;
                receive(incoming, part, to)?
            }
            Err(failure) => return Err(failure),
        };
    let took = begun.elapsed();
    let made = to.display().to_string();
    let report = Report {
        made: &made,
        header: &header,
        archive: &archive,
        took,
        log_epoch: None,
        verified: false,
    };
    Ok(told(&report, json))
}

fn told(report: &Report<'_>, json: bool) -> String {
    if json { format!("{}\n", report.as_json()) } else { report.as_text() }
}

fn from_store(
    snapshot: &anser_embedded::Snapshot,
    part: Part,
    to: &Path,
) -> Result<(Header, Summary), Failure> {
    let made_at = SystemClock.now();
    let failed = |error: BackupError| {
        let failure = Failure::new(error.code(), error.to_string());
        match error.code() {
            ErrorCode::StoreDamaged => {
                failure.next("Run 'anser doctor --verify': it names everything that is damaged.")
            }
            _ => failure.next("Look at the disk the archive is written to."),
        }
    };
    let header = snapshot.header(made_at).map_err(failed)?;
    let (part, summary) = snapshot.write_archive(part, made_at).map_err(failed)?;
    part.complete().map_err(|error| cannot_write(to, &error))?;
    Ok((header, summary))
}

/// Takes an archive as it comes, checking all of it on the way into the file.
fn receive(incoming: impl Read, part: Part, to: &Path) -> Result<(Header, Summary), Failure> {
    let mut part = part;
    let checked = Reader::begin(Tee { from: incoming, to: &mut part }).and_then(Reader::verify);
    let checked = checked.map_err(|error| {
        let failure =
            Failure::new(error.code(), format!("the archive did not arrive whole: {error}"));
        match error {
            ArchiveError::Io(_) => {
                failure.next("Look at the server's log and at the disk the archive is written to.")
            }
            _ => failure
                .next("Look at the server's log ('a backup was not finished'), then run it again."),
        }
    })?;
    part.complete().map_err(|error| cannot_write(to, &error))?;
    Ok(checked)
}

/// Writes down whatever is read.
struct Tee<'a, R> {
    from: R,
    to: &'a mut Part,
}

impl<R: Read> Read for Tee<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let len = self.from.read(into)?;
        self.to.write_all(&into[..len])?;
        Ok(len)
    }
}

/// Makes the store of a data directory that has none from an archive. Returns what to tell.
///
/// # Errors
/// Why nothing was restored; everything is as it was then.
pub fn bring_back(setup: &Setup, from: &Path, verify: bool, json: bool) -> Result<String, Failure> {
    let begun = Instant::now();
    let file = File::open(from).map_err(|error| {
        Failure::new(ErrorCode::ArchiveDamaged, format!("{}: {error}", from.display()))
            .next("Name an archive with --from.")
    })?;
    let root = setup.data_dir.root();
    let made_root = setup.data_dir.create().map_err(|error| {
        Failure::new(ErrorCode::StoreFailed, format!("{}: {error}", root.display()))
    })?;
    let options = RestoreOptions {
        // Above every epoch an earlier restore of the same archive may have given.
        least_log_epoch: LogEpoch(SystemClock.now().0 / 1000),
        verify,
        store: store::options(&setup.loaded.config),
    };
    let input = BufReader::with_capacity(READ_BYTES, file);
    let restored = restore(input, &setup.data_dir.store(), &options).map_err(|error| {
        if made_root && let Err(error) = fs::remove_dir(root) {
            tracing::warn!(%error, "the new data directory is left behind");
        }
        refused(&error, from)
    })?;
    let made = setup.data_dir.store().display().to_string();
    let report = Report {
        made: &made,
        header: &restored.header,
        archive: &restored.archive,
        took: begun.elapsed(),
        log_epoch: Some(restored.log_epoch),
        verified: restored.store.is_some(),
    };
    Ok(told(&report, json))
}

fn refused(error: &RestoreError, from: &Path) -> Failure {
    let failure = |text: String| Failure::new(error.code(), text);
    match error {
        RestoreError::Archive(archive) => failure(format!("{}: {archive}", from.display())),
        RestoreError::NotEmpty(_) => failure(error.to_string())
            .next("Name an empty directory with --data-dir; nothing is ever overwritten."),
        _ => failure(error.to_string())
            .next("Look at the disk and its free space, then run it again."),
    }
}

fn cannot_write(to: &Path, error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::AlreadyExists {
        return Failure::new(ErrorCode::NotEmpty, format!("{} exists already", to.display()));
    }
    let text = format!("{}: {error}", to.display());
    Failure::new(ErrorCode::StoreFailed, text)
        .next("Name a file in a directory that exists, on a disk with room, with --to.")
}
