//! Pixels out of a picture whose structure has been read.
//!
//! JPEGs are read by `jpeg-decoder`: what `image` takes shows other colours than were meant where each colour has a scan of
//! its own (<https://github.com/etemesi254/zune-image/issues/422>), and cannot leave out detail that nobody needs.

use std::io::Cursor;

use anser_types::limits;
use image::codecs::gif::GifDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageResult, Limits, RgbImage};
use jpeg_decoder::PixelFormat;

use crate::formats::{Format, Walked};
use crate::refused::Refused;

/// A picture unpacked: of one that moves, its first frame.
pub(crate) struct Decoded {
    pub(crate) pixels: DynamicImage,
    /// How they are still to be turned.
    pub(crate) orientation: Orientation,
    /// The ICC profile that says how its numbers are meant.
    pub(crate) profile: Option<Vec<u8>>,
}

/// Unpacks the copy that has no metadata: decoders see nothing of what was dropped, and what they read is what is kept. A
/// decoder that can do so cheaply may leave out detail if the longer side stays as long as this. One that will be turned
/// and written again must leave room for it.
pub(crate) fn decode(
    walked: &Walked,
    enough: Option<u32>,
    must_turn: bool,
) -> Result<Decoded, Refused> {
    let input = Cursor::new(walked.clean.as_slice());
    match walked.format {
        Format::Jpeg => unpack_jpeg(walked, enough),
        Format::Png => unpack(PngDecoder::with_limits(input, allowed()), walked, must_turn),
        Format::Gif => unpack(GifDecoder::new(input), walked, must_turn),
        Format::WebP => unpack(WebPDecoder::new(input), walked, must_turn),
    }
}

/// What decoders may have beside the pixels; ours are checked before.
fn allowed() -> Limits {
    let mut allowed = Limits::default();
    allowed.max_image_width = Some(limits::PICTURE_MAX_SIDE);
    allowed.max_image_height = Some(limits::PICTURE_MAX_SIDE);
    allowed.max_alloc = Some(limits::PICTURE_UNPACKED_MAX_BYTES);
    allowed
}

fn unpack(
    decoder: ImageResult<impl ImageDecoder>,
    walked: &Walked,
    must_turn: bool,
) -> Result<Decoded, Refused> {
    let damaged = |error: image::ImageError| Refused::damaged(error.to_string());
    let mut decoder = decoder.map_err(damaged)?;
    if decoder.dimensions() != (walked.width, walked.height) {
        return Err(Refused::damaged("it has two sizes"));
    }
    // They are turned in a copy, and written from another.
    let copies = if must_turn { 3 } else { 1 };
    let bytes = decoder.total_bytes().saturating_mul(copies);
    if bytes > limits::PICTURE_UNPACKED_MAX_BYTES {
        return Err(Refused::TooDeep { bytes });
    }
    decoder.set_limits(allowed()).map_err(damaged)?;
    let profile = decoder.icc_profile().ok().flatten();
    let pixels = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    Ok(Decoded { pixels, orientation: walked.orientation, profile })
}

fn unpack_jpeg(walked: &Walked, enough: Option<u32>) -> Result<Decoded, Refused> {
    let damaged = |error: jpeg_decoder::Error| Refused::damaged(error.to_string());
    let mut decoder = jpeg_decoder::Decoder::new(walked.clean.as_slice());
    decoder.set_max_decoding_buffer_size(
        usize::try_from(limits::PICTURE_UNPACKED_MAX_BYTES).unwrap_or(usize::MAX),
    );
    decoder.read_info().map_err(damaged)?;
    if let Some(side) = enough.and_then(|side| u16::try_from(side).ok()) {
        // It stops at the first side that is long enough: the shorter one never is.
        let lies = walked.width >= walked.height;
        let (width, height) = if lies { (side, u16::MAX) } else { (u16::MAX, side) };
        decoder.scale(width, height).map_err(damaged)?;
    }
    let bytes = decoder.decode().map_err(damaged)?;
    let profile = decoder.icc_profile();
    let info = decoder.info().ok_or_else(Refused::cut_off)?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    let pixels = match info.pixel_format {
        PixelFormat::L8 => GrayImage::from_raw(width, height, bytes).map(DynamicImage::from),
        PixelFormat::RGB24 => RgbImage::from_raw(width, height, bytes).map(DynamicImage::from),
        PixelFormat::CMYK32 => {
            RgbImage::from_raw(width, height, without_inks(bytes)).map(DynamicImage::from)
        }
        PixelFormat::L16 => None,
    };
    let pixels = pixels.ok_or_else(|| Refused::damaged("it has two sizes"))?;
    Ok(Decoded { pixels, orientation: walked.orientation, profile })
}

/// Inks (cyan, magenta, yellow, black, as much as there is of each) as the colours they leave of white, in place.
fn without_inks(mut inks: Vec<u8>) -> Vec<u8> {
    let pixels = inks.len() / 4;
    for pixel in 0..pixels {
        let left = 255 - u32::from(inks[pixel * 4 + 3]);
        for ink in 0..3 {
            let colour = (255 - u32::from(inks[pixel * 4 + ink])) * left / 255;
            inks[pixel * 3 + ink] = u8::try_from(colour).unwrap_or(u8::MAX);
        }
    }
    inks.truncate(pixels * 3);
    inks
}
