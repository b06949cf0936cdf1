//! Why a picture is not taken.

use anser_types::limits;

/// Why a file that begins as a picture is not taken as one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It has more pixels than are unpacked, or a side that is too long. Found out before anything is allocated.
    #[error(
        "the picture has {width} x {height} pixels; at most {} in all and {} along a side are taken",
        limits::PICTURE_MAX_PIXELS,
        limits::PICTURE_MAX_SIDE
    )]
    TooManyPixels {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
    /// It takes too much memory: many pixels of many bits. Found out before anything is allocated.
    #[error(
        "the picture takes {bytes} bytes unpacked, at most {} are given to it",
        limits::PICTURE_UNPACKED_MAX_BYTES
    )]
    TooDeep {
        /// Bytes it would take.
        bytes: u64,
    },
    /// It is a JPEG of more passes than any camera or program makes.
    #[error("the picture is made of more than {} scans", limits::PICTURE_SCANS_MAX)]
    TooManyScans,
    /// It moves for too long: everybody who sees it would unpack all frames.
    #[error(
        "the frames of the picture have more than {} pixels together",
        limits::PICTURE_FRAMES_MAX_PIXELS
    )]
    TooManyFrames,
    /// It begins as a picture but does not go on as one.
    #[error("the picture is damaged: {0}")]
    Damaged(String),
    /// It is a kind of its format that browsers do not show either.
    #[error("pictures of this kind are not shown: {0}")]
    Unsupported(&'static str),
    /// It is something else as well, in a place where a picture keeps what is not seen.
    #[error("the picture is also {0}")]
    AlsoSomethingElse(Foreign),
}

impl Refused {
    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged(what.into())
    }

    pub(crate) fn cut_off() -> Self {
        Self::damaged("it ends too early")
    }
}

/// What else a picture can be: formats that another program would run or unpack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Foreign {
    /// A page or a script of a browser.
    #[error("a page of a browser")]
    Page,
    /// A script of PHP.
    #[error("a PHP script")]
    Php,
    /// A PDF document.
    #[error("a PDF document")]
    Pdf,
    /// An archive: ZIP (Java, Office and Android use it too), RAR, 7z, or an old Office document.
    #[error("an archive")]
    Archive,
    /// A program for Linux, Windows, macOS, Java or WebAssembly.
    #[error("a program")]
    Program,
}
