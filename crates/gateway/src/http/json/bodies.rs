//! What contents hold, by their kinds.

use anser_proto::values::bodies;
use anser_types::body::{Body, Custom, FileRef, Location, MergedEntry, Picture, Voice};
use anser_types::limits::{CAPTION_MAX_BYTES, FILE_LINK_MAX_BYTES, MERGED_MAX, TITLE_MAX_BYTES};
use anser_types::{Content, MessageKind, Refusal, Sha256, UnixMs};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::scalars::{Base64, Number, Sha256Hex, UserName, given, text};
use crate::http::body::invalid;

/// Something to be fetched: where it is, and how to tell that it is the right one.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = File)]
pub(crate) struct FileJson {
    /// A link, or a file's name at the server; never empty.
    #[schema(schema_with = text::<FILE_LINK_MAX_BYTES>)]
    file: String,
    #[serde(default)]
    #[schema(schema_with = text::<TITLE_MAX_BYTES>)]
    name: String,
    /// As in `image/png`.
    #[serde(default)]
    #[schema(schema_with = text::<TITLE_MAX_BYTES>)]
    media_type: String,
    /// How large it is, in bytes.
    bytes: Option<Number>,
    sha256: Option<Sha256Hex>,
}

/// A picture, still or moving.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Picture)]
pub(crate) struct PictureJson {
    file: FileJson,
    /// Pixels across; 0 if that is not known.
    #[serde(default)]
    width: u32,
    /// Pixels down; 0 if that is not known.
    #[serde(default)]
    height: u32,
    /// A small picture to show until it is fetched.
    thumbnail_base64: Option<Base64>,
    #[serde(default)]
    #[schema(schema_with = text::<CAPTION_MAX_BYTES>)]
    caption: String,
}

/// One message of several that are forwarded as one.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Merged)]
pub(crate) struct MergedJson {
    sender: UserName,
    /// Unix milliseconds.
    said_at_ms: Number,
    /// A kind's name.
    kind: String,
    /// The number of a kind that has no name here.
    kind_code: Option<u32>,
    content_base64: Base64,
}

/// What a content holds, by its `kind`. The same values as in `content.proto`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[schema(as = Body)]
pub(crate) enum BodyJson {
    /// Text.
    Text { text: String },
    /// An image.
    Image(PictureJson),
    /// A recorded voice.
    Voice {
        file: FileJson,
        #[serde(default)]
        duration_ms: u32,
        /// Loudness over time, one byte a step.
        waveform_base64: Option<Base64>,
    },
    /// A video.
    Video {
        #[serde(flatten)]
        picture: PictureJson,
        #[serde(default)]
        duration_ms: u32,
    },
    /// Any file.
    File {
        file: FileJson,
        #[serde(default)]
        #[schema(schema_with = text::<CAPTION_MAX_BYTES>)]
        caption: String,
    },
    /// A place, in ten millionths of a degree (WGS 84).
    Location {
        #[schema(minimum = -900_000_000, maximum = 900_000_000)]
        latitude_e7: i32,
        #[schema(minimum = -1_800_000_000, maximum = 1_800_000_000)]
        longitude_e7: i32,
        #[serde(default)]
        #[schema(schema_with = text::<TITLE_MAX_BYTES>)]
        name: String,
        #[serde(default)]
        #[schema(schema_with = text::<CAPTION_MAX_BYTES>)]
        address: String,
    },
    /// A person's card.
    Card {
        user: UserName,
        #[serde(default)]
        #[schema(schema_with = text::<TITLE_MAX_BYTES>)]
        name: String,
    },
    /// Whatever the app means by it.
    Custom {
        /// How to read the data, as in `org.example.vote`; never empty.
        #[serde(rename = "type")]
        #[schema(schema_with = text::<TITLE_MAX_BYTES>)]
        of: String,
        data_base64: Option<Base64>,
        /// What to show where the type is not known.
        #[serde(default)]
        #[schema(schema_with = text::<CAPTION_MAX_BYTES>)]
        summary: String,
    },
    /// A notice made by the server; refused from clients.
    System { text: String },
    /// Several messages forwarded as one, under a title.
    Merged {
        #[serde(default)]
        #[schema(schema_with = text::<TITLE_MAX_BYTES>)]
        title: String,
        #[schema(min_items = 1, schema_with = merged_entries)]
        entries: Vec<MergedJson>,
    },
}

fn merged_entries() -> utoipa::openapi::Array {
    use utoipa::openapi::{ArrayBuilder, Ref};
    ArrayBuilder::new()
        .items(Ref::from_schema_name("Merged"))
        .min_items(Some(1))
        .max_items(Some(MERGED_MAX))
        .build()
}

