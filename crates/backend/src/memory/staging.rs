//! A batch before its commit: what it adds, laid over what is durable, so that every append sees those before it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use anser_types::{
    Alteration, Change, ChangeKind, ChangeNo, Conversation, ConversationId, Edition, FileId,
    InboxSeq, ItemKey, Member, Message, Seq, UnixMs, UserNo, Version,
};

use super::files::FileWrite;
use super::state::{DeviceRecord, Durable, InboxRow, KeyRecord, Log, index};
use crate::files::Hold;
use crate::ledger::DeviceKey;
use crate::reads::Heads;

/// Everything a batch adds or replaces. Nothing of it is visible to readers.
#[derive(Debug, Default)]
pub(super) struct Staged {
    logs: BTreeMap<ConversationId, StagedLog>,
    inboxes: BTreeMap<UserNo, Vec<InboxRow>>,
    pub devices: BTreeMap<DeviceKey, DeviceRecord>,
    pub keys: BTreeMap<(UserNo, String), KeyRecord>,
    /// Appends that take effect.
    pub effective: usize,
}

/// What a batch adds to one conversation.
#[derive(Debug)]
pub(super) struct StagedLog {
    pub row: Option<Conversation>,
    pub members: BTreeMap<UserNo, Member>,
    pub reads: BTreeMap<UserNo, Seq>,
    pub messages: Vec<Arc<Message>>,
    pub changes: Vec<Arc<Change>>,
    pub items: BTreeMap<ItemKey, ChangeNo>,
    pub heads: Heads,
    pub last_at: UnixMs,
    /// What becomes of files that messages hold.
    files: Vec<FileWrite>,
    altered: BTreeMap<Seq, Target>,
}

/// A message as the batch leaves it.
#[derive(Debug)]
struct Target {
    message: Arc<Message>,
    /// Every content it had before.
    editions: Vec<Edition>,
    /// Edits of which nothing may be left to tell.
    gone: Vec<ChangeNo>,
}

impl StagedLog {
    fn over(durable: &Durable, id: ConversationId) -> Self {
        let log = durable.conversations.get(&id);
        Self {
            row: log.and_then(|log| log.row.clone()),
            members: BTreeMap::new(),
            reads: BTreeMap::new(),
            messages: Vec::new(),
            changes: Vec::new(),
            items: BTreeMap::new(),
            heads: durable.heads(id),
            last_at: log.map(|log| log.last_at).unwrap_or_default(),
            files: Vec::new(),
            altered: BTreeMap::new(),
        }
    }

    /// Applies a change to the message it names, if it names one that exists.
    pub fn alter(&mut self, durable: &Durable, change: &Change) {
        let ChangeKind::MessageAltered { seq, alteration } = &change.kind else { return };
        let log = durable.conversations.get(&change.conversation);
        let Some(mut target) = self.altered.remove(seq).or_else(|| self.target(log, *seq)) else {
            return;
        };
        let replaced = target.message.content.clone();
        let since = target.message.content_since();
        let message = Arc::make_mut(&mut target.message);
        message.alter(change.change_no, change.at, &change.actor, alteration);
        match (alteration, replaced) {
            (Alteration::Edit(new), Some(content)) => {
                let hold =
                    Hold { conversation: change.conversation, seq: *seq, since: change.change_no };
                self.files.extend(new.files.iter().map(|file| FileWrite::Hold(*file, hold)));
                target.editions.push(Edition { until: change.change_no, since, content });
            }
            (erasing, content) if erasing.erases() => {
                let place = (change.conversation, *seq);
                let editions = target.editions.iter().map(|edition| &edition.content);
                let files = content.iter().chain(editions).flat_map(|content| &content.files);
                self.files.extend(files.map(|file| FileWrite::Release(*file, place, change.at)));
                target.gone.extend(target.editions.drain(..).map(|edition| edition.until));
            }
            _ => {}
        }
        self.altered.insert(*seq, target);
    }

    /// A message that was just said holds these.
    pub fn hold(&mut self, files: &[FileId], conversation: ConversationId, seq: Seq) {
        let hold = Hold { conversation, seq, since: ChangeNo::ZERO };
        self.files.extend(files.iter().map(|file| FileWrite::Hold(*file, hold)));
    }

