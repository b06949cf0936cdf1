//! JPEG (ITU-T T.81, JFIF: T.871): a row of segments, the pixels between some of them.

use anser_types::limits;
use image::metadata::Orientation;

use super::{Format, Walked, check_memory, check_size, orientation_in};
use crate::foreign::Strangers;
use crate::reading::Reading;
use crate::refused::Refused;

const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
const EXIF: &[u8] = b"Exif\0\0";
const ICC: &[u8] = b"ICC_PROFILE\0";
const JFIF: &[u8] = b"JFIF\0";
const ADOBE: &[u8] = b"Adobe";
/// Bytes of a JFIF segment without a thumbnail, and of Adobe's.
const JFIF_BYTES: usize = 14;
const ADOBE_BYTES: usize = 12;

/// The frame's header: how large the picture is and how its colours are sampled.
struct Frame {
    width: u32,
    height: u32,
    sampling: (u8, u8),
}

struct Walk<'a> {
    rest: Reading<'a>,
    strangers: &'a mut Strangers,
    clean: Vec<u8>,
    frame: Option<Frame>,
    orientation: Option<Orientation>,
    has_jfif: bool,
    has_adobe: bool,
    scans: usize,
}

/// Reads the structure; kept are the tables and scans, the JFIF header without its thumbnail, Adobe's note on colours and
/// the colour profile. Dropped are all other application segments, comments, what stands between segments, and everything
/// behind the end: the film of a motion photo, further pictures (MPF), gain maps.
pub(super) fn walk(bytes: &[u8], strangers: &mut Strangers) -> Result<Walked, Refused> {
    let mut rest = Reading(bytes);
    let mut clean = Vec::with_capacity(bytes.len());
    clean.extend_from_slice(rest.take(2)?);
    let mut walk = Walk {
        rest,
        strangers,
        clean,
        frame: None,
        orientation: None,
        has_jfif: false,
        has_adobe: false,
        scans: 0,
    };
    while walk.segment()? {}
    walk.strangers.look_behind(walk.rest.0)?;
    let frame = walk.frame.ok_or_else(|| Refused::damaged("it has no frame"))?;
    if walk.scans == 0 {
        return Err(Refused::damaged("it has no scan"));
    }
    Ok(Walked {
        format: Format::Jpeg,
        width: frame.width,
        height: frame.height,
        orientation: walk.orientation.unwrap_or(Orientation::NoTransforms),
        moves: false,
        duration_ms: 0,
        clean: walk.clean,
        sampling: frame.sampling,
    })
}

