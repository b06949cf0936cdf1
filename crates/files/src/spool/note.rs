//! What is noted of an upload, as bytes: a head that is written once, and two slots that are written in turns.
//!
//! A slot is overwritten in place, so noting progress costs one write and one fsync of a file that keeps its size. The
//! other slot is older and whole: a write that is cut short loses what it would have noted and nothing else. Each part
//! stands in a block of its own and carries a checksum.

use anser_backend::{Upload, UploadState};
use anser_types::limits::FILE_NAME_MAX_BYTES;
use anser_types::{FileId, Sha256, UnixMs, UserNo};

/// The head, and each slot, begins at a multiple of this: a disk that tears a write tears it within one.
const BLOCK_BYTES: usize = 4096;
/// All of a note.
const NOTE_BYTES: usize = 3 * BLOCK_BYTES;
const MAGIC: &[u8; 8] = b"anserup1";
/// Everything of a head before its name.
const HEAD_FIXED_BYTES: usize = 8 + 4 + 16 + 8 + 8 + 1 + 1 + 33 + 9;
/// A name may be that long; what is allowed is far less ([`FILE_NAME_MAX_BYTES`]).
const NAME_MAX_BYTES: usize = BLOCK_BYTES - HEAD_FIXED_BYTES - 4;
const _: () = assert!(FILE_NAME_MAX_BYTES <= NAME_MAX_BYTES);
const SLOT_BYTES: usize = 8 + 8 + 8 + 9 + 33 + 4;

/// How far an upload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Grows with each that is noted; says which slot it stands in.
    pub generation: u64,
    /// So many bytes are durable.
    pub offset: u64,
    pub touched_at: UnixMs,
    /// How many bytes it will have, if that is known by now.
    pub length: Option<u64>,
    pub kept_as: Option<Sha256>,
}

impl Progress {
    /// Of an upload that begins.
    pub fn first(upload: &Upload) -> Self {
        Self {
            generation: 1,
            offset: 0,
            touched_at: upload.created_at,
            length: upload.length,
            kept_as: None,
        }
    }

    /// What is told of it.
    pub fn state(&self, upload: &Upload) -> UploadState {
        UploadState {
            upload: Upload { length: self.length, ..upload.clone() },
            offset: self.offset,
            touched_at: self.touched_at,
            kept_as: self.kept_as,
        }
    }

    /// Where its slot begins, and the slot.
    pub fn slot(&self) -> (u64, Vec<u8>) {
        let mut slot = Vec::with_capacity(SLOT_BYTES);
        put_u64(&mut slot, self.generation);
        put_u64(&mut slot, self.offset);
        put_u64(&mut slot, self.touched_at.0);
        put_length(&mut slot, self.length);
        put_hash(&mut slot, self.kept_as);
        seal(&mut slot);
        (slot_at(self.generation) as u64, slot)
    }

    fn read(mut slot: &[u8]) -> Option<Self> {
        let slot = &mut slot;
        Some(Self {
            generation: take_u64(slot)?,
            offset: take_u64(slot)?,
            touched_at: UnixMs(take_u64(slot)?),
            length: take_length(slot)?,
            kept_as: take_hash(slot)?,
        })
    }
}

fn slot_at(generation: u64) -> usize {
    if generation.is_multiple_of(2) { BLOCK_BYTES } else { 2 * BLOCK_BYTES }
}

/// A note of an upload that begins; `None` if its name is too long to be noted.
pub(crate) fn first(upload: &Upload) -> Option<Vec<u8>> {
    let name_len = u32::try_from(upload.name.len()).ok()?;
    if upload.name.len() > NAME_MAX_BYTES {
        return None;
    }
    let mut note = Vec::with_capacity(NOTE_BYTES);
    note.extend_from_slice(MAGIC);
    note.extend_from_slice(&name_len.to_le_bytes());
    note.extend_from_slice(&upload.id.0);
    put_u64(&mut note, upload.owner.0);
    put_u64(&mut note, upload.created_at.0);
    note.push(u8::from(upload.original));
    note.push(u8::from(upload.part));
    put_hash(&mut note, upload.sha256);
    put_length(&mut note, upload.length);
    note.extend_from_slice(upload.name.as_bytes());
    seal(&mut note);
    note.resize(NOTE_BYTES, 0);
    let (at, slot) = Progress::first(upload).slot();
    let at = usize::try_from(at).ok()?;
    note[at..at + slot.len()].copy_from_slice(&slot);
    Some(note)
}

/// What a note says: the newer of its slots that are whole. `None` if it is none, or nothing of it is whole.
pub(crate) fn read(note: &[u8]) -> Option<(Upload, Progress)> {
    let upload = read_head(note)?;
    let newest = [1, 2].into_iter().filter_map(|generation| {
        let at = slot_at(generation);
        let progress = Progress::read(unsealed(note.get(at..at + SLOT_BYTES)?)?)?;
        (slot_at(progress.generation) == at).then_some(progress)
    });
    let progress = newest.max_by_key(|progress| progress.generation)?;
    Some((upload, progress))
}

