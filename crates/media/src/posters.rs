//! A picture out of a film, by the `ffmpeg` program if it is there.

use std::ffi::{OsStr, OsString};
use std::io::{Cursor, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use anser_types::{Look, ThumbnailSize, limits};
use image::codecs::png::PngDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, Limits};

use crate::decode::Decoded;
use crate::run;
use crate::shrink;
use crate::sniff::{HEAD_BYTES, sniff};

/// Containers that are opened, and what ffmpeg calls their reader. A reader is named in every call: left to guess, ffmpeg
/// would take a playlist for a film and open the files it names.
const READERS: &[(&str, &str)] = &[
    ("video/mp4", "mov"),
    ("video/quicktime", "mov"),
    ("video/webm", "matroska"),
    ("video/x-matroska", "matroska"),
    ("video/x-msvideo", "avi"),
];
/// Where in the film the picture is taken, in milliseconds: many begin black.
const AT_MS: u32 = 1_000;

/// Takes pictures out of films with the programs `ffprobe` and `ffmpeg`.
#[derive(Clone, Debug)]
pub struct Posters {
    ffmpeg: PathBuf,
    ffprobe: PathBuf,
    prlimit: Option<PathBuf>,
    patience: Duration,
}

/// What a film looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poster {
    /// Its size as it is shown, its duration, and the rest of its picture.
    pub look: Look,
    /// Smaller pictures of it, as of a picture; `Large` only if the film is larger.
    pub thumbnails: Vec<(ThumbnailSize, Vec<u8>)>,
}

/// Why there is no picture of a film. It is sent and kept without one: never a reason to refuse it.
#[derive(Debug, thiserror::Error)]
pub enum NoPoster {
    /// The file does not begin as a film of a kind that is opened.
    #[error("it is no film that is opened: {0}")]
    NotAFilm(&'static str),
    /// The file cannot be read.
    #[error("the film cannot be read: {0}")]
    Unreadable(std::io::Error),
    /// The program cannot be run.
    #[error("ffmpeg cannot be run: {0}")]
    NotRun(std::io::Error),
    /// The program says that it cannot.
    #[error("ffmpeg failed ({status}): {complaint}")]
    Failed {
        /// How it ended.
        status: ExitStatus,
        /// The first of what it said.
        complaint: String,
    },
    /// The program took longer than it may and was killed.
    #[error("ffmpeg took longer than {0:?}")]
    TookTooLong(Duration),
    /// The program says more than it may.
    #[error("ffmpeg answers more than {} bytes", limits::POSTER_MAX_BYTES)]
    TooLong,
    /// What the program says is no picture that is taken.
    #[error("ffmpeg gives no picture: {0}")]
    NoPicture(String),
}

impl Posters {
    /// Finds the programs in the folders of the environment's `PATH`; none if either is missing.
    #[must_use]
    pub fn find() -> Option<Self> {
        Self::find_in(&std::env::var_os("PATH")?)
    }

    /// Finds the programs in a list of folders like `PATH`; none if either is missing. Folders that are not absolute do
    /// not count.
    #[must_use]
    pub fn find_in(folders: &OsStr) -> Option<Self> {
        Some(Self {
            ffmpeg: run::find("ffmpeg", folders)?,
            ffprobe: run::find("ffprobe", folders)?,
            prlimit: run::find("prlimit", folders),
            patience: Duration::from_millis(limits::POSTER_WAIT_MS),
        })
    }

    /// The same with another limit for each run of a program, in place of [`limits::POSTER_WAIT_MS`].
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Whether memory and processor time of the programs are limited as well, by the program `prlimit`.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        self.prlimit.is_some()
    }

    /// Takes the picture at one second, or the first of a shorter film. Blocks for up to three runs of a program.
    ///
    /// Only MP4, QuickTime, Matroska, WebM and AVI are opened, as the file's first bytes tell; the programs read that file
    /// and no other, no network, and write none. Each run ends after [`limits::POSTER_WAIT_MS`] at the latest.
    ///
    /// # Errors
    /// Why there is no picture; the film is as good as before.
    pub fn poster(&self, film: &Path) -> Result<Poster, NoPoster> {
        let film = film.canonicalize().map_err(NoPoster::Unreadable)?;
        let reader = reader_of(&film)?;
        let facts = self.probe(&film, reader)?;
        let at_ms = if facts.duration_ms > AT_MS { AT_MS } else { 0 };
        let mut picture = self.frame(&film, reader, &facts, at_ms)?;
        if picture.is_empty() && at_ms > 0 {
            picture = self.frame(&film, reader, &facts, 0)?;
        }
        let no_picture = |error: &dyn std::fmt::Display| NoPoster::NoPicture(error.to_string());
        let mut allowed = Limits::default();
        allowed.max_image_width = Some(ThumbnailSize::Large.pixels());
        allowed.max_image_height = Some(ThumbnailSize::Large.pixels());
        let decoder = PngDecoder::with_limits(Cursor::new(picture), allowed)
            .map_err(|error| no_picture(&error))?;
        let pixels = DynamicImage::from_decoder(decoder).map_err(|error| no_picture(&error))?;
        let decoded = Decoded { pixels, orientation: Orientation::NoTransforms, profile: None };
        let Facts { width, height, duration_ms } = facts;
        let shrunk =
            shrink::shrink(decoded, width.max(height)).map_err(|error| no_picture(&error))?;
        let look = Look { width, height, duration_ms, ..shrunk.look() };
        Ok(Poster { look, thumbnails: shrunk.thumbnails })
    }

