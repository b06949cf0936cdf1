//! Conversations, groups, members, and how far everybody is.

use anser_service::{ConversationState, MemberState, Receipt};
use anser_types::limits::{ANNOUNCEMENT_MAX_BYTES, AVATAR_MAX_BYTES, TITLE_MAX_BYTES};
use anser_types::{Group, JoinMode, Role, SetGroup, UnixMs, UserPresence};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::messages::MessageJson;
use super::scalars::{ConversationText, Number, UserName, named, text};

named! {
    /// A member's rights.
    RoleName of Role {
        /// May read and write.
        Member,
        /// May also invite and remove members.
        Admin,
        /// May do everything; every group has one.
        Owner,
    }
}

named! {
    /// How people come into a group who were not invited.
    JoinModeName of JoinMode {
        /// Not at all.
        Invited,
        /// They ask; owner and admins answer.
        Approval,
        /// They walk in.
        Open,
    }
}

/// What a group is.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Group)]
struct GroupJson {
    title: String,
    avatar: String,
    announcement: String,
    history_for_new_members: bool,
    join: JoinModeName,
    /// Only owner and admins invite.
    admins_invite: bool,
    /// Only owner and admins speak.
    muted: bool,
    /// It was dissolved.
    dismissed: bool,
    /// It may be very large: its messages stand in its log only.
    channel: bool,
}

impl From<&Group> for GroupJson {
    fn from(group: &Group) -> Self {
        Self {
            title: group.title.clone(),
            avatar: group.avatar.clone(),
            announcement: group.announcement.clone(),
            history_for_new_members: group.history_for_new_members,
            join: group.join.into(),
            admins_invite: group.admins_invite,
            muted: group.muted,
            dismissed: group.dismissed,
            channel: group.channel.is_some(),
        }
    }
}

/// Which of a group's properties to change; what is absent stays.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = SetGroup, example = json!({"title": "friends", "join": "approval"}))]
pub(crate) struct SetGroupJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = text::<TITLE_MAX_BYTES>)]
    title: Option<String>,
    /// A picture: a link or a file's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = text::<AVATAR_MAX_BYTES>)]
    avatar: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = text::<ANNOUNCEMENT_MAX_BYTES>)]
    announcement: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    history_for_new_members: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    join: Option<JoinModeName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    admins_invite: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    muted: Option<bool>,
    /// `true` makes it a channel; there is no way back.
    #[serde(default)]
    channel: bool,
}

impl From<SetGroupJson> for SetGroup {
    fn from(set: SetGroupJson) -> Self {
        Self {
            title: set.title,
            avatar: set.avatar,
            announcement: set.announcement,
            history_for_new_members: set.history_for_new_members,
            join: set.join.map(Into::into),
            admins_invite: set.admins_invite,
            muted: set.muted,
            channel: set.channel,
        }
    }
}

impl From<&SetGroup> for SetGroupJson {
    fn from(set: &SetGroup) -> Self {
        Self {
            title: set.title.clone(),
            avatar: set.avatar.clone(),
            announcement: set.announcement.clone(),
            history_for_new_members: set.history_for_new_members,
            join: set.join.map(Into::into),
            admins_invite: set.admins_invite,
            muted: set.muted,
            channel: set.channel,
        }
    }
}

/// Where a restore from a backup cut a conversation's log.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Cut)]
struct CutJson {
    log_epoch: Number,
    /// The last message that is the same.
    head: Number,
}

/// One conversation as its list shows it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Conversation)]
pub(crate) struct ConversationJson {
    pub(crate) conversation: ConversationText,
    /// In a direct conversation, the other one.
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<UserName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<GroupJson>,
    /// Raised by every change of membership, roles, properties or pins.
    version: Number,
    /// The last message one may see.
    head: Number,
    /// The last change one may see.
    change_head: Number,
    /// One's own read position.
    read_up_to: Number,
    /// Messages above it by others, at most 999.
    unread: Number,
    /// The last of those that calls one.
    #[serde(skip_serializing_if = "Option::is_none")]
    mentioned_seq: Option<Number>,
    /// Messages pinned to it, the latest pin last.
    pinned: Vec<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_message: Option<MessageJson>,
    /// When the last message was said, in Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_at_ms: Option<Number>,
    /// In a direct conversation: up to where the other one's devices have it.
    peer_delivered_up_to: Number,
    /// In a direct conversation: up to where the other one has read, as far as they show it.
    peer_read_up_to: Number,
    /// One is a member now.
    member: bool,
    /// Present members.
    members: Number,
    role: RoleName,
    /// For a device of an earlier log (`since_log_epoch`): where logs since then went on from one before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cuts: Vec<CutJson>,
}