impl BodyJson {
    /// What a message holds; nothing if it cannot be read as what it should be.
    pub(crate) fn of(content: &Content) -> Option<Self> {
        Some(match bodies::read(content.kind, &content.body).ok()? {
            Body::Text(text) => Self::Text { text },
            Body::System(text) => Self::System { text },
            Body::Image(picture) => Self::Image(picture_json(picture)),
            Body::Voice(voice) => Self::Voice {
                file: file_json(voice.file),
                duration_ms: voice.duration_ms,
                waveform_base64: bytes_json(&voice.waveform),
            },
            Body::Video(picture, duration_ms) => {
                Self::Video { picture: picture_json(picture), duration_ms }
            }
            Body::File(file, caption) => Self::File { file: file_json(file), caption },
            Body::Location(Location { latitude_e7, longitude_e7, name, address }) => {
                Self::Location { latitude_e7, longitude_e7, name, address }
            }
            Body::Card(user, name) => Self::Card { user: (&user).into(), name },
            Body::Custom(Custom { kind, data, summary }) => {
                Self::Custom { of: kind, data_base64: bytes_json(&data), summary }
            }
            Body::Merged(title, entries) => {
                Self::Merged { title, entries: entries.iter().map(merged_json).collect() }
            }
            Body::Unknown(..) => return None,
        })
    }

    /// The kind and the bytes of a content with this body.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` naming what in it is beyond a limit or makes no sense.
    pub(crate) fn encoded(self) -> Result<(MessageKind, Bytes), Refusal> {
        let body = self.read()?;
        Ok((body.kind(), bodies::write(&body)?))
    }

    fn read(self) -> Result<Body, Refusal> {
        Ok(match self {
            Self::Text { text } => Body::Text(text),
            Self::System { text } => Body::System(text),
            Self::Image(picture) => Body::Image(picture.read()?),
            Self::Voice { file, duration_ms, waveform_base64 } => Body::Voice(Voice {
                file: file.read()?,
                duration_ms,
                waveform: bytes_of("waveform_base64", waveform_base64.as_ref())?,
            }),
            Self::Video { picture, duration_ms } => Body::Video(picture.read()?, duration_ms),
            Self::File { file, caption } => Body::File(file.read()?, caption),
            Self::Location { latitude_e7, longitude_e7, name, address } => {
                Body::Location(Location { latitude_e7, longitude_e7, name, address })
            }
            Self::Card { user, name } => Body::Card(user.id("body.user")?, name),
            Self::Custom { of, data_base64, summary } => Body::Custom(Custom {
                kind: of,
                data: bytes_of("data_base64", data_base64.as_ref())?,
                summary,
            }),
            Self::Merged { title, entries } => {
                let entries = entries.iter().map(MergedJson::read).collect::<Result<_, _>>()?;
                Body::Merged(title, entries)
            }
        })
    }
}

fn bytes_json(bytes: &Bytes) -> Option<Base64> {
    (!bytes.is_empty()).then(|| Base64::of(bytes))
}

fn bytes_of(field: &str, encoded: Option<&Base64>) -> Result<Bytes, Refusal> {
    encoded.map_or_else(|| Ok(Bytes::new()), |encoded| encoded.bytes(field))
}

fn file_json(file: FileRef) -> FileJson {
    FileJson {
        file: file.file,
        name: file.name,
        media_type: file.media_type,
        bytes: Number::above_zero(file.bytes),
        sha256: file.sha256.map(|hash| Sha256(hash).into()),
    }
}

impl FileJson {
    fn read(self) -> Result<FileRef, Refusal> {
        Ok(FileRef {
            file: self.file,
            name: self.name,
            media_type: self.media_type,
            bytes: given("bytes", self.bytes.as_ref())?.unwrap_or(0),
            sha256: self.sha256.map(|hash| hash.hash("sha256")).transpose()?.map(|hash| hash.0),
        })
    }
}

fn picture_json(picture: Picture) -> PictureJson {
    PictureJson {
        file: file_json(picture.file),
        width: picture.width,
        height: picture.height,
        thumbnail_base64: bytes_json(&picture.thumbnail),
        caption: picture.caption,
    }
}

impl PictureJson {
    fn read(self) -> Result<Picture, Refusal> {
        Ok(Picture {
            file: self.file.read()?,
            width: self.width,
            height: self.height,
            thumbnail: bytes_of("thumbnail_base64", self.thumbnail_base64.as_ref())?,
            caption: self.caption,
        })
    }
}

fn merged_json(entry: &MergedEntry) -> MergedJson {
    MergedJson {
        sender: (&entry.sender).into(),
        said_at_ms: entry.said_at.into(),
        kind: entry.kind.name().to_owned(),
        kind_code: unnamed(entry.kind),
        content_base64: Base64::of(&entry.body),
    }
}

impl MergedJson {
    fn read(&self) -> Result<MergedEntry, Refusal> {
        let kind = match self.kind_code {
            Some(code) => MessageKind::from_code(code),
            None => kind_named(&self.kind)?,
        };
        Ok(MergedEntry {
            sender: self.sender.id("entries.sender")?,
            said_at: UnixMs(self.said_at_ms.value("entries.said_at_ms")?),
            kind,
            body: self.content_base64.bytes("entries.content_base64")?,
        })
    }
}

/// The number of a kind that has no name in this version.
pub(crate) const fn unnamed(kind: MessageKind) -> Option<u32> {
    match kind {
        MessageKind::Unknown(code) => Some(code),
        _ => None,
    }
}

/// The kind of this name that may be sent.
///
/// # Errors
/// `INVALID_ARGUMENT` naming those there are.
pub(crate) fn kind_named(name: &str) -> Result<MessageKind, Refusal> {
    let kind = MessageKind::SENT.into_iter().find(|kind| kind.name() == name);
    kind.ok_or_else(|| {
        let names = MessageKind::SENT.map(MessageKind::name).join(", ");
        invalid(format!("kind: one of {names}"))
    })
}
