//! What looking at a photograph of 12 megapixels costs, thumbnails included: `cargo bench -p anser-media`.
//!
//! `-- --largest` looks at the largest pictures that are taken instead, each in a process of its own, and tells the most
//! memory each took.

#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss
)]

use std::hint::black_box;
use std::io::Cursor;
use std::time::Instant;

use anser_media::{Original, look};
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ExtendedColorType, GenericImageView as _, Rgb, RgbImage};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

/// Rounds; the median is reported.
const ROUNDS: usize = 7;

/// Waves with some noise on them: as hard to pack as a photograph.
#[expect(clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "the values are small")]
fn photo(width: u32, height: u32) -> RgbImage {
    let mut state = 1u32;
    RgbImage::from_fn(width, height, |x, y| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let grain = (state >> 28) as f32;
        let (x, y) = (x as f32, y as f32);
        let red = (x / 97.0).sin() * (y / 61.0).cos() * 60.0 + (x * y / 90_000.0).sin() * 40.0;
        let green = (x / 33.0).cos() * 40.0 + (y / 211.0).sin() * 50.0;
        let blue = ((x + y) / 180.0).sin() * 70.0;
        Rgb([red, green, blue].map(|colour| (colour + 120.0 + grain) as u8))
    })
}

struct Kind {
    is_progressive: bool,
    sampling: SamplingFactor,
    orientation: u8,
}

fn jpeg(photo: &RgbImage, kind: &Kind) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 90);
    encoder.set_progressive(kind.is_progressive);
    encoder.set_sampling_factor(kind.sampling);
    let mut exif = *b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0";
    exif[19] = kind.orientation;
    encoder.add_exif_metadata(&exif).unwrap();
    let (width, height) = (photo.width() as u16, photo.height() as u16);
    encoder.encode(photo, width, height, ColorType::Rgb).unwrap();
    bytes
}

fn png(photo: impl Into<DynamicImage>) -> Vec<u8> {
    let mut bytes = Vec::new();
    photo.into().write_with_encoder(PngEncoder::new(Cursor::new(&mut bytes))).unwrap();
    bytes
}

/// Milliseconds: the median of how long one takes, and what each takes of the processors, which a busy machine changes less.
fn wall_and_cpu_ms(bytes: &[u8], original: Original) -> (f64, f64) {
    let before_ms = cpu_ms();
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            assert!(black_box(look(black_box(bytes), original)).unwrap().is_some());
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    let cpu_ms = (cpu_ms() - before_ms) / ROUNDS as f64;
    rounds.sort_by(f64::total_cmp);
    (rounds[ROUNDS / 2], cpu_ms)
}

/// Processor time of this process so far; told in hundredths of a second.
fn cpu_ms() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let behind_name = stat.rsplit(')').next().unwrap();
    let fields: Vec<&str> = behind_name.split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) * 10.0
}

fn photographs() {
    let photo = photo(4_000, 3_000);
    let kind = |is_progressive, orientation| Kind {
        is_progressive,
        sampling: SamplingFactor::F_2_2,
        orientation,
    };
    println!("{:<44}{:>8}{:>8}{:>8}", "12 megapixels", "MB", "ms", "CPU ms");
    for (name, bytes, original) in [
        ("JPEG, upright, cleaned", jpeg(&photo, &kind(false, 1)), Original::Clean),
        ("JPEG, turned, cleaned and written again", jpeg(&photo, &kind(false, 6)), Original::Clean),
        ("JPEG, turned, kept as it is", jpeg(&photo, &kind(false, 6)), Original::Keep),
        ("progressive JPEG, upright, cleaned", jpeg(&photo, &kind(true, 1)), Original::Clean),
        ("PNG", png(photo.clone()), Original::Clean),
    ] {
        let megabytes = bytes.len() as f64 / 1e6;
        let (wall_ms, cpu_ms) = wall_and_cpu_ms(&bytes, original);
        println!("{name:<44}{megabytes:>8.1}{wall_ms:>8.0}{cpu_ms:>8.0}");
    }
}

/// The most memory this process ever had, in megabytes.
fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

