//! What a group is beside its members: name, announcement, who comes in and who may speak.

use crate::id::{UserId, UserNo};
use crate::time::UnixMs;

/// A group's own state, part of its conversation's row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// The name people see.
    pub title: String,
    /// A picture: a reference the app understands; empty if none.
    pub avatar: String,
    /// What everybody in it should know; empty if nothing.
    pub announcement: String,
    /// Whether new members see what was said before they came.
    pub history_for_new_members: bool,
    /// How people come in who were not invited.
    pub join: JoinMode,
    /// Only owner and admins invite.
    pub admins_invite: bool,
    /// Only owner and admins speak.
    pub muted: bool,
    /// It was dissolved: nobody is in it any more and nobody comes back.
    pub dismissed: bool,
    /// What it has instead of a list of members at hand, once it is a channel. It stays one.
    pub channel: Option<Channel>,
}

/// A group that may be very large: what is said stands in its log only and in nobody's inbox. Members who are connected
/// and follow it are pushed to, the others compare positions when they come back.
///
/// Its members are many, so nothing that everybody needs to know asks for all of them: their count and those with rights
/// stand in the row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Channel {
    /// How many are in it now.
    pub members: u64,
    /// Owner and admins, in the order in which they came to it; at most `CHANNEL_STAFF_MAX`.
    pub staff: Vec<Staff>,
}

/// Somebody with rights in a channel. Which, their membership says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staff {
    /// Inside number.
    pub user_no: UserNo,
    /// Public id.
    pub user: UserId,
}

coded! {
    /// How people come into a group who were not invited.
    JoinMode {
        /// Not at all.
        #[default]
        Invited = 0,
        /// They ask; owner and admins answer.
        Approval = 1,
        /// They walk in.
        Open = 2,
    }
}

impl Group {
    /// The group with what was asked for; nothing else changes.
    #[must_use]
    pub fn with(self, set: &SetGroup) -> Self {
        Self {
            title: set.title.clone().unwrap_or(self.title),
            avatar: set.avatar.clone().unwrap_or(self.avatar),
            announcement: set.announcement.clone().unwrap_or(self.announcement),
            history_for_new_members: set
                .history_for_new_members
                .unwrap_or(self.history_for_new_members),
            join: set.join.unwrap_or(self.join),
            admins_invite: set.admins_invite.unwrap_or(self.admins_invite),
            muted: set.muted.unwrap_or(self.muted),
            dismissed: self.dismissed,
            channel: self.channel.or_else(|| set.channel.then(Channel::default)),
        }
    }
}

/// Which of a group's properties to change; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetGroup {
    /// See [`Group::title`].
    pub title: Option<String>,
    /// See [`Group::avatar`].
    pub avatar: Option<String>,
    /// See [`Group::announcement`].
    pub announcement: Option<String>,
    /// See [`Group::history_for_new_members`].
    pub history_for_new_members: Option<bool>,
    /// See [`Group::join`].
    pub join: Option<JoinMode>,
    /// See [`Group::admins_invite`].
    pub admins_invite: Option<bool>,
    /// See [`Group::muted`].
    pub muted: Option<bool>,
    /// Make it a channel; false changes nothing, for there is no way back.
    pub channel: bool,
}

/// What an owner or admin does about one member, or a member about oneself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberAct {
    /// Gives them this role. To make somebody the owner is to hand the group over: one becomes an admin.
    Role(crate::conversation::Role),
    /// They may not speak until then; the past lets them speak again.
    MuteUntil(UnixMs),
    /// How they are called in this group; empty for their own name. One names oneself, owner and admins anybody.
    Alias(String),
}
