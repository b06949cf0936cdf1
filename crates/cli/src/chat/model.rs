//! Everything the chat knows at one moment. Plain data: changed by `update`, drawn by `view`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anser_sdk::MemberState;
use anser_sdk::store::Conversation;
use anser_types::{ConversationId, Notify, Presence, Target, UserId};

use super::asked::Listing;
use super::composer::Composer;
use super::moving::{Moving, MovingNo};
use super::palette::Palette;
use super::step::{Link, Now};
use super::switcher::Switcher;
use super::texts::Texts;
use super::timeline::Timeline;
use super::times::LocalTimes;
use super::typing::Typing;
use crate::plain;

/// How long a short notice is shown.
const NOTICE_FOR: Duration = Duration::from_secs(8);

/// The conversation that is open.
#[derive(Clone, Debug)]
pub struct Open {
    /// Its id.
    pub id: ConversationId,
    /// How to address it.
    pub target: Target,
    /// What is loaded of it.
    pub timeline: Timeline,
    /// How the other one of a direct conversation is.
    pub presence: Presence,
}

impl Open {
    /// In a direct conversation, the other one.
    #[must_use]
    pub const fn peer(&self) -> Option<&UserId> {
        match &self.target {
            Target::User(peer) => Some(peer),
            Target::Conversation(_) => None,
        }
    }
}

/// What lies over the timeline.
#[derive(Clone, Debug)]
pub enum Overlay {
    /// Find a conversation.
    Switcher(Switcher),
    /// Keys, commands, symbols.
    Help,
    /// Who is in a group.
    Members(ConversationId, Vec<MemberState>),
    /// Something that was looked up.
    Page(Listing),
}

/// A short notice below the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What it says.
    pub text: String,
    /// It tells of a failure.
    pub bad: bool,
    until: Duration,
}

/// Catching up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sync {
    /// Entries read.
    pub done: u64,
    /// About how many are missing, if that is known.
    pub missing: Option<u64>,
}

/// What should be read again, and what is being read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reload {
    /// It changed since it was read.
    pub wanted: bool,
    /// It is being read.
    pub running: bool,
}

impl Reload {
    /// Whether reading should begin now; it then counts as running.
    pub const fn begin(&mut self) -> bool {
        let begins = self.wanted && !self.running;
        if begins {
            *self = Self { wanted: false, running: true };
        }
        begins
    }
}

/// What is fixed for a run.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Who the user is.
    pub me: UserId,
    /// The server, as shown.
    pub server: String,
    /// The language.
    pub texts: Texts,
    /// The looks.
    pub palette: Palette,
    /// The time zone.
    pub times: LocalTimes,
}

/// The whole chat.
#[derive(Clone, Debug)]
pub struct Model {
    /// What is fixed for this run.
    pub setting: Setting,
    /// When this is.
    pub now: Now,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// The terminal has the user's attention, as far as it says.
    pub focused: bool,
    /// The list, newest first.
    pub conversations: Vec<Conversation>,
    /// The open one.
    pub open: Option<Open>,
    /// What the user writes.
    pub composer: Composer,
    /// What was written in other conversations and not sent, until the list shows it; an empty one was ended.
    pub drafts: BTreeMap<ConversationId, String>,
    /// The connection.
    pub link: Link,
    /// Catching up, if that is going on.
    pub sync: Option<Sync>,
    /// The local store fails: the disk is full, and when it is tried again (on [`Now::mono`]).
    pub store_failing: Option<(bool, Duration)>,
    /// Who types.
    pub typing: Typing,
    /// What lies over the timeline.
    pub overlay: Option<Overlay>,
    /// The first line shown of a long overlay.
    pub overlay_top: usize,
    /// A short notice.
    pub notice: Option<Notice>,
    /// Ways to complete the command that is being written.
    pub candidates: Vec<String>,
    /// The list of conversations.
    pub list_reload: Reload,
    /// The loaded part of the open conversation.
    pub timeline_reload: Reload,
    /// How many members the open group has.
    pub count_reload: Reload,
    /// Until when a second Ctrl+C ends the program.
    pub quit_armed: Option<Duration>,
    /// How many members groups have, as far as the server was asked.
    pub member_counts: BTreeMap<ConversationId, usize>,
    /// Files on their way, in the order in which they were begun.
    pub moving: Vec<Moving>,
    /// How many were begun in this run.
    pub moved: MovingNo,
    /// Read positions that were sent in this run, so that none is sent twice.
    pub marked: BTreeMap<ConversationId, anser_types::Seq>,
}

