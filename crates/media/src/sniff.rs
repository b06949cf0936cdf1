//! What a file is, by its first bytes.

use anser_types::may_be_shown;

use crate::formats::Format;

/// Bytes of a file's beginning that [`sniff`] looks at.
pub const HEAD_BYTES: usize = 8 * 1024;

/// What a file is, found out from its bytes: never from its name or from what a client says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaType {
    /// As in a `Content-Type` header.
    pub name: &'static str,
}

impl MediaType {
    /// What nothing is known of.
    pub const UNKNOWN: Self = Self { name: "application/octet-stream" };
    const TEXT: Self = Self { name: "text/plain; charset=utf-8" };

    /// What to call a file of which [`look`](crate::look) says that it is no picture: if it begins as one all the same, it
    /// must not be shown as one, and has no name that invites to.
    #[must_use]
    pub fn of_plain_file(self) -> Self {
        if self.is_picture() { Self::UNKNOWN } else { self }
    }

    /// Whether it begins as a picture that may be shown, once [`look`](crate::look) has read all of it.
    #[must_use]
    pub fn is_picture(self) -> bool {
        self.name.starts_with("image/") && may_be_shown(self.name)
    }
}

/// Names as `infer` gives them, and as browsers know them, where they differ.
const NAMES: &[(&str, &str)] = &[
    ("video/x-m4v", "video/mp4"),
    ("audio/opus", "audio/ogg"),
    ("audio/x-wav", "audio/wav"),
    ("audio/m4a", "audio/mp4"),
    ("audio/x-flac", "audio/flac"),
];

/// Says what a file is by its first bytes; [`HEAD_BYTES`] are enough, and what follows is not looked at.
///
/// A file that begins as a picture is called one here; whether it is one is found out by [`look`](crate::look), which
/// reads all of it. Signatures: the `infer` crate; text: valid UTF-8 without control characters, as in
/// <https://mimesniff.spec.whatwg.org/#binary-data-byte>.
#[must_use]
pub fn sniff(head: &[u8]) -> MediaType {
    let head = head.get(..HEAD_BYTES).unwrap_or(head);
    if let Some(format) = Format::of(head) {
        return MediaType { name: format.media_type() };
    }
    if let Some(kind) = infer::get(head) {
        let theirs = kind.mime_type();
        let known = NAMES.iter().find(|(name, _)| *name == theirs);
        // It is none of the pictures that can be read here, whatever its first bytes say.
        return MediaType { name: known.map_or(theirs, |(_, name)| name) }.of_plain_file();
    }
    if is_text(head) { MediaType::TEXT } else { MediaType::UNKNOWN }
}

/// Whether this reads as UTF-8 text; the last character may be cut off.
fn is_text(head: &[u8]) -> bool {
    let text = match str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_some() => return false,
        Err(error) => str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default(),
    };
    let strange = |letter: char| {
        letter.is_control() && !matches!(letter, '\t' | '\n' | '\r' | '\x0c' | '\x1b')
    };
    !text.is_empty() && !text.contains(strange)
}