impl From<&ConversationState> for ConversationJson {
    fn from(state: &ConversationState) -> Self {
        let peer = state.peer.as_ref();
        let last = state.last_message.as_ref();
        let cuts = state
            .cuts
            .iter()
            .map(|cut| CutJson { log_epoch: cut.epoch.0.into(), head: cut.head.0.into() });
        Self {
            conversation: state.conversation.into(),
            peer: peer.map(UserName::from),
            group: state.group.as_ref().map(GroupJson::from),
            version: state.version.0.into(),
            head: state.head.0.into(),
            change_head: state.change_head.0.into(),
            read_up_to: state.read_up_to.0.into(),
            unread: state.unread.into(),
            mentioned_seq: Number::above_zero(state.mentioned.0),
            pinned: state.pinned.iter().map(|seq| seq.0.into()).collect(),
            last_message: last.map(|message| MessageJson::of(message, peer)),
            last_at_ms: Number::above_zero(state.last_at.0),
            peer_delivered_up_to: state.peer_delivered.0.into(),
            peer_read_up_to: state.peer_read.0.into(),
            member: state.member,
            members: (state.members as u64).into(),
            role: state.role.into(),
            cuts: cuts.collect(),
        }
    }
}

/// A present member of a group.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Member)]
pub(crate) struct MemberJson {
    pub(crate) user: UserName,
    role: RoleName,
    /// Read up to here, as far as they show it; not told in channels.
    #[serde(skip_serializing_if = "Option::is_none")]
    read_up_to: Option<Number>,
    /// How they are called in the group; empty for their own name.
    alias: String,
    /// They may not speak until then, in Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    muted_until_ms: Option<Number>,
}

impl From<&MemberState> for MemberJson {
    fn from(member: &MemberState) -> Self {
        Self {
            user: (&member.user).into(),
            role: member.role.into(),
            read_up_to: Number::above_zero(member.read.0),
            alias: member.alias.clone(),
            muted_until_ms: Number::above_zero(member.muted_until.0),
        }
    }
}

/// How far the others of a conversation are.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Receipt)]
pub(crate) struct ReceiptJson {
    conversation: ConversationText,
    /// In a direct conversation, the other one.
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<UserName>,
    /// The peer's devices have stored up to here.
    delivered_up_to: Number,
    /// The peer has read up to here.
    read_up_to: Number,
    /// In groups: everybody's read position.
    members: Vec<MemberJson>,
}

impl From<&Receipt> for ReceiptJson {
    fn from(receipt: &Receipt) -> Self {
        Self {
            conversation: receipt.conversation.into(),
            peer: receipt.peer.as_ref().map(UserName::from),
            delivered_up_to: receipt.delivered.0.into(),
            read_up_to: receipt.read.0.into(),
            members: receipt.members.iter().map(MemberJson::from).collect(),
        }
    }
}

/// How somebody is, as far as one may see.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PresenceName {
    /// Not to be seen, or there is no such user.
    Unknown,
    /// At least one of their devices is connected, or was until a moment ago.
    Online,
    /// None is.
    Offline,
}

/// A user and how they are.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Presence)]
pub(crate) struct PresenceJson {
    user: UserName,
    presence: PresenceName,
    /// Of who is offline: when they were online last, in Unix milliseconds, if that was noted.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen_ms: Option<Number>,
}

impl From<&UserPresence> for PresenceJson {
    fn from(of: &UserPresence) -> Self {
        use anser_service::Presence;
        let (presence, last_seen) = match of.presence {
            Presence::Unknown => (PresenceName::Unknown, UnixMs(0)),
            Presence::Online => (PresenceName::Online, UnixMs(0)),
            Presence::Offline { last_seen } => (PresenceName::Offline, last_seen),
        };
        Self { user: (&of.user).into(), presence, last_seen_ms: Number::above_zero(last_seen.0) }
    }
}
