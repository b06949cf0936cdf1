//! Writing an archive, record by record.

use std::io::Write;

use sha2::{Digest, Sha256};

use super::error::ArchiveError;
use super::header::Header;
use super::record::{Counts, Entry, RootHash, Summary};
use super::{BLOCK_BYTES, BLOCK_MAX_BYTES, RECORDS, TRAILER, checksum};
use crate::codec::{Malformed, put_bytes, put_varint};

/// Writes an archive to anything that takes bytes. It is complete only when [`Writer::finish`] has returned.
#[derive(Debug)]
#[must_use = "call finish()"]
pub struct Writer<W> {
    out: W,
    block: Vec<u8>,
    blocks: u64,
    bytes: u64,
    /// Subject and key of the last record, for the order.
    last: Vec<u8>,
    counts: Counts,
    hash: Sha256,
}

impl<W: Write> Writer<W> {
    /// Begins an archive.
    ///
    /// # Errors
    /// What `out` says.
    pub fn begin(mut out: W, header: &Header) -> Result<Self, ArchiveError> {
        let bytes = header.write(&mut out)? as u64;
        Ok(Self {
            out,
            block: Vec::with_capacity(BLOCK_BYTES + 4096),
            blocks: 0,
            bytes,
            last: Vec::new(),
            counts: Counts::default(),
            hash: Sha256::new(),
        })
    }

    /// Adds a record, which must stand behind the ones before it and make sense.
    ///
    /// # Errors
    /// [`ArchiveError::Record`] if it does not, else what `out` says; the archive cannot be finished then.
    pub fn put(&mut self, entry: &Entry<'_>) -> Result<(), ArchiveError> {
        entry.check().and_then(|()| self.in_order(entry)).map_err(|error| {
            ArchiveError::Record {
                subject: entry.subject.name(),
                key: entry.key.iter().map(|byte| format!("{byte:02x}")).collect(),
                error,
            }
        })?;
        self.block.push(entry.subject as u8);
        put_bytes(&mut self.block, entry.key);
        put_bytes(&mut self.block, entry.value);
        self.counts.add(entry.subject);
        if self.block.len() >= BLOCK_BYTES { self.flush_block() } else { Ok(()) }
    }

    fn in_order(&mut self, entry: &Entry<'_>) -> Result<(), Malformed> {
        let subject = entry.subject as u8;
        if let Some((before, key)) = self.last.split_first()
            && (*before, key) >= (subject, entry.key)
        {
            return Err(Malformed("it is out of order"));
        }
        if entry.key.len() + entry.value.len() > BLOCK_MAX_BYTES - BLOCK_BYTES - 64 {
            return Err(Malformed("it is too large"));
        }
        self.last.clear();
        self.last.push(subject);
        self.last.extend_from_slice(entry.key);
        Ok(())
    }

    fn flush_block(&mut self) -> Result<(), ArchiveError> {
        if self.block.is_empty() {
            return Ok(());
        }
        let block = std::mem::take(&mut self.block);
        self.hash.update(&block);
        self.write_block(RECORDS, &block)?;
        self.block = block;
        self.block.clear();
        Ok(())
    }

    fn write_block(&mut self, kind: u8, payload: &[u8]) -> Result<(), ArchiveError> {
        let len = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        let sum = checksum(self.blocks, kind, payload);
        self.out.write_all(&len.to_le_bytes())?;
        self.out.write_all(&[kind])?;
        self.out.write_all(&sum.to_le_bytes())?;
        self.out.write_all(payload)?;
        self.blocks += 1;
        self.bytes += (super::BLOCK_HEAD_BYTES + payload.len()) as u64;
        Ok(())
    }

    /// Writes what makes it complete, and gives everything back flushed (not synced).
    ///
    /// # Errors
    /// What `out` says.
    pub fn finish(mut self) -> Result<(W, Summary), ArchiveError> {
        self.flush_block()?;
        let root = RootHash(self.hash.finalize_reset().into());
        let mut trailer = Vec::with_capacity(96);
        for (_, count) in self.counts.each() {
            put_varint(&mut trailer, count);
        }
        trailer.extend_from_slice(&root.0);
        self.write_block(TRAILER, &trailer)?;
        self.out.flush()?;
        let summary = Summary { counts: self.counts, root, bytes: self.bytes };
        Ok((self.out, summary))
    }
}
