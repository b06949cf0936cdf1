//! Files, as the doors show them.

use std::collections::BTreeMap;

use anser_service::UploadProgress;
use anser_types::limits::FILE_NAME_MAX_BYTES;
use anser_types::{Look, StoredFile, ThumbnailSize};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::scalars::{Base64, FileName, Number, Sha256Hex, named, text};

/// A file that is complete.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = StoredFile)]
pub(crate) struct StoredFileJson {
    /// Its name at the server: what goes into a message.
    file: FileName,
    /// What its owner calls it; may be empty.
    name: String,
    /// What it is, found out from its bytes, as in `image/png`.
    media_type: String,
    bytes: Number,
    sha256: Sha256Hex,
    /// When it was complete, in Unix milliseconds.
    created_at_ms: Number,
    /// What it looks like, if that could be found out.
    #[serde(skip_serializing_if = "Option::is_none")]
    look: Option<LookJson>,
}

/// What a picture looks like, before it is fetched: goes into the message with it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Look)]
pub(crate) struct LookJson {
    /// Pixels across, turned as it is shown.
    width: u32,
    /// Pixels down.
    height: u32,
    /// How long it is; 0 for what does not move.
    duration_ms: u32,
    /// Some 25 bytes that paint a blur of it (ThumbHash, by Evan Wallace).
    thumbhash_base64: Base64,
    /// A small JPEG to travel within the message, as its `thumbnail_base64`.
    preview_base64: Base64,
    /// The sizes in which it can be fetched.
    thumbnails: Vec<ThumbnailSizeName>,
}

named! {
    /// A size in which a picture can be fetched: a JPEG that fits into a square of 160, 480 or 1,280 pixels.
    ThumbnailSizeName of ThumbnailSize {
        /// 160 pixels.
        Small,
        /// 480 pixels.
        Medium,
        /// 1,280 pixels.
        Large,
    }
}

impl From<Look> for LookJson {
    fn from(look: Look) -> Self {
        Self {
            width: look.width,
            height: look.height,
            duration_ms: look.duration_ms,
            thumbhash_base64: Base64::of(&look.thumbhash),
            preview_base64: Base64::of(&look.preview),
            thumbnails: look.thumbnails.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<StoredFile> for StoredFileJson {
    fn from(file: StoredFile) -> Self {
        Self {
            file: file.id.into(),
            name: file.name,
            media_type: file.media_type,
            bytes: file.bytes.into(),
            sha256: file.sha256.into(),
            created_at_ms: file.created_at.into(),
            look: file.look.map(Into::into),
        }
    }
}

/// How far an upload is.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Upload)]
pub(crate) struct UploadJson {
    /// Its name, and the file's.
    file: FileName,
    /// Bytes that are here.
    offset: Number,
    /// Bytes it will have; absent until that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<Number>,
    /// The file, once it is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    stored: Option<StoredFileJson>,
}

impl From<UploadProgress> for UploadJson {
    fn from(progress: UploadProgress) -> Self {
        Self {
            file: progress.id.into(),
            offset: progress.offset.into(),
            length: progress.length.map(Number::from),
            stored: progress.file.map(Into::into),
        }
    }
}

/// Bytes that somebody has, and would rather not send.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(example = json!({"sha256": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae", "bytes": "3"}))]
pub(crate) struct OwnedBytes {
    pub(crate) sha256: Sha256Hex,
    pub(crate) bytes: Number,
}

/// What the server wants to know to believe that somebody has the bytes.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Challenge {
    /// Comes back as it is.
    pub(crate) nonce_base64: Base64,
    /// Places of the file, in the order in which they are hashed behind the nonce.
    pub(crate) places: Vec<PlaceJson>,
    /// Until when it may be answered, in Unix milliseconds; comes back as it is.
    pub(crate) expires_at_ms: Number,
    /// Comes back as it is.
    pub(crate) seal: Sha256Hex,
}

/// A place of a file: so many bytes from this offset on.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = FilePlace)]
pub(crate) struct PlaceJson {
    pub(crate) offset: Number,
    pub(crate) bytes: Number,
}

/// The answer to a challenge.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(example = json!({"sha256": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae", "bytes": "3",
    "nonce_base64": "AAECAwQFBgcICQoLDA0ODw==", "expires_at_ms": "1795891944506",
    "seal": "fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9",
    "proof": "486ea46224d1bb4fb680f34f7c9ad96a8f24ec88be73ea8e5a6c65260e9cb8a7"}))]
pub(crate) struct Claim {
    pub(crate) sha256: Sha256Hex,
    pub(crate) bytes: Number,
    pub(crate) nonce_base64: Base64,
    pub(crate) expires_at_ms: Number,
    pub(crate) seal: Sha256Hex,
    /// SHA-256 of the nonce and the bytes at the places.
    pub(crate) proof: Sha256Hex,
    /// What it is to be called.
    #[serde(default)]
    #[schema(schema_with = text::<FILE_NAME_MAX_BYTES>)]
    pub(crate) name: String,
    /// A picture is wanted as it is, with what it tells beside its pixels.
    #[serde(default)]
    pub(crate) original: bool,
}

/// A link to a file, for programs that send no token.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct FileLinks {
    /// Until when they are good, in Unix milliseconds.
    pub(crate) expires_at_ms: Number,
    /// The file's address at this server.
    pub(crate) content: String,
    /// The addresses of its smaller pictures, by size; empty if there are none.
    pub(crate) thumbnails: BTreeMap<&'static str, String>,
}

/// How much room one's files take.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct FileUsage {
    pub(crate) files: Number,
    pub(crate) bytes: Number,
    /// The bytes they may take together.
    pub(crate) bytes_most: Number,
    /// The bytes that one of them may have.
    pub(crate) file_bytes_most: Number,
}

impl FileLinks {
    /// The addresses of a file with a signature behind them.
    pub(crate) fn new(file: &StoredFile, signature: &str, expires_at_ms: Number) -> Self {
        let id = file.id;
        let sizes = file.look.iter().flat_map(|look| &look.thumbnails);
        Self {
            expires_at_ms,
            content: format!("/v1/files/{id}/content?link={signature}"),
            thumbnails: sizes
                .map(|size| {
                    let name = size.name();
                    (name, format!("/v1/files/{id}/thumbnails/{name}?link={signature}"))
                })
                .collect(),
        }
    }
}
