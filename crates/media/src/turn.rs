//! A picture that EXIF turns, written upright.

use std::cell::RefCell;
use std::io::Cursor;

use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageEncoder};
use jpeg_encoder::{Encoder, ImageBuffer, JpegColorType, SamplingFactor, rgb_to_ycbcr};

use crate::decode::Decoded;
use crate::formats::{Format, Walked, png_with_colours};
use crate::refused::Refused;
use crate::shrink::speaks_of;

/// Quality of a photograph that has to be encoded again: no eye tells it from the one before.
const QUALITY: u8 = 90;

/// Whether width and height change places.
fn is_on_its_side(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

/// The size of the upright picture.
pub(crate) fn size(orientation: Orientation, width: u32, height: u32) -> (u32, u32) {
    if is_on_its_side(orientation) { (height, width) } else { (width, height) }
}

/// The same picture upright: JPEG with little loss, everything else without. Of the latter the decoded pixels are turned as
/// well, in place of a third copy.
pub(crate) fn upright(walked: &Walked, decoded: &mut Decoded) -> Result<Vec<u8>, Refused> {
    if walked.format == Format::Jpeg {
        return jpeg(walked, decoded);
    }
    let failed = |error: image::ImageError| Refused::damaged(error.to_string());
    let turned = &mut decoded.pixels;
    turned.apply_orientation(walked.orientation);
    decoded.orientation = Orientation::NoTransforms;
    let mut upright = Vec::new();
    if walked.format == Format::Png {
        turned.write_with_encoder(PngEncoder::new(Cursor::new(&mut upright))).map_err(failed)?;
        return Ok(png_with_colours(&upright, &walked.clean));
    }
    let mut encoder = WebPEncoder::new_lossless(Cursor::new(&mut upright));
    if let Some(profile) = &decoded.profile {
        let kept = encoder.set_icc_profile(profile.clone());
        kept.map_err(|error| Refused::damaged(error.to_string()))?;
    }
    turned.write_with_encoder(encoder).map_err(failed)?;
    Ok(upright)
}

fn jpeg(walked: &Walked, decoded: &Decoded) -> Result<Vec<u8>, Refused> {
    let failed = |error: jpeg_encoder::EncodingError| Refused::damaged(error.to_string());
    let pixels = Turned::new(&decoded.pixels, walked.orientation)
        .ok_or(Refused::Unsupported("JPEG of these colours"))?;
    let (across, down) = walked.sampling;
    let (across, down) =
        if is_on_its_side(walked.orientation) { (down, across) } else { (across, down) };
    let mut upright = Vec::new();
    let mut encoder = Encoder::new(&mut upright, QUALITY);
    // Of rarer samplings none is lost by keeping every colour.
    let sampling = match (across, down) {
        (2, 1) => SamplingFactor::F_2_1,
        (1, 2) => SamplingFactor::F_1_2,
        (2, 2) => SamplingFactor::F_2_2,
        _ => SamplingFactor::F_1_1,
    };
    encoder.set_sampling_factor(sampling);
    let space = if pixels.channels == 1 { b"GRAY" } else { b"RGB " };
    // A profile of inks says nothing of the colours they were turned into.
    if let Some(profile) = decoded.profile.as_deref().filter(|profile| speaks_of(profile, space)) {
        encoder.add_icc_profile(profile).map_err(failed)?;
    }
    encoder.encode_image(pixels).map_err(failed)?;
    Ok(upright)
}

/// Rows that are turned at a time: reading a column touches a part of the memory for each pixel, and the pixels beside it
/// lie there as well.
const STRIP_ROWS: u16 = 16;

/// Pixels read as they are seen when the picture is turned, without a copy of them.
struct Turned<'a> {
    pixels: &'a [u8],
    channels: usize,
    width: u16,
    height: u16,
    /// The first pixel, and how far it is to the next along a row and down a column.
    first: i64,
    along: i64,
    down: i64,
    strip: RefCell<Strip>,
}

/// The rows that were turned last.
#[derive(Default)]
struct Strip {
    pixels: Vec<u8>,
    first_row: Option<u16>,
}

impl<'a> Turned<'a> {
    fn new(pixels: &'a DynamicImage, orientation: Orientation) -> Option<Self> {
        let (width, height) = (pixels.width(), pixels.height());
        let (pixels, channels) = match pixels {
            DynamicImage::ImageLuma8(gray) => (gray.as_raw(), 1),
            DynamicImage::ImageRgb8(rgb) => (rgb.as_raw(), 3),
            _ => return None,
        };
        let (across, rows) = (i64::from(width), i64::from(height));
        let (right, bottom) = (across - 1, (rows - 1) * across);
        let (first, along, down) = match orientation {
            Orientation::NoTransforms => (0, 1, across),
            Orientation::FlipHorizontal => (right, -1, across),
            Orientation::Rotate180 => (bottom + right, -1, -across),
            Orientation::FlipVertical => (bottom, 1, -across),
            Orientation::Rotate90FlipH => (0, across, 1),
            Orientation::Rotate90 => (bottom, -across, 1),
            Orientation::Rotate270FlipH => (bottom + right, -across, -1),
            Orientation::Rotate270 => (right, across, -1),
        };
        let (width, height) = size(orientation, width, height);
        let (width, height) = (u16::try_from(width).ok()?, u16::try_from(height).ok()?);
        let strip = RefCell::default();
        Some(Self { pixels, channels, width, height, first, along, down, strip })
    }

    /// Turns the strip that begins with this row.
    fn turn<const CHANNELS: usize>(&self, first_row: u16, strip: &mut Strip) {
        let width = usize::from(self.width);
        let rows = STRIP_ROWS.min(self.height - first_row);
        strip.pixels.resize(width * usize::from(rows) * CHANNELS, 0);
        strip.first_row = Some(first_row);
        let (from, _) = self.pixels.as_chunks::<CHANNELS>();
        let (to, _) = strip.pixels.as_chunks_mut::<CHANNELS>();
        let mut begin = self.first + i64::from(first_row) * self.down;
        for x in 0..width {
            let mut at = begin;
            for row in 0..usize::from(rows) {
                let pixel = usize::try_from(at).ok().and_then(|at| from.get(at));
                if let (Some(to), Some(pixel)) = (to.get_mut(row * width + x), pixel) {
                    *to = *pixel;
                }
                at += self.down;
            }
            begin += self.along;
        }
    }
}

impl ImageBuffer for Turned<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        if self.channels == 1 { JpegColorType::Luma } else { JpegColorType::Ycbcr }
    }

    fn width(&self) -> u16 {
        self.width
    }

    fn height(&self) -> u16 {
        self.height
    }

    fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
        let mut strip = self.strip.borrow_mut();
        let first_row = y - y % STRIP_ROWS;
        if strip.first_row != Some(first_row) {
            match self.channels {
                1 => self.turn::<1>(first_row, &mut strip),
                _ => self.turn::<3>(first_row, &mut strip),
            }
        }
        let row = usize::from(self.width) * self.channels;
        let begin = usize::from(y - first_row) * row;
        let row = strip.pixels.get(begin..begin + row).unwrap_or_default();
        if self.channels == 1 {
            buffers[0].extend_from_slice(row);
            return;
        }
        for [r, g, b] in row.as_chunks::<3>().0 {
            let (luma, blue, red) = rgb_to_ycbcr(*r, *g, *b);
            buffers[0].push(luma);
            buffers[1].push(blue);
            buffers[2].push(red);
        }
    }
}
