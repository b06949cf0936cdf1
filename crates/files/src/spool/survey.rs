//! What is found in the spool when it is opened: uploads that go on, left-overs that are removed, and garbage that is set
//! aside and reported, never an error.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::Path;

use anser_backend::Upload;
use anser_types::{FileId, ThumbnailSize};

use super::note::{self, Progress};
use super::{ASIDE, LOCK, Spool};
use crate::disk::{make_directory, private, remove_if_there};

impl Spool {
    /// The uploads, each cut to what is noted as durable.
    pub(super) fn survey(&self) -> io::Result<Vec<(Upload, Progress)>> {
        let mut of_uploads: BTreeMap<FileId, BTreeSet<String>> = BTreeMap::new();
        for entry in std::fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            if name == LOCK || name == ASIDE {
                continue;
            }
            match belongs_to(&name) {
                Some((id, kind)) => drop(of_uploads.entry(id).or_default().insert(kind)),
                None => self.set_aside(&name, "it belongs to no upload"),
            }
        }
        let mut uploads = Vec::new();
        for (id, kinds) in of_uploads {
            self.remove_left_over(id, &kinds);
            if !kinds.contains("note") {
                continue;
            }
            match self.take_up(id) {
                Ok(found) => uploads.push(found),
                Err(reason) => {
                    for kind in ["note", "bytes"].into_iter().filter(|kind| kinds.contains(*kind)) {
                        self.set_aside(&OsString::from(format!("{id}.{kind}")), &reason);
                    }
                }
            }
        }
        Ok(uploads)
    }

    /// Removes what is made again when it is needed; without a note everything.
    fn remove_left_over(&self, id: FileId, kinds: &BTreeSet<String>) {
        let is_noted = kinds.contains("note");
        for kind in kinds.iter().filter(|kind| !is_noted || !["note", "bytes"].contains(&&***kind))
        {
            let path = self.path.join(format!("{id}.{kind}"));
            if let Err(error) = remove_if_there(&path) {
                tracing::warn!(path = %path.display(), %error, "a left-over of an upload stays");
            }
        }
    }

    /// Reads an upload's note and cuts its bytes to it, or says what is wrong.
    fn take_up(&self, id: FileId) -> Result<(Upload, Progress), String> {
        let bytes = std::fs::read(self.note_of(id)).map_err(|error| error.to_string())?;
        let (upload, progress) =
            note::read(&bytes).ok_or("what is noted of the upload cannot be read")?;
        if upload.id != id {
            return Err(format!("it is noted for another upload, {}", upload.id));
        }
        if upload.length.is_some() && progress.length != upload.length {
            return Err("its length is not the one that was announced".into());
        }
        let file = private().open(self.bytes_of(id)).map_err(|error| error.to_string())?;
        let there = file.metadata().map_err(|error| error.to_string())?.len();
        if there < progress.offset {
            return Err(format!("{there} bytes are left of {}", progress.offset));
        }
        if there > progress.offset {
            // The kept bytes may be this very file; an upload that is kept is complete and never longer.
            if progress.kept_as.is_some() {
                return Err(format!("{there} bytes are there, {} were kept", progress.offset));
            }
            file.set_len(progress.offset).map_err(|error| error.to_string())?;
        }
        Ok((upload, progress))
    }

    /// Moves what cannot be used out of the way. Never fails: an error is reported, and the file stays where it is.
    fn set_aside(&self, name: &OsString, reason: &str) {
        let aside = self.path.join(ASIDE);
        let moved = make_directory(&aside).and_then(|()| {
            std::fs::rename(self.path.join(name), aside.join(free_name(&aside, name)))
        });
        let (spool, name) = (self.path.display(), name.display());
        match moved {
            Ok(()) => {
                tracing::error!(%spool, %name, reason, "something in the spool was set aside");
            }
            Err(error) => {
                tracing::error!(%spool, %name, reason, %error, "something in the spool is ignored");
            }
        }
    }
}

/// A name under which nothing was set aside before.
fn free_name(aside: &Path, name: &OsString) -> OsString {
    let mut free = name.clone();
    let mut number = 0_u32;
    while aside.join(&free).exists() && number < u32::MAX {
        number += 1;
        free = name.clone();
        free.push(format!(".{number}"));
    }
    free
}

/// The upload a file belongs to, and what it is of it.
fn belongs_to(name: &OsString) -> Option<(FileId, String)> {
    let (id, kind) = name.to_str()?.split_once('.')?;
    let is_known = ["bytes", "note", "new", "clean"].contains(&kind)
        || ThumbnailSize::from_name(kind).is_some();
    // Spelled in one way only: a name in capitals would be taken for another file.
    let id: FileId = id.parse().ok().filter(|parsed: &FileId| parsed.to_string() == id)?;
    is_known.then(|| (id, kind.to_owned()))
}
