//! The rows of files: who sent what, what is known of its bytes, and how much room everybody takes.

use anser_types::{FileId, Look, Sha256, StoredFile, ThumbnailSize, UnixMs, UserNo};
use bytes::Bytes;

use super::primitives::{Malformed, ROW_FORMAT, Reader, put_bytes, put_text, put_varint};
use crate::blobs::Examined;
use crate::files::Usage;

/// A file, without what is known of its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    /// Who sent it.
    pub owner: UserNo,
    /// What its owner calls it.
    pub name: String,
    /// Its bytes.
    pub sha256: Sha256,
    /// How many bytes came.
    pub sent_bytes: u64,
    /// When it was complete.
    pub created_at: UnixMs,
    /// How many messages hold it.
    pub holds: u64,
    /// Since when no message does; zero if one does.
    pub unheld_since: UnixMs,
}

impl FileRow {
    /// A file that no message holds yet.
    #[must_use]
    pub fn new(file: &StoredFile) -> Self {
        Self {
            owner: file.owner,
            name: file.name.clone(),
            sha256: file.sha256,
            sent_bytes: file.sent_bytes,
            created_at: file.created_at,
            holds: 0,
            unheld_since: file.created_at.max(UnixMs(1)),
        }
    }

    /// One more message holds it. Returns since when none did.
    pub fn hold(&mut self) -> Option<UnixMs> {
        self.holds += 1;
        let since = std::mem::take(&mut self.unheld_since);
        (since > UnixMs(0)).then_some(since)
    }

    /// One message less holds it. Returns whether it was the last one.
    pub fn release(&mut self, at: UnixMs) -> bool {
        self.holds = self.holds.saturating_sub(1);
        if self.holds > 0 {
            return false;
        }
        self.unheld_since = at.max(UnixMs(1));
        true
    }

    /// The file with what is known of its bytes.
    #[must_use]
    pub fn with(self, id: FileId, content: Examined) -> StoredFile {
        StoredFile {
            id,
            owner: self.owner,
            name: self.name,
            media_type: content.media_type,
            bytes: content.bytes,
            sent_bytes: self.sent_bytes,
            sha256: self.sha256,
            look: content.look,
            created_at: self.created_at,
        }
    }

    /// Appends the row.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(ROW_FORMAT);
        put_varint(out, self.owner.0);
        put_text(out, &self.name);
        out.extend_from_slice(&self.sha256.0);
        for number in [self.sent_bytes, self.created_at.0, self.holds, self.unheld_since.0] {
            put_varint(out, number);
        }
    }

    /// Reads the row.
    ///
    /// # Errors
    /// What no such row says.
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::row(bytes)?;
        let row = Self {
            owner: UserNo(reader.varint()?),
            name: reader.text()?.to_owned(),
            sha256: Sha256(reader.array()?),
            sent_bytes: reader.varint()?,
            created_at: UnixMs(reader.varint()?),
            holds: reader.varint()?,
            unheld_since: UnixMs(reader.varint()?),
        };
        reader.end()?;
        if (row.holds == 0) != (row.unheld_since > UnixMs(0)) {
            return Err(Malformed("a file is held and not"));
        }
        Ok(row)
    }
}

/// What is known of bytes, and how many files have them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentRow {
    /// Files with these bytes.
    pub files: u64,
    /// What is known of them.
    pub content: Examined,
}

impl ContentRow {
    /// Appends the row.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(ROW_FORMAT);
        put_varint(out, self.files);
        put_varint(out, self.content.bytes);
        put_text(out, &self.content.media_type);
        let Some(look) = &self.content.look else {
            out.push(0);
            return;
        };
        out.push(1);
        for number in [look.width, look.height, look.duration_ms] {
            put_varint(out, u64::from(number));
        }
        put_bytes(out, &look.thumbhash);
        put_bytes(out, &look.preview);
        put_varint(out, look.thumbnails.len() as u64);
        out.extend(look.thumbnails.iter().map(|size| size.code()));
    }

    /// Reads the row.
    ///
    /// # Errors
    /// What no such row says.
    pub fn read(sha256: Sha256, bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::row(bytes)?;
        let files = reader.varint()?;
        let bytes = reader.varint()?;
        let media_type = reader.text()?.to_owned();
        let look = match reader.u8()? {
            0 => None,
            1 => Some(read_look(&mut reader)?),
            _ => return Err(Malformed("a file has no known look")),
        };
        reader.end()?;
        Ok(Self { files, content: Examined { sha256, bytes, media_type, look } })
    }
}

fn read_look(reader: &mut Reader<'_>) -> Result<Look, Malformed> {
    let mut small =
        || u32::try_from(reader.varint()?).map_err(|_| Malformed("a look is too large"));
    let (width, height, duration_ms) = (small()?, small()?, small()?);
    let thumbhash = Bytes::copy_from_slice(reader.bytes()?);
    let preview = Bytes::copy_from_slice(reader.bytes()?);
    let count = reader.count()?;
    let size = |_| {
        let size = ThumbnailSize::from_code(reader.u8()?);
        size.ok_or(Malformed("a thumbnail is of no known size"))
    };
    let thumbnails = (0..count).map(size).collect::<Result<_, _>>()?;
    Ok(Look { width, height, duration_ms, thumbhash, preview, thumbnails })
}

/// Appends the row of how much of a user's room is taken.
pub fn write_usage(out: &mut Vec<u8>, usage: Usage) {
    out.push(ROW_FORMAT);
    put_varint(out, usage.files);
    put_varint(out, usage.bytes);
}

/// Reads the same.
///
/// # Errors
/// What no such row says.
pub fn read_usage(bytes: &[u8]) -> Result<Usage, Malformed> {
    let mut reader = Reader::row(bytes)?;
    let usage = Usage { files: reader.varint()?, bytes: reader.varint()? };
    reader.end()?;
    Ok(usage)
}
