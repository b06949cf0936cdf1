//! GIF (<https://www.w3.org/Graphics/GIF/spec-gif89a.txt>): blocks of sub-blocks of up to 255 bytes.

use image::metadata::Orientation;

use super::{Format, Frames, Walked, check_size};
use crate::foreign::Strangers;
use crate::reading::Reading;
use crate::refused::Refused;

const EXTENSION: u8 = 0x21;
const IMAGE: u8 = 0x2c;
const TRAILER: u8 = 0x3b;
const PLAIN_TEXT: u8 = 0x01;
const CONTROL: u8 = 0xf9;
const APPLICATION: u8 = 0xff;
/// The application that says how often the picture is shown again.
const LOOPING: &[u8] = b"NETSCAPE2.0";

/// Reads the structure; kept are the frames, what belongs to them, and how often they are shown again. Dropped are
/// comments, texts, every other extension, and everything behind the end.
pub(super) fn walk(bytes: &[u8], strangers: &mut Strangers) -> Result<Walked, Refused> {
    let mut rest = Reading(bytes);
    let mut clean = Vec::with_capacity(bytes.len());
    let begin = rest;
    rest.take(6)?;
    let (width, height) = (u32::from(rest.u16_le()?), u32::from(rest.u16_le()?));
    check_size(width, height)?;
    colours(&mut rest, 2)?;
    clean.extend_from_slice(between(begin, rest));
    let mut frames = Frames::default();
    // What a frame is told to do stands before it, and goes with it.
    let mut control: Option<&[u8]> = None;
    loop {
        let begin = rest;
        match rest.u8()? {
            TRAILER => break,
            IMAGE => {
                frame(&mut rest, &mut frames)?;
                clean.extend_from_slice(control.take().unwrap_or_default());
                clean.extend_from_slice(between(begin, rest));
            }
            EXTENSION => {
                let label = rest.u8()?;
                let data = sub_blocks(&mut rest)?;
                let whole = between(begin, rest);
                strangers.look_at(&data)?;
                match label {
                    CONTROL if data.len() == 4 => {
                        control = Some(whole);
                        frames.duration_ms +=
                            u64::from(u16::from_le_bytes([data[1], data[2]])) * 10;
                    }
                    APPLICATION => clean.extend_from_slice(&looping(&data)),
                    PLAIN_TEXT => control = None,
                    _ => {}
                }
            }
            _ => return Err(Refused::damaged("an unknown block")),
        }
    }
    clean.push(TRAILER);
    strangers.look_behind(rest.0)?;
    if frames.count == 0 {
        return Err(Refused::damaged("it has no frame"));
    }
    Ok(Walked {
        format: Format::Gif,
        width,
        height,
        orientation: Orientation::NoTransforms,
        moves: frames.count > 1,
        duration_ms: frames.duration_ms(),
        clean,
        sampling: (1, 1),
    })
}

/// The bytes that have been read between two places.
fn between<'a>(begin: Reading<'a>, end: Reading<'_>) -> &'a [u8] {
    &begin.0[..begin.0.len() - end.0.len()]
}

/// A descriptor's flags and the table of colours they announce; so many bytes stand between.
fn colours(rest: &mut Reading<'_>, between: usize) -> Result<(), Refused> {
    let flags = rest.u8()?;
    rest.take(between)?;
    if flags & 0x80 != 0 {
        rest.take(3 << ((flags & 7) + 1))?;
    }
    Ok(())
}

/// A frame behind its first byte: where it is, how large, its colours, its pixels.
fn frame(rest: &mut Reading<'_>, frames: &mut Frames) -> Result<(), Refused> {
    rest.take(4)?;
    let (width, height) = (u32::from(rest.u16_le()?), u32::from(rest.u16_le()?));
    frames.add(width, height)?;
    colours(rest, 0)?;
    if !(1..=11).contains(&rest.u8()?) {
        return Err(Refused::damaged("codes of an impossible length"));
    }
    loop {
        match rest.u8()? {
            0 => return Ok(()),
            bytes => rest.take(usize::from(bytes))?,
        };
    }
}

/// What stands in the sub-blocks, without their lengths.
fn sub_blocks(rest: &mut Reading<'_>) -> Result<Vec<u8>, Refused> {
    let mut data = Vec::new();
    loop {
        match rest.u8()? {
            0 => return Ok(data),
            bytes => data.extend_from_slice(rest.take(usize::from(bytes))?),
        }
    }
}

/// The extension that says how often the frames are shown again, written anew; nothing of any other application.
fn looping(data: &[u8]) -> Vec<u8> {
    match data.strip_prefix(LOOPING) {
        Some([1, low, high, ..]) => {
            let head = [EXTENSION, APPLICATION, 11];
            [&head, LOOPING, &[3, 1, *low, *high, 0]].concat()
        }
        _ => Vec::new(),
    }
}