fn read_head(note: &[u8]) -> Option<Upload> {
    let name_len = u32::from_le_bytes(note.get(8..12)?.try_into().ok()?);
    let name_len = usize::try_from(name_len).ok().filter(|len| *len <= NAME_MAX_BYTES)?;
    let mut head = unsealed(note.get(..HEAD_FIXED_BYTES + name_len + 4)?)?.strip_prefix(MAGIC)?;
    let head = &mut head;
    take::<4>(head)?;
    Some(Upload {
        id: FileId(take(head)?),
        owner: UserNo(take_u64(head)?),
        created_at: UnixMs(take_u64(head)?),
        original: take::<1>(head)? == [1],
        part: take::<1>(head)? == [1],
        sha256: take_hash(head)?,
        length: take_length(head)?,
        name: String::from_utf8(head.to_vec()).ok()?,
    })
}

fn seal(bytes: &mut Vec<u8>) {
    let sum = crc32c::crc32c(bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
}

fn unsealed(sealed: &[u8]) -> Option<&[u8]> {
    let (bytes, sum) = sealed.split_last_chunk::<4>()?;
    (crc32c::crc32c(bytes).to_le_bytes() == *sum).then_some(bytes)
}

fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put_length(out: &mut Vec<u8>, length: Option<u64>) {
    out.push(u8::from(length.is_some()));
    put_u64(out, length.unwrap_or_default());
}

fn put_hash(out: &mut Vec<u8>, hash: Option<Sha256>) {
    out.push(u8::from(hash.is_some()));
    out.extend_from_slice(&hash.map_or([0; 32], |hash| hash.0));
}

fn take<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = from.split_first_chunk::<N>()?;
    *from = rest;
    Some(*taken)
}

fn take_u64(from: &mut &[u8]) -> Option<u64> {
    take(from).map(u64::from_le_bytes)
}

fn take_length(from: &mut &[u8]) -> Option<Option<u64>> {
    let known = take::<1>(from)? == [1];
    let length = take_u64(from)?;
    Some(known.then_some(length))
}

fn take_hash(from: &mut &[u8]) -> Option<Option<Sha256>> {
    let known = take::<1>(from)? == [1];
    let hash = take(from)?;
    Some(known.then_some(Sha256(hash)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload() -> Upload {
        Upload {
            id: FileId([7; 16]),
            owner: UserNo(3),
            name: "a picture.png".into(),
            length: Some(1 << 40),
            sha256: Some(Sha256([9; 32])),
            original: true,
            part: false,
            created_at: UnixMs(11),
        }
    }

    fn later() -> Progress {
        Progress {
            generation: 2,
            offset: 77,
            touched_at: UnixMs(99),
            length: Some(100),
            kept_as: Some(Sha256([1; 32])),
        }
    }

    fn with(mut note: Vec<u8>, progress: &Progress, bytes: usize) -> Vec<u8> {
        let (at, slot) = progress.slot();
        let at = usize::try_from(at).unwrap();
        let bytes = bytes.min(slot.len());
        note[at..at + bytes].copy_from_slice(&slot[..bytes]);
        note
    }

    #[test]
    fn a_note_says_what_was_noted_last() {
        let note = first(&upload()).unwrap();
        assert_eq!(read(&note), Some((upload(), Progress::first(&upload()))));
        let note = with(note, &later(), SLOT_BYTES);
        assert_eq!(read(&note), Some((upload(), later())));
        let third = Progress { generation: 3, offset: 80, ..later() };
        assert_eq!(read(&with(note, &third, SLOT_BYTES)).unwrap().1, third);
    }

    #[test]
    fn a_slot_that_is_cut_anywhere_leaves_the_older() {
        let second = with(first(&upload()).unwrap(), &later(), SLOT_BYTES);
        let third = Progress { generation: 3, offset: 80, ..later() };
        for bytes in 0..SLOT_BYTES {
            assert_eq!(read(&with(second.clone(), &third, bytes)).unwrap().1, later(), "{bytes}");
        }
    }

    #[test]
    fn a_note_that_is_cut_or_flipped_anywhere_says_nothing_that_was_never_noted() {
        let note = with(first(&upload()).unwrap(), &later(), SLOT_BYTES);
        let noted = [Progress::first(&upload()), later()];
        let fits = |found: Option<(Upload, Progress)>| {
            found.is_none_or(|found| found.0 == upload() && noted.contains(&found.1))
        };
        for at in 0..note.len() {
            assert!(fits(read(&note[..at])), "cut at {at}");
            let mut flipped = note.clone();
            flipped[at] ^= 0x10;
            assert!(fits(read(&flipped)), "flipped at {at}");
        }
    }

    #[test]
    fn a_name_that_is_too_long_is_not_noted() {
        let long = |bytes| first(&Upload { name: "x".repeat(bytes), ..upload() });
        assert!(read(&long(NAME_MAX_BYTES).unwrap()).is_some());
        assert!(long(NAME_MAX_BYTES + 1).is_none());
    }
}
