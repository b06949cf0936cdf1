//! Conversations, members and the periods in which a member may see what is said.

use crate::group::{Channel, Group, MemberAct};
use crate::id::{ConversationId, UserId, UserNo};
use crate::limits::CUTS_MAX;
use crate::number::{ChangeNo, LogEpoch, Seq, Version};
use crate::time::UnixMs;

/// What a conversation is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConversationKind {
    /// Two users, or one with oneself; the pair in id order. The row stores the pair and compares it.
    Direct {
        /// The smaller id.
        a: UserId,
        /// The larger id (the same for notes to oneself).
        b: UserId,
    },
    /// A group; whether what is said in it is written to every member's inbox, or is a channel's, stands in its state.
    Group(Group),
}

/// A conversation's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// What it is.
    pub kind: ConversationKind,
    /// Raised by every change of membership, roles, mode or pins.
    pub version: Version,
    /// When it was made.
    pub created_at: UnixMs,
    /// Where restores from backups cut its log, oldest first; at most [`CUTS_MAX`].
    pub cuts: Vec<Cut>,
    /// Messages pinned to it, the latest pin last; at most `PINNED_MAX`.
    pub pinned: Vec<Seq>,
    /// A message that burns was said here: read positions that move are compared with what they pass.
    pub burns: bool,
}

/// Where a log was cut: readers who followed a log of an earlier epoch share with it what stands up to `head`, and
/// nothing above. A conversation that begins in an epoch is cut there at zero, because an earlier log may have had
/// the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The first epoch of the log that goes on from there; zero for that of the store it stands in, which a backup
    /// cannot know of the store that will be restored from it.
    pub epoch: LogEpoch,
    /// The last message that is the same.
    pub head: Seq,
}

impl Cut {
    /// Up to where a log with these cuts is the one that a reader of this epoch followed; `None` if it is throughout.
    #[must_use]
    pub fn shared(cuts: &[Self], epoch: LogEpoch) -> Option<Seq> {
        cuts.iter().filter(|cut| cut.epoch > epoch).map(|cut| cut.head).min()
    }
}

impl Conversation {
    /// A row as it is when the conversation is made: at version 1, with nothing done to it yet.
    #[must_use]
    pub const fn first(id: ConversationId, kind: ConversationKind, created_at: UnixMs) -> Self {
        Self {
            id,
            kind,
            version: Version(1),
            created_at,
            cuts: Vec::new(),
            pinned: Vec::new(),
            burns: false,
        }
    }

    /// Notes that the log goes on from `head` in `epoch`. Beyond [`CUTS_MAX`] the two oldest cuts become one, which at
    /// worst names as lost what a very old reader still shares.
    pub fn cut(&mut self, epoch: LogEpoch, head: Seq) {
        self.cuts.push(Cut { epoch, head });
        while self.cuts.len() > CUTS_MAX {
            let oldest = self.cuts.remove(0);
            self.cuts[0].head = oldest.head.min(self.cuts[0].head);
        }
    }

    /// The cuts that concern readers of this or a later epoch, in a store that is in `now`.
    #[must_use]
    pub fn cuts_since(&self, epoch: LogEpoch, now: LogEpoch) -> Vec<Cut> {
        let named = |cut: &Cut| match cut.epoch {
            LogEpoch::ZERO => Cut { epoch: now, ..*cut },
            _ => *cut,
        };
        self.cuts.iter().map(named).filter(|cut| cut.epoch > epoch).collect()
    }

    /// The row as a backup of a store of this epoch holds it: whoever restores it goes on from `head`.
    #[must_use]
    pub fn backed_up(mut self, epoch: LogEpoch, head: Seq) -> Self {
        for cut in self.cuts.iter_mut().filter(|cut| cut.epoch == LogEpoch::ZERO) {
            cut.epoch = epoch;
        }
        self.cut(LogEpoch::ZERO, head);
        self
    }

