//! WebP (<https://developers.google.com/speed/webp/docs/riff_container>, RFC 9649): a RIFF file of chunks.

use image::metadata::Orientation;

use super::{Format, Frames, Walked, check_memory, check_size, exif_of, orientation_in};
use crate::foreign::Strangers;
use crate::reading::Reading;
use crate::refused::Refused;

/// Bytes of `RIFF`, a length, `WEBP`.
const HEADER_BYTES: usize = 12;
/// Flags of the extended header: it moves; XMP, EXIF follow.
const MOVES: u8 = 0x02;
const XMP: u8 = 0x04;
const EXIF: u8 = 0x08;
/// Bytes that the decoder of frames takes for each pixel: the canvas, what it answers, a frame, its transparency.
const MOVING_BYTES_PER_PIXEL: u64 = 18;
/// Bytes of a frame's position, size, duration and flags.
const FRAME_BYTES: usize = 16;

struct Walk<'a> {
    strangers: &'a mut Strangers,
    clean: Vec<u8>,
    size: Option<(u32, u32)>,
    /// Where the flags of the extended header stand in `clean`.
    flags_at: Option<usize>,
    orientation: Orientation,
    pictures: u32,
    frames: Frames,
}

/// Reads the structure; kept are pixels, transparency, the colour profile, and frames. Dropped are EXIF, XMP, every chunk
/// that is not known, and everything behind the end.
pub(super) fn walk(bytes: &[u8], strangers: &mut Strangers) -> Result<Walked, Refused> {
    let mut header = Reading(bytes);
    header.take(4)?;
    let length = usize::try_from(header.u32_le()?).unwrap_or(usize::MAX);
    let mut rest = Reading(header.take(length)?);
    let tail = header.0;
    rest.take(4)?;
    let mut walk = Walk {
        strangers,
        clean: Vec::with_capacity(bytes.len()),
        size: None,
        flags_at: None,
        orientation: Orientation::NoTransforms,
        pictures: 0,
        frames: Frames::default(),
    };
    walk.clean.extend_from_slice(&bytes[..HEADER_BYTES]);
    while !rest.0.is_empty() {
        walk.chunk(&mut rest)?;
    }
    walk.strangers.look_behind(tail)?;
    walk.finish()
}

