//! Keyed lists kept beside a conversation's messages: contacts, options and settings of one user, requests to join a
//! group. A change carries the whole new state of one item; the ledger keeps the last change of each.
//!
//! A user's own lists belong to their own conversation ([`ConversationId::own`]): its messages are notes to oneself,
//! its changes alter these lists. So they are numbered, told and read again like everything else.

use crate::id::{ConversationId, UserId};
use crate::number::Seq;
use crate::report::{Report, ReportId};

/// One item of a list, as it is after the change that carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// What one is to another user.
    Contact(Contact),
    /// How one wants a conversation shown.
    Options(Options),
    /// What one lets others do and see.
    Settings(Settings),
    /// A message one has removed for oneself; it stays so.
    Hidden {
        /// Where it was said.
        conversation: ConversationId,
        /// Which.
        seq: Seq,
    },
    /// Somebody asks to come into a group.
    JoinRequest(JoinRequest),
    /// Somebody has reported something; told to nobody, read by operators.
    Report(Box<Report>),
}

/// What names an item within the lists of one conversation: a code of the kind, then what distinguishes items of it.
/// Ordered by kind; a prefix names all items of a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemKey(pub Vec<u8>);

/// The kinds of items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ItemKind {
    /// [`Item::Contact`].
    Contact = 1,
    /// [`Item::Options`].
    Options = 2,
    /// [`Item::Settings`].
    Settings = 3,
    /// [`Item::Hidden`].
    Hidden = 4,
    /// [`Item::JoinRequest`].
    JoinRequest = 5,
    /// [`Item::Report`].
    Report = 6,
}

impl ItemKey {
    /// Longest key: a kind and a user id.
    pub const MAX_BYTES: usize = 1 + crate::limits::USER_ID_MAX_BYTES;

    fn of(kind: ItemKind, parts: &[&[u8]]) -> Self {
        let mut key = vec![kind as u8];
        parts.iter().for_each(|part| key.extend_from_slice(part));
        Self(key)
    }

    /// What the keys of all items of a kind begin with.
    #[must_use]
    pub fn all(kind: ItemKind) -> Self {
        Self::of(kind, &[])
    }

    /// A contact's.
    #[must_use]
    pub fn contact(user: &UserId) -> Self {
        Self::of(ItemKind::Contact, &[user.as_str().as_bytes()])
    }

    /// A conversation's options'.
    #[must_use]
    pub fn options(conversation: ConversationId) -> Self {
        Self::of(ItemKind::Options, &[&conversation.0])
    }

    /// The settings'.
    #[must_use]
    pub fn settings() -> Self {
        Self::of(ItemKind::Settings, &[])
    }

    /// What the keys of all hidden messages of a conversation begin with.
    #[must_use]
    pub fn all_hidden(conversation: ConversationId) -> Self {
        Self::of(ItemKind::Hidden, &[&conversation.0])
    }

    /// A hidden message's.
    #[must_use]
    pub fn hidden(conversation: ConversationId, seq: Seq) -> Self {
        Self::of(ItemKind::Hidden, &[&conversation.0, &seq.0.to_be_bytes()])
    }

    /// A request's to join.
    #[must_use]
    pub fn join_request(user: &UserId) -> Self {
        Self::of(ItemKind::JoinRequest, &[user.as_str().as_bytes()])
    }

    /// A report's; in the order of their times.
    #[must_use]
    pub fn report(id: ReportId) -> Self {
        let numbers = [id.at.0, id.by.0, id.local_no.0].map(u64::to_be_bytes);
        Self::of(ItemKind::Report, &[&numbers[0], &numbers[1], &numbers[2]])
    }
}

impl Item {
    /// What names it.
    #[must_use]
    pub fn key(&self) -> ItemKey {
        match self {
            Self::Contact(contact) => ItemKey::contact(&contact.user),
            Self::Options(options) => ItemKey::options(options.conversation),
            Self::Settings(_) => ItemKey::settings(),
            Self::Hidden { conversation, seq } => ItemKey::hidden(*conversation, *seq),
            Self::JoinRequest(request) => ItemKey::join_request(&request.user),
            Self::Report(report) => ItemKey::report(report.id),
        }
    }
}

/// What one is to another user. Who was one once stays in the list with [`Relation::None`], so that those who look
/// again hear of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// The other one.
    pub user: UserId,
    /// What both are to each other.
    pub relation: Relation,
    /// One's own name for them; empty if none. They do not see it.
    pub remark: String,
    /// One does not want to hear from them. They are not told.
    pub blocked: bool,
    /// What was said with the last application, by whoever made it.
    pub greeting: String,
}

impl Contact {
    /// A stranger.
    #[must_use]
    pub const fn stranger(user: UserId) -> Self {
        Self {
            user,
            relation: Relation::None,
            remark: String::new(),
            blocked: false,
            greeting: String::new(),
        }
    }
}

