//! Compression of frames: methods, how two sides agree on one, and what both hold to.
//!
//! Each frame is compressed by itself: nothing of one frame shows in the length of another, and a connection keeps no
//! memory for it. What a thread needs it makes on first use and keeps.

use anser_types::ErrorCode;
use anser_types::limits::FRAME_MAX_BYTES;

use crate::close::CloseReason;

mod deflate;
#[cfg(feature = "zstd")]
mod zstd;

/// Frames of at most so many bytes are never compressed. Measured (docs/adr/0006-compressed-frames.md): below it a single
/// message is mostly its own text, and saves less on the network than it costs both processors.
pub const THRESHOLD_BYTES: usize = 512;

/// How frames are compressed. A number names all that both sides must have in common, the dictionary too: another
/// dictionary is another method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Raw deflate (RFC 1951), which browsers have.
    Deflate,
    /// Zstandard (RFC 8878) with the dictionary that ships with the product.
    #[cfg(feature = "zstd")]
    Zstd,
}

/// The methods that this build speaks, the best one first.
pub const SUPPORTED: &[Method] = &[
    #[cfg(feature = "zstd")]
    Method::Zstd,
    Method::Deflate,
];

/// The zstd dictionary of method 2, for those who write a client of their own.
#[cfg(feature = "zstd")]
pub const DICTIONARY: &[u8] = zstd::DICTIONARY;

/// Why a compressed frame cannot be read. It ends the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnpackError {
    /// It announces more bytes than a frame may have; nothing was allocated for it.
    #[error(
        "a compressed frame of {announced} bytes was announced, the limit is {FRAME_MAX_BYTES}"
    )]
    TooLarge {
        /// Bytes announced.
        announced: u32,
    },
    /// It is cut, damaged, or does not hold exactly the bytes announced.
    #[error("a compressed frame cannot be read")]
    Damaged,
}

impl From<UnpackError> for CloseReason {
    fn from(error: UnpackError) -> Self {
        let code = match error {
            UnpackError::TooLarge { .. } => ErrorCode::FrameTooLarge,
            UnpackError::Damaged => ErrorCode::BadFrame,
        };
        Self::because(code, error.to_string())
    }
}

impl Method {
    /// Its number in Hello and Welcome.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Deflate => 1,
            #[cfg(feature = "zstd")]
            Self::Zstd => 2,
        }
    }

    /// The first of the numbers offered, in their order, that is among `ours`.
    #[must_use]
    pub fn choose(offered: &[u32], ours: &[Self]) -> Option<Self> {
        let known = |number: &u32| ours.iter().copied().find(|method| method.number() == *number);
        offered.iter().find_map(known)
    }

    /// Gives `whole` compressed to `take`, unless that would save less than an eighth.
    pub fn pack<T>(self, whole: &[u8], take: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let room = whole.len() - whole.len() / 8;
        match self {
            Self::Deflate => deflate::pack(whole, room, take),
            #[cfg(feature = "zstd")]
            Self::Zstd => zstd::pack(whole, room, take),
        }
    }

    /// The `announced` bytes that `packed` holds.
    ///
    /// # Errors
    /// There are more or fewer of them, or too many announced; see [`UnpackError`].
    pub fn unpack(self, packed: &[u8], announced: u32) -> Result<Vec<u8>, UnpackError> {
        let bytes = usize::try_from(announced).unwrap_or(usize::MAX);
        if bytes > FRAME_MAX_BYTES {
            return Err(UnpackError::TooLarge { announced });
        }
        let mut whole = Vec::with_capacity(bytes);
        let read = match self {
            Self::Deflate => deflate::unpack(packed, &mut whole),
            #[cfg(feature = "zstd")]
            Self::Zstd => zstd::unpack(packed, bytes, &mut whole),
        };
        if read && whole.len() == bytes { Ok(whole) } else { Err(UnpackError::Damaged) }
    }
}
