//! What stands first in an archive: that it is one, and of which moment of which store.

use std::io::{self, Read, Write};

use anser_types::{CommitNo, LogEpoch, UnixMs};

use super::error::ArchiveError;
use crate::codec::{Reader as Bytes, put_text, put_varint};

/// The newest archive format this version reads, and the one it writes.
pub const FORMAT: u32 = 1;

const MAGIC: &[u8; 8] = b"anserbak";
/// Magic, format, length; the body and its checksum follow.
const HEAD_BYTES: usize = 16;
/// Far more than a body has.
const BODY_MAX_BYTES: u32 = 4096;

/// The moment an archive holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The log epoch of the store; whoever restores it must raise it.
    pub log_epoch: LogEpoch,
    /// The last commit that is in it. All commits up to here are, none behind it is.
    pub commit_no: CommitNo,
    /// How often that store was started: session epochs of a restored one must be above.
    pub starts: u64,
    /// When it was made, by the clock of the machine.
    pub made_at: UnixMs,
    /// The version of the program that made it, for people.
    pub program: String,
}

impl Header {
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<usize> {
        let mut body = Vec::with_capacity(64);
        for number in [self.log_epoch.0, self.commit_no.0, self.starts, self.made_at.0] {
            put_varint(&mut body, number);
        }
        put_text(&mut body, &self.program);
        let len = u32::try_from(body.len()).unwrap_or(u32::MAX);
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        bytes.extend_from_slice(&len.to_le_bytes());
        bytes.extend_from_slice(&body);
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        out.write_all(&bytes)?;
        Ok(bytes.len())
    }

    pub(super) fn read(input: &mut impl Read) -> Result<(Self, usize), ArchiveError> {
        let damaged = |what: &str| ArchiveError::Damaged { records: 0, what: what.to_owned() };
        let mut head = [0; HEAD_BYTES];
        read_exactly(input, &mut head)?;
        if head[..8] != *MAGIC {
            return Err(ArchiveError::NotAnArchive);
        }
        let word =
            |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (format, len) = (word(8), word(12));
        if len > BODY_MAX_BYTES {
            return Err(damaged("its header"));
        }
        // The checksum comes before the version: a damaged version must not be taken for a newer one. It therefore
        // covers the same bytes in every format.
        let mut body = vec![0; len as usize];
        read_exactly(input, &mut body)?;
        let mut sum = [0; 4];
        read_exactly(input, &mut sum)?;
        if crc32c::crc32c_append(crc32c::crc32c(&head), &body) != u32::from_le_bytes(sum) {
            return Err(damaged("its header"));
        }
        if format > FORMAT {
            return Err(ArchiveError::TooNew { found: format, known: FORMAT });
        }
        let header =
            Self::read_body(&body).map_err(|error| damaged(&format!("its header: {error}")))?;
        Ok((header, HEAD_BYTES + body.len() + sum.len()))
    }

    fn read_body(body: &[u8]) -> Result<Self, crate::codec::Malformed> {
        let mut reader = Bytes::new(body);
        let header = Self {
            log_epoch: LogEpoch(reader.varint()?),
            commit_no: CommitNo(reader.varint()?),
            starts: reader.varint()?,
            made_at: UnixMs(reader.varint()?),
            program: reader.text()?.to_owned(),
        };
        reader.end()?;
        Ok(header)
    }
}

fn read_exactly(input: &mut impl Read, bytes: &mut [u8]) -> Result<(), ArchiveError> {
    input.read_exact(bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => ArchiveError::Truncated { records: 0 },
        _ => error.into(),
    })
}