coded! {
    /// What two users are to each other, seen by one of them.
    Relation {
        /// Nothing.
        #[default]
        None = 0,
        /// One has applied and waits for the other's answer.
        Applied = 1,
        /// The other one has applied and waits for one's answer.
        Asked = 2,
        /// Contacts: both agreed.
        Contact = 3,
        /// One had applied and was refused.
        Refused = 4,
    }
}

coded! {
    /// For which messages of a conversation a device should make itself heard.
    Notify {
        /// All.
        #[default]
        All = 0,
        /// Those that call the reader, by name or with everybody.
        Mentions = 1,
        /// None (do not disturb).
        Nothing = 2,
    }
}

coded! {
    /// Whom something is open to.
    Audience {
        /// Everybody who has an account here.
        #[default]
        Everybody = 0,
        /// One's contacts.
        Contacts = 1,
        /// Nobody.
        Nobody = 2,
    }
}

coded! {
    /// What became of a request to join.
    JoinState {
        /// It waits for an answer.
        #[default]
        Waiting = 0,
        /// Its author was let in.
        Accepted = 1,
        /// It was refused.
        Refused = 2,
    }
}

/// How one wants a conversation shown, on all one's devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Which conversation.
    pub conversation: ConversationId,
    /// It stands above the others.
    pub pinned: bool,
    /// When to make itself heard.
    pub notify: Notify,
    /// It is left out of the list until a message above this one comes; zero: it is not.
    pub hidden_up_to: Seq,
    /// Everything up to here was cleared away for oneself; moves forward only.
    pub cleared_up_to: Seq,
    /// What was begun and not yet sent; empty if nothing.
    pub draft: String,
}

impl Options {
    /// Those of a conversation about which nothing was said.
    #[must_use]
    pub const fn usual(conversation: ConversationId) -> Self {
        Self {
            conversation,
            pinned: false,
            notify: Notify::All,
            hidden_up_to: Seq::ZERO,
            cleared_up_to: Seq::ZERO,
            draft: String::new(),
        }
    }

    /// The options with what was asked for; nothing else changes.
    #[must_use]
    pub fn with(self, set: &SetOptions) -> Self {
        Self {
            conversation: self.conversation,
            pinned: set.pinned.unwrap_or(self.pinned),
            notify: set.notify.unwrap_or(self.notify),
            hidden_up_to: set.hidden_up_to.unwrap_or(self.hidden_up_to),
            cleared_up_to: set.cleared_up_to.unwrap_or_default().max(self.cleared_up_to),
            draft: set.draft.clone().unwrap_or(self.draft),
        }
    }
}

/// Which options to change; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetOptions {
    /// See [`Options::pinned`].
    pub pinned: Option<bool>,
    /// See [`Options::notify`].
    pub notify: Option<Notify>,
    /// See [`Options::hidden_up_to`]; zero shows it again.
    pub hidden_up_to: Option<Seq>,
    /// See [`Options::cleared_up_to`].
    pub cleared_up_to: Option<Seq>,
    /// See [`Options::draft`].
    pub draft: Option<String>,
}

/// What one lets others do and see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Who may begin a direct conversation with one.
    pub write_first: Audience,
    /// Who sees whether one is online, and when one was last.
    pub last_seen: Audience,
    /// Whether others are told how far one has read.
    pub show_read: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { write_first: Audience::Everybody, last_seen: Audience::Everybody, show_read: true }
    }
}

impl Settings {
    /// The settings with what was asked for; nothing else changes.
    #[must_use]
    pub fn with(self, set: SetSettings) -> Self {
        Self {
            write_first: set.write_first.unwrap_or(self.write_first),
            last_seen: set.last_seen.unwrap_or(self.last_seen),
            show_read: set.show_read.unwrap_or(self.show_read),
        }
    }
}

/// Which settings to change; what is `None` stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SetSettings {
    /// See [`Settings::write_first`].
    pub write_first: Option<Audience>,
    /// See [`Settings::last_seen`].
    pub last_seen: Option<Audience>,
    /// See [`Settings::show_read`].
    pub show_read: Option<bool>,
}

/// Somebody asks to come into a group; owner and admins answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinRequest {
    /// Who.
    pub user: UserId,
    /// What they say.
    pub greeting: String,
    /// What became of it.
    pub state: JoinState,
}

/// What somebody does about another user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContactAct {
    /// Asks to be contacts. If the other one has asked already, both are.
    Apply {
        /// What to say with it.
        greeting: String,
    },
    /// Says yes to an application.
    Accept,
    /// Says no to an application.
    Refuse,
    /// Gives them a name of one's own; an empty one takes it away.
    Remark(String),
    /// Ends it for both, or takes an application back.
    Remove,
    /// Wants to hear nothing more from them.
    Block,
    /// Would hear from them again.
    Unblock,
}
