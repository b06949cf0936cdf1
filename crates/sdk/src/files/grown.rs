//! A source that grows while it is sent: read as it comes, kept until the server has it.

use std::time::Duration;

use anser_types::{ErrorCode, Refusal, Sha256};
use bytes::{BufMut as _, Bytes, BytesMut};
use sha2::Digest;
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

use super::source::Growing;
use crate::http::Piece;

/// Bytes that are sent at a time, and kept until the server has them.
const PIECE_BYTES: usize = 4 << 20;
/// Bytes read at a time, if there are so many.
const READ_BYTES: usize = 16 << 10;
/// How long bytes wait for more of them.
const GATHER: Duration = Duration::from_millis(500);

/// A growing source, and what was read of it that the server may not have.
pub(super) struct Grown {
    reader: Growing,
    held: BytesMut,
    held_from: u64,
    ended: bool,
}

impl Grown {
    pub(super) fn new(reader: Growing) -> Self {
        Self { reader, held: BytesMut::new(), held_from: 0, ended: false }
    }

    /// Whether what stands at this offset is still here, or is still to come.
    pub(super) const fn has(&self, offset: u64) -> bool {
        self.held_from <= offset
    }

    /// The next piece from `offset` on, which is where the server is.
    pub(super) async fn next(&mut self, offset: u64) -> Result<(Piece, Bytes), Refusal> {
        let passed = offset.checked_sub(self.held_from).and_then(|n| usize::try_from(n).ok());
        let passed = passed.filter(|passed| *passed <= self.held.len()).ok_or_else(|| {
            let why = format!(
                "the server wants bytes from {offset} on; only those from {} on are still here",
                self.held_from
            );
            Refusal::because(ErrorCode::UploadConflict, why)
        })?;
        drop(self.held.split_to(passed));
        self.held_from = offset;
        self.gather().await?;
        let bytes = Bytes::copy_from_slice(&self.held[..self.held.len().min(PIECE_BYTES)]);
        // The hash of all of it is not known before its end: each piece is checked.
        let sha256 = Some(Sha256(sha2::Sha256::digest(&bytes).into()));
        let all = self.held_from + self.held.len() as u64;
        let last = self.ended && bytes.len() == self.held.len();
        let (count, length) = (bytes.len() as u64, last.then_some(all));
        Ok((Piece { offset, bytes: count, sha256, length }, bytes))
    }

    /// Reads until there is something to send, and what comes soon after it.
    async fn gather(&mut self) -> Result<(), Refusal> {
        let mut until = None;
        while self.held.len() < PIECE_BYTES && !self.ended {
            let nothing_yet = self.held.is_empty();
            self.held.reserve(READ_BYTES);
            let mut into = (&mut self.held).limit(READ_BYTES);
            let read = self.reader.read_buf(&mut into);
            let read = if nothing_yet {
                read.await
            } else {
                let until = *until.get_or_insert_with(|| Instant::now() + GATHER);
                match tokio::time::timeout_at(until, read).await {
                    Ok(read) => read,
                    Err(_) => return Ok(()),
                }
            };
            match read {
                Ok(0) => self.ended = true,
                Ok(_) => {}
                Err(error) => {
                    let why = format!("what is uploaded ended before it was finished: {error}");
                    return Err(Refusal::because(ErrorCode::FileIncomplete, why));
                }
            }
        }
        Ok(())
    }
}
