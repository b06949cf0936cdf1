//! Sample pictures, and what cameras and others put into them.

use std::io::Cursor;

use image::codecs::gif::{GifEncoder, Repeat};
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{Delay, DynamicImage, Frame, ImageEncoder as _, Rgb, RgbImage, Rgba, RgbaImage};

/// A place that nobody else should learn, as EXIF tells it: 52 degrees.
pub const SECRET: &[u8] = b"secret-place";

/// Four corners of different colours on a gradient: every turn of it looks different.
pub fn photo(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let (right, low) = (x * 2 >= width, y * 2 >= height);
        let shade = (x * 40 / width + y * 20 / height) as u8;
        match (right, low) {
            (false, false) => Rgb([200 + shade / 2, shade, shade]),
            (true, false) => Rgb([shade, 200 + shade / 2, shade]),
            (false, true) => Rgb([shade, shade, 200 + shade / 2]),
            (true, true) => Rgb([220, 220, shade]),
        }
    })
}

/// What no encoder can make small.
pub fn noise(width: u32, height: u32) -> RgbImage {
    let mut state = 1u32;
    RgbImage::from_fn(width, height, |_, _| {
        Rgb([0; 3].map(|_: u8| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        }))
    })
}

pub fn jpeg(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut bytes, 92);
    let (width, height) = (picture.width() as u16, picture.height() as u16);
    encoder.encode(picture, width, height, jpeg_encoder::ColorType::Rgb).unwrap();
    bytes
}

pub fn progressive_jpeg(picture: &RgbImage, scans: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 92);
    encoder.set_progressive_scans(scans);
    let (width, height) = (picture.width() as u16, picture.height() as u16);
    encoder.encode(picture, width, height, jpeg_encoder::ColorType::Rgb).unwrap();
    bytes
}

/// A JPEG in which each colour has a scan of its own, at half the resolution but for the brightness.
pub fn jpeg_of_three_scans(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 92);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_2);
    encoder.set_optimized_huffman_tables(true);
    let (width, height) = (picture.width() as u16, picture.height() as u16);
    encoder.encode(picture, width, height, jpeg_encoder::ColorType::Rgb).unwrap();
    bytes
}

/// A JPEG of four inks, as printers want it.
pub fn jpeg_of_inks(picture: &RgbImage) -> Vec<u8> {
    let inks: Vec<u8> =
        picture.pixels().flat_map(|Rgb([r, g, b])| [255 - r, 255 - g, 255 - b, 0]).collect();
    let mut bytes = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut bytes, 92);
    let (width, height) = (picture.width() as u16, picture.height() as u16);
    encoder.encode(&inks, width, height, jpeg_encoder::ColorType::Cmyk).unwrap();
    bytes
}

pub fn png(picture: impl Into<DynamicImage>) -> Vec<u8> {
    let mut bytes = Vec::new();
    picture.into().write_with_encoder(PngEncoder::new(Cursor::new(&mut bytes))).unwrap();
    bytes
}

/// A PNG that only claims its size: one empty row of pixels.
pub fn png_of_size(width: u32, height: u32) -> Vec<u8> {
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend_from_slice(&[8, 6, 0, 0, 0]);
    let idat = b"\x78\x9c\x03\x00\x00\x00\x00\x01";
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.extend(chunk(b"IHDR", &header));
    bytes.extend(chunk(b"IDAT", idat));
    bytes.extend(chunk(b"IEND", b""));
    bytes
}

pub fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let checked = [kind.as_slice(), data].concat();
    let length = (data.len() as u32).to_be_bytes();
    [&length, checked.as_slice(), &crc32fast::hash(&checked).to_be_bytes()].concat()
}

/// A PNG with more chunks behind its header.
pub fn with_chunks(png: &[u8], chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let (header, rest) = png.split_at(33);
    let more: Vec<u8> = chunks.iter().flat_map(|(kind, data)| chunk(kind, data)).collect();
    [header, &more, rest].concat()
}

/// A JPEG with more segments behind its first two bytes.
pub fn with_segments(jpeg: &[u8], segments: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = jpeg[..2].to_vec();
    for (marker, body) in segments {
        bytes.extend_from_slice(&[0xff, *marker]);
        bytes.extend_from_slice(&(body.len() as u16 + 2).to_be_bytes());
        bytes.extend_from_slice(body);
    }
    bytes.extend_from_slice(&jpeg[2..]);
    bytes
}

/// EXIF as cameras write it, after `Exif\0\0`: an orientation, and a GPS directory with a place.
pub fn exif(orientation: u8) -> Vec<u8> {
    let mut tiff = b"II\x2a\0\x08\0\0\0".to_vec();
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        let mut entry = [tag.to_le_bytes(), kind.to_le_bytes()].concat();
        entry.extend_from_slice(&count.to_le_bytes());
        entry.extend_from_slice(&value.to_le_bytes());
        entry
    };
    let place = 8 + 2 + 24 + 4 + 2 + 24 + 4;
    let main = [entry(0x0112, 3, 1, u32::from(orientation)), entry(0x8825, 4, 1, 38)].concat();
    let gps = [entry(0x0001, 2, 2, u32::from(b'N')), entry(0x001b, 7, SECRET.len() as u32, place)]
        .concat();
    for directory in [main, gps] {
        tiff.extend_from_slice(&2u16.to_le_bytes());
        tiff.extend_from_slice(&directory);
        tiff.extend_from_slice(&[0; 4]);
    }
    tiff.extend_from_slice(SECRET);
    tiff
}

