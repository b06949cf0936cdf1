//! What a file is, by its first bytes.

use crate::formats::Format;

/// Bytes of a file's beginning that are worth looking at.
const HEAD_BYTES: usize = 8 * 1024;

/// What a file is, found out from its bytes: never from its name or from what a client says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaType {
    /// As in a `Content-Type` header.
    pub name: &'static str,
    /// Whether a browser may show it by itself: only what no browser runs as a script. Everything else is given as a
    /// download.
    pub inline: bool,
}

impl MediaType {
    /// What nothing is known of.
    pub const UNKNOWN: Self = Self { name: "application/octet-stream", inline: false };
    const TEXT: Self = Self { name: "text/plain; charset=utf-8", inline: false };

    /// What to call a file of which [`look`](crate::look) says that it is no picture: if it begins as one all the same, it
    /// must not be shown as one, and has no name that invites to.
    #[must_use]
    pub fn of_plain_file(self) -> Self {
        if self.name.starts_with("image/") && self.inline { Self::UNKNOWN } else { self }
    }
}

/// What may be heard and seen in a page beside pictures: names as `infer` gives them, and as browsers know them.
const INLINE: &[(&str, &str)] = &[
    ("video/mp4", "video/mp4"),
    ("video/x-m4v", "video/mp4"),
    ("video/webm", "video/webm"),
    ("audio/mpeg", "audio/mpeg"),
    ("audio/ogg", "audio/ogg"),
    ("audio/opus", "audio/ogg"),
    ("audio/x-wav", "audio/wav"),
    ("audio/m4a", "audio/mp4"),
    ("audio/aac", "audio/aac"),
    ("audio/x-flac", "audio/flac"),
];

/// Says what a file is by its first bytes; some 8 KiB are enough.
///
/// A file that begins as a picture is called one here; whether it may be shown is decided by [`look`](crate::look), which
/// reads all of it. AVIF, HEIF and QuickTime are named but never `inline`: nothing here can take out where they were
/// taken. Signatures: the `infer` crate; text: valid UTF-8 without control characters, as in
/// <https://mimesniff.spec.whatwg.org/#binary-data-byte>.
#[must_use]
pub fn sniff(head: &[u8]) -> MediaType {
    let head = head.get(..HEAD_BYTES).unwrap_or(head);
    if let Some(format) = Format::of(head) {
        return MediaType { name: format.media_type(), inline: true };
    }
    if let Some(kind) = infer::get(head) {
        let name = kind.mime_type();
        return match INLINE.iter().find(|(theirs, _)| *theirs == name) {
            Some(&(_, name)) => MediaType { name, inline: true },
            None => MediaType { name, inline: false },
        };
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
