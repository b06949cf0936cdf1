//! What a group is beside its members: name, announcement, who comes in and who may speak.

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
