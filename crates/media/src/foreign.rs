//! Whether a picture is something else as well: such files pass one door as a picture and the next as what they are
//! (<https://portswigger.net/kb/papers/polyglots>). Looked for where a picture keeps what is not seen: in its metadata,
//! behind its end, and, for archives, which are read from their end, in the file as a whole.

use crate::refused::{Foreign, Refused};

/// What begins like this behind a picture's end is not there by chance.
const AT_TAIL: &[(&[u8], Foreign)] = &[
    (b"PK\x03\x04", Foreign::Archive),
    (b"PK\x05\x06", Foreign::Archive),
    (b"Rar!\x1a\x07", Foreign::Archive),
    (b"7z\xbc\xaf\x27\x1c", Foreign::Archive),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Foreign::Archive),
    (b"%PDF", Foreign::Pdf),
    (b"\x7fELF", Foreign::Program),
    (b"MZ", Foreign::Program),
    (b"\xca\xfe\xba\xbe", Foreign::Program),
    (b"\xcf\xfa\xed\xfe", Foreign::Program),
    (b"\xce\xfa\xed\xfe", Foreign::Program),
    (b"\0asm", Foreign::Program),
];
/// What begins like this anywhere: long enough not to stand in a photograph's data by chance. Lower case.
const ANYWHERE: &[(&[u8], Foreign)] = &[
    (b"<html", Foreign::Page),
    (b"<script", Foreign::Page),
    (b"<iframe", Foreign::Page),
    (b"<!doctype", Foreign::Page),
    (b"<?php", Foreign::Php),
    (b"%pdf-1.", Foreign::Pdf),
    (b"%pdf-2.", Foreign::Pdf),
];
const ZIP_ENTRY: &[u8] = b"PK\x01\x02";
const ZIP_END: &[u8] = b"PK\x05\x06";
/// Bytes of a ZIP file's last record without its comment, and of the longest comment.
const ZIP_END_BYTES: usize = 22;
const ZIP_COMMENT_MAX_BYTES: usize = 65_535;

/// Looks through the parts of one picture that are not seen.
#[derive(Debug, Default)]
pub(crate) struct Strangers {
    zip_entry: bool,
    zip_end: bool,
}

impl Strangers {
    /// Looks at metadata.
    pub(crate) fn look_at(&mut self, aside: &[u8]) -> Result<(), Refused> {
        for (at, byte) in aside.iter().enumerate() {
            // Nearly all bytes are none of these.
            if !matches!(byte, b'<' | b'%' | b'P') {
                continue;
            }
            let here = &aside[at..];
            if let Some((_, foreign)) = ANYWHERE.iter().find(|(text, _)| begins(here, text)) {
                return Err(Refused::AlsoSomethingElse(*foreign));
            }
            self.zip_entry |= here.starts_with(ZIP_ENTRY);
            self.zip_end |= here.starts_with(ZIP_END);
        }
        // Four bytes stand somewhere by chance, eight do not.
        if self.zip_entry && self.zip_end {
            return Err(Refused::AlsoSomethingElse(Foreign::Archive));
        }
        Ok(())
    }

    /// Looks at what stands behind the end.
    pub(crate) fn look_behind(&mut self, tail: &[u8]) -> Result<(), Refused> {
        let begin = tail.iter().position(|byte| !matches!(byte, 0 | b'\t' | b'\n' | b'\r' | b' '));
        // A zero may be the first byte of what begins there.
        for begin in begin.into_iter().flat_map(|begin| [begin, begin.saturating_sub(1)]) {
            let here = &tail[begin..];
            if let Some((_, foreign)) = AT_TAIL.iter().find(|(magic, _)| here.starts_with(magic)) {
                return Err(Refused::AlsoSomethingElse(*foreign));
            }
        }
        self.look_at(tail)
    }
}

/// Looks at the whole file for an archive whose last record ends with it, wherever the rest of it is.
pub(crate) fn look_at_end(file: &[u8]) -> Result<(), Refused> {
    let last = file.len().saturating_sub(ZIP_END_BYTES + ZIP_COMMENT_MAX_BYTES);
    let is_end = |record: &[u8]| {
        record.starts_with(ZIP_END)
            && record.len() >= ZIP_END_BYTES
            && usize::from(u16::from_le_bytes([record[20], record[21]]))
                == record.len() - ZIP_END_BYTES
    };
    if (last..file.len()).any(|at| is_end(&file[at..])) {
        return Err(Refused::AlsoSomethingElse(Foreign::Archive));
    }
    Ok(())
}

fn begins(here: &[u8], lower_case: &[u8]) -> bool {
    here.get(..lower_case.len()).is_some_and(|here| here.eq_ignore_ascii_case(lower_case))
}