    fn target(&self, log: Option<&Log>, seq: Seq) -> Option<Target> {
        let durable = log.map_or(0, |log| log.messages.len() as u64);
        let message = match seq.0.checked_sub(durable) {
            None | Some(0) => log.and_then(|log| log.message(seq)),
            Some(place) => index(place).and_then(|place| self.messages.get(place)),
        };
        let editions = log.and_then(|log| log.editions.get(&seq)).cloned().unwrap_or_default();
        Some(Target { message: Arc::clone(message?), editions, gone: Vec::new() })
    }

    pub fn version(&self) -> Version {
        self.row.as_ref().map_or(Version::ZERO, |row| row.version)
    }

    /// The time a record gets that happens at `at`: never before the conversation's last one.
    pub fn tick(&mut self, at: UnixMs) -> UnixMs {
        self.last_at = self.last_at.max(at);
        self.last_at
    }

    /// Read positions move forward only; durable ones are compared again when the batch is merged.
    pub fn raise_read(&mut self, user: UserNo, up_to: Seq) {
        let read = self.reads.entry(user).or_default();
        *read = up_to.max(*read);
    }
}

impl Staged {
    /// The conversation as this batch leaves it so far.
    pub fn log(&mut self, durable: &Durable, id: ConversationId) -> &mut StagedLog {
        self.logs.entry(id).or_insert_with(|| StagedLog::over(durable, id))
    }

    pub fn version(&self, durable: &Durable, id: ConversationId) -> Version {
        match (self.logs.get(&id), durable.conversations.get(&id)) {
            (Some(staged), _) => staged.version(),
            (None, Some(log)) => log.version(),
            (None, None) => Version::ZERO,
        }
    }

    /// A membership as this batch leaves it so far.
    pub fn member(
        &mut self,
        durable: &Durable,
        id: ConversationId,
        user: UserNo,
    ) -> Option<&mut Member> {
        match self.log(durable, id).members.entry(user) {
            Entry::Occupied(staged) => Some(staged.into_mut()),
            Entry::Vacant(unstaged) => {
                let member = durable.conversations.get(&id)?.members.get(&user)?;
                Some(unstaged.insert(member.clone()))
            }
        }
    }

    /// Adds an inbox entry and returns its number.
    pub fn deliver(&mut self, durable: &Durable, user: UserNo, row: InboxRow) -> InboxSeq {
        let added = self.inboxes.entry(user).or_default();
        added.push(row);
        InboxSeq(durable.inbox_bounds(user).head.0 + added.len() as u64)
    }

    /// The device's record as this batch leaves it so far.
    pub fn device(&self, durable: &Durable, device: DeviceKey) -> DeviceRecord {
        let record = self.devices.get(&device).or_else(|| durable.devices.get(&device));
        record.cloned().unwrap_or_default()
    }

    /// The record of an idempotency key as this batch leaves it so far.
    pub fn key<'a>(
        &'a self,
        durable: &'a Durable,
        key: &(UserNo, String),
    ) -> Option<&'a KeyRecord> {
        self.keys.get(key).or_else(|| durable.keys.get(key))
    }

    /// The commit itself.
    pub fn merge_into(self, durable: &mut Durable) {
        for (id, staged) in self.logs {
            for user in staged.members.keys() {
                durable.memberships.entry(*user).or_default().insert(id);
            }
            let log = durable.conversations.entry(id).or_default();
            log.row = staged.row;
            log.members.extend(staged.members);
            for (user, up_to) in staged.reads {
                let read = &mut log.positions.entry(user).or_default().read;
                *read = up_to.max(*read);
            }
            log.messages.extend(staged.messages.into_iter().map(Some));
            log.changes.extend(staged.changes);
            log.items.extend(staged.items);
            staged.altered.into_iter().for_each(|(seq, target)| log.replace(seq, target));
            log.last_at = staged.last_at;
            staged.files.into_iter().for_each(|write| durable.files.apply(write));
        }
        for (user, rows) in self.inboxes {
            durable.inboxes.entry(user).or_default().entries.extend(rows);
        }
        durable.devices.extend(self.devices);
        durable.keys.extend(self.keys);
    }
}

impl Log {
    fn replace(&mut self, seq: Seq, target: Target) {
        if let Some(place) = index(seq.0).and_then(|place| self.messages.get_mut(place)) {
            *place = Some(target.message);
        }
        self.editions.insert(seq, target.editions);
        for no in target.gone {
            let change = index(no.0).and_then(|place| self.changes.get_mut(place));
            if let Some(change) = change {
                let kind = ChangeKind::MessageAltered { seq, alteration: Alteration::Gone };
                Arc::make_mut(change).kind = kind;
            }
        }
    }
}
