//! PNG (<https://www.w3.org/TR/png-3/>): a row of chunks, each with a checksum.

use image::metadata::Orientation;

use super::{Format, Frames, Walked, check_size, exif_of, orientation_in};
use crate::foreign::Strangers;
use crate::reading::Reading;
use crate::refused::Refused;

pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Bytes of the signature and the header's chunk, behind which other chunks may stand.
const HEADER_BYTES: usize = 33;
/// What says how the numbers of the pixels are to be shown as colours, whatever their depth.
const COLOURS: [&[u8; 4]; 5] = [b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP"];

/// Reads the structure; kept are the pixels, palette, transparency, colours, size of a pixel, and frames. Dropped are
/// texts, EXIF, times, every chunk that is not known, and everything behind the end.
pub(super) fn walk(bytes: &[u8], strangers: &mut Strangers) -> Result<Walked, Refused> {
    let mut rest = Reading(bytes);
    let mut clean = Vec::with_capacity(bytes.len());
    clean.extend_from_slice(rest.take(SIGNATURE.len())?);
    let mut size = None;
    let mut orientation = Orientation::NoTransforms;
    let mut animated = false;
    let mut frames = Frames::default();
    loop {
        let chunk = Chunk::read(&mut rest)?;
        if (size.is_none()) != (chunk.kind == b"IHDR") {
            return Err(Refused::damaged("its header is not its first chunk"));
        }
        match chunk.kind {
            b"IHDR" => {
                let mut header = Reading(chunk.data);
                let (width, height) = (header.u32_be()?, header.u32_be()?);
                check_size(width, height)?;
                size = Some((width, height));
            }
            b"fcTL" => frame(chunk.data, &mut frames)?,
            b"acTL" => animated = true,
            b"PLTE" | b"IDAT" | b"IEND" | b"fdAT" | b"tRNS" | b"sBIT" | b"bKGD" | b"pHYs" => {}
            b"eXIf" => orientation = orientation_in(chunk.data).unwrap_or(orientation),
            kind if COLOURS.contains(&kind) => {}
            kind if kind[0].is_ascii_uppercase() => {
                return Err(Refused::Unsupported("PNG of a chunk nobody knows"));
            }
            _ => {}
        }
        if chunk.is_kept() {
            clean.extend_from_slice(chunk.whole);
        } else {
            strangers.look_at(chunk.data)?;
        }
        if chunk.kind == b"IEND" {
            break;
        }
    }
    strangers.look_behind(rest.0)?;
    let (width, height) = size.ok_or_else(Refused::cut_off)?;
    let moves = animated && frames.count > 1;
    if moves && orientation != Orientation::NoTransforms {
        clean = inserted(&clean, &chunk_of(b"eXIf", &exif_of(orientation)));
    }
    Ok(Walked {
        format: Format::Png,
        width,
        height,
        orientation,
        moves,
        duration_ms: if moves { frames.duration_ms() } else { 0 },
        clean,
        sampling: (1, 1),
    })
}

/// The same pixels with the colours that another PNG tells.
pub(crate) fn with_colours(png: &[u8], of: &[u8]) -> Vec<u8> {
    let mut rest = Reading(of.get(SIGNATURE.len()..).unwrap_or_default());
    let mut colours = Vec::new();
    while let Ok(chunk) = Chunk::read(&mut rest) {
        if COLOURS.contains(&chunk.kind) {
            colours.extend_from_slice(chunk.whole);
        }
    }
    inserted(png, &colours)
}

/// A PNG with chunks put behind its header.
fn inserted(png: &[u8], chunks: &[u8]) -> Vec<u8> {
    let (header, rest) = png.split_at(HEADER_BYTES.min(png.len()));
    [header, chunks, rest].concat()
}

fn chunk_of(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let checked = [kind.as_slice(), data].concat();
    [&length.to_be_bytes(), checked.as_slice(), &crc32fast::hash(&checked).to_be_bytes()].concat()
}

/// A frame's size and how long it is shown (`fcTL`); a delay of no denominator is in hundredths of a second.
fn frame(data: &[u8], frames: &mut Frames) -> Result<(), Refused> {
    let mut control = Reading(data);
    control.u32_be()?;
    let (width, height) = (control.u32_be()?, control.u32_be()?);
    control.take(8)?;
    let (parts, per_second) = (control.u16_be()?, control.u16_be()?);
    frames.add(width, height)?;
    let per_second = if per_second == 0 { 100 } else { u64::from(per_second) };
    frames.duration_ms += u64::from(parts) * 1_000 / per_second;
    Ok(())
}

struct Chunk<'a> {
    kind: &'a [u8; 4],
    data: &'a [u8],
    whole: &'a [u8],
}

impl<'a> Chunk<'a> {
    fn read(rest: &mut Reading<'a>) -> Result<Self, Refused> {
        let begin = rest.0;
        let length = usize::try_from(rest.u32_be()?).unwrap_or(usize::MAX);
        let kind = rest.take(4)?;
        let data = rest.take(length)?;
        let sum = rest.u32_be()?;
        let whole = &begin[..begin.len() - rest.0.len()];
        // Over the kind and the data.
        if crc32fast::hash(&whole[4..whole.len() - 4]) != sum {
            return Err(Refused::damaged("a chunk's checksum is wrong"));
        }
        let kind = kind.first_chunk().ok_or_else(Refused::cut_off)?;
        Ok(Self { kind, data, whole })
    }

    fn is_kept(&self) -> bool {
        let kept: [&[u8; 4]; 11] = [
            b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"sBIT", b"bKGD", b"pHYs", b"acTL",
            b"fcTL", b"fdAT",
        ];
        kept.contains(&self.kind) || COLOURS.contains(&self.kind)
    }
}