const LARGEST: [&str; 7] =
    ["jpeg", "progressive-jpeg", "many-scans", "turned-jpeg", "deep-png", "webp", "moving-webp"];

/// Writes a picture of 40 megapixels to a file.
fn make_largest(name: &str, file: &std::path::Path) {
    // What little there is in it packs into the bytes that a picture may have.
    let blank = RgbImage::from_fn(7_300, 5_475, |x, y| Rgb([(x / 30) as u8, (y / 30) as u8, 90]));
    let sampling = SamplingFactor::F_1_1;
    let bytes = match name {
        "jpeg" => jpeg(&blank, &Kind { is_progressive: false, sampling, orientation: 1 }),
        "progressive-jpeg" => {
            jpeg(&blank, &Kind { is_progressive: true, sampling, orientation: 1 })
        }
        "turned-jpeg" => jpeg(&blank, &Kind { is_progressive: true, sampling, orientation: 8 }),
        "many-scans" => {
            let bytes = jpeg(&blank, &Kind { is_progressive: true, sampling, orientation: 8 });
            let last = bytes.windows(2).rposition(|marker| marker == [0xff, 0xda]).unwrap();
            let scans = bytes[last..bytes.len() - 2].repeat(anser_types::limits::PICTURE_SCANS_MAX);
            let before = bytes.windows(2).filter(|marker| *marker == [0xff, 0xda]).count();
            let scan = bytes.len() - 2 - last;
            [&bytes[..last], &scans[(before - 1) * scan..], &[0xff, 0xd9]].concat()
        }
        "deep-png" => png(DynamicImage::ImageRgb8(blank).to_rgba16()),
        "moving-webp" => moving(&blank.view(0, 0, 7_300, 3_800).to_image()),
        _ => webp(&blank),
    };
    std::fs::write(file, bytes).unwrap();
}

fn webp(photo: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = WebPEncoder::new_lossless(Cursor::new(&mut bytes));
    encoder.encode(photo, photo.width(), photo.height(), ExtendedColorType::Rgb8).unwrap();
    bytes
}

/// A WebP of one frame that says that it moves.
fn moving(photo: &RgbImage) -> Vec<u8> {
    let chunk = |kind: &[u8; 4], data: &[u8]| {
        [kind.as_slice(), &(data.len() as u32).to_le_bytes(), data].concat()
    };
    let side = |length: u32| (length - 1).to_le_bytes()[..3].to_vec();
    let size = [side(photo.width()), side(photo.height())].concat();
    let frame = [&[0; 6], size.as_slice(), &[100, 0, 0, 0], &webp(photo)[12..]].concat();
    let header = [&[0x02, 0, 0, 0], size.as_slice()].concat();
    let chunks =
        [chunk(b"VP8X", &header), chunk(b"ANIM", &[0; 6]), chunk(b"ANMF", &frame)].concat();
    let length = (chunks.len() as u32 + 4).to_le_bytes();
    [b"RIFF".as_slice(), &length, b"WEBP", &chunks].concat()
}

fn largest() {
    let folder = tempfile::TempDir::new().unwrap();
    for name in LARGEST {
        let file = folder.path().join(name);
        make_largest(name, &file);
        let itself = std::env::current_exe().unwrap();
        let status = std::process::Command::new(itself).arg("--one").arg(&file).status().unwrap();
        assert!(status.success());
    }
}

fn one(file: &str) {
    let bytes = std::fs::read(file).unwrap();
    let (before, before_cpu_ms) = (peak_megabytes(), cpu_ms());
    let begun = Instant::now();
    assert!(look(&bytes, Original::Clean).unwrap().is_some());
    let (ms, cpu) = (begun.elapsed().as_millis(), cpu_ms() - before_cpu_ms);
    let name = file.rsplit('/').next().unwrap_or_default();
    println!("{name:<20}{ms:>6} ms{cpu:>6.0} CPU ms{:>6} MB", peak_megabytes() - before);
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().position(|argument| argument == "--one" || argument == "--largest") {
        Some(at) if arguments[at] == "--one" => one(&arguments[at + 1]),
        Some(_) => largest(),
        None => photographs(),
    }
}
