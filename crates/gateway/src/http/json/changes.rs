//! Changes of conversations.

use anser_types::{Alteration, Change, ChangeKind, MemberAct};
use serde::Serialize;
use utoipa::ToSchema;

use super::contents::ContentJson;
use super::conversations::{RoleName, SetGroupJson};
use super::lists::ItemJson;
use super::scalars::{Base64, ConversationText, Number, UserName, names};

/// A numbered alteration of a conversation other than a message.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Change)]
pub(crate) struct ChangeJson {
    conversation: ConversationText,
    pub(crate) change_no: Number,
    /// The conversation's last message when it happened: orders changes among messages.
    after_seq: Number,
    /// The conversation's version after it.
    version: Number,
    /// Who did it.
    actor: UserName,
    /// Unix milliseconds.
    at_ms: Number,
    what: ChangeKindJson,
}

/// What changed.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[schema(as = ChangeKind)]
enum ChangeKindJson {
    /// The group was made with these members.
    GroupCreated { title: String, members: Vec<UserName> },
    /// Users came in.
    MembersJoined { title: String, users: Vec<UserName>, channel: bool },
    /// The actor left; the new owner if ownership passed on.
    MemberLeft {
        #[serde(skip_serializing_if = "Option::is_none")]
        new_owner: Option<UserName>,
    },
    /// Users were removed.
    MembersRemoved { users: Vec<UserName> },
    /// A message was altered.
    MessageAltered { seq: Number, alteration: AlterationJson },
    /// The group's own state was changed.
    GroupUpdated { set: SetGroupJson },
    /// Something was done about one member: a new role, a time until which they may not speak, or a name.
    MemberAltered {
        user: UserName,
        #[serde(skip_serializing_if = "Option::is_none")]
        role: Option<RoleName>,
        #[serde(skip_serializing_if = "Option::is_none")]
        muted_until_ms: Option<Number>,
        #[serde(skip_serializing_if = "Option::is_none")]
        alias: Option<String>,
    },
    /// The group was dissolved.
    GroupDismissed,
    /// An item of a list was changed; this is how it is now.
    Item {
        #[serde(skip_serializing_if = "Option::is_none")]
        of: Option<ItemJson>,
    },
    /// A change that this server's version does not know, as it was stored.
    Unknown { code: u32, raw_base64: Base64 },
}

/// What somebody did to a message.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(tag = "how", rename_all = "snake_case")]
#[schema(as = Alteration)]
enum AlterationJson {
    /// The sender replaced its content.
    Edit { content: Box<ContentJson> },
    /// It was taken back for everybody.
    Revoke,
    /// A reaction of the actor was added or taken away.
    React { emoji: String, on: bool },
    /// It was pinned or unpinned.
    Pin { on: bool },
    /// An edit of a message that was taken back since.
    Gone,
    /// Its receiver has read it: at this time everybody forgets it.
    Burn { expires_at_ms: Number },
    /// Its time was over.
    Expire,
}

impl From<&Change> for ChangeJson {
    fn from(change: &Change) -> Self {
        Self {
            conversation: change.conversation.into(),
            change_no: change.change_no.0.into(),
            after_seq: change.after_seq.0.into(),
            version: change.version.0.into(),
            actor: (&change.actor).into(),
            at_ms: change.at.into(),
            what: (&change.kind).into(),
        }
    }
}

impl From<&ChangeKind> for ChangeKindJson {
    fn from(kind: &ChangeKind) -> Self {
        match kind {
            ChangeKind::GroupCreated { title, members } => {
                Self::GroupCreated { title: title.clone(), members: names(members) }
            }
            ChangeKind::MembersJoined { title, users, channel } => {
                Self::MembersJoined { title: title.clone(), users: names(users), channel: *channel }
            }
            ChangeKind::MemberLeft { new_owner } => {
                Self::MemberLeft { new_owner: new_owner.as_ref().map(UserName::from) }
            }
            ChangeKind::MembersRemoved { users } => Self::MembersRemoved { users: names(users) },
            ChangeKind::MessageAltered { seq, alteration } => {
                Self::MessageAltered { seq: seq.0.into(), alteration: alteration.into() }
            }
            ChangeKind::GroupUpdated(set) => Self::GroupUpdated { set: set.into() },
            ChangeKind::MemberAltered { user, act } => {
                let (role, muted, alias) = match act {
                    MemberAct::Role(role) => (Some((*role).into()), None, None),
                    MemberAct::MuteUntil(until) => (None, Some((*until).into()), None),
                    MemberAct::Alias(alias) => (None, None, Some(alias.clone())),
                };
                Self::MemberAltered { user: user.into(), role, muted_until_ms: muted, alias }
            }
            ChangeKind::GroupDismissed => Self::GroupDismissed,
            ChangeKind::Item(item) => Self::Item { of: ItemJson::of(item) },
            ChangeKind::Unknown { kind, raw } => {
                Self::Unknown { code: *kind, raw_base64: Base64::of(raw) }
            }
        }
    }
}

impl From<&Alteration> for AlterationJson {
    fn from(alteration: &Alteration) -> Self {
        match alteration {
            Alteration::Edit(content) => Self::Edit { content: Box::new(content.into()) },
            Alteration::Revoke => Self::Revoke,
            Alteration::React { emoji, on } => Self::React { emoji: emoji.clone(), on: *on },
            Alteration::Pin { on } => Self::Pin { on: *on },
            Alteration::Gone => Self::Gone,
            Alteration::Burn(at) => Self::Burn { expires_at_ms: (*at).into() },
            Alteration::Expire => Self::Expire,
        }
    }
}
