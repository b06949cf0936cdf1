//! Writes down what is written to the ledger, and when: what somebody's wish forbids is judged by these times.

use std::collections::BTreeMap;

use anser_backend::{Append, Appended, Record};
use anser_types::{
    Alteration, ChangeKind, ConversationId, ErrorCode, Item, Outcome, Seq, UnixMs, UserId,
};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::checker::{Commit, MessageKey, Written};
use crate::coverage::{Coverage, Rare};

/// See the module's head.
pub struct Audit {
    started: Instant,
    coverage: Coverage,
    /// Whose lists a conversation keeps.
    owners: BTreeMap<ConversationId, UserId>,
    commits: Mutex<Vec<Commit>>,
}

/// A batch that the ledger was asked to write.
pub struct Begun(Vec<Tried>);

struct Tried {
    /// Where its entries stand.
    places: Vec<usize>,
    rare: Vec<Rare>,
}

impl Audit {
    /// Nothing is written yet.
    #[must_use]
    pub fn new(users: &[UserId], coverage: Coverage) -> Self {
        let owners = users.iter().map(|user| (ConversationId::own(user), user.clone())).collect();
        Self { started: Instant::now(), coverage, owners, commits: Mutex::default() }
    }

    /// Simulated time, as in the journals.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Everything so far.
    #[must_use]
    pub fn commits(&self) -> Vec<Commit> {
        self.commits.lock().clone()
    }

    /// The server was restored from a backup.
    pub fn restored(&self) {
        let from_ns = self.now_ns();
        self.commits.lock().push(Commit { from_ns, done_ns: None, what: Written::Restored });
    }

    /// The ledger is asked to write a batch.
    pub fn begin(&self, batch: &[Append]) -> Begun {
        let from_ns = self.now_ns();
        let mut commits = self.commits.lock();
        let of_append = |append: &Append| {
            let written =
                append.records.iter().filter_map(|record| self.written(record, append.at));
            let places = written.map(|what| {
                commits.push(Commit { from_ns, done_ns: None, what });
                commits.len() - 1
            });
            let (places, rare) = (places.collect(), append.records.iter().flat_map(rare).collect());
            Tried { places, rare }
        };
        Begun(batch.iter().map(of_append).collect())
    }

    /// The ledger said what became of it.
    pub fn end(&self, Begun(batch): Begun, results: &[Appended]) {
        let now = self.now_ns();
        let mut commits = self.commits.lock();
        for (Tried { places, rare }, appended) in batch.into_iter().zip(results) {
            let Appended::Committed(committed) = appended else { continue };
            places.into_iter().for_each(|place| commits[place].done_ns = Some(now));
            rare.into_iter().for_each(|path| self.coverage.note(path));
            if let Some(Outcome::Refused(refusal)) = committed.answer.as_ref().map(|a| &a.outcome)
                && refusal.code == ErrorCode::SenderRefused
            {
                self.coverage.note(Rare::BlockedRefused);
            }
        }
    }

    fn written(&self, record: &Record, clock: UnixMs) -> Option<Written> {
        match record {
            Record::Message { sender, id, .. } => {
                Some(Written::Message(MessageKey { sender: sender.clone(), id: *id }))
            }
            Record::Change { conversation, kind, .. } => match kind {
                ChangeKind::MessageAltered { seq, alteration: Alteration::Expire } => {
                    Some(Written::Erased { conversation: *conversation, seq: *seq, clock })
                }
                ChangeKind::Item(item) => self.wish(self.owners.get(conversation)?, item),
                _ => None,
            },
            _ => None,
        }
    }

    fn wish(&self, owner: &UserId, item: &Item) -> Option<Written> {
        match item {
            Item::Settings(settings) => {
                Some(Written::ShowRead { user: owner.clone(), on: settings.show_read })
            }
            Item::Contact(contact) => Some(Written::Blocked {
                by: owner.clone(),
                whom: contact.user.clone(),
                on: contact.blocked,
            }),
            _ => None,
        }
    }
}

/// What of it is a rare sight.
fn rare(record: &Record) -> Vec<Rare> {
    let Record::Change { kind, .. } = record else { return Vec::new() };
    match kind {
        ChangeKind::MessageAltered { alteration: Alteration::Burn(_), .. } => {
            vec![Rare::BeganToBurn]
        }
        ChangeKind::MessageAltered { alteration: Alteration::Expire, .. } => vec![Rare::Erased],
        ChangeKind::Item(Item::Hidden { .. }) => vec![Rare::MessageRemoved],
        ChangeKind::Item(Item::Contact(contact)) if contact.blocked => vec![Rare::Blocked],
        ChangeKind::Item(Item::Settings(settings)) if !settings.show_read => vec![Rare::ReadKept],
        ChangeKind::Item(Item::Options(options)) => {
            let cleared = (options.cleared_up_to > Seq::ZERO).then_some(Rare::ConversationCleared);
            let hidden = (options.hidden_up_to > Seq::ZERO).then_some(Rare::ConversationHidden);
            cleared.into_iter().chain(hidden).collect()
        }
        _ => Vec::new(),
    }
}
