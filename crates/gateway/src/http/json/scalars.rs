//! The small values: ids, 64-bit numbers, bytes, texts of limited length. Each says its rule and its limit itself.

use anser_types::limits::{
    CONTENT_MAX_BYTES, REACTION_MAX_BYTES, SEARCH_TEXT_MAX_BYTES, USER_ID_MAX_BYTES,
};
use anser_types::{ConversationId, FileId, Refusal, Sha256, Target, UnixMs, UserId};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{Object, ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::http::body::{invalid, number, user};

/// A text of its own in the description.
macro_rules! scalar {
    ($(#[$doc:meta])* $name:ident = $schema:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub(crate) struct $name(pub(crate) String);

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                RefOr::T(Schema::Object($schema))
            }
        }

        impl ToSchema for $name {}
    };
}

fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

scalar! {
    /// A user's id.
    UserName = string()
        .description(Some(format!(
            "A user's id: 1 to {USER_ID_MAX_BYTES} bytes of UTF-8 without white space, control characters or `/`."
        )))
        .min_length(Some(1))
        .max_length(Some(USER_ID_MAX_BYTES))
        .pattern(Some(r"^[^\s\u0000-\u001f\u007f-\u009f/]+$"))
        .examples(["alice"])
        .build()
}

scalar! {
    /// A conversation's id.
    ConversationText = string()
        .description(Some("A conversation's id: 32 hexadecimal digits."))
        .pattern(Some("^[0-9a-fA-F]{32}$"))
        .examples(["c2ad2cf055b7cdd98696353d4e55f08a"])
        .build()
}

scalar! {
    /// A file's name at the server.
    FileName = string()
        .description(Some("A file's name at the server: 32 hexadecimal digits."))
        .pattern(Some("^[0-9a-fA-F]{32}$"))
        .examples(["7d0c9a64b1f24d3c9e1f5a2b8c6d4e0f"])
        .build()
}

scalar! {
    /// A conversation as the paths name it.
    Place = string()
        .description(Some(
            "A conversation: its id (32 hexadecimal digits), or `user:` and the id of the other one of a direct one.",
        ))
        .pattern(Some(r"^([0-9a-fA-F]{32}|user:[^\s\u0000-\u001f\u007f-\u009f/]{1,64})$"))
        .examples(["user:bob"])
        .build()
}

scalar! {
    /// A 64-bit number.
    Number = string()
        .description(Some("A number from 0 to 2^64-1 in decimal digits (JSON's own numbers lose digits above 2^53)."))
        .pattern(Some("^[0-9]{1,20}$"))
        .examples(["42"])
        .build()
}

scalar! {
    /// Bytes of a content, or of a part of one.
    Base64 = string()
        .description(Some(format!("Bytes in base64 (RFC 4648, padded); at most {CONTENT_MAX_BYTES} of them.")))
        .content_encoding("base64")
        .max_length(Some(CONTENT_MAX_BYTES.div_ceil(3) * 4))
        .examples(["AAEC"])
        .build()
}

scalar! {
    /// SHA-256 of a file.
    Sha256Hex = string()
        .description(Some("A SHA-256: 64 hexadecimal digits."))
        .pattern(Some("^[0-9a-fA-F]{64}$"))
        .build()
}

scalar! {
    /// The identity of a message since it was composed.
    ClientMsgId = string()
        .description(Some(
            "A message's identity since it was composed: its sender's device and that device's counter. What is composed \
             over HTTP has device 0.",
        ))
        .pattern(Some("^[0-9]{1,20}-[0-9]{1,20}$"))
        .examples(["1-17"])
        .build()
}

scalar! {
    /// Everything a store holds.
    Archive = string()
        .description(Some("Bytes of an archive, as `anser restore` reads them."))
        .content_media_type("application/vnd.anser.archive")
        .build()
}

scalar! {
    /// Bytes of a file.
    FileBytes = string()
        .description(Some("Bytes of a file, as they are."))
        .content_media_type("application/octet-stream")
        .build()
}

scalar! {
    /// A reaction.
    Emoji = string()
        .description(Some(format!("An emoji or another short text: 1 to {REACTION_MAX_BYTES} bytes of UTF-8.")))
        .min_length(Some(1))
        .max_length(Some(REACTION_MAX_BYTES))
        .examples(["👍"])
        .build()
}

scalar! {
    /// What is looked for.
    SearchText = string()
        .description(Some(format!("What somebody typed: at most {SEARCH_TEXT_MAX_BYTES} bytes of UTF-8.")))
        .min_length(Some(1))
        .max_length(Some(SEARCH_TEXT_MAX_BYTES))
        .build()
}

