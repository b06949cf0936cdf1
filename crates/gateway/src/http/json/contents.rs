//! Contents of messages: what a client composes, and what readers get.

use anser_proto::values::bodies::files_in;
use anser_types::body::Forwarded;
use anser_types::limits::{
    BURN_AFTER_MS, CONTENT_MAX_BYTES, EXPIRES_WITHIN_MS, FILES_PER_MESSAGE, MENTIONS_MAX,
};
use anser_types::{Content, MessageKind, Refusal, Seq, UnixMs};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::RefBuilder;
use utoipa::openapi::{Array, ArrayBuilder, Ref};

use super::bodies::{BodyJson, kind_named, unnamed};
use super::scalars::{Base64, FileName, Number, UserName, given, ids, names, text};
use crate::http::body::invalid;

/// Whose words these are, if they are forwarded. A word of who forwards: nobody vouches for it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Forwarded)]
pub(crate) struct ForwardedJson {
    /// Who said it first.
    from: UserName,
    /// When, in Unix milliseconds.
    said_at_ms: Number,
}

/// What is said. Its content is exactly one of `text`, `body` (a value by its kind), and `content_base64` with `kind` (the
/// bytes as they are kept, see `content.proto`).
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(example = json!({"text": "supper?"}))]
pub(crate) struct NewContent {
    /// Plain text.
    #[schema(schema_with = text::<CONTENT_MAX_BYTES>)]
    text: Option<String>,
    body: Option<BodyJson>,
    /// The kind of `content_base64`: `text`, `image`, `voice`, `video`, `file`, `location`, `card`, `custom` or `merged`.
    kind: Option<String>,
    content_base64: Option<Base64>,
    /// Users called by name.
    #[serde(default)]
    #[schema(schema_with = mentions)]
    mentions: Vec<UserName>,
    /// Calls everybody in the conversation.
    #[serde(default)]
    mention_all: bool,
    /// The message of the same conversation this one answers.
    reply_to: Option<Number>,
    #[schema(schema_with = expires_at)]
    expires_at_ms: Option<Number>,
    #[schema(schema_with = burn_after)]
    burn_after_ms: Option<Number>,
    forwarded: Option<ForwardedJson>,
    /// Files at the server that the message holds, beside those that its `body` names: its readers may fetch these and no
    /// others.
    #[serde(default)]
    #[schema(schema_with = files)]
    files: Vec<FileName>,
}

fn files() -> Array {
    ArrayBuilder::new()
        .items(Ref::from_schema_name("FileName"))
        .max_items(Some(FILES_PER_MESSAGE))
        .build()
}

fn expires_at() -> Ref {
    let days = EXPIRES_WITHIN_MS / (24 * 3_600_000);
    let about = "When everybody must have forgotten it, in Unix milliseconds; at most";
    let number = RefBuilder::new().ref_location_from_schema_name("Number");
    number.description(Some(format!("{about} {days} days ahead."))).build()
}

fn burn_after() -> Ref {
    let (least, most) = BURN_AFTER_MS;
    let about = "How long after its receiver has read it everybody must have forgotten it";
    let number = RefBuilder::new().ref_location_from_schema_name("Number");
    number.description(Some(format!("{about}: {least} to {most} milliseconds."))).build()
}

fn mentions() -> Array {
    ArrayBuilder::new()
        .items(Ref::from_schema_name("UserName"))
        .max_items(Some(MENTIONS_MAX))
        .build()
}

impl NewContent {
    /// What it says.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` naming the field.
    pub(crate) fn read(self) -> Result<Content, Refusal> {
        let (kind, body) = match (self.text, self.body, self.content_base64) {
            (Some(text), None, None) => (MessageKind::Text, Bytes::from(text)),
            (None, Some(body), None) => body.encoded()?,
            (None, None, Some(encoded)) => {
                let kind = kind_named(self.kind.as_deref().unwrap_or_default())?;
                (kind, encoded.bytes("content_base64")?)
            }
            _ => return Err(invalid("one of text, body, or kind and content_base64")),
        };
        let mut files = files_in(kind, &body);
        for name in self.files {
            let file = name.id("files")?;
            if !files.contains(&file) {
                files.push(file);
            }
        }
        let (least, most) = BURN_AFTER_MS;
        let too_long = || invalid(format!("burn_after_ms: {least} to {most}"));
        let burn_after = given("burn_after_ms", self.burn_after_ms.as_ref())?;
        Ok(Content {
            kind,
            body,
            mentions: ids("mentions", &self.mentions)?,
            mention_all: self.mention_all,
            reply_to: given("reply_to", self.reply_to.as_ref())?.map(Seq),
            expires_at: given("expires_at_ms", self.expires_at_ms.as_ref())?.map(UnixMs),
            burn_after_ms: burn_after
                .map(|ms| u32::try_from(ms).map_err(|_| too_long()))
                .transpose()?,
            forwarded: self.forwarded.map(|forwarded| forwarded.read()).transpose()?.map(Box::new),
            files,
        })
    }
}

impl ForwardedJson {
    fn read(&self) -> Result<Forwarded, Refusal> {
        Ok(Forwarded {
            from: self.from.id("forwarded.from")?,
            said_at: UnixMs(self.said_at_ms.value("forwarded.said_at_ms")?),
        })
    }
}

/// What a message says.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Content)]
pub(crate) struct ContentJson {
    /// The kind's name; `unknown` for one that this server's version does not know.
    kind: &'static str,
    /// The number of an unknown kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind_code: Option<u32>,
    /// What it holds; absent where it cannot be read as what its kind says.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<BodyJson>,
    /// The bytes as they are kept.
    content_base64: Base64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mentions: Vec<UserName>,
    mention_all: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<Number>,
    /// Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at_ms: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    burn_after_ms: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forwarded: Option<ForwardedJson>,
    /// Files at the server that the message holds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<FileName>,
}

impl From<&Content> for ContentJson {
    fn from(content: &Content) -> Self {
        let forwarded = content.forwarded.as_ref().map(|forwarded| ForwardedJson {
            from: (&forwarded.from).into(),
            said_at_ms: forwarded.said_at.into(),
        });
        Self {
            kind: content.kind.name(),
            kind_code: unnamed(content.kind),
            body: BodyJson::of(content),
            content_base64: Base64::of(&content.body),
            mentions: names(&content.mentions),
            mention_all: content.mention_all,
            reply_to: content.reply_to.map(|seq| seq.0.into()),
            expires_at_ms: content.expires_at.map(Number::from),
            burn_after_ms: content.burn_after_ms.map(|ms| u64::from(ms).into()),
            forwarded,
            files: content.files.iter().map(|file| FileName::from(*file)).collect(),
        }
    }
}
