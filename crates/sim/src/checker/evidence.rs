//! Everything the checker judges by: journals, and the final readings after healing and quiet.

use std::collections::BTreeMap;

use anser_types::{
    Change, ChangeNo, ConversationId, DeviceNo, Item, ItemKey, Period, Seq, UnixMs, UserId,
};

use super::altering::{How, Shape};
use super::commits::Commit;
use super::journal::{Entry, Journal, MessageKey};
use super::presence::PresenceReading;
use super::put_away::PutAway;

/// A short hash of a message's body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BodyHash(pub u64);

impl BodyHash {
    /// FNV-1a of the bytes: stable across processes and versions.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        Self(body.iter().fold(0xcbf2_9ce4_8422_2325, step))
    }
}

/// A message as a reader or the store holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its place.
    pub seq: Seq,
    /// Whose it is, since it was composed.
    pub key: MessageKey,
    /// Its body, and what changes made of it.
    pub shape: Shape,
}

/// A change in the raw store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeDump {
    /// Its number.
    pub no: ChangeNo,
    /// The last message before it.
    pub after: Seq,
    /// Who made it.
    pub actor: UserId,
    /// When.
    pub at: UnixMs,
    /// The message that it altered, if it altered one, and how.
    pub alters: Option<(Seq, How)>,
    /// The item of a list that it replaced, if it replaced one.
    pub item: Option<Item>,
}

/// The contents a message had before, oldest first: the change that replaced each, and its body.
pub type Editions = Vec<(ChangeNo, BodyHash)>;

/// A conversation in the raw store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationDump {
    /// Which.
    pub id: ConversationId,
    /// Everybody who is or was in it.
    pub members: Vec<MemberDump>,
    /// All messages, in the order of the log.
    pub messages: Vec<Stored>,
    /// All changes, in the order of the log.
    pub changes: Vec<ChangeDump>,
    /// What is kept of altered messages beside their present content.
    pub editions: BTreeMap<Seq, Editions>,
}

/// A member in the raw store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberDump {
    /// Who.
    pub user: UserId,
    /// When they may see what is said.
    pub periods: Vec<Period>,
    /// Read up to here.
    pub read: Seq,
}

impl MemberDump {
    /// Whether a message lies inside a period.
    #[must_use]
    pub fn sees(&self, seq: Seq) -> bool {
        self.periods
            .iter()
            .any(|p| seq > p.after_seq && p.until.is_none_or(|(last, _)| seq <= last))
    }

    /// The last change that somebody who has left could see; `None` for whoever is there, and sees everything of what
    /// they may see at all, what was said in an earlier stay too.
    #[must_use]
    pub fn saw_until(&self) -> Option<ChangeNo> {
        self.periods.last()?.until.map(|(_, change)| change)
    }
}

/// What the history query gave one user of one conversation, from its beginning to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// Who asked.
    pub reader: UserId,
    /// Of what.
    pub conversation: ConversationId,
    /// The answer, in the order given.
    pub messages: Vec<Stored>,
    /// Ranges the answer named as not available.
    pub unavailable: Vec<(Seq, Seq)>,
    /// Those of them that it named as put away by the reader.
    pub put_away: Vec<(Seq, Seq)>,
}

/// An unread count somebody was shown at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadReading {
    /// Who.
    pub user: UserId,
    /// Where.
    pub conversation: ConversationId,
    /// How many.
    pub count: u64,
}

/// A user's own lists at the end: what a device holds, and the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListReading {
    /// Whose.
    pub user: UserId,
    /// On which device.
    pub device: DeviceNo,
    /// What the device holds: the last change of each item.
    pub shown: BTreeMap<ItemKey, Change>,
    /// What the store holds.
    pub stored: BTreeMap<ItemKey, Change>,
    /// What the device does not show because its user has put it away.
    pub put_away: PutAway,
}

/// The server was restored from a backup: its log went back, and what came later is lost by right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restore {
    /// The raw store when it was replaced.
    pub lost: Vec<ConversationDump>,
    /// The raw store of the backup.
    pub kept: Vec<ConversationDump>,
}

/// All that is known about a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// One journal per device: the first way of reading.
    pub journals: Vec<Journal>,
    /// The history query: the second way.
    pub histories: Vec<History>,
    /// The raw store: the third way, and the measure of the others.
    pub store: Vec<ConversationDump>,
    /// Restores from backups, in their order.
    pub restores: Vec<Restore>,
    /// Unread counts, by the server's list or by a client's.
    pub unread: Vec<UnreadReading>,
    /// Lists of the devices that are on.
    pub lists: Vec<ListReading>,
    /// How users are, as those were told who follow them.
    pub presences: Vec<PresenceReading>,
    /// Commits that are judged by their time, in their order; none if nobody watched.
    pub commits: Vec<Commit>,
    /// The server's clock when the readings began; zero if nobody looked: nothing is judged by it then.
    pub now: UnixMs,
    /// What the server's clock would say if it had not gone back since it was ahead the most: who heard of it then goes on
    /// from there.
    pub latest: UnixMs,
}

impl Evidence {
    /// Every entry of every journal, journal by journal.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&Journal, &Entry)> {
        self.journals.iter().flat_map(|journal| journal.entries.iter().map(move |e| (journal, e)))
    }
}
