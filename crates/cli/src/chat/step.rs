//! The two sides of the model's door: what happens to it, and what it wants done.

use std::path::PathBuf;
use std::time::Duration;

use anser_sdk::store::{Conversation, HistoryPage};
use anser_sdk::{Event, MemberState};
use anser_types::{
    Alteration, Content, ConversationId, MessageId, Refusal, Seq, Target, UnixMs, UserId,
};
use crossterm::event::KeyEvent;

use super::asked::{Asked, Listing, Look};
use super::carrying::Shown;
use super::moving::{Attachment, MovingNo, Stage, Wish};
use super::texts::Text;
use super::timeline::{Beside, Window};

/// The two clocks at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// The wall clock, for showing times.
    pub wall: UnixMs,
    /// Time since the start, for everything that lasts.
    pub mono: Duration,
}

/// What the connection is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// Nothing is tried.
    #[default]
    Offline,
    /// A connection is being made.
    Connecting,
    /// A session is open.
    Connected,
    /// There is none.
    Waiting {
        /// When the next attempt comes; on [`Now::mono`].
        retry_at: Option<Duration>,
        /// Why.
        reason: Refusal,
    },
    /// Another session took over, or the device was signed out.
    Kicked(Refusal),
    /// The token or the device cannot be used any more.
    SignInNeeded(Refusal),
}

/// Something that happened.
#[derive(Debug)]
pub enum Input {
    /// A key.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has another size: columns, rows.
    Resized(u16, u16),
    /// The terminal got the user's attention, or lost it.
    Focused(bool),
    /// Time passed.
    Tick,
    /// The connection changed.
    Link(Link),
    /// The client tells of something; what it tells of is in the store.
    Event(Box<Event>),
    /// The list was read.
    Conversations(Vec<Conversation>),
    /// Reading the list failed.
    ListFailed(Refusal),
    /// What is shown may be out of date: it is read again.
    Stale,
    /// The loaded part of a conversation was read.
    Timeline {
        /// Which conversation.
        of: ConversationId,
        /// What was wanted.
        window: Window,
        /// What is there.
        page: HistoryPage,
        /// What belongs to it.
        beside: Beside,
    },
    /// Reading the loaded part failed.
    TimelineFailed(ConversationId, Refusal),
    /// Earlier messages were read; `None` when they cannot be had now.
    Older(ConversationId, Option<HistoryPage>),
    /// The members of a group, to be shown.
    Members(ConversationId, Vec<MemberState>),
    /// How many members a group has; `None` when that cannot be had now.
    Counted(ConversationId, Option<usize>),
    /// A group was made.
    GroupMade(ConversationId, String),
    /// Something the user asked for is done.
    Done(Text, Vec<UserId>),
    /// Something the user asked for was refused; the name of it, and why.
    Refused(&'static str, Refusal),
    /// Something was looked up, to be shown.
    Listed(Listing),
    /// A message was queued.
    Queued(ConversationId),
    /// A message could not be queued; its text is given back.
    NotQueued(Target, String, Refusal),
    /// A file is on its way.
    Moving(MovingNo, Stage),
    /// A file was sent, and the message with it is queued.
    Attached(MovingNo, Target),
    /// A file was fetched: where it lies, and whether it was opened.
    Fetched(MovingNo, PathBuf, Shown),
    /// A file was not sent or fetched; the name of what was asked for, and why.
    NotMoved(MovingNo, &'static str, Refusal),
}

/// Something to be done. Its result, if any, comes back as an [`Input`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Read the list.
    LoadConversations,
    /// Read the loaded part of a conversation.
    LoadTimeline {
        /// Which.
        of: Target,
        /// Its id.
        id: ConversationId,
        /// What of it.
        window: Window,
    },
    /// Read earlier messages.
    LoadOlder {
        /// Of which.
        of: Target,
        /// Its id.
        id: ConversationId,
        /// Those before this one.
        before: Seq,
    },
    /// Put a text into the outbox.
    Send(Target, String),
    /// Put a message that is passed on into the outbox.
    Forward(Target, Box<Content>),
    /// Alter a message that was said.
    Alter(Target, Seq, Alteration),
    /// Send failed messages again.
    Retry(Vec<MessageId>),
    /// Remove failed messages.
    Delete(Vec<MessageId>),
    /// Everything up to here was seen.
    MarkRead(Target, Seq),
    /// Tell others that the user types (`true`) or stopped.
    Typing(Target, bool),
    /// Be told whether a user is online (`true`), or no more.
    Follow(UserId, bool),
    /// Make a group.
    CreateGroup(String, Vec<UserId>),
    /// Bring users into a group.
    Invite(ConversationId, Vec<UserId>),
    /// Remove users from a group.
    Kick(ConversationId, Vec<UserId>),
    /// Leave a group.
    Leave(ConversationId),
    /// Ask who is in a group, to show them.
    LoadMembers(ConversationId),
    /// Ask how many are in a group.
    CountMembers(ConversationId),
    /// Ask the server for a change.
    Ask(Asked),
    /// Look something up, to show it.
    Look(Look),
    /// Keep what was begun in a conversation that is left; an empty text ends it.
    KeepDraft(Target, String),
    /// Send a file, and a message with it.
    Attach(MovingNo, Attachment),
    /// Fetch a file.
    Fetch(MovingNo, Wish),
    /// End this transfer.
    StopMoving(MovingNo),
    /// Connect now.
    ConnectNow,
    /// End the program.
    Quit,
}
