//! The JSON of files and uploads.

use std::collections::BTreeMap;

use anser_types::{FileId, Look, Refusal, Sha256, ThumbnailSize, UnixMs};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::connection::unreadable;
use super::decimal;
use super::files::{FileInfo, FileLinks, FileUsage};
use super::uploads::{Challenge, UploadAt};

#[derive(Deserialize)]
pub(super) struct FileAnswer {
    file: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    media_type: String,
    #[serde(deserialize_with = "decimal::read")]
    bytes: u64,
    sha256: String,
    #[serde(deserialize_with = "decimal::read")]
    created_at_ms: u64,
    look: Option<LookAnswer>,
}

#[derive(Deserialize)]
struct LookAnswer {
    width: u32,
    height: u32,
    #[serde(default)]
    duration_ms: u32,
    #[serde(default)]
    thumbhash_base64: String,
    #[serde(default)]
    preview_base64: String,
    #[serde(default)]
    thumbnails: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct UploadAnswer {
    file: String,
    #[serde(deserialize_with = "decimal::read")]
    offset: u64,
    stored: Option<FileAnswer>,
}

#[derive(Deserialize)]
pub(super) struct LinksAnswer {
    #[serde(deserialize_with = "decimal::read")]
    expires_at_ms: u64,
    content: String,
    #[serde(default)]
    thumbnails: BTreeMap<String, String>,
}

#[derive(Deserialize)]
pub(super) struct UsageAnswer {
    #[serde(deserialize_with = "decimal::read")]
    files: u64,
    #[serde(deserialize_with = "decimal::read")]
    bytes: u64,
    #[serde(deserialize_with = "decimal::read")]
    bytes_most: u64,
    #[serde(deserialize_with = "decimal::read")]
    file_bytes_most: u64,
}

#[derive(Serialize)]
pub(super) struct OwnedBytes {
    pub(super) sha256: String,
    pub(super) bytes: String,
}

#[derive(Deserialize)]
pub(super) struct ChallengeAnswer {
    nonce_base64: String,
    places: Vec<PlaceAnswer>,
    expires_at_ms: String,
    seal: String,
}

#[derive(Deserialize)]
struct PlaceAnswer {
    #[serde(deserialize_with = "decimal::read")]
    offset: u64,
    #[serde(deserialize_with = "decimal::read")]
    bytes: u64,
}

#[derive(Serialize)]
pub(super) struct ClaimBody<'a> {
    pub(super) sha256: String,
    pub(super) bytes: String,
    pub(super) nonce_base64: &'a str,
    pub(super) expires_at_ms: &'a str,
    pub(super) seal: &'a str,
    pub(super) proof: String,
    pub(super) name: &'a str,
    pub(super) original: bool,
}

fn decoded(base64: &str) -> Result<Bytes, Refusal> {
    STANDARD.decode(base64).map(Bytes::from).map_err(unreadable)
}

fn file_id(text: &str) -> Result<FileId, Refusal> {
    text.parse().map_err(unreadable)
}

/// Reads the 64 hexadecimal digits of a hash.
pub(super) fn sha256(text: &str) -> Result<Sha256, Refusal> {
    text.parse().map_err(unreadable)
}

impl FileAnswer {
    pub(super) fn read(self) -> Result<FileInfo, Refusal> {
        Ok(FileInfo {
            id: file_id(&self.file)?,
            name: self.name,
            media_type: self.media_type,
            bytes: self.bytes,
            sha256: sha256(&self.sha256)?,
            look: self.look.map(LookAnswer::read).transpose()?,
            created_at: UnixMs(self.created_at_ms),
        })
    }
}

impl LookAnswer {
    fn read(self) -> Result<Look, Refusal> {
        Ok(Look {
            width: self.width,
            height: self.height,
            duration_ms: self.duration_ms,
            thumbhash: decoded(&self.thumbhash_base64)?,
            preview: decoded(&self.preview_base64)?,
            // A size of a newer server is nothing that could be asked for here.
            thumbnails: self
                .thumbnails
                .iter()
                .filter_map(|name| ThumbnailSize::from_name(name))
                .collect(),
        })
    }
}

impl UploadAnswer {
    pub(super) fn read(self) -> Result<UploadAt, Refusal> {
        Ok(UploadAt {
            file: file_id(&self.file)?,
            offset: self.offset,
            stored: self.stored.map(FileAnswer::read).transpose()?,
        })
    }
}

impl LinksAnswer {
    pub(super) fn read(
        self,
        absolute: impl Fn(&str) -> Result<String, Refusal>,
    ) -> Result<FileLinks, Refusal> {
        let mut thumbnails = BTreeMap::new();
        for (name, link) in &self.thumbnails {
            if let Some(size) = ThumbnailSize::from_name(name) {
                thumbnails.insert(size, absolute(link)?);
            }
        }
        let content = absolute(&self.content)?;
        Ok(FileLinks { expires_at: UnixMs(self.expires_at_ms), content, thumbnails })
    }
}

impl From<UsageAnswer> for FileUsage {
    fn from(answer: UsageAnswer) -> Self {
        Self {
            files: answer.files,
            bytes: answer.bytes,
            bytes_most: answer.bytes_most,
            file_bytes_most: answer.file_bytes_most,
        }
    }
}

impl ChallengeAnswer {
    pub(super) fn read(self) -> Result<Challenge, Refusal> {
        let places = self.places.iter().map(|place| (place.offset, place.bytes)).collect();
        let nonce = decoded(&self.nonce_base64)?;
        Ok(Challenge {
            nonce,
            places,
            nonce_base64: self.nonce_base64,
            expires_at_ms: self.expires_at_ms,
            seal: self.seal,
        })
    }
}
