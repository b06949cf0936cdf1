//! Messages as their readers see them.

use anser_types::event::UnavailableReason;
use anser_types::{Altered, Edition, Message, Unavailable, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use super::contents::ContentJson;
use super::scalars::{ClientMsgId, ConversationText, Number, UserName, named, names};

/// A message.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Message)]
pub(crate) struct MessageJson {
    conversation: ConversationText,
    /// In a direct conversation, the other one.
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<UserName>,
    /// Its place in the conversation.
    seq: Number,
    sender: UserName,
    client_msg_id: ClientMsgId,
    /// The sender's clock when it was composed, in Unix milliseconds.
    sent_at_ms: Number,
    /// The server's clock when it was stored, in Unix milliseconds.
    server_time_ms: Number,
    /// Absent of what was taken back or has expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<ContentJson>,
    /// What was done to it since it was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    altered: Option<AlteredJson>,
}

/// What changes have made of a message since it was said.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Altered)]
struct AlteredJson {
    /// The last change that altered it.
    change_no: Number,
    /// How often it was edited.
    edits: u32,
    /// Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_at_ms: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_by: Option<UserName>,
    reactions: Vec<ReactionJson>,
}

/// One reaction and everybody who used it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Reaction)]
struct ReactionJson {
    emoji: String,
    users: Vec<UserName>,
}

impl MessageJson {
    pub(crate) fn of(message: &Message, peer: Option<&UserId>) -> Self {
        Self {
            conversation: message.conversation.into(),
            peer: peer.map(UserName::from),
            seq: message.seq.0.into(),
            sender: (&message.sender).into(),
            client_msg_id: ClientMsgId(message.id.to_string()),
            sent_at_ms: message.sent_at.into(),
            server_time_ms: message.server_time.into(),
            content: message.content.as_ref().map(ContentJson::from),
            altered: message.altered.as_deref().map(AlteredJson::from),
        }
    }
}

impl From<&Altered> for AlteredJson {
    fn from(altered: &Altered) -> Self {
        let reactions = altered
            .reactions
            .iter()
            .map(|one| ReactionJson { emoji: one.emoji.clone(), users: names(&one.users) });
        Self {
            change_no: altered.by.0.into(),
            edits: altered.edits,
            edited_at_ms: altered.edited_at.map(Number::from),
            revoked_by: altered.revoked_by.as_ref().map(UserName::from),
            reactions: reactions.collect(),
        }
    }
}

/// A content a message had before it was edited.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Edition)]
pub(crate) struct EditionJson {
    /// The change that replaced it.
    until_change_no: Number,
    /// When it was written, in Unix milliseconds.
    since_ms: Number,
    content: ContentJson,
}

impl From<&Edition> for EditionJson {
    fn from(edition: &Edition) -> Self {
        Self {
            until_change_no: edition.until.0.into(),
            since_ms: edition.since.into(),
            content: (&edition.content).into(),
        }
    }
}

named! {
    /// Why a range cannot be given.
    ReasonName of UnavailableReason {
        /// Older than the server keeps.
        Expired,
        /// The store is damaged there.
        Damaged,
        /// One was not a member then.
        NotVisible,
        /// One has put it away for oneself.
        PutAway,
    }
}

/// A range that cannot be given, with the reason.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Unavailable)]
pub(crate) struct UnavailableJson {
    from_seq: Number,
    to_seq: Number,
    reason: ReasonName,
}

impl From<&Unavailable> for UnavailableJson {
    fn from(range: &Unavailable) -> Self {
        Self {
            from_seq: range.from.0.into(),
            to_seq: range.to.0.into(),
            reason: range.reason.into(),
        }
    }
}