    fn probe(&self, film: &Path, reader: &str) -> Result<Facts, NoPoster> {
        let mut arguments = words(&["-v", "error", "-protocol_whitelist", "file", "-f", reader]);
        arguments.extend(words(&["-select_streams", "V:0", "-show_entries", ENTRIES]));
        arguments.extend(words(&["-of", "default=noprint_wrappers=1", "-i"]));
        arguments.push(address(film));
        let answer = run::run(&self.ffprobe, &arguments, self.prlimit.as_deref(), self.patience)?;
        Facts::read(&String::from_utf8_lossy(&answer))
    }

    /// One frame as a PNG, scaled to at most the largest thumbnail; nothing if there is none so late.
    fn frame(
        &self,
        film: &Path,
        reader: &str,
        facts: &Facts,
        at_ms: u32,
    ) -> Result<Vec<u8>, NoPoster> {
        let (width, height) = shrink::fit(facts.width, facts.height, ThumbnailSize::Large.pixels());
        let mut arguments = words(&["-v", "error", "-nostdin", "-threads", "1"]);
        arguments.extend(words(&["-protocol_whitelist", "file", "-f", reader]));
        arguments.extend(words(&["-ss", &format!("{at_ms}ms"), "-i"]));
        arguments.push(address(film));
        arguments.extend(words(&["-map", "0:V:0", "-an", "-sn", "-dn", "-frames:v", "1"]));
        let scale = format!("scale={width}:{height}:flags=area,setsar=1,format=rgb24");
        arguments.extend(words(&["-vf", &scale, "-filter_threads", "1", "-c:v", "png"]));
        arguments.extend(words(&["-threads", "1", "-f", "image2pipe", "pipe:1"]));
        run::run(&self.ffmpeg, &arguments, self.prlimit.as_deref(), self.patience)
    }
}

/// What ffprobe is asked.
const ENTRIES: &str =
    "stream=width,height,sample_aspect_ratio:stream_side_data=rotation:format=duration";

/// What ffprobe knows of a film.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Facts {
    /// Pixels as it is shown: turned, and square.
    width: u32,
    height: u32,
    duration_ms: u32,
}

impl Facts {
    /// Reads lines of `name=value`.
    fn read(answer: &str) -> Result<Self, NoPoster> {
        let value = |name: &str| {
            let mut lines = answer.lines().filter_map(|line| line.trim().split_once('='));
            lines.find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        let number = |name: &str| value(name).and_then(|value| value.parse::<u32>().ok());
        let (Some(width), Some(height)) = (number("width"), number("height")) else {
            return Err(NoPoster::NoPicture("it has no moving picture".to_owned()));
        };
        let width = widened(width, value("sample_aspect_ratio").unwrap_or_default());
        let too_many = u64::from(width) * u64::from(height) > limits::PICTURE_MAX_PIXELS;
        if width == 0 || height == 0 || too_many {
            return Err(NoPoster::NoPicture(format!("it has {width} x {height} pixels")));
        }
        let turned = value("rotation").and_then(|degrees| degrees.parse::<i32>().ok());
        let is_on_its_side = turned.is_some_and(|degrees| degrees.rem_euclid(180) == 90);
        let (width, height) = if is_on_its_side { (height, width) } else { (width, height) };
        let duration = value("duration").and_then(|seconds| seconds.parse::<f64>().ok());
        let duration = duration.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let duration_ms = duration.map_or(0, |length| length.as_millis());
        Ok(Self { width, height, duration_ms: u32::try_from(duration_ms).unwrap_or(u32::MAX) })
    }
}

/// Pixels across if each is as wide as it is high, told how wide one is (`4:3`).
fn widened(width: u32, aspect: &str) -> u32 {
    let parts = aspect.split_once(':').and_then(|(across, down)| {
        Some((u64::from(across.parse::<u32>().ok()?), u64::from(down.parse::<u32>().ok()?)))
    });
    match parts {
        Some((across @ 1.., down @ 1..)) => {
            u32::try_from(u64::from(width) * across / down).unwrap_or(u32::MAX)
        }
        _ => width,
    }
}

/// What ffmpeg calls the reader of this file, by its first bytes.
fn reader_of(film: &Path) -> Result<&'static str, NoPoster> {
    let mut head = Vec::new();
    let file = std::fs::File::open(film).map_err(NoPoster::Unreadable)?;
    file.take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(NoPoster::Unreadable)?;
    let kind = sniff(&head).name;
    let reader = READERS.iter().find(|(name, _)| *name == kind);
    reader.map(|(_, reader)| *reader).ok_or(NoPoster::NotAFilm(kind))
}

/// A file's name that is neither an option nor another protocol.
fn address(film: &Path) -> OsString {
    let mut address = OsString::from("file:");
    address.push(film);
    address
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}
