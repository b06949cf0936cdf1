//! Contents of every kind, composed and read: pictures, voices, files, places, cards, custom data, and what is forwarded.

use anser_proto::values::bodies;
use anser_types::body::{Body, Custom, FileRef, Forwarded, Location, MergedEntry, Picture, Voice};
use anser_types::limits::FILES_PER_MESSAGE;
use anser_types::{Content, ErrorCode, MessageKind, Refusal, UnixMs, UserId};

use super::handle::Client;
use crate::store::ChatMessage;

/// What a content holds. A kind this version does not know reads as [`Body::Unknown`].
///
/// # Errors
/// `INVALID_ARGUMENT`: it does not hold what its kind says.
pub fn body_of(content: &Content) -> Result<Body, Refusal> {
    Ok(bodies::read(content.kind, &content.body)?)
}

/// The content that holds this body, and the files at the server that it names.
///
/// # Errors
/// `INVALID_ARGUMENT`: a field or all of it is beyond its limit, or makes no sense; `NOT_ALLOWED` for a system notice.
pub fn content_of(body: &Body) -> Result<Content, Refusal> {
    if body.kind() == MessageKind::System {
        let why = "system notices are made by the server";
        return Err(Refusal::because(ErrorCode::NotAllowed, why));
    }
    let (kind, body) = (body.kind(), bodies::write(body)?);
    let files = bodies::files_in(kind, &body);
    Ok(Content { kind, body, files, ..Content::text("") })
}

/// Every builder refuses with `INVALID_ARGUMENT` what is beyond a limit or makes no sense; [`content_of`] is behind all
/// of them.
impl Client {
    /// The content of an image.
    ///
    /// # Errors
    /// See [`content_of`], here and below.
    pub fn create_image_message(image: Picture) -> Result<Content, Refusal> {
        content_of(&Body::Image(image))
    }

    /// The content of a recorded voice.
    ///
    /// # Errors
    /// See [`content_of`].
    pub fn create_voice_message(voice: Voice) -> Result<Content, Refusal> {
        content_of(&Body::Voice(voice))
    }

    /// The content of a video of this length.
    ///
    /// # Errors
    /// See [`content_of`].
    pub fn create_video_message(video: Picture, duration_ms: u32) -> Result<Content, Refusal> {
        content_of(&Body::Video(video, duration_ms))
    }

    /// The content of a file, and what is said with it.
    ///
    /// # Errors
    /// See [`content_of`].
    pub fn create_file_message(
        file: FileRef,
        caption: impl Into<String>,
    ) -> Result<Content, Refusal> {
        content_of(&Body::File(file, caption.into()))
    }

    /// The content of a place.
    ///
    /// # Errors
    /// See [`content_of`].
    pub fn create_location_message(place: Location) -> Result<Content, Refusal> {
        content_of(&Body::Location(place))
    }

    /// A user's card, with the name by which one calls them.
    ///
    /// # Errors
    /// See [`content_of`].
    pub fn create_card_message(user: UserId, name: impl Into<String>) -> Result<Content, Refusal> {
        content_of(&Body::Card(user, name.into()))
    }

    /// Whatever the app means by it.
    ///
    /// # Errors
    /// See [`content_of`].
    pub fn create_custom_message(custom: Custom) -> Result<Content, Refusal> {
        content_of(&Body::Custom(custom))
    }

    /// The content that forwards a message: the same, with the mark whose words it holds (of a forwarded one, whose it
    /// held). Of any kind, also one this version does not know. Who it called, and what it answered, stays behind; when
    /// it expires goes along.
    ///
    /// # Errors
    /// `TARGET_MISSING` when nothing is left of it; `NOT_ALLOWED` for one that burns, and for a notice of the server.
    pub fn create_forward_message(message: &ChatMessage) -> Result<Content, Refusal> {
        let content = forwardable(message)?;
        Ok(Content {
            mentions: Vec::new(),
            mention_all: false,
            reply_to: None,
            forwarded: Some(Box::new(origin(message, content))),
            ..content.clone()
        })
    }

    /// The content that forwards several messages as one, in the order given, under a title. It expires with the first
    /// of them.
    ///
    /// # Errors
    /// As [`Self::create_forward_message`]; `INVALID_ARGUMENT` for none or more than `MERGED_MAX`, all of them too large
    /// together or with more than `FILES_PER_MESSAGE` files, or forwarded ones within forwarded ones too deep.
    pub fn create_merged_message(
        title: impl Into<String>,
        messages: &[ChatMessage],
    ) -> Result<Content, Refusal> {
        let mut entries = Vec::with_capacity(messages.len());
        let mut expires_at: Option<UnixMs> = None;
        let mut files = Vec::new();
        for message in messages {
            let content = forwardable(message)?;
            let Forwarded { from: sender, said_at } = origin(message, content);
            let (kind, body) = (content.kind, content.body.clone());
            entries.push(MergedEntry { sender, said_at, kind, body });
            expires_at = [expires_at, content.expires_at].into_iter().flatten().min();
            for file in &content.files {
                if !files.contains(file) {
                    files.push(*file);
                }
            }
        }
        if files.len() > FILES_PER_MESSAGE {
            let why = format!("they name {} files; at most {FILES_PER_MESSAGE}", files.len());
            return Err(Refusal::because(ErrorCode::InvalidArgument, why));
        }
        Ok(Content { expires_at, files, ..content_of(&Body::Merged(title.into(), entries))? })
    }
}

fn forwardable(message: &ChatMessage) -> Result<&Content, Refusal> {
    let content = message.content.as_ref().ok_or_else(|| {
        Refusal::because(ErrorCode::TargetMissing, "nothing is left of the message to forward")
    })?;
    let why = if content.burn_after_ms.is_some() {
        "a message that burns is not forwarded"
    } else if content.kind == MessageKind::System {
        "a notice of the server is not forwarded"
    } else {
        return Ok(content);
    };
    Err(Refusal::because(ErrorCode::NotAllowed, why))
}

/// Whose words the message holds: of a forwarded one, those of its first sender.
fn origin(message: &ChatMessage, content: &Content) -> Forwarded {
    content.forwarded.as_deref().cloned().unwrap_or_else(|| Forwarded {
        from: message.sender.clone(),
        said_at: message.server_time.unwrap_or(message.sent_at),
    })
}
