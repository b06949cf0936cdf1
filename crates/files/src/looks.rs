//! What uploads look like: the only place that knows who looks at them.

use std::io;
use std::path::Path;

use anser_media::{MediaType, Original, Posters, sniff};
use anser_types::limits::PICTURE_MAX_BYTES;
use anser_types::{Look, ThumbnailSize};

/// What somebody saw in an upload.
#[derive(Debug)]
pub(crate) struct Seen {
    pub media_type: &'static str,
    pub look: Option<Look>,
    /// The picture without what it told beside its pixels, if it told anything.
    pub clean: Option<Vec<u8>>,
    pub thumbnails: Vec<(ThumbnailSize, Vec<u8>)>,
}

/// Why there is nothing to be seen.
#[derive(Debug)]
pub(crate) enum Unseen {
    /// It must not be shown.
    Refused(String),
    Unreadable(io::Error),
}

/// Who looks.
#[derive(Debug)]
pub(crate) struct Looks {
    /// Nobody looks at films where the program for it is missing.
    posters: Option<Posters>,
}

impl Looks {
    /// With the programs that are there.
    pub fn find() -> Self {
        Self { posters: Posters::find() }
    }

    /// What an upload of so many bytes is by its first, and whether there is something to look at, which may take long.
    pub fn sniff(&self, head: &[u8], bytes: u64) -> (&'static str, bool) {
        let found = sniff(head);
        if found.is_picture() && bytes <= PICTURE_MAX_BYTES {
            return (found.name, true);
        }
        let plain = found.of_plain_file();
        (plain.name, is_film(plain) && self.posters.is_some())
    }

    /// Looks at an upload that begins like this.
    pub fn look(&self, upload: &Path, head: &[u8], original: bool) -> Result<Seen, Unseen> {
        let found = sniff(head);
        if found.is_picture() {
            return picture(upload, found, original);
        }
        let plain = Seen::nothing(found.of_plain_file());
        let Some(posters) = &self.posters else { return Ok(plain) };
        Ok(match posters.poster(upload) {
            Ok(poster) => Seen { look: Some(poster.look), thumbnails: poster.thumbnails, ..plain },
            Err(reason) => {
                // It is as good a file without.
                tracing::debug!(%reason, "there is no picture of a film");
                plain
            }
        })
    }
}

fn is_film(found: MediaType) -> bool {
    found.name.starts_with("video/")
}

fn picture(upload: &Path, found: MediaType, original: bool) -> Result<Seen, Unseen> {
    let bytes = std::fs::read(upload).map_err(Unseen::Unreadable)?;
    let original = if original { Original::Keep } else { Original::Clean };
    match anser_media::look(&bytes, original) {
        Ok(Some(picture)) => Ok(Seen {
            media_type: picture.media_type,
            look: Some(picture.look),
            clean: picture.clean,
            thumbnails: picture.thumbnails,
        }),
        Ok(None) => Ok(Seen::nothing(found.of_plain_file())),
        Err(reason) => Err(Unseen::Refused(reason.to_string())),
    }
}

/// Whether these bytes are a picture from which nothing would be taken.
pub(crate) fn is_clean(bytes: &[u8]) -> bool {
    matches!(anser_media::look(bytes, Original::Clean), Ok(Some(picture)) if picture.clean.is_none())
}

impl Seen {
    fn nothing(found: MediaType) -> Self {
        Self { media_type: found.name, look: None, clean: None, thumbnails: Vec::new() }
    }
}
