//! Messages with files: made of what the server told of a file, and read.

use anser_types::body::{Body, FileRef, Picture, Voice};
use anser_types::{Content, ErrorCode, Refusal};
use bytes::Bytes;

use super::contents::{body_of, content_of};
use super::handle::Client;
use crate::files::FileAt;
use crate::http::FileInfo;
use crate::store::ChatMessage;

/// As what a file is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ShowAs {
    /// As what it is: a picture as a picture, a video as a video, else as a file.
    #[default]
    WhatItIs,
    /// As a file, whatever it is.
    File,
    /// As a voice: how long it is in milliseconds, and its loudness over time, one byte a step.
    Voice {
        /// How long it is, in milliseconds.
        duration_ms: u32,
        /// Loudness over time; at most `WAVEFORM_MAX_BYTES`.
        waveform: Bytes,
    },
}

/// What a message says of a file at the server.
#[must_use]
pub fn file_of(file: &FileInfo) -> FileRef {
    FileRef {
        file: file.id.to_string(),
        name: file.name.clone(),
        media_type: file.media_type.clone(),
        bytes: file.bytes,
        sha256: Some(file.sha256.0),
    }
}

/// The file that a content holds, of a picture, a video, a voice or a file; `None` for what holds none, or several
/// (merged messages).
#[must_use]
pub fn file_in(content: &Content) -> Option<FileRef> {
    match body_of(content).ok()? {
        Body::Image(Picture { file, .. })
        | Body::Video(Picture { file, .. }, _)
        | Body::Voice(Voice { file, .. })
        | Body::File(file, _) => Some(file),
        _ => None,
    }
}

impl Client {
    /// The content of a message with a file that was uploaded: as an image or a video with its dimensions and a small
    /// picture that travels within the message, as a voice, or as a file, with name, size and hash. What the server could
    /// not make a picture of is shown as a file, unless it is a video.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`: a caption or a waveform is beyond its limit, or a voice has a caption.
    pub fn create_file_message_of(
        file: &FileInfo,
        show: ShowAs,
        caption: impl Into<String>,
    ) -> Result<Content, Refusal> {
        let (caption, of) = (caption.into(), file_of(file));
        content_of(&match show {
            ShowAs::File => Body::File(of, caption),
            ShowAs::Voice { .. } if !caption.is_empty() => {
                let why = "caption: nothing is said with a voice; send it as a text";
                return Err(Refusal::because(ErrorCode::InvalidArgument, why));
            }
            ShowAs::Voice { duration_ms, waveform } => {
                Body::Voice(Voice { file: of, duration_ms, waveform })
            }
            ShowAs::WhatItIs => as_it_is(file, of, caption),
        })
    }

    /// The file of a message, with where it was seen: for [`Self::download`], [`Self::thumbnail`] and the like.
    ///
    /// # Errors
    /// `TARGET_MISSING` when the message holds no file, or nothing is left of it; `FILE_UNKNOWN` when it names a link.
    pub fn file_at(message: &ChatMessage) -> Result<FileAt, Refusal> {
        Self::named_file_at(message).map(|(file, _)| file)
    }

    /// The same, and what the message calls it.
    ///
    /// # Errors
    /// As [`Self::file_at`].
    pub fn named_file_at(message: &ChatMessage) -> Result<(FileAt, String), Refusal> {
        let file = message.content.as_ref().and_then(file_in);
        let file = file.ok_or_else(|| {
            Refusal::because(ErrorCode::TargetMissing, "the message holds no file")
        })?;
        Ok((FileAt::new(&file, Some(message.conversation))?, file.name))
    }
}

fn as_it_is(file: &FileInfo, of: FileRef, caption: String) -> Body {
    let is = |kind: &str| file.media_type.split('/').next() == Some(kind);
    let look = file.look.clone().unwrap_or_default();
    let picture = |file| Picture {
        file,
        width: look.width,
        height: look.height,
        thumbnail: look.preview.clone(),
        caption: caption.clone(),
    };
    if is("image") && file.look.is_some() {
        Body::Image(picture(of))
    } else if is("video") {
        Body::Video(picture(of), look.duration_ms)
    } else {
        Body::File(of, caption)
    }
}