impl Model {
    /// An empty chat.
    #[must_use]
    pub fn new(setting: Setting, now: Now, size: (u16, u16)) -> Self {
        let composer = Composer::new(setting.texts, setting.palette);
        Self {
            setting,
            now,
            size,
            focused: true,
            conversations: Vec::new(),
            open: None,
            composer,
            drafts: BTreeMap::new(),
            link: Link::Connecting,
            sync: None,
            store_failing: None,
            typing: Typing::default(),
            overlay: None,
            overlay_top: 0,
            notice: None,
            candidates: Vec::new(),
            list_reload: Reload { wanted: true, running: false },
            timeline_reload: Reload::default(),
            count_reload: Reload::default(),
            quit_armed: None,
            member_counts: BTreeMap::new(),
            moving: Vec::new(),
            moved: 0,
            marked: BTreeMap::new(),
        }
    }

    /// Shows a short notice.
    pub fn say(&mut self, text: impl Into<String>, bad: bool) {
        self.notice = Some(Notice { text: text.into(), bad, until: self.now.mono + NOTICE_FOR });
    }

    /// Puts something over the timeline.
    pub fn show(&mut self, overlay: Overlay) {
        (self.overlay, self.overlay_top) = (Some(overlay), 0);
    }

    /// Lets go of what was only shown for a while.
    pub fn expire(&mut self) {
        let now = self.now.mono;
        self.typing.expire(now);
        self.notice.take_if(|notice| notice.until <= now);
        self.quit_armed.take_if(|until| *until <= now);
        self.store_failing.take_if(|(_, retry_at)| *retry_at <= now);
    }

    /// The row of a conversation.
    #[must_use]
    pub fn row(&self, id: ConversationId) -> Option<&Conversation> {
        self.conversations.iter().find(|row| row.id == id)
    }

    /// The row of the open conversation, if it is in the list.
    #[must_use]
    pub fn open_row(&self) -> Option<&Conversation> {
        self.row(self.open.as_ref()?.id)
    }

    /// Unread messages of a conversation; what was just marked as read is not counted, even if the store does not
    /// know it yet.
    #[must_use]
    pub fn unread_of(&self, row: &Conversation) -> u64 {
        let seen = self.marked.get(&row.id).is_some_and(|marked| *marked >= row.head);
        if seen { 0 } else { row.unread }
    }

    /// What was begun in a conversation and not sent: in this run, else as it is kept.
    #[must_use]
    pub fn draft_of(&self, id: ConversationId) -> Option<&str> {
        let kept = || self.row(id).map(|row| row.options.draft.as_str());
        self.drafts.get(&id).map(String::as_str).or_else(kept).filter(|text| !text.is_empty())
    }

    /// Takes the list as it is now; drafts that are in it are kept.
    pub fn take_list(&mut self, rows: Vec<Conversation>) {
        self.conversations = rows;
        let rows = &self.conversations;
        self.drafts.retain(|id, text| {
            rows.iter().find(|row| row.id == *id).is_none_or(|row| row.options.draft != *text)
        });
    }

    /// Unread messages of all conversations but the open one and those that should not be heard of.
    #[must_use]
    pub fn unread_elsewhere(&self) -> u64 {
        let open = self.open.as_ref().map(|open| open.id);
        let others = self.conversations.iter().filter(|row| {
            row.member && row.options.notify != Notify::Nothing && Some(row.id) != open
        });
        others.map(|row| self.unread_of(row)).sum()
    }

    /// How to address a conversation of the list.
    #[must_use]
    pub fn target_of(row: &Conversation) -> Target {
        match &row.peer {
            Some(peer) => Target::User(peer.clone()),
            None => Target::Conversation(row.id),
        }
    }

    /// What the open conversation is called.
    #[must_use]
    pub fn open_name(&self) -> String {
        let Some(open) = &self.open else { return String::new() };
        match (open.peer(), self.open_row()) {
            (Some(peer), _) => peer.to_string(),
            (None, Some(row)) => row.name(),
            (None, None) => open.id.to_string(),
        }
    }

    /// The names of the groups in the list, for completion.
    #[must_use]
    pub fn known_groups(&self) -> Vec<String> {
        let groups = self.conversations.iter().filter(|row| row.peer.is_none() && row.member);
        groups.map(|row| plain::one_line(&row.title)).collect()
    }

    /// Everybody this chat has heard of, for completion.
    #[must_use]
    pub fn known_users(&self) -> Vec<UserId> {
        let mut users: BTreeSet<UserId> =
            self.conversations.iter().filter_map(|row| row.peer.clone()).collect();
        if let Some(open) = &self.open {
            users.extend(open.timeline.messages.iter().map(|message| message.sender.clone()));
        }
        if let Some(Overlay::Members(_, members)) = &self.overlay {
            users.extend(members.iter().map(|member| member.user.clone()));
        }
        users.remove(&self.setting.me);
        users.into_iter().collect()
    }
}