impl Walk<'_> {
    fn chunk(&mut self, rest: &mut Reading<'_>) -> Result<(), Refused> {
        let (kind, data) = chunk(rest)?;
        match &kind {
            b"VP8X" if self.size.is_none() => self.extended(data)?,
            b"VP8 " | b"VP8L" => {
                let size = coded_size(&kind, data)?;
                check_size(size.0, size.1)?;
                if *self.size.get_or_insert(size) != size {
                    return Err(Refused::damaged("it has two sizes"));
                }
                self.pictures += 1;
                self.keep(kind, data);
            }
            b"ANMF" => self.frame(data)?,
            b"ICCP" => {
                self.strangers.look_at(data)?;
                self.keep(kind, data);
            }
            b"ANIM" | b"ALPH" => self.keep(kind, data),
            b"EXIF" => {
                self.orientation = orientation_in(data).unwrap_or(self.orientation);
                self.strangers.look_at(data)?;
            }
            _ => self.strangers.look_at(data)?,
        }
        if self.size.is_none() {
            return Err(Refused::damaged("its first chunk is no picture"));
        }
        Ok(())
    }

    fn keep(&mut self, kind: [u8; 4], data: &[u8]) {
        self.clean.extend_from_slice(&chunk_of(kind, data));
    }

    fn extended(&mut self, data: &[u8]) -> Result<(), Refused> {
        let mut header = Reading(data);
        let flags = header.u8()?;
        header.take(3)?;
        let (width, height) = (header.u24_le()? + 1, header.u24_le()? + 1);
        check_size(width, height)?;
        self.size = Some((width, height));
        self.flags_at = Some(self.clean.len() + 8);
        let kept = [&[flags & !(EXIF | XMP)], &data[1..10]].concat();
        self.keep(*b"VP8X", &kept);
        Ok(())
    }

    /// A frame: where it stands, and chunks of its own.
    fn frame(&mut self, data: &[u8]) -> Result<(), Refused> {
        let mut rest = Reading(data);
        let mut header = Reading(rest.take(FRAME_BYTES)?);
        let (x, y) = (header.u24_le()? * 2, header.u24_le()? * 2);
        let size = (header.u24_le()? + 1, header.u24_le()? + 1);
        self.frames.add(size.0, size.1)?;
        self.frames.duration_ms += u64::from(header.u24_le()?);
        let canvas = self.size.unwrap_or_default();
        if x + size.0 > canvas.0 || y + size.1 > canvas.1 {
            return Err(Refused::damaged("a frame outside of the picture"));
        }
        let mut kept = data[..FRAME_BYTES].to_vec();
        let mut pictures = 0;
        while !rest.0.is_empty() {
            let (kind, data) = chunk(&mut rest)?;
            match &kind {
                b"VP8 " | b"VP8L" if coded_size(&kind, data)? != size => {
                    return Err(Refused::damaged("a frame of two sizes"));
                }
                b"VP8 " | b"VP8L" => {
                    pictures += 1;
                    kept.extend_from_slice(&chunk_of(kind, data));
                }
                b"ALPH" => kept.extend_from_slice(&chunk_of(kind, data)),
                _ => self.strangers.look_at(data)?,
            }
        }
        if pictures != 1 {
            return Err(Refused::damaged("a frame without one picture"));
        }
        self.keep(*b"ANMF", &kept);
        Ok(())
    }

    fn finish(mut self) -> Result<Walked, Refused> {
        let (width, height) = self.size.ok_or_else(Refused::cut_off)?;
        let flags = self.flags_at.and_then(|at| self.clean.get(at).copied()).unwrap_or_default();
        let animated = flags & MOVES != 0;
        if animated != (self.frames.count > 0) || u32::from(!animated) != self.pictures {
            return Err(Refused::damaged("neither one picture nor frames"));
        }
        if animated {
            check_memory(width, height, MOVING_BYTES_PER_PIXEL)?;
        }
        if animated && self.orientation != Orientation::NoTransforms {
            self.keep(*b"EXIF", &exif_of(self.orientation));
            if let Some(flags) = self.flags_at.and_then(|at| self.clean.get_mut(at)) {
                *flags |= EXIF;
            }
        }
        let length = u32::try_from(self.clean.len() - 8).unwrap_or(u32::MAX);
        self.clean[4..8].copy_from_slice(&length.to_le_bytes());
        Ok(Walked {
            format: Format::WebP,
            width,
            height,
            orientation: self.orientation,
            moves: animated,
            duration_ms: self.frames.duration_ms(),
            clean: self.clean,
            sampling: (1, 1),
        })
    }
}

/// The next chunk: its name and its data. One of odd length is followed by a byte, which some writers leave out at the
/// end.
fn chunk<'a>(rest: &mut Reading<'a>) -> Result<([u8; 4], &'a [u8]), Refused> {
    let kind = rest.array()?;
    let length = rest.u32_le()?;
    let data = rest.take(usize::try_from(length).unwrap_or(usize::MAX))?;
    if length % 2 == 1 && !rest.0.is_empty() {
        rest.u8()?;
    }
    Ok((kind, data))
}

fn chunk_of(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let padding: &[u8] = if data.len() % 2 == 1 { &[0] } else { &[] };
    [&kind, &length.to_le_bytes(), data, padding].concat()
}

/// The size that the pixels' own header tells (RFC 6386, 9.1; RFC 9649, 3.4).
fn coded_size(kind: &[u8; 4], data: &[u8]) -> Result<(u32, u32), Refused> {
    let mut header = Reading(data);
    if kind == b"VP8L" {
        if header.u8()? != 0x2f {
            return Err(Refused::damaged("no lossless picture in its chunk"));
        }
        let bits = header.u32_le()?;
        return Ok(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1));
    }
    header.take(3)?;
    if header.take(3)? != [0x9d, 0x01, 0x2a] {
        return Err(Refused::damaged("no key frame in its chunk"));
    }
    Ok((u32::from(header.u16_le()? & 0x3fff), u32::from(header.u16_le()? & 0x3fff)))
}
