//! Smaller pictures: each size out of the next larger one, so that the large one is gone through once.

use anser_types::{Look, ThumbnailSize, limits};
use bytes::Bytes;
use fast_image_resize::{FilterType, MulDiv, ResizeAlg, ResizeOptions, Resizer};
use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use crate::decode::Decoded;
use crate::refused::Refused;

/// Quality of thumbnails: their size is more than their detail.
const QUALITY: u8 = 80;
/// What a preview may look like, best first: pixels along a side, quality. The last fits whatever the picture shows.
const PREVIEWS: [(u32, u8); 5] = [(160, 65), (160, 45), (128, 40), (96, 30), (64, 25)];
/// The most that a thumbhash is made from.
const HASH_SIDE: u32 = 100;
/// Bytes of a colour profile that go with a thumbnail; those of screens and cameras are short, and a thumbnail must be.
const PROFILE_MAX_BYTES: usize = 4 * 1024;

/// What was made.
pub(crate) struct Shrunk {
    pub(crate) thumbnails: Vec<(ThumbnailSize, Vec<u8>)>,
    preview: Vec<u8>,
    thumbhash: Vec<u8>,
}

impl Shrunk {
    /// As a look that does not know the size of the picture.
    pub(crate) fn look(&self) -> Look {
        Look {
            thumbhash: Bytes::copy_from_slice(&self.thumbhash),
            preview: Bytes::copy_from_slice(&self.preview),
            thumbnails: self.thumbnails.iter().map(|(size, _)| *size).collect(),
            ..Look::default()
        }
    }
}

/// Makes the thumbnails, preview and thumbhash of a picture whose longer side has so many pixels in full.
pub(crate) fn shrink(decoded: Decoded, longest: u32) -> Result<Shrunk, Refused> {
    let Decoded { mut pixels, orientation, profile } = decoded;
    // Colours under glass must not bleed into what is around: they count as much as they cover.
    if pixels.color().has_alpha() {
        MulDiv::new().multiply_alpha_inplace(&mut pixels).map_err(unexpected)?;
    }
    let profile = profile.filter(|profile| {
        profile.len() <= PROFILE_MAX_BYTES
            && speaks_of(profile, b"RGB ")
            && pixels.color().has_color()
    });
    let mut thumbnails = Vec::new();
    for size in ThumbnailSize::ALL.into_iter().rev() {
        if longest <= size.pixels() && size != ThumbnailSize::Small {
            continue;
        }
        if pixels.width().max(pixels.height()) > size.pixels() {
            pixels = fitted(&pixels, size.pixels())?;
        }
        thumbnails.push((size, jpeg(&pixels, orientation, QUALITY, profile.as_deref())?));
    }
    thumbnails.reverse();
    let thumbhash = thumbhash(&pixels, orientation)?;
    Ok(Shrunk { thumbnails, preview: preview(&pixels, orientation)?, thumbhash })
}

/// How long the longer side must be for everything to be made from it; none if nothing can be left out.
pub(crate) fn enough(longest: u32) -> Option<u32> {
    ThumbnailSize::ALL.into_iter().map(ThumbnailSize::pixels).rev().find(|side| *side < longest)
}

/// Whether an ICC profile describes colours of this space (ICC.1:2022, 7.2.8).
pub(crate) fn speaks_of(profile: &[u8], space: &[u8; 4]) -> bool {
    profile.get(16..20) == Some(space)
}

fn unexpected(error: impl std::fmt::Display) -> Refused {
    Refused::damaged(error.to_string())
}

/// The size that fits into a square, not larger than it was.
pub(crate) fn fit(width: u32, height: u32, side: u32) -> (u32, u32) {
    let longest = width.max(height);
    if longest <= side {
        return (width, height);
    }
    let scaled = |length: u32| {
        let scaled = (u64::from(length) * u64::from(side) + u64::from(longest / 2))
            .checked_div(u64::from(longest));
        u32::try_from(scaled.unwrap_or_default()).unwrap_or(side).clamp(1, side)
    };
    (scaled(width), scaled(height))
}

fn fitted(pixels: &DynamicImage, side: u32) -> Result<DynamicImage, Refused> {
    let (width, height) = fit(pixels.width(), pixels.height(), side);
    let mut smaller = DynamicImage::new(width, height, pixels.color());
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom))
        .use_alpha(false);
    Resizer::new().resize(pixels, &mut smaller, &options).map_err(unexpected)?;
    Ok(smaller)
}

/// Pixels that count as much as they cover, on white.
fn on_white(pixels: &DynamicImage) -> RgbImage {
    if !pixels.color().has_alpha() {
        return pixels.to_rgb8();
    }
    let glass = pixels.to_rgba8();
    let mut opaque = RgbImage::new(glass.width(), glass.height());
    for (to, from) in opaque.pixels_mut().zip(glass.pixels()) {
        let [r, g, b, cover] = from.0;
        to.0 = [r, g, b].map(|colour| colour.saturating_add(255 - cover));
    }
    opaque
}

fn jpeg(
    pixels: &DynamicImage,
    orientation: Orientation,
    quality: u8,
    profile: Option<&[u8]>,
) -> Result<Vec<u8>, Refused> {
    let mut turned = DynamicImage::ImageRgb8(on_white(pixels));
    turned.apply_orientation(orientation);
    let side = |length: u32| u16::try_from(length).map_err(unexpected);
    let (width, height) = (side(turned.width())?, side(turned.height())?);
    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    // Not with tables of its own: it would write a scan for each colour, which many decoders read wrongly.
    if let Some(profile) = profile {
        encoder.add_icc_profile(profile).map_err(unexpected)?;
    }
    encoder.encode(turned.as_bytes(), width, height, ColorType::Rgb).map_err(unexpected)?;
    Ok(jpeg)
}

/// The best preview that is short enough to travel within a message.
fn preview(pixels: &DynamicImage, orientation: Orientation) -> Result<Vec<u8>, Refused> {
    for (side, quality) in PREVIEWS {
        let preview = jpeg(&fitted(pixels, side)?, orientation, quality, None)?;
        if preview.len() <= limits::THUMBNAIL_MAX_BYTES {
            return Ok(preview);
        }
    }
    Err(unexpected("no preview is short enough"))
}

fn thumbhash(pixels: &DynamicImage, orientation: Orientation) -> Result<Vec<u8>, Refused> {
    let mut small = DynamicImage::ImageRgba8(fitted(pixels, HASH_SIDE)?.to_rgba8());
    MulDiv::new().divide_alpha_inplace(&mut small).map_err(unexpected)?;
    small.apply_orientation(orientation);
    let side = |length: u32| usize::try_from(length).map_err(unexpected);
    Ok(thumbhash::rgba_to_thumb_hash(side(small.width())?, side(small.height())?, small.as_bytes()))
}
