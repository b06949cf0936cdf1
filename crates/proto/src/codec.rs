//! Frames on a byte stream: a varint length and one protobuf message. Limits are checked before anything is kept.

use anser_types::ErrorCode;
use bytes::{Buf, Bytes, BytesMut};
use prost::Message;

use crate::fields::Varint;

/// A length takes at most this many bytes; five hold far more than any limit.
pub(crate) const LENGTH_MAX_BYTES: usize = 5;

/// Why a stream of bytes holds no frame. The stream cannot be used any further: frame borders are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The frame announces more bytes than the limit.
    #[error("a frame of {announced} bytes was announced, the limit is {max}")]
    TooLarge {
        /// Bytes announced.
        announced: u64,
        /// Bytes allowed.
        max: usize,
    },
    /// The length is not written in its shortest form, or goes on beyond any length.
    #[error("a frame's length is not a varint in its shortest form")]
    BadLength,
}

impl CodecError {
    /// The catalogued error to close the session with.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::TooLarge { .. } => ErrorCode::FrameTooLarge,
            Self::BadLength => ErrorCode::BadFrame,
        }
    }
}

/// Cuts a stream of bytes into frames.
///
/// Holds never more than one incomplete frame (at most the limit) and what was pushed last. A frame above the limit is
/// an error as soon as its length is known, before its body arrives. After an error every further call repeats it.
#[derive(Debug)]
pub struct FrameDecoder {
    buffer: BytesMut,
    max: usize,
    failed: Option<CodecError>,
}

impl FrameDecoder {
    /// A decoder at the start of a stream, for frames of at most `max_bytes` after their length.
    #[must_use]
    pub fn new(max_bytes: usize) -> Self {
        Self { buffer: BytesMut::new(), max: max_bytes, failed: None }
    }

    /// Changes the limit for the frames that [`next`](Self::next) has not returned yet.
    pub const fn set_max(&mut self, max_bytes: usize) {
        self.max = max_bytes;
    }

    /// Adds what the transport gave. Call [`next`](Self::next) until it returns `None` before pushing again.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next whole frame without its length, or `None` until more bytes are pushed.
    ///
    /// # Errors
    /// A [`CodecError`] ends the stream.
    #[expect(
        clippy::should_implement_trait,
        reason = "not an iterator: `None` only means \"not yet\""
    )]
    pub fn next(&mut self) -> Result<Option<Bytes>, CodecError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let result = self.cut();
        if let Err(error) = result {
            self.failed = Some(error);
            self.buffer = BytesMut::new();
        }
        result
    }

    /// Bytes that wait for the rest of their frame. At the end of a stream anything but 0 means that it was cut.
    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        self.buffer.len()
    }

    fn cut(&mut self) -> Result<Option<Bytes>, CodecError> {
        let (length, width) = match Varint::read(&self.buffer, LENGTH_MAX_BYTES) {
            Varint::Value { value, width } => (value, width),
            Varint::Incomplete => return Ok(None),
            Varint::Malformed => return Err(CodecError::BadLength),
        };
        let too_large = CodecError::TooLarge { announced: length, max: self.max };
        let length = usize::try_from(length).map_err(|_| too_large)?;
        if length > self.max {
            return Err(too_large);
        }
        if self.buffer.len() - width < length {
            return Ok(None);
        }
        self.buffer.advance(width);
        let frame = self.buffer.split_to(length).freeze();
        if self.buffer.is_empty() {
            // An idle connection keeps no buffer.
            self.buffer = BytesMut::new();
        }
        Ok(Some(frame))
    }
}

/// Appends a frame: the message's length as a varint, then the message.
#[expect(
    clippy::expect_used,
    reason = "encoding fails only for lack of room, and a BytesMut grows"
)]
pub fn encode_frame(message: &impl Message, out: &mut BytesMut) {
    message.encode_length_delimited(out).expect("a BytesMut has room for any message");
}
