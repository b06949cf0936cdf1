//! What is loaded of the open conversation: messages, changes and gaps in one order, the unread divider, and where
//! the reader looks.
//!
//! The store is the truth: whenever something changes the loaded part is read again, in the order the SDK gives. The
//! view keeps its place because it is anchored to an entry and not to a line number.

use anser_sdk::store::{ChatMessage, HistoryPage};
use anser_types::{Change, ChangeNo, MessageId, Seq, Unavailable, UserId};

use super::states;

/// Names an entry for as long as it is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// A message: by its seq once it has one, else by who composed it as what.
    Message {
        /// Its place.
        seq: Option<Seq>,
        /// Its sender and compose counter.
        id: (UserId, MessageId),
    },
    /// A change of a group.
    Change(ChangeNo),
    /// A range that cannot be given, by its first seq.
    Gap(Seq),
}

impl Key {
    fn of_message(message: &ChatMessage) -> Self {
        Self::Message { seq: message.seq, id: (message.sender.clone(), message.id) }
    }

    /// Whether both name the same entry; a message keeps its name when it is sent.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Message { seq: Some(a), .. }, Self::Message { seq: Some(b), .. }) => a == b,
            (Self::Message { id: a, .. }, Self::Message { id: b, .. }) => a == b,
            (a, b) => a == b,
        }
    }
}

/// One entry of the timeline.
#[derive(Clone, Copy, Debug)]
pub enum Entry<'a> {
    /// Somebody said something.
    Message(&'a ChatMessage),
    /// The group changed.
    Change(&'a Change),
    /// Something cannot be given.
    Gap(&'a Unavailable),
}

impl Entry<'_> {
    /// Its name.
    #[must_use]
    pub fn key(&self) -> Key {
        match self {
            Self::Message(message) => Key::of_message(message),
            Self::Change(change) => Key::Change(change.change_no),
            Self::Gap(gap) => Key::Gap(gap.from),
        }
    }

    /// The message, if it is one.
    #[must_use]
    pub const fn message(&self) -> Option<&ChatMessage> {
        match self {
            Self::Message(message) => Some(message),
            _ => None,
        }
    }
}

/// Where the reader looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scroll {
    /// At the newest entry, and it stays there.
    #[default]
    End,
    /// The lowest visible line belongs to this entry; that many of its lines are below the edge.
    At {
        /// The entry.
        key: Key,
        /// Lines of it that are not visible.
        hidden: usize,
    },
}

/// Which part of the conversation is wanted from the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The newest messages, so many.
    Newest(u32),
    /// Everything from this message on.
    From(Seq),
}

/// Messages loaded when a conversation is opened.
pub const FIRST_PAGE: u32 = 60;
/// Most messages loaded when a conversation with many unread ones is opened.
const FIRST_PAGE_MAX: u32 = 500;
/// Messages loaded when the reader scrolls up.
pub const OLDER_PAGE: u32 = 60;
/// Loaded messages above which those far above a reader at the end are let go.
const KEEP_AT_END: usize = 600;

/// What is read along with the messages of a group.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// Who has read one's own newest message.
    pub readers: Vec<UserId>,
    /// What happened in the group.
    pub changes: Vec<Change>,
}

/// The loaded part of a conversation.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// Sent messages in the order to be shown.
    pub messages: Vec<ChatMessage>,
    /// One's own messages that are not sent.
    pub pending: Vec<ChatMessage>,
    /// Ranges that cannot be given.
    pub gaps: Vec<Unavailable>,
    /// What happened in the group, as far as it is known here.
    pub changes: Vec<Change>,
    /// The smallest and the largest seq the loaded part stands for.
    pub range: Option<(Seq, Seq)>,
    /// Something was loaded.
    pub loaded: bool,
    /// There are earlier messages.
    pub more: bool,
    /// Everything in the loaded part is here; false when some of it is only at the server.
    pub complete: bool,
    /// Earlier messages are on their way.
    pub loading_older: bool,
    /// Who has read one's own newest message (groups).
    pub readers: Vec<UserId>,
    /// Where the reader looks.
    pub scroll: Scroll,
    /// Unread messages begin above this one.
    pub divider: Option<Seq>,
    /// The newest message when the reader left the end: what is above it is "new below".
    pub left_at: Seq,
}

impl Timeline {
    /// What to load when a conversation with so many unread messages is opened.
    #[must_use]
    pub fn first_window(unread: u64) -> Window {
        let wanted = u32::try_from(unread).unwrap_or(FIRST_PAGE_MAX).saturating_add(FIRST_PAGE / 2);
        Window::Newest(wanted.clamp(FIRST_PAGE, FIRST_PAGE_MAX))
    }

    /// What to read again when something changed.
    #[must_use]
    pub fn window(&self) -> Window {
        match self.first_seq() {
            Some(first) if self.scroll != Scroll::End || self.messages.len() <= KEEP_AT_END => {
                Window::From(first)
            }
            Some(_) => Window::Newest(FIRST_PAGE_MAX / 2),
            None => Window::Newest(FIRST_PAGE),
        }
    }

