//! Reading an archive, record by record, trusting nothing unchecked.

use std::io::{ErrorKind, Read};

use sha2::{Digest, Sha256};

use super::error::ArchiveError;
use super::header::Header;
use super::record::{Counts, Entry, RootHash, Subject, Summary};
use super::{BLOCK_HEAD_BYTES, BLOCK_MAX_BYTES, RECORDS, TRAILER, checksum};
use crate::codec::{Malformed, Reader as Bytes};

/// Reads an archive from anything that gives bytes. Only when [`Reader::next`] has returned `None` is it known to be
/// complete: whoever stores records before that must be ready to throw them away.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    header: Header,
    block: Vec<u8>,
    at: usize,
    blocks: u64,
    bytes: u64,
    last: Vec<u8>,
    counts: Counts,
    hash: Sha256,
    summary: Option<Summary>,
}

impl<R: Read> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// Why it is no archive of a known format; see [`ArchiveError`], here and below.
    pub fn begin(mut input: R) -> Result<Self, ArchiveError> {
        let (header, bytes) = Header::read(&mut input)?;
        Ok(Self {
            input,
            header,
            block: Vec::new(),
            at: 0,
            blocks: 0,
            bytes: bytes as u64,
            last: Vec::new(),
            counts: Counts::default(),
            hash: Sha256::new(),
            summary: None,
        })
    }

    /// Of which moment it is.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// What the whole archive is, once [`Reader::next`] has returned `None`.
    pub const fn summary(&self) -> Option<Summary> {
        self.summary
    }

    /// The next record; `None` at the end of a complete archive.
    ///
    /// # Errors
    /// The first damage; nothing more can be read then.
    #[expect(clippy::should_implement_trait, reason = "records are lent, which no iterator can do")]
    pub fn next(&mut self) -> Result<Option<Entry<'_>>, ArchiveError> {
        if self.summary.is_some() {
            return Ok(None);
        }
        if self.at == self.block.len() && !self.next_block()? {
            return Ok(None);
        }
        let records = self.counts.total();
        let parsed = parse(&self.block[self.at..]).and_then(|(entry, stored)| {
            in_order(&mut self.last, &entry)?;
            entry.check()?;
            Ok((entry, stored))
        });
        match parsed {
            Ok((entry, stored)) => {
                self.at += stored;
                self.counts.add(entry.subject);
                Ok(Some(entry))
            }
            Err(error) => Err(ArchiveError::Damaged { records, what: error.to_string() }),
        }
    }

    /// The next record if it is of this subject; `None` leaves it where it is.
    ///
    /// # Errors
    /// As [`Reader::next`].
    pub fn next_of(&mut self, subject: Subject) -> Result<Option<Entry<'_>>, ArchiveError> {
        let at_end = self.summary.is_some() || self.at == self.block.len() && !self.next_block()?;
        if at_end || self.block[self.at] != subject as u8 { Ok(None) } else { self.next() }
    }

    /// Reads on to the end and says what the whole archive is.
    ///
    /// # Errors
    /// The first damage.
    pub fn verify(mut self) -> Result<(Header, Summary), ArchiveError> {
        while self.next()?.is_some() {}
        let cut = ArchiveError::Truncated { records: self.counts.total() };
        let summary = self.summary.ok_or(cut)?;
        Ok((self.header, summary))
    }

    fn damaged(&self, what: impl Into<String>) -> ArchiveError {
        ArchiveError::Damaged { records: self.counts.total(), what: what.into() }
    }

    /// Reads a block of records; `false` if the trailer stood there instead.
    fn next_block(&mut self) -> Result<bool, ArchiveError> {
        let mut head = [0; BLOCK_HEAD_BYTES];
        self.read_exactly(&mut head)?;
        let word =
            |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (len, kind, sum) = (word(0) as usize, head[4], word(5));
        if len > BLOCK_MAX_BYTES {
            return Err(self.damaged(format!("block {} says it has {len} bytes", self.blocks)));
        }
        let mut block = std::mem::take(&mut self.block);
        block.resize(len, 0);
        self.read_exactly(&mut block)?;
        if checksum(self.blocks, kind, &block) != sum {
            return Err(self.damaged(format!(
                "block {} at byte {} does not match its checksum",
                self.blocks, self.bytes
            )));
        }
        self.blocks += 1;
        self.bytes += (BLOCK_HEAD_BYTES + len) as u64;
        match kind {
            RECORDS if !block.is_empty() => {
                self.hash.update(&block);
                self.block = block;
                self.at = 0;
                Ok(true)
            }
            TRAILER => {
                self.end(&block)?;
                Ok(false)
            }
            _ => Err(self.damaged(format!("block {} is of no known kind", self.blocks))),
        }
    }

    /// Compares what was read with what the trailer says.
    fn end(&mut self, trailer: &[u8]) -> Result<(), ArchiveError> {
        let root = RootHash(self.hash.finalize_reset().into());
        let said = read_trailer(trailer).map_err(|error| self.damaged(error.to_string()))?;
        if said != (self.counts, root) {
            return Err(self.damaged("counts or root hash are not those of its records"));
        }
        let mut behind = [0; 1];
        if self.input.read(&mut behind)? != 0 {
            return Err(self.damaged("something follows its end"));
        }
        self.summary = Some(Summary { counts: self.counts, root, bytes: self.bytes });
        Ok(())
    }

    fn read_exactly(&mut self, bytes: &mut [u8]) -> Result<(), ArchiveError> {
        self.input.read_exact(bytes).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => ArchiveError::Truncated { records: self.counts.total() },
            _ => error.into(),
        })
    }
}

/// The record at the start of some bytes, and how many it takes.
fn parse(bytes: &[u8]) -> Result<(Entry<'_>, usize), Malformed> {
    let mut reader = Bytes::new(bytes);
    let subject =
        Subject::from_code(reader.u8()?).ok_or(Malformed("a record of no known subject"))?;
    let entry = Entry { subject, key: reader.bytes()?, value: reader.bytes()? };
    Ok((entry, bytes.len() - reader.len()))
}

fn in_order(last: &mut Vec<u8>, entry: &Entry<'_>) -> Result<(), Malformed> {
    let subject = entry.subject as u8;
    if let Some((before, key)) = last.split_first()
        && (*before, key) >= (subject, entry.key)
    {
        return Err(Malformed("a record is out of order"));
    }
    last.clear();
    last.push(subject);
    last.extend_from_slice(entry.key);
    Ok(())
}

/// Bytes of the root hash at the end of a trailer.
const ROOT_BYTES: usize = 32;

fn read_trailer(trailer: &[u8]) -> Result<(Counts, RootHash), Malformed> {
    let mut reader = Bytes::new(trailer);
    let mut counts = Counts::default();
    for subject in Subject::ALL {
        // One that was written before this subject was known ends earlier.
        if reader.len() > ROOT_BYTES {
            counts.set(subject, reader.varint()?);
        }
    }
    let root = RootHash(reader.array()?);
    reader.end()?;
    Ok((counts, root))
}