/// A JPEG segment's body of it.
pub fn exif_segment(orientation: u8) -> Vec<u8> {
    [b"Exif\0\0".as_slice(), &exif(orientation)].concat()
}

/// A lossless WebP in an extended file, with more chunks behind the picture.
pub fn webp(picture: &RgbImage, flags: u8, more: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut simple = Vec::new();
    let encoder = WebPEncoder::new_lossless(Cursor::new(&mut simple));
    encoder
        .write_image(picture, picture.width(), picture.height(), image::ExtendedColorType::Rgb8)
        .unwrap();
    extended_webp(picture.width(), picture.height(), flags, &simple[12..], more)
}

pub fn extended_webp(
    width: u32,
    height: u32,
    flags: u8,
    pictures: &[u8],
    more: &[(&[u8; 4], &[u8])],
) -> Vec<u8> {
    let mut header = vec![flags, 0, 0, 0];
    header.extend_from_slice(&(width - 1).to_le_bytes()[..3]);
    header.extend_from_slice(&(height - 1).to_le_bytes()[..3]);
    let mut chunks = riff_chunk(b"VP8X", &header);
    chunks.extend_from_slice(pictures);
    chunks.extend(more.iter().flat_map(|(kind, data)| riff_chunk(kind, data)));
    let length = (chunks.len() as u32 + 4).to_le_bytes();
    [b"RIFF".as_slice(), &length, b"WEBP", &chunks].concat()
}

pub fn riff_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut chunk = [kind.as_slice(), &(data.len() as u32).to_le_bytes(), data].concat();
    if data.len() % 2 == 1 {
        chunk.push(0);
    }
    chunk
}

/// A moving WebP of lossless frames.
pub fn moving_webp(frames: &[RgbImage], more: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let (width, height) = frames[0].dimensions();
    let mut pictures = riff_chunk(b"ANIM", &[0; 6]);
    for frame in frames {
        let still = webp(frame, 0, &[]);
        let mut body = vec![0; 6];
        body.extend_from_slice(&(width - 1).to_le_bytes()[..3]);
        body.extend_from_slice(&(height - 1).to_le_bytes()[..3]);
        body.extend_from_slice(&[100, 0, 0, 0]);
        body.extend_from_slice(&still[30..]);
        body.extend_from_slice(&riff_chunk(b"note", SECRET));
        pictures.extend(riff_chunk(b"ANMF", &body));
    }
    extended_webp(width, height, 0x02 | if more.is_empty() { 0 } else { 0x08 }, &pictures, more)
}

/// A GIF of some frames, each shown for 100 ms.
pub fn gif(frames: &[RgbImage]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    encoder.set_repeat(Repeat::Infinite).unwrap();
    for frame in frames {
        let pixels = DynamicImage::ImageRgb8(frame.clone()).to_rgba8();
        let delay = Delay::from_numer_denom_ms(100, 1);
        encoder.encode_frame(Frame::from_parts(pixels, 0, 0, delay)).unwrap();
    }
    drop(encoder);
    bytes
}

/// A GIF with more blocks behind its colours.
pub fn with_blocks(gif: &[u8], blocks: &[u8]) -> Vec<u8> {
    let flags = gif[10];
    let colours = if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let (head, rest) = gif.split_at(13 + colours);
    [head, blocks, rest].concat()
}

/// A circle of glass in a square of nothing.
pub fn glass(side: u32) -> RgbaImage {
    RgbaImage::from_fn(side, side, |x, y| {
        let half = f64::from(side) / 2.0;
        let (across, down) = (f64::from(x) - half, f64::from(y) - half);
        let inside = across * across + down * down < half * half / 2.0;
        Rgba([10, 20, 30, if inside { 255 } else { 0 }])
    })
}

/// A colour profile of a given kind of colours, as far as anything here reads it.
pub fn profile(space: &[u8; 4]) -> Vec<u8> {
    let mut profile = vec![0; 540];
    profile[16..20].copy_from_slice(space);
    profile[36..40].copy_from_slice(b"acsp");
    profile
}

pub fn decoded(bytes: &[u8]) -> DynamicImage {
    image::load_from_memory(bytes).unwrap()
}

pub fn holds(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

/// How far two pictures of one size are from each other at the worst place of a grid, per colour.
pub fn worst_difference(a: &RgbImage, b: &RgbImage) -> u8 {
    assert_eq!(a.dimensions(), b.dimensions());
    // Not beside the edges between the colours, which JPEG blurs.
    let places = [0.1, 0.25, 0.4, 0.6, 0.75, 0.9];
    let mut worst = 0;
    for (across, down) in places.iter().flat_map(|x| places.iter().map(move |y| (*x, *y))) {
        let x = (f64::from(a.width()) * across) as u32;
        let y = (f64::from(a.height()) * down) as u32;
        let (here, there) = (a.get_pixel(x, y), b.get_pixel(x, y));
        worst = (0..3).map(|i| here[i].abs_diff(there[i])).fold(worst, u8::max);
    }
    worst
}