    /// Takes what was read.
    pub fn take(&mut self, page: HistoryPage, window: Window, beside: Beside) {
        let HistoryPage { messages, range, pending, unavailable, complete, more } = page;
        // Of a page read upwards, `more` speaks of newer ones; whether there are earlier ones is known from before.
        if matches!(window, Window::Newest(_)) || !self.loaded {
            self.more = more;
        }
        (self.messages, self.pending, self.gaps) = (messages, pending, unavailable);
        (self.complete, self.loaded, self.range) = (complete, true, range);
        (self.readers, self.changes) = (beside.readers, beside.changes);
    }

    /// Takes a page of earlier messages; without one they could not be had.
    pub fn take_older(&mut self, page: Option<HistoryPage>) {
        self.loading_older = false;
        let Some(page) = page else { return };
        let last = self.range.or(page.range).map(|(_, last)| last);
        self.range = page.range.or(self.range).and_then(|(first, _)| Some((first, last?)));
        (self.more, self.complete) = (page.more, self.complete && page.complete);
        self.gaps.splice(0..0, page.unavailable);
        self.gaps.dedup();
        self.messages.splice(0..0, page.messages);
    }

    /// The smallest seq of the loaded part.
    #[must_use]
    pub fn first_seq(&self) -> Option<Seq> {
        self.range.map(|(first, _)| first)
    }

    /// The largest loaded seq.
    #[must_use]
    pub fn last_seq(&self) -> Option<Seq> {
        self.messages.iter().filter_map(|message| message.seq).max()
    }

    /// Everything in the order to be shown.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry<'_>> {
        let first = self.first_seq().unwrap_or_default();
        // What happened before the first loaded message is shown with the messages it belongs to.
        let mut changes =
            self.changes.iter().filter(|change| !self.more || change.after_seq >= first).peekable();
        let mut gaps = self.gaps.iter().peekable();
        let mut entries = Vec::with_capacity(self.messages.len() + self.pending.len());
        let mut highest = Seq::ZERO;
        for message in &self.messages {
            let seq = message.seq.unwrap_or(Seq::MAX);
            if seq > highest {
                while let Some(gap) = gaps.next_if(|gap| gap.from <= seq) {
                    entries.push(Entry::Gap(gap));
                }
                while let Some(change) = changes.next_if(|change| change.after_seq < seq) {
                    entries.push(Entry::Change(change));
                }
                highest = seq;
            }
            entries.push(Entry::Message(message));
        }
        entries.extend(gaps.map(Entry::Gap));
        entries.extend(changes.map(Entry::Change));
        entries.extend(self.pending.iter().map(Entry::Message));
        entries
    }

    /// The entry with this name.
    #[must_use]
    pub fn position_of(entries: &[Entry<'_>], key: &Key) -> Option<usize> {
        entries.iter().position(|entry| entry.key().same(key))
    }

    /// One's own newest message: the one whose state is told in words.
    #[must_use]
    pub fn newest_own(&self) -> Option<&ChatMessage> {
        self.pending.last().or_else(|| self.messages.iter().rev().find(|message| message.own))
    }

    /// The last message that is at the server, not taken back, and as wanted.
    pub fn last_sent(&self, wanted: impl Fn(&&ChatMessage) -> bool) -> Option<&ChatMessage> {
        let mut sent = self.messages.iter().rev().filter(wanted);
        sent.find(|message| message.seq.is_some() && message.content.is_some())
    }

    /// Decides where the divider stands, when a conversation is opened: above the first message of somebody else
    /// that is not read, if there is one and everything unread is loaded.
    pub fn place_divider(&mut self, read_up_to: Seq) {
        let unread = |message: &&ChatMessage| !message.own && message.seq > Some(read_up_to);
        let known = !self.more || self.first_seq().is_some_and(|first| first <= read_up_to.next());
        self.divider =
            (known && self.messages.iter().any(|message| unread(&message))).then_some(read_up_to);
    }

    /// Where the divider is drawn: before this entry.
    #[must_use]
    pub fn divider_before(&self, entries: &[Entry<'_>]) -> Option<usize> {
        let divider = self.divider?;
        entries.iter().position(|entry| {
            entry.message().is_some_and(|message| !message.own && message.seq > Some(divider))
        })
    }

    /// Messages of others that came below while the reader looks further up.
    #[must_use]
    pub fn new_below(&self) -> usize {
        if self.scroll == Scroll::End {
            return 0;
        }
        self.messages
            .iter()
            .filter(|message| !message.own && message.seq > Some(self.left_at))
            .count()
    }

    /// How far everything has been seen when the lowest visible entry is this one: the largest seq of somebody else's
    /// message such that nothing below the edge is at or below it.
    #[must_use]
    pub fn seen_up_to(&self, entries: &[Entry<'_>], lowest: usize) -> Option<Seq> {
        let seqs = |part: &[Entry<'_>]| -> Vec<Seq> {
            part.iter()
                .filter_map(|entry| entry.message())
                .filter_map(|message| message.seq)
                .collect()
        };
        let unseen = entries.get(lowest + 1..).map(seqs).unwrap_or_default().into_iter().min();
        entries
            .get(..=lowest)?
            .iter()
            .filter_map(|entry| entry.message())
            .filter(|message| !message.own)
            .filter_map(|message| message.seq)
            .filter(|seq| unseen.is_none_or(|unseen| *seq < unseen))
            .max()
    }

    /// One's own messages that wait for the user.
    #[must_use]
    pub fn failed(&self) -> Vec<MessageId> {
        self.pending
            .iter()
            .filter(|message| states::has_failed(message))
            .map(|message| message.id)
            .collect()
    }
}