    /// A group's own state; `None` for direct conversations.
    #[must_use]
    pub const fn group(&self) -> Option<&Group> {
        match &self.kind {
            ConversationKind::Group(group) => Some(group),
            ConversationKind::Direct { .. } => None,
        }
    }

    /// What a channel has instead of members at hand; `None` for every other conversation.
    #[must_use]
    pub fn channel(&self) -> Option<&Channel> {
        self.group().and_then(|group| group.channel.as_ref())
    }

    /// A member of a channel as its row leaves them: a dissolved one has nobody in it any more, without a word about each.
    #[must_use]
    pub fn member_now(&self, mut member: Member) -> Member {
        if self.group().is_some_and(|group| group.channel.is_some() && group.dismissed)
            && let Some(last) = member.periods.last_mut()
        {
            last.until.get_or_insert((Seq::MAX, ChangeNo::MAX));
        }
        member
    }

    /// In a direct conversation, the other one as seen by `me` (oneself for notes); `None` for groups.
    #[must_use]
    pub fn peer_of(&self, me: &UserId) -> Option<&UserId> {
        match &self.kind {
            ConversationKind::Direct { a, b } => Some(if a == me { b } else { a }),
            ConversationKind::Group(_) => None,
        }
    }
}

/// A member's rights, weakest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// May read and write.
    #[default]
    Member,
    /// May also invite and remove members.
    Admin,
    /// May do everything; every group has one.
    Owner,
}

impl Role {
    /// Stable number on the wire and in stores.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Member => 0,
            Self::Admin => 1,
            Self::Owner => 2,
        }
    }

    /// The role with this number; unknown ones have the least rights.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Admin,
            2 => Self::Owner,
            _ => Self::Member,
        }
    }
}

/// A stretch of membership: what lies in `(after, until]` of both counters is visible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Period {
    /// Last message before the membership began (0: sees everything from the start).
    pub after_seq: Seq,
    /// Last change before the membership began.
    pub after_change: ChangeNo,
    /// Last message and last change of the membership; `None` while it lasts.
    pub until: Option<(Seq, ChangeNo)>,
}

/// A user's membership of one conversation, present or past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Inside number.
    pub user_no: UserNo,
    /// Public id.
    pub user: UserId,
    /// Rights; meaningless once the membership has ended.
    pub role: Role,
    /// Every stretch of membership, oldest first; never empty.
    pub periods: Vec<Period>,
    /// How the member is called in this group; empty for their own name.
    pub alias: String,
    /// The member may not speak until then; zero or past: they may.
    pub muted_until: UnixMs,
    /// In a direct conversation: the member takes nothing more from the other one.
    pub refuses: bool,
}

impl Member {
    /// A member with nothing said about them.
    #[must_use]
    pub const fn plain(user_no: UserNo, user: UserId, role: Role, periods: Vec<Period>) -> Self {
        Self {
            user_no,
            user,
            role,
            periods,
            alias: String::new(),
            muted_until: UnixMs(0),
            refuses: false,
        }
    }

    /// What somebody with the right to do so does about the member.
    pub fn alter(&mut self, act: &MemberAct) {
        match act {
            MemberAct::Role(role) => self.role = *role,
            MemberAct::MuteUntil(until) => self.muted_until = *until,
            MemberAct::Alias(alias) => self.alias.clone_from(alias),
        }
    }

    /// Whether the membership lasts.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.periods.last().is_some_and(|period| period.until.is_none())
    }

    /// Whether a message with this seq lies inside a period.
    #[must_use]
    pub fn sees_message(&self, seq: Seq) -> bool {
        self.periods
            .iter()
            .any(|p| seq > p.after_seq && p.until.is_none_or(|(last, _)| seq <= last))
    }

    /// Whether a change with this number lies inside a period (the change that ends one belongs to it).
    #[must_use]
    pub fn sees_change(&self, change: ChangeNo) -> bool {
        self.periods
            .iter()
            .any(|p| change > p.after_change && p.until.is_none_or(|(_, last)| change <= last))
    }
}
