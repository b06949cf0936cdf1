//! What is uploaded, and what is said about it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anser_types::limits::FILE_NAME_MAX_BYTES;
use bytes::Bytes;
use tokio::io::AsyncRead;

use super::recording::Recording;

/// Something that grows while it is sent.
pub(super) type Growing = Box<dyn AsyncRead + Send + Sync + Unpin>;

/// What is uploaded: a file by its path, bytes in memory, or something that is still being made.
pub struct UploadSource(pub(crate) Wanted);

pub(crate) enum Wanted {
    Path(PathBuf),
    Memory(Bytes),
    Growing(Growing),
}

impl UploadSource {
    /// A file. Its upload goes on after a restart of the app ([`Client::uploads`](crate::Client::uploads)).
    #[must_use]
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self(Wanted::Path(path.into()))
    }

    /// Bytes in memory.
    #[must_use]
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self(Wanted::Memory(bytes.into()))
    }

    /// Something to be read until it ends, sent while it is read. What the server does not have when the app ends is lost.
    #[must_use]
    pub fn reader(reader: impl AsyncRead + Send + Sync + Unpin + 'static) -> Self {
        Self(Wanted::Growing(Box::new(reader)))
    }

    /// Something that is being recorded: what is written into the first goes out at once, and the file is complete soon
    /// after [`Recording::finish`].
    #[must_use]
    pub fn recording() -> (Recording, Self) {
        let (recording, reader) = Recording::new();
        (recording, Self::reader(reader))
    }
}

impl std::fmt::Debug for UploadSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Wanted::Path(path) => write!(f, "UploadSource({})", path.display()),
            Wanted::Memory(bytes) => write!(f, "UploadSource({} bytes)", bytes.len()),
            Wanted::Growing(_) => f.write_str("UploadSource(growing)"),
        }
    }
}

impl From<PathBuf> for UploadSource {
    fn from(path: PathBuf) -> Self {
        Self::path(path)
    }
}

impl From<&Path> for UploadSource {
    fn from(path: &Path) -> Self {
        Self::path(path)
    }
}

impl From<Bytes> for UploadSource {
    fn from(bytes: Bytes) -> Self {
        Self::bytes(bytes)
    }
}

impl From<Vec<u8>> for UploadSource {
    fn from(bytes: Vec<u8>) -> Self {
        Self::bytes(bytes)
    }
}

/// What is said about an upload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UploadOptions {
    /// What the file is called; if not said, a path's last part.
    pub name: Option<String>,
    /// Keep a picture as it is, with what it tells beside its pixels: the camera, the time, the place.
    pub original: bool,
}

/// Shortens a name to so many bytes, from its middle: the end says what it is.
pub fn shorten_name(name: &mut String, most_bytes: usize) {
    while name.len() > most_bytes {
        let middle = name.char_indices().map(|(at, _)| at).nth(name.chars().count() / 2);
        name.remove(middle.unwrap_or_default());
    }
}

/// What a file at this path is called at the server.
pub(super) fn name_of(path: &Path) -> String {
    let name = path.file_name().map(OsStr::to_string_lossy).unwrap_or_default();
    let mut name: String =
        name.chars().map(|c| if c.is_control() || c == '/' { ' ' } else { c }).collect();
    shorten_name(&mut name, FILE_NAME_MAX_BYTES);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_every_server_takes() {
        assert_eq!(name_of(Path::new("/home/a/holiday.jpg")), "holiday.jpg");
        assert_eq!(name_of(Path::new("two\nlines.txt")), "two lines.txt");
        let long = format!("{}.pdf", "文".repeat(200));
        let name = name_of(Path::new(&long));
        assert!(name.len() <= FILE_NAME_MAX_BYTES && name.ends_with(".pdf"), "{name}");
        assert_eq!(name_of(Path::new("/")), "");
    }
}
