//! The pictures that are taken, read as far as their structure goes: how large they are, what they tell beside their
//! pixels, and the same picture without that. No pixel is unpacked here and nothing is allocated but the copy.

mod gif;
mod jpeg;
mod png;
mod webp;

use anser_types::limits;
use image::metadata::Orientation;

use crate::foreign::{self, Strangers};
use crate::refused::Refused;

pub(crate) use png::with_colours as png_with_colours;

/// The formats that are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Jpeg,
    Png,
    Gif,
    WebP,
}

impl Format {
    /// The format a file begins with.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let is_webp = || bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
        match bytes {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            _ if bytes.starts_with(png::SIGNATURE) => Some(Self::Png),
            _ if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") => Some(Self::Gif),
            _ if is_webp() => Some(Self::WebP),
            _ => None,
        }
    }

    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
        }
    }
}

/// A picture whose structure has been read.
#[derive(Debug)]
pub(crate) struct Walked {
    pub(crate) format: Format,
    /// Pixels across as they are stored, before they are turned.
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// How the stored pixels are turned to be shown.
    pub(crate) orientation: Orientation,
    /// Whether it is made of frames.
    pub(crate) moves: bool,
    pub(crate) duration_ms: u32,
    /// The picture without anything that is not needed to show it. Its orientation is told only if it moves.
    pub(crate) clean: Vec<u8>,
    /// How many pixels across and down share one colour in a JPEG.
    pub(crate) sampling: (u8, u8),
}

/// Reads the structure of a picture.
pub(crate) fn walk(format: Format, bytes: &[u8]) -> Result<Walked, Refused> {
    let mut strangers = Strangers::default();
    let walked = match format {
        Format::Jpeg => jpeg::walk(bytes, &mut strangers),
        Format::Png => png::walk(bytes, &mut strangers),
        Format::Gif => gif::walk(bytes, &mut strangers),
        Format::WebP => webp::walk(bytes, &mut strangers),
    }?;
    foreign::look_at_end(bytes)?;
    Ok(walked)
}

/// Refuses what has too many pixels, or none.
fn check_size(width: u32, height: u32) -> Result<(), Refused> {
    if width == 0 || height == 0 {
        return Err(Refused::damaged("it has no pixels"));
    }
    let too_many = u64::from(width) * u64::from(height) > limits::PICTURE_MAX_PIXELS;
    if too_many || width.max(height) > limits::PICTURE_MAX_SIDE {
        return Err(Refused::TooManyPixels { width, height });
    }
    Ok(())
}

/// Refuses what takes more memory than any picture may, at so many bytes for each pixel.
fn check_memory(width: u32, height: u32, bytes_per_pixel: u64) -> Result<(), Refused> {
    let bytes = u64::from(width) * u64::from(height) * bytes_per_pixel;
    if bytes > limits::PICTURE_UNPACKED_MAX_BYTES {
        return Err(Refused::TooDeep { bytes });
    }
    Ok(())
}

/// The frames of a moving picture, counted.
#[derive(Debug, Default)]
struct Frames {
    count: u32,
    pixels: u64,
    duration_ms: u64,
}

impl Frames {
    fn add(&mut self, width: u32, height: u32) -> Result<(), Refused> {
        check_size(width, height)?;
        self.count = self.count.saturating_add(1);
        self.pixels += u64::from(width) * u64::from(height);
        if self.pixels > limits::PICTURE_FRAMES_MAX_PIXELS {
            return Err(Refused::TooManyFrames);
        }
        Ok(())
    }

    /// How long they last together; 0 for a single one.
    fn duration_ms(&self) -> u32 {
        if self.count < 2 { 0 } else { u32::try_from(self.duration_ms).unwrap_or(u32::MAX) }
    }
}

/// The orientation that EXIF data tell, if they tell one (EXIF 3.0, tag 274).
fn orientation_in(exif: &[u8]) -> Option<Orientation> {
    let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    Orientation::from_exif_chunk(tiff)
}

/// EXIF data that tell an orientation and nothing else, for what moves: turning each frame would make it another film.
fn exif_of(orientation: Orientation) -> [u8; 26] {
    let mut exif = *b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0";
    exif[19] = orientation.to_exif();
    exif
}