impl Walk<'_> {
    /// Reads one segment; false behind the last.
    fn segment(&mut self) -> Result<bool, Refused> {
        let marker = self.marker()?;
        match marker {
            EOI => {
                self.clean.extend_from_slice(&[0xff, EOI]);
                return Ok(false);
            }
            // They stand alone and mean nothing here.
            0x01 | 0xd0..=0xd7 => return Ok(true),
            0x00 | 0x02..=0xbf | SOI => return Err(Refused::damaged("an unknown marker")),
            _ => {}
        }
        let length = usize::from(self.rest.u16_be()?);
        let body = length.checked_sub(2).ok_or_else(|| Refused::damaged("a segment too short"))?;
        let body = self.rest.take(body)?;
        match marker {
            0xc0..=0xc2 => self.frame(marker, body)?,
            0xc4 | 0xdb | 0xdd => self.keep(marker, body),
            SOS => self.scan(body)?,
            0xe0 => self.jfif(body)?,
            0xe1 => self.exif(body)?,
            0xe2 if body.starts_with(ICC) => {
                self.strangers.look_at(body)?;
                self.keep(marker, body);
            }
            0xee if body.starts_with(ADOBE) && body.len() >= ADOBE_BYTES && !self.has_adobe => {
                self.has_adobe = true;
                self.strangers.look_at(body)?;
                self.keep(marker, &body[..ADOBE_BYTES]);
            }
            0xc3 | 0xc5..=0xcf | 0xde | 0xdf => {
                return Err(Refused::Unsupported("lossless, hierarchical or arithmetic JPEG"));
            }
            _ => self.strangers.look_at(body)?,
        }
        Ok(true)
    }

    /// The next marker; what stands before it is dropped.
    fn marker(&mut self) -> Result<u8, Refused> {
        let before = self.rest.0.iter().take_while(|byte| **byte != 0xff).count();
        let garbage = self.rest.take(before)?;
        self.strangers.look_at(garbage)?;
        loop {
            match self.rest.u8()? {
                0xff => {}
                marker => return Ok(marker),
            }
        }
    }

    fn keep(&mut self, marker: u8, body: &[u8]) {
        let length = u16::try_from(body.len() + 2).unwrap_or(u16::MAX);
        self.clean.extend_from_slice(&[0xff, marker]);
        self.clean.extend_from_slice(&length.to_be_bytes());
        self.clean.extend_from_slice(body);
    }

    fn frame(&mut self, marker: u8, body: &[u8]) -> Result<(), Refused> {
        if self.frame.is_some() {
            return Err(Refused::damaged("it has two frames"));
        }
        let mut header = Reading(body);
        let depth = header.u8()?;
        let (height, width) = (u32::from(header.u16_be()?), u32::from(header.u16_be()?));
        if depth != 8 {
            return Err(Refused::Unsupported("JPEG of more than 8 bits"));
        }
        check_size(width, height)?;
        let components = header.u8()?;
        if !matches!(components, 1 | 3 | 4) || header.0.len() != usize::from(components) * 3 {
            return Err(Refused::damaged("a frame of impossible components"));
        }
        // The decoder keeps each colour apart before it puts them together, and all numbers of a progressive one.
        let is_progressive = marker == 0xc2;
        check_memory(width, height, u64::from(components) * if is_progressive { 4 } else { 2 })?;
        let mut largest = (1, 1);
        for component in header.0.chunks_exact(3) {
            let (across, down) = (component[1] >> 4, component[1] & 15);
            if !(1..=4).contains(&across) || !(1..=4).contains(&down) {
                return Err(Refused::damaged("a frame of impossible sampling"));
            }
            largest = (largest.0.max(across), largest.1.max(down));
        }
        self.frame = Some(Frame { width, height, sampling: largest });
        self.keep(marker, body);
        Ok(())
    }

    /// A scan's header and the data behind it, up to the next marker that is none of theirs.
    fn scan(&mut self, header: &[u8]) -> Result<(), Refused> {
        if self.frame.is_none() {
            return Err(Refused::damaged("a scan before the frame"));
        }
        self.scans += 1;
        if self.scans > limits::PICTURE_SCANS_MAX {
            return Err(Refused::TooManyScans);
        }
        self.keep(SOS, header);
        let bytes = self.rest.0;
        let mut at = 0;
        loop {
            let step = bytes[at..].iter().position(|byte| *byte == 0xff);
            at += step.ok_or_else(Refused::cut_off)?;
            match bytes.get(at + 1) {
                // A stuffed byte, or where decoding can start again.
                Some(0x00 | 0xd0..=0xd7) => at += 2,
                Some(0xff) => at += 1,
                Some(_) => break,
                None => return Err(Refused::cut_off()),
            }
        }
        let data = self.rest.take(at)?;
        self.clean.extend_from_slice(data);
        Ok(())
    }

    fn jfif(&mut self, body: &[u8]) -> Result<(), Refused> {
        self.strangers.look_at(body)?;
        if body.starts_with(JFIF) && body.len() >= JFIF_BYTES && !self.has_jfif {
            self.has_jfif = true;
            let mut header = body[..JFIF_BYTES].to_vec();
            // No thumbnail: it may show what was cut off the picture.
            header[JFIF_BYTES - 2..].fill(0);
            self.keep(0xe0, &header);
        }
        Ok(())
    }

    fn exif(&mut self, body: &[u8]) -> Result<(), Refused> {
        if self.orientation.is_none() && body.starts_with(EXIF) {
            self.orientation = orientation_in(body);
        }
        self.strangers.look_at(body)
    }
}
