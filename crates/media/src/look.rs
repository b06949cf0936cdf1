//! One picture: what it looks like, what is kept of it, and smaller ones.

use anser_types::{Look, ThumbnailSize, limits};
use image::metadata::Orientation;

use crate::decode::decode;
use crate::formats::{self, Format};
use crate::refused::Refused;
use crate::shrink;
use crate::turn;

/// What becomes of the bytes that were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Original {
    /// They are replaced by the picture without metadata, upright.
    Clean,
    /// They are kept as they are: sent "as a file".
    Keep,
}

/// A picture that may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// What it looks like; width and height are those of the upright picture.
    pub look: Look,
    /// What it is.
    pub media_type: &'static str,
    /// The bytes to keep in place of those that were sent; `None` if those need no change, or are to be kept.
    pub clean: Option<Vec<u8>>,
    /// Smaller ones: JPEGs that fit into the square of their size, upright, on white, without metadata; ascending.
    pub thumbnails: Vec<(ThumbnailSize, Vec<u8>)>,
}

/// Looks at a file. `Ok(None)`: it is no picture (JPEG, PNG, GIF, WebP), or larger than
/// [`limits::PICTURE_MAX_BYTES`]; it is a plain file then, named by
/// [`MediaType::of_plain_file`](crate::MediaType::of_plain_file) and never shown in a page.
///
/// Guarantees:
/// - Pixels and memory are checked from the headers before anything is unpacked; of what moves only the first frame is.
///   Scans of a JPEG and pixels of all frames are counted before, too.
/// - `clean` shows the same pixels. What does not need to be turned is rewritten without loss: only metadata, unknown
///   parts and what stands behind the end are left out (EXIF and with it GPS, XMP, IPTC, comments, texts, embedded
///   thumbnails, films and further pictures). What EXIF turns is turned: a JPEG is encoded again with quality 90 and the
///   colour sampling it had, PNG and WebP without loss (WebP that was lossy grows by it). Moving pictures keep their
///   frames, and EXIF with nothing but the orientation if they are turned. Kept are colour profiles. `clean` may be
///   larger than the file; at most 4 bytes a pixel (8 of a PNG of 16 bits) beside headers.
/// - A thumbnail is never larger than the picture; sizes that would not be smaller are left out, but the smallest is
///   always there. The preview has at most [`limits::THUMBNAIL_MAX_BYTES`].
/// - Equal bytes give equal pictures.
///
/// # Errors
/// With [`Original::Clean`] why a file that begins as a picture is not taken: too many pixels, scans or frames; damaged;
/// or something else as well ([`Refused::AlsoSomethingElse`]). With [`Original::Keep`] there are none: what would be
/// refused is a plain file, `Ok(None)`.
///
/// Sources: <https://www.w3.org/TR/png-3/>, ITU-T T.81 and T.871, EXIF 3.0, RFC 9649, GIF89a.
pub fn look(bytes: &[u8], original: Original) -> Result<Option<Picture>, Refused> {
    let is_too_long = u64::try_from(bytes.len()).is_ok_and(|n| n > limits::PICTURE_MAX_BYTES);
    let Some(format) = Format::of(bytes).filter(|_| !is_too_long) else {
        return Ok(None);
    };
    match (look_at(format, bytes, original), original) {
        (Ok(picture), _) => Ok(Some(picture)),
        (Err(_), Original::Keep) => Ok(None),
        (Err(refused), Original::Clean) => Err(refused),
    }
}

fn look_at(format: Format, bytes: &[u8], original: Original) -> Result<Picture, Refused> {
    let mut walked = formats::walk(format, bytes)?;
    let is_turned = walked.orientation != Orientation::NoTransforms && !walked.moves;
    let must_turn = is_turned && original == Original::Clean;
    let longest = walked.width.max(walked.height);
    let enough = shrink::enough(longest).filter(|_| !must_turn);
    let mut decoded = decode(&walked, enough, must_turn)?;
    let clean = match original {
        Original::Keep => None,
        Original::Clean if must_turn => Some(turn::upright(&walked, &mut decoded)?),
        Original::Clean => Some(std::mem::take(&mut walked.clean)).filter(|clean| clean != bytes),
    };
    let shrunk = shrink::shrink(decoded, longest)?;
    let (width, height) = turn::size(walked.orientation, walked.width, walked.height);
    Ok(Picture {
        look: Look { width, height, duration_ms: walked.duration_ms, ..shrunk.look() },
        media_type: format.media_type(),
        clean,
        thumbnails: shrunk.thumbnails,
    })
}
