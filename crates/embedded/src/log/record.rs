//! A record of the log: header (magic, length, commit number, checksum), payload, zeros up to a multiple of eight.

/// Bytes of a record's header.
pub const HEADER_BYTES: usize = 24;
const MAGIC: u32 = 0x3143_5641;

/// A store's random number, mixed into every checksum: bytes that a user sent, or that another store wrote, can
/// never be taken for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Salt(pub u64);

/// Bytes a record with this payload takes in a segment.
pub const fn stored_bytes(payload: usize) -> usize {
    (HEADER_BYTES + payload).next_multiple_of(8)
}

/// Fills in the header of a buffer whose first [`HEADER_BYTES`] are reserved, and pads it.
#[expect(clippy::cast_possible_truncation, reason = "a commit has far less than 4 GiB")]
pub fn seal(salt: Salt, buffer: &mut Vec<u8>, commit_no: u64) {
    let len = (buffer.len() - HEADER_BYTES) as u32;
    buffer[..4].copy_from_slice(&MAGIC.to_le_bytes());
    buffer[4..8].copy_from_slice(&len.to_le_bytes());
    buffer[8..16].copy_from_slice(&commit_no.to_le_bytes());
    buffer[16..24].fill(0);
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&salt.0.to_le_bytes()), buffer);
    buffer[16..20].copy_from_slice(&checksum.to_le_bytes());
    buffer.resize(buffer.len().next_multiple_of(8), 0);
}

/// A record that is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its number.
    pub commit_no: u64,
    /// Its content.
    pub payload: &'a [u8],
    /// Bytes it takes.
    pub stored: usize,
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..at + 4)?.first_chunk()?))
}

/// The record at the start of `bytes`, if a whole and undamaged one stands there.
pub fn read(salt: Salt, bytes: &[u8]) -> Option<Record<'_>> {
    if u32_at(bytes, 0)? != MAGIC {
        return None;
    }
    let len = u32_at(bytes, 4)? as usize;
    let commit_no = u64::from_le_bytes(*bytes.get(8..16)?.first_chunk()?);
    let checksum = u32_at(bytes, 16)?;
    let stored = stored_bytes(len);
    let whole = bytes.get(..stored)?;
    let payload = &whole[HEADER_BYTES..HEADER_BYTES + len];
    let mut header = [0; HEADER_BYTES];
    header.copy_from_slice(&whole[..HEADER_BYTES]);
    header[16..20].fill(0);
    let seed = crc32c::crc32c(&salt.0.to_le_bytes());
    let sum = crc32c::crc32c_append(crc32c::crc32c_append(seed, &header), payload);
    let padding_is_zero = whole[HEADER_BYTES + len..].iter().all(|byte| *byte == 0);
    (sum == checksum && padding_is_zero).then_some(Record { commit_no, payload, stored })
}

/// The highest number of any whole record that begins in `bytes` at a multiple of eight.
pub fn highest_in(salt: Salt, bytes: &[u8]) -> Option<u64> {
    (0..bytes.len())
        .step_by(8)
        .filter_map(|at| read(salt, &bytes[at..]))
        .map(|record| record.commit_no)
        .max()
}
