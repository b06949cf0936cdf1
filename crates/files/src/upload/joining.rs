//! Uploads that came in parts are put together.

use std::fs::File;
use std::io::{self, Seek as _};

use anser_backend::{BlobError, UploadState};
use anser_types::UnixMs;

use super::Arrival;
use crate::disk::failure;

/// A complete part.
pub(crate) struct Part {
    pub bytes: File,
    pub length: u64,
}

impl Arrival {
    /// Its bytes, if all are here: to be put together with others.
    pub fn as_part(&mut self) -> Result<Part, BlobError> {
        let state = self.settle()?;
        if !state.is_complete() {
            return Err(BlobError::Incomplete(state.offset));
        }
        Ok(Part { bytes: self.open()?, length: state.offset })
    }

    /// Fills the upload, which has no bytes, with those of the parts.
    pub fn join(&mut self, parts: Vec<Part>, at: UnixMs) -> Result<(), BlobError> {
        let UploadState { upload, offset, .. } = self.settle()?;
        if offset != 0 {
            return Err(BlobError::OtherOffset(offset));
        }
        let length: u64 = parts.iter().map(|part| part.length).sum();
        match upload.length {
            Some(known) if length > known => return Err(BlobError::TooLong(known)),
            Some(known) if length < known => return Err(BlobError::Incomplete(length)),
            Some(_) => {}
            None => self.durable.set_length(length)?,
        }
        self.spool.room_for(length)?;
        let mut bytes = self.open()?;
        let turn = self.durable.next_turn();
        let joined = copy(parts, &mut bytes)
            .map_err(failure("putting an upload together"))
            .and_then(|()| self.durable.advance(turn, &bytes, length, at));
        match joined {
            Ok(()) => self.written = length,
            // What is not noted is not there; the system may have little space, so it goes at once.
            Err(_) => bytes.set_len(0).map_err(failure("cutting an upload"))?,
        }
        joined
    }
}

fn copy(parts: Vec<Part>, into: &mut File) -> io::Result<()> {
    for mut part in parts {
        part.bytes.rewind()?;
        // In the kernel, and on some file systems without copying anything.
        let copied = io::copy(&mut part.bytes, into)?;
        if copied != part.length {
            return Err(io::Error::other(format!("{copied} of {} bytes of a part", part.length)));
        }
    }
    Ok(())
}