scalar! {
    /// Where a list goes on.
    Cursor = string()
        .description(Some("Where a list goes on: the `next` of the page before, as it came. It means nothing else."))
        .max_length(Some(512))
        .build()
}

/// A text of at most `MOST` bytes, for `schema_with`.
pub(crate) fn text<const MOST: usize>() -> Object {
    string()
        .description(Some(format!("At most {MOST} bytes of UTF-8.")))
        .max_length(Some(MOST))
        .build()
}

impl UserName {
    pub(crate) fn id(&self, field: &str) -> Result<UserId, Refusal> {
        user(field, &self.0)
    }
}

impl From<&UserId> for UserName {
    fn from(user: &UserId) -> Self {
        Self(user.to_string())
    }
}

pub(crate) fn names(users: &[UserId]) -> Vec<UserName> {
    users.iter().map(UserName::from).collect()
}

pub(crate) fn ids(field: &str, names: &[UserName]) -> Result<Vec<UserId>, Refusal> {
    names.iter().map(|name| name.id(field)).collect()
}

impl ConversationText {
    pub(crate) fn id(&self, field: &str) -> Result<ConversationId, Refusal> {
        self.0.parse().map_err(|error| invalid(format!("{field}: {error}")))
    }
}

impl From<ConversationId> for ConversationText {
    fn from(id: ConversationId) -> Self {
        Self(id.to_string())
    }
}

impl FileName {
    pub(crate) fn id(&self, field: &str) -> Result<FileId, Refusal> {
        self.0.parse().map_err(|error| invalid(format!("{field}: {error}")))
    }
}

impl From<FileId> for FileName {
    fn from(id: FileId) -> Self {
        Self(id.to_string())
    }
}

impl Sha256Hex {
    pub(crate) fn hash(&self, field: &str) -> Result<Sha256, Refusal> {
        self.0.parse().map_err(|_| invalid(format!("{field}: 64 hexadecimal digits")))
    }
}

impl From<Sha256> for Sha256Hex {
    fn from(hash: Sha256) -> Self {
        Self(hash.to_string())
    }
}

impl Number {
    pub(crate) fn value(&self, field: &str) -> Result<u64, Refusal> {
        number(field, &self.0)
    }

    /// A number that says something; nothing for zero.
    pub(crate) fn above_zero(value: u64) -> Option<Self> {
        (value > 0).then(|| value.into())
    }
}

/// The number that was given, if one was.
pub(crate) fn given(field: &str, number: Option<&Number>) -> Result<Option<u64>, Refusal> {
    number.map(|number| number.value(field)).transpose()
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self(value.to_string())
    }
}

impl From<UnixMs> for Number {
    fn from(at: UnixMs) -> Self {
        at.0.into()
    }
}

impl Base64 {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(STANDARD.encode(bytes))
    }

    pub(crate) fn bytes(&self, field: &str) -> Result<bytes::Bytes, Refusal> {
        let decoded = STANDARD.decode(&self.0);
        decoded.map(Into::into).map_err(|error| invalid(format!("{field}: {error}")))
    }
}

impl Place {
    pub(crate) fn target(&self, field: &str) -> Result<Target, Refusal> {
        match self.0.strip_prefix("user:") {
            Some(peer) => user(field, peer).map(Target::User),
            None => self.0.parse().map(Target::Conversation).map_err(|_| {
                invalid(format!(
                    "{field}: a conversation's 32 hexadecimal digits, or user: and an id"
                ))
            }),
        }
    }
}

/// Where something goes: exactly one of the two.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(crate) struct To {
    /// The direct conversation with this user, made on first use.
    user: Option<UserName>,
    /// A conversation that exists.
    conversation: Option<ConversationText>,
}

impl To {
    pub(crate) fn target(&self, field: &str) -> Result<Target, Refusal> {
        match (&self.user, &self.conversation) {
            (Some(peer), None) => peer.id(&format!("{field}.user")).map(Target::User),
            (None, Some(id)) => id.id(&format!("{field}.conversation")).map(Target::Conversation),
            _ => Err(invalid(format!("{field}: either user or conversation"))),
        }
    }
}

/// Names of the cases of a domain's enum.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident of $of:ty { $($(#[$case_doc:meta])* $case:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum $name { $($(#[$case_doc])* $case),* }

        impl From<$of> for $name {
            fn from(of: $of) -> Self {
                match of { $(<$of>::$case => Self::$case),* }
            }
        }

        impl From<$name> for $of {
            fn from(name: $name) -> Self {
                match name { $($name::$case => Self::$case),* }
            }
        }
    };
}
pub(crate) use named;
