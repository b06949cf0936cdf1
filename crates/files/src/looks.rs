//! What uploads look like: the only place that knows who looks at them.

use std::path::Path;

use anser_types::{Look, ThumbnailSize};
use bytes::Bytes;

/// First bytes from which it is found out what an upload is.
pub(crate) const HEAD_BYTES: usize = 8 * 1024;

/// What somebody saw in an upload.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub look: Option<Look>,
    /// The picture without what it told beside its pixels, if it told anything.
    pub clean: Option<Bytes>,
    pub thumbnails: Vec<(ThumbnailSize, Bytes)>,
}

/// Who looks.
#[derive(Debug, Default)]
pub(crate) struct Looks;

impl Looks {
    /// What an upload is, by its first bytes.
    pub fn media_type(&self, _head: &[u8]) -> String {
        "application/octet-stream".to_owned()
    }

    /// There is something to look at, which may take long.
    pub fn is_to_be_seen(&self, _media_type: &str, _bytes: u64) -> bool {
        false
    }

    /// Looks. An error says why the upload must not be shown.
    pub fn look(&self, _upload: &Path, _media_type: &str, _original: bool) -> Result<Seen, String> {
        Ok(Seen::default())
    }
}
