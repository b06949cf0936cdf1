//! What is noted of an upload, as bytes: a head that is written once, and two slots that are written in turns.
//!
//! A slot is overwritten in place, so noting progress costs one write and one fsync of a file that keeps its size. The
//! other slot is older and whole: a write that is cut short loses what it would have noted and nothing else. Each part
//! stands in a block of its own and carries a checksum.

use anser_backend::{Upload, UploadState};
use anser_types::limits::{FILE_NAME_MAX_BYTES, UPLOAD_METADATA_MAX_BYTES};
use anser_types::{FileId, Sha256, UnixMs, UserNo};

/// The head, and each slot, begins at a multiple of this: a disk that tears a write tears it within one.
const BLOCK_BYTES: usize = 4096;
/// All of a note.
const NOTE_BYTES: usize = 3 * BLOCK_BYTES;
const MAGIC: &[u8; 8] = b"anserup2";
/// Of a head without metadata, which says nothing of its length: as it was written before there was any.
const MAGIC_WITHOUT_METADATA: &[u8; 8] = b"anserup1";
/// What says how long the rest of a head is: its magic, and the bytes of its name and of its metadata.
const HEAD_LENGTHS_BYTES: usize = 8 + 4 + 4;
/// Everything of a head before its name.
const HEAD_FIXED_BYTES: usize = HEAD_LENGTHS_BYTES + 16 + 8 + 8 + 1 + 1 + 33 + 9;
/// Name and metadata may be that long together; what is allowed is less.
const TEXTS_MAX_BYTES: usize = BLOCK_BYTES - HEAD_FIXED_BYTES - 4;
const _: () = assert!(FILE_NAME_MAX_BYTES + UPLOAD_METADATA_MAX_BYTES <= TEXTS_MAX_BYTES);
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

/// A note of an upload that begins; `None` if its name or its metadata is too long to be noted.
pub(crate) fn first(upload: &Upload) -> Option<Vec<u8>> {
    let name_len = u32::try_from(upload.name.len()).ok()?;
    let metadata_len = u32::try_from(upload.metadata.len()).ok()?;
    if upload.name.len() + upload.metadata.len() > TEXTS_MAX_BYTES {
        return None;
    }
    let mut note = Vec::with_capacity(NOTE_BYTES);
    note.extend_from_slice(MAGIC);
    note.extend_from_slice(&name_len.to_le_bytes());
    note.extend_from_slice(&metadata_len.to_le_bytes());
    note.extend_from_slice(&upload.id.0);
    put_u64(&mut note, upload.owner.0);
    put_u64(&mut note, upload.created_at.0);
    note.push(u8::from(upload.original));
    note.push(u8::from(upload.part));
    put_hash(&mut note, upload.sha256);
    put_length(&mut note, upload.length);
    note.extend_from_slice(upload.name.as_bytes());
    note.extend_from_slice(upload.metadata.as_bytes());
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
    let mut lengths = note;
    let lengths = &mut lengths;
    let (metadata_len, fixed_bytes) = match &take::<8>(lengths)? {
        MAGIC => (take_u32(&mut lengths.get(4..)?)?, HEAD_FIXED_BYTES),
        MAGIC_WITHOUT_METADATA => (0, HEAD_FIXED_BYTES - 4),
        _ => return None,
    };
    let name_len = take_u32(lengths)?;
    let texts_len = name_len.checked_add(metadata_len).filter(|len| *len <= TEXTS_MAX_BYTES)?;
    let head = unsealed(note.get(..fixed_bytes + texts_len + 4)?)?;
    let (fixed, texts) = head.split_at_checked(fixed_bytes)?;
    let (name, metadata) = texts.split_at_checked(name_len)?;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    let mut fixed = fixed.get(fixed_bytes + HEAD_LENGTHS_BYTES - HEAD_FIXED_BYTES..)?;
    let fixed = &mut fixed;
    Some(Upload {
        id: FileId(take(fixed)?),
        owner: UserNo(take_u64(fixed)?),
        created_at: UnixMs(take_u64(fixed)?),
        original: take::<1>(fixed)? == [1],
        part: take::<1>(fixed)? == [1],
        sha256: take_hash(fixed)?,
        length: take_length(fixed)?,
        name: text(name)?,
        metadata: text(metadata)?,
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

fn take_u32(from: &mut &[u8]) -> Option<usize> {
    usize::try_from(take(from).map(u32::from_le_bytes)?).ok()
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
            metadata: "filename YSBwaWN0dXJlLnBuZw==".into(),
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
    fn what_is_too_long_is_not_noted() {
        let metadata = "x".repeat(UPLOAD_METADATA_MAX_BYTES);
        let long =
            |bytes| Upload { name: "x".repeat(bytes), metadata: metadata.clone(), ..upload() };
        let most = long(TEXTS_MAX_BYTES - UPLOAD_METADATA_MAX_BYTES);
        assert_eq!(read(&first(&most).unwrap()).unwrap().0, most);
        assert!(first(&long(TEXTS_MAX_BYTES - UPLOAD_METADATA_MAX_BYTES + 1)).is_none());
    }

    /// As servers wrote it until metadata was kept.
    #[test]
    fn a_note_without_metadata_is_read() {
        let upload = Upload { metadata: String::new(), ..upload() };
        let note = first(&upload).unwrap();
        let fixed = &note[HEAD_LENGTHS_BYTES..HEAD_FIXED_BYTES];
        let mut before = [MAGIC_WITHOUT_METADATA, &note[8..12], fixed].concat();
        before.extend_from_slice(upload.name.as_bytes());
        seal(&mut before);
        before.resize(BLOCK_BYTES, 0);
        before.extend_from_slice(&note[BLOCK_BYTES..]);
        assert_eq!(read(&before), Some((upload.clone(), Progress::first(&upload))));
    }
}
