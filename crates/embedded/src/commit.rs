//! The content of one commit: table operations and the answers of devices, in order, as bytes.
//!
//! The same bytes are written to the log, applied to the tables and replayed after a crash. Every operation sets or
//! removes one whole row, or adds a numbered answer, so applying a commit twice does nothing new.

use anser_backend::DeviceKey;
use anser_types::{CommandNo, DeviceNo, UserNo};
use bytes::Bytes;

use crate::codec::{Kept, Malformed, Reader, read_delta, write_delta};
use crate::keys::Table;

const REMOVE: u8 = 0x40;
const ANSWER: u8 = 0x80;

/// Collects the operations of a commit.
#[derive(Debug, Default)]
pub struct CommitBuilder {
    bytes: Vec<u8>,
    operations: usize,
}

impl CommitBuilder {
    /// Starts with `reserved` bytes in front for the log's own header.
    pub fn with_header(reserved: usize) -> Self {
        let mut bytes = Vec::with_capacity(16 * 1024);
        bytes.resize(reserved, 0);
        Self { bytes, operations: 0 }
    }

    /// Sets a row; `write` appends its value. Returns where the value stands in the buffer.
    pub fn put(
        &mut self,
        table: Table,
        key: &[u8],
        write: impl FnOnce(&mut Vec<u8>),
    ) -> std::ops::Range<usize> {
        self.head(table.code(), key);
        self.value(write)
    }

    /// Removes a row.
    pub fn remove(&mut self, table: Table, key: &[u8]) {
        self.head(REMOVE | table.code(), key);
    }

    /// Adds an answer to a device's record.
    pub fn answer(&mut self, device: DeviceKey, answered_up_to: CommandNo, kept: &Kept) {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&device.user.0.to_be_bytes());
        key[8..].copy_from_slice(&device.device.0.to_be_bytes());
        self.head(ANSWER, &key);
        self.value(|out| write_delta(out, answered_up_to, kept));
    }

    #[expect(clippy::cast_possible_truncation, reason = "keys have at most a few hundred bytes")]
    fn head(&mut self, kind: u8, key: &[u8]) {
        self.operations += 1;
        self.bytes.push(kind);
        self.bytes.extend_from_slice(&(key.len() as u16).to_le_bytes());
        self.bytes.extend_from_slice(key);
    }

    #[expect(clippy::cast_possible_truncation, reason = "a commit has far less than 4 GiB")]
    fn value(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> std::ops::Range<usize> {
        let at = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        write(&mut self.bytes);
        let start = at + 4;
        let len = (self.bytes.len() - start) as u32;
        self.bytes[at..start].copy_from_slice(&len.to_le_bytes());
        start..self.bytes.len()
    }

    /// A value that was put.
    pub fn value_at(&self, range: std::ops::Range<usize>) -> &[u8] {
        &self.bytes[range]
    }

    /// The operations so far, behind the bytes that were reserved.
    pub fn bytes_behind(&self, reserved: usize) -> &[u8] {
        self.bytes.get(reserved..).unwrap_or_default()
    }

    /// Operations so far.
    pub const fn operations(&self) -> usize {
        self.operations
    }

    /// Bytes so far, the reserved ones included.
    pub const fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// The buffer.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// One operation of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation<'a> {
    /// Sets a row.
    Put(Table, &'a [u8], &'a [u8]),
    /// Removes a row.
    Remove(Table, &'a [u8]),
    /// Adds an answer to a device's record.
    Answer(DeviceKey, CommandNo, Box<Kept>),
}

/// Reads the operations of a commit in order.
#[derive(Clone, Debug)]
pub struct Operations<'a> {
    reader: Reader<'a>,
}

impl<'a> Operations<'a> {
    /// Reads these bytes (without the log's header).
    pub const fn of(payload: &'a [u8]) -> Self {
        Self { reader: Reader::new(payload) }
    }

    fn operation(&mut self) -> Result<Operation<'a>, Malformed> {
        let kind = self.reader.u8()?;
        let key_len = usize::from(u16::from_le_bytes(self.reader.array()?));
        let key = self.reader.take(key_len)?;
        let table = || Table::from_code(kind & !REMOVE).ok_or(Malformed("no such table"));
        if kind & REMOVE != 0 {
            return Ok(Operation::Remove(table()?, key));
        }
        let len = u32::from_le_bytes(self.reader.array()?) as usize;
        let value = self.reader.take(len)?;
        if kind != ANSWER {
            return Ok(Operation::Put(table()?, key, value));
        }
        let mut numbers = Reader::new(key);
        let user = UserNo(u64::from_be_bytes(numbers.array()?));
        let device = DeviceNo(u64::from_be_bytes(numbers.array()?));
        numbers.end()?;
        let (answered_up_to, kept) = read_delta(value)?;
        Ok(Operation::Answer(DeviceKey { user, device }, answered_up_to, Box::new(kept)))
    }
}

impl<'a> Iterator for Operations<'a> {
    type Item = Result<Operation<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        (!self.reader.is_empty()).then(|| self.operation())
    }
}

/// A commit that is durable.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Its dense number.
    pub no: u64,
    /// Its operations, encoded.
    pub payload: Bytes,
    /// How many there are.
    pub operations: usize,
}
