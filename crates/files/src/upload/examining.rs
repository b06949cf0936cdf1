//! A complete upload is compared with its hash and looked at; what is made of it stands beside it until it is kept.

use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use anser_backend::{BlobError, Examined};
use anser_media::HEAD_BYTES;
use anser_types::{Look, Sha256, ThumbnailSize};

use super::Arrival;
use crate::disk::{failure, private};
use crate::hashing::Running;
use crate::looks::{Looks, Seen, Unseen};

/// What was found out and made.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    examined: Examined,
    /// What will be given is not what arrived.
    is_cleaned: bool,
}

/// How far examining came without looking.
pub(crate) enum Verified {
    /// Everything is known.
    Done(Examined),
    /// All bytes are here, and they are what was announced; it remains to look at them.
    ToBeSeen { head: Vec<u8>, sha256: Sha256 },
}

/// The files of an upload that are to be kept.
#[derive(Debug)]
pub(crate) struct Kept {
    pub whole: PathBuf,
    pub bytes: u64,
    pub thumbnails: Vec<(ThumbnailSize, PathBuf)>,
}

impl Arrival {
    /// Compares the upload with what was announced.
    pub fn verify(&mut self, looks: &Looks) -> Result<Verified, BlobError> {
        let state = self.settle()?;
        if !state.is_complete() {
            return Err(BlobError::Incomplete(state.offset));
        }
        if let Some(made) = &self.made {
            return Ok(Verified::Done(made.examined.clone()));
        }
        let file = self.open()?;
        let again = file.try_clone().map_err(failure("opening an upload"))?;
        let sha256 = self.hashing.of(again, self.written)?;
        if state.upload.sha256.is_some_and(|announced| announced != sha256) {
            return Err(BlobError::OtherHash(sha256));
        }
        let head_bytes = usize::try_from(self.written).unwrap_or(HEAD_BYTES).min(HEAD_BYTES);
        let mut head = vec![0; head_bytes];
        file.read_exact_at(&mut head, 0).map_err(failure("reading an upload"))?;
        let (media_type, is_to_be_seen) = looks.sniff(&head, self.written);
        if is_to_be_seen {
            return Ok(Verified::ToBeSeen { head, sha256 });
        }
        Ok(Verified::Done(self.note_made(media_type, sha256, None, None)))
    }

    /// Looks at an upload that was verified.
    pub fn see(
        &mut self,
        looks: &Looks,
        head: &[u8],
        sha256: Sha256,
    ) -> Result<Examined, BlobError> {
        self.check()?;
        if let Some(made) = &self.made {
            return Ok(made.examined.clone());
        }
        let original = self.durable.state().upload.original;
        let seen = looks.look(&self.spool.bytes_of(self.id), head, original);
        let Seen { media_type, look, clean, thumbnails } = seen.map_err(|error| match error {
            Unseen::Refused(reason) => BlobError::Refused(reason),
            Unseen::Unreadable(error) => failure("reading an upload")(error),
        })?;
        for (size, picture) in &thumbnails {
            self.put(&self.spool.thumbnail_of(self.id, *size), picture)?;
        }
        let mut cleaned = None;
        if let Some(clean) = clean {
            self.put(&self.spool.clean_of(self.id), &clean)?;
            let mut hash = Running::new();
            hash.update(&clean);
            cleaned = Some((hash.hash(), clean.len() as u64));
        }
        Ok(self.note_made(media_type, sha256, cleaned, look))
    }

    fn note_made(
        &mut self,
        media_type: &str,
        sha256: Sha256,
        cleaned: Option<(Sha256, u64)>,
        look: Option<Look>,
    ) -> Examined {
        let (sha256, bytes) = cleaned.unwrap_or((sha256, self.written));
        let examined = Examined { sha256, bytes, media_type: media_type.to_owned(), look };
        self.made = Some(Made { examined: examined.clone(), is_cleaned: cleaned.is_some() });
        examined
    }

    /// Durable when it is kept; a half of it is made again, since it is not remembered.
    fn put(&self, path: &Path, bytes: &[u8]) -> Result<(), BlobError> {
        self.spool.room_for(bytes.len() as u64)?;
        let written = private().create(true).truncate(true).open(path).and_then(|file| {
            self.spool.disk.write_at(&file, 0, bytes)?;
            self.spool.disk.sync(&file)
        });
        written.map_err(failure("writing what was made of an upload"))
    }

    /// Notes that the bytes may be found under their hash from now on, and gives the files. `None` if this process did not
    /// examine the upload.
    pub fn prepare_keeping(&mut self, examined: &Examined) -> Result<Option<Kept>, BlobError> {
        self.check()?;
        let Some(made) = self.made.clone() else { return Ok(None) };
        let made_bytes = (made.examined.sha256, made.examined.bytes);
        if made_bytes != (examined.sha256, examined.bytes) {
            return Err(BlobError::OtherHash(made.examined.sha256));
        }
        self.durable.set_kept_as(examined.sha256)?;
        let sizes = made.examined.look.iter().flat_map(|look| look.thumbnails.iter());
        let thumbnails =
            sizes.map(|size| (*size, self.spool.thumbnail_of(self.id, *size))).collect();
        let whole = if made.is_cleaned {
            self.spool.clean_of(self.id)
        } else {
            self.spool.bytes_of(self.id)
        };
        Ok(Some(Kept { whole, bytes: examined.bytes, thumbnails }))
    }
}
