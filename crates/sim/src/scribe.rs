//! Keeps a journal per device from what the devices' stores and apps witness.

mod alterations;
mod passing;

use std::collections::{BTreeMap, BTreeSet};

use anser_client::io::{AppEvent, Identity, MessageState};
use anser_client::records::{OutboxItem, OutboxState, Record, RowUpdate, Settled, StoredMessage};
use anser_types::{
    ChangeKind, Command, CommandNo, ConversationId, DeviceNo, LocalNo, LogEpoch, MessageId,
    Presence, Seq, Unavailable, UserId,
};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::checker::{BodyHash, Journal, MessageKey, PutAway, What};
use crate::coverage::{Coverage, Rare};
use crate::host::Witness;
use crate::scribe::alterations::{Altering, conversation_of};
use crate::store::DeviceStore;

/// A device, and how many stores it has had: one that goes back to an old copy begins another journal.
type Pen = (UserId, DeviceNo, u32);

/// See the module's head.
pub struct Scribe {
    started: Instant,
    coverage: Coverage,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    journals: BTreeMap<Pen, Journal>,
    generations: BTreeMap<(UserId, DeviceNo), u32>,
    numbers: BTreeMap<(UserId, MessageId), CommandNo>,
    pairs: BTreeMap<ConversationId, (UserId, UserId)>,
    /// Per journal and conversation, the last message that came through the inbox: everything up to it came.
    heads: BTreeMap<(Pen, ConversationId), Seq>,
    /// What each store holds: storing a message again changes nothing.
    held: BTreeMap<(Pen, ConversationId, Seq), MessageKey>,
    /// Messages that failed and wait for their user, with what was said when they were composed.
    parked: BTreeMap<(UserId, MessageId), What>,
    invoked: BTreeMap<(UserId, MessageId), What>,
    /// Events that told the app of what was not stored.
    untrue: Vec<String>,
    /// Devices that rebuild from conversation heads, and whether they were interrupted.
    rebuilding: BTreeMap<(UserId, DeviceNo), bool>,
    /// The log that each store follows.
    epochs: BTreeMap<Pen, LogEpoch>,
    altering: Altering,
    /// What each store did not show before, because its user had put it away.
    put_away: BTreeMap<Pen, PutAway>,
}

impl State {
    fn pen(&self, user: &UserId, device: DeviceNo) -> Pen {
        let generation = self.generations.get(&(user.clone(), device)).copied().unwrap_or_default();
        (user.clone(), device, generation)
    }
}

impl Scribe {
    /// Nothing written yet. `users` are told apart in the receipts of their direct conversations.
    #[must_use]
    pub fn new(users: &[UserId], coverage: Coverage) -> Self {
        let mut state = State::default();
        for a in users {
            for b in users {
                state.pairs.insert(ConversationId::direct(a, b), (a.clone(), b.clone()));
            }
        }
        Self { started: Instant::now(), coverage, state: Mutex::new(state) }
    }

    /// Writes something down for a device.
    pub fn note(&self, device: &Identity, what: What) {
        self.note_of(&device.user, device.device, what);
    }

    fn note_of(&self, user: &UserId, device: DeviceNo, what: What) {
        let at_ns = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let mut state = self.state.lock();
        let pen = state.pen(user, device);
        let journal = || Journal::new(user.clone(), device);
        state.journals.entry(pen).or_insert_with(journal).note(at_ns, what);
    }

    /// Every journal, by user and device. Only these devices must hold everything by now.
    #[must_use]
    pub fn journals(&self, caught_up: &[Identity]) -> Vec<Journal> {
        let state = self.state.lock();
        let caught_up: BTreeSet<Pen> =
            caught_up.iter().map(|device| state.pen(&device.user, device.device)).collect();
        let journals = state.journals.iter().map(|(pen, journal)| Journal {
            caught_up: caught_up.contains(pen),
            ..journal.clone()
        });
        journals.collect()
    }

    /// Events that told an app of a message which its store did not hold (guarantee G10).
    #[must_use]
    pub fn untrue_events(&self) -> Vec<String> {
        self.state.lock().untrue.clone()
    }

    fn must_hold(&self, device: &Identity, conversation: ConversationId, seq: Seq) {
        let mut state = self.state.lock();
        let place = (state.pen(&device.user, device.device), conversation, seq);
        if !state.held.contains_key(&place) && !state.altering.shows(&place) {
            let untrue = format!("{device:?} was told of seq {seq} of {conversation}");
            state.untrue.push(untrue);
        }
    }

    /// Whether this device rebuilds from conversation heads now.
    #[must_use]
    pub fn is_rebuilding(&self, device: &Identity) -> bool {
        self.state.lock().rebuilding.contains_key(&(device.user.clone(), device.device))
    }

    fn number_of(&self, user: &UserId, id: MessageId) -> CommandNo {
        self.state.lock().numbers.get(&(user.clone(), id)).copied().unwrap_or_default()
    }

    fn composed(&self, device: &Identity, item: &OutboxItem, store: &DeviceStore) {
        let (id, user) = (item.id, &device.user);
        match item.command() {
            Some(Command::SendMessage { content, .. }) => {
                let conversation = item.conversation.unwrap_or(ConversationId([0; 16]));
                let body = BodyHash::of(&content.body);
                let invoke = What::Invoke { local_no: id.local_no, conversation, body };
                let key = (user.clone(), id);
                let known = {
                    let mut state = self.state.lock();
                    if matches!(item.state, OutboxState::Failed { .. }) {
                        state.parked.insert(key.clone(), invoke.clone());
                    }
                    state.invoked.insert(key, invoke.clone())
                };
                // A new device stores once more what it takes over, and does not send it again thereby.
                if known.as_ref() != Some(&invoke) {
                    self.note_of(user, id.device, invoke);
                    self.note_times(user, id, &content);
                }
            }
            Some(Command::MarkRead { at, up_to }) => {
                let conversation = conversation_of(user, &at);
                self.reads_unseen(store);
                self.note(device, What::MarkRead { conversation, up_to });
            }
            Some(Command::Alter { .. }) => self.alters(device, item, store),
            _ => {}
        }
    }

    /// A message that failed and goes back into the queue was sent again by its user: from now on is its turn.
    fn moved(&self, device: &Identity, local_no: LocalNo, to: &OutboxState) {
        let key = (device.user.clone(), MessageId { device: device.device, local_no });
        let mut state = self.state.lock();
        let resent = match to {
            OutboxState::Numbered(command_no) => {
                state.numbers.insert(key, *command_no);
                None
            }
            OutboxState::Failed { .. } => {
                if let Some(invoke) = state.invoked.get(&key).cloned() {
                    state.parked.insert(key, invoke);
                }
                None
            }
            OutboxState::Queued => state.parked.remove(&key),
        };
        drop(state);
        if let Some(invoke) = resent {
            self.coverage.note(Rare::MessageResent);
            self.note(device, invoke);
        }
    }

    /// A message is in a device's store.
    fn took_in(
        &self,
        device: &Identity,
        stored: &StoredMessage,
        through_inbox: bool,
        store: &DeviceStore,
    ) {
        let message = &stored.message;
        let (conversation, seq) = (message.conversation, message.seq);
        let key = MessageKey { sender: message.sender.clone(), id: message.id };
        if through_inbox && stored.own.is_none() {
            self.raise_head(device, conversation, seq);
        }
        // As it is at the end of the transaction; or as it came, if it was taken back within it.
        let now = store.messages.get(&(conversation, seq)).map(|stored| &stored.message);
        let content = now.and_then(|now| now.content.as_ref()).or(message.content.as_ref());
        let Some(content) = content else {
            // Emptied: its place is known, there is nothing to hold.
            return self.note(device, What::Skipped { conversation, from: seq, to: seq });
        };
        let body = BodyHash::of(&content.body);
        let news = {
            let mut state = self.state.lock();
            let pen = state.pen(&device.user, device.device);
            state.held.insert((pen, conversation, seq), key.clone()).as_ref() != Some(&key)
        };
        if news {
            let live = through_inbox && stored.own.is_none();
            self.note(device, What::Received { conversation, seq, key, body, live });
        }
    }

    /// Whether a message came where its conversation goes on: by the inbox, or of a channel by its log. One that calls
    /// somebody in a channel comes by the inbox ahead of its place.
    fn came_in_order(&self, stored: &StoredMessage, store: &DeviceStore) -> bool {
        if stored.by_channel {
            self.coverage.note(Rare::CameByChannel);
            return true;
        }
        let ahead = store.channel(stored.message.conversation).is_some();
        if ahead && stored.inbox_seq.is_some() {
            self.coverage.note(Rare::CalledInChannel);
        }
        stored.inbox_seq.is_some() && !ahead
    }

    /// What stands above is not on the server, and not held any more.
    fn lost(&self, device: &Identity, conversation: ConversationId, above: Seq) {
        self.coverage.note(Rare::LogReplaced);
        {
            let mut state = self.state.lock();
            let pen = state.pen(&device.user, device.device);
            state.held.retain(|(holder, id, seq), _| {
                *holder != pen || *id != conversation || *seq <= above
            });
            state.altering.lose(&pen, conversation, above);
            if let Some(head) = state.heads.get_mut(&(pen, conversation)) {
                *head = above.min(*head);
            }
        }
        self.note(device, What::NotOnServer { conversation, above });
    }

    /// The log which the device's cursor belongs to.
    fn follows(&self, device: &Identity, epoch: LogEpoch) {
        let before = {
            let mut state = self.state.lock();
            let pen = state.pen(&device.user, device.device);
            state.epochs.insert(pen, epoch).unwrap_or(epoch)
        };
        if before != epoch && before > LogEpoch::ZERO {
            self.note(device, What::OtherLog { epoch });
        }
    }

    fn raise_head(&self, device: &Identity, conversation: ConversationId, seq: Seq) -> Seq {
        let mut state = self.state.lock();
        let key = (state.pen(&device.user, device.device), conversation);
        let head = state.heads.entry(key).or_default();
        std::mem::replace(head, (*head).max(seq))
    }

    /// One's own message moved on; it belongs to the device that composed it.
    fn own_moved(&self, user: &UserId, id: MessageId, to: &MessageState) {
        let local_no = id.local_no;
        let what = match to {
            MessageState::Sent { seq, .. } => {
                What::Ok { local_no, command_no: self.number_of(user, id), seq: *seq }
            }
            MessageState::Failed { reason, unconfirmed: false } if !reason.code.retryable() => {
                What::Fail { local_no, code: reason.code.to_string() }
            }
            MessageState::Failed { .. } => What::Unknown { local_no },
            MessageState::Queued | MessageState::Sending => return,
        };
        self.note_of(user, id.device, what);
    }

    fn sync_moved(&self, device: &Identity, event: &AppEvent) {
        let key = (device.user.clone(), device.device);
        let mut state = self.state.lock();
        match event {
            AppEvent::SyncStarted { missing: None } => {
                let before = state.rebuilding.insert(key, false);
                if before.is_some() {
                    state.rebuilding.insert((device.user.clone(), device.device), true);
                }
                self.coverage.note(Rare::SyncReset);
            }
            AppEvent::SyncStarted { missing: Some(_) } => self.coverage.note(Rare::CaughtUp),
            AppEvent::SyncFinished if state.rebuilding.remove(&key) == Some(true) => {
                self.coverage.note(Rare::SyncResetInterrupted);
            }
            _ => {}
        }
    }
}

impl Witness for Scribe {
    fn heard(&self, device: &Identity, event: &AppEvent) {
        self.sync_moved(device, event);
        match event {
            AppEvent::NewMessage { message, .. } if message.content.is_some() => {
                self.must_hold(device, message.conversation, message.seq);
            }
            AppEvent::MessageStateChanged { id, conversation, state } => {
                if let MessageState::Sent { seq, .. } = state {
                    self.must_hold(device, *conversation, *seq);
                }
                if id.device != device.device && matches!(state, MessageState::Sent { .. }) {
                    self.coverage.note(Rare::SettledByEcho);
                }
                self.own_moved(&device.user, *id, state);
            }
            AppEvent::DeliveryReceipt { conversation, up_to } => {
                self.coverage.note(Rare::DeliveryReceipt);
                let pair = self.state.lock().pairs.get(conversation).cloned();
                if let Some((a, b)) = pair {
                    let who = if a == device.user { b } else { a };
                    let (conversation, up_to) = (*conversation, *up_to);
                    self.note(device, What::SawDelivered { conversation, who, up_to });
                }
            }
            AppEvent::PresenceChanged { presence: Presence::Online, .. } => {
                self.coverage.note(Rare::PresenceOnline);
            }
            AppEvent::PresenceChanged { presence: Presence::Offline { .. }, .. } => {
                self.coverage.note(Rare::PresenceOffline);
            }
            AppEvent::ReadReceipt { conversation, who, up_to } => {
                self.coverage.note(Rare::ReadReceipt);
                let (conversation, up_to) = (*conversation, *up_to);
                self.note(device, What::SawRead { conversation, who: who.clone(), up_to });
            }
            AppEvent::GroupChanged { change } => match change.kind {
                ChangeKind::MembersJoined { .. } => self.coverage.note(Rare::MemberJoined),
                ChangeKind::MemberLeft { .. } | ChangeKind::MembersRemoved { .. } => {
                    self.coverage.note(Rare::MemberRemoved);
                }
                ChangeKind::GroupUpdated(ref set) if set.channel => {
                    self.coverage.note(Rare::BecameChannel);
                }
                ChangeKind::GroupCreated { .. }
                | ChangeKind::MessageAltered { .. }
                | ChangeKind::GroupUpdated(_)
                | ChangeKind::MemberAltered { .. }
                | ChangeKind::GroupDismissed
                | ChangeKind::Item(_)
                | ChangeKind::Unknown { .. } => {}
            },
            _ => {}
        }
    }

    fn stored(&self, device: &Identity, records: &[Record], store: &DeviceStore) {
        let (mut lost, mut touched) = (None, BTreeSet::new());
        self.rows_come(device, records);
        for record in records {
            match record {
                Record::OutboxPut(item) => self.composed(device, item, store),
                Record::OutboxSettled { local_no, how: Settled::Done(done) } => {
                    self.alteration_done(device, *local_no, done);
                }
                Record::OutboxState { local_no, state } => self.moved(device, *local_no, state),
                Record::MessageStored(stored) => {
                    self.took_in(device, stored, self.came_in_order(stored, store), store);
                    self.message_came(device, stored, store);
                }
                Record::ChangeStored { change, .. } => {
                    touched.insert(change.conversation);
                    self.change_came(device, change, store);
                }
                Record::ConversationUpserted(row) => {
                    let RowUpdate::Full(state) = &row.update else { continue };
                    touched.insert(row.conversation);
                    if lost.is_some_and(|(id, above)| row.conversation == id && state.head > above)
                    {
                        self.coverage.note(Rare::CameBackLater);
                    }
                    let known = self.raise_head(device, row.conversation, state.head);
                    if state.head > known {
                        let (from, to) = (known.next(), state.head);
                        let conversation = row.conversation;
                        self.note(device, What::Skipped { conversation, from, to });
                    }
                }
                Record::NotOnServer { conversation, above } => {
                    lost = Some((*conversation, *above));
                    self.lost(device, *conversation, *above);
                }
                Record::UnavailableStored(range) => {
                    let Unavailable { conversation, from, to, .. } = *range;
                    self.note(device, What::Skipped { conversation, from, to });
                }
                Record::DeviceState(state) => self.follows(device, state.log_epoch),
                _ => {}
            }
        }
        self.doubts(device, &touched, store);
        self.puts_away(device, records, store);
    }

    fn forgot(
        &self,
        device: &Identity,
        messages: &[(ConversationId, Seq)],
        heard: bool,
        store: &DeviceStore,
    ) {
        self.coverage.note(Rare::Forgotten);
        for (conversation, seq) in messages.iter().copied() {
            if !heard {
                self.note(device, What::ForgotAlone { conversation, seq });
            }
            self.shows(device, conversation, seq, store);
        }
    }

    fn begins(&self, before: &Identity, now: &Identity, store: &DeviceStore) {
        let skipped: Vec<What> = {
            let mut state = self.state.lock();
            let old = state.pen(&before.user, before.device);
            let journal = state.journals.get(&old);
            let entries = journal.iter().flat_map(|journal| &journal.entries);
            let skipped = entries.map(|entry| entry.what.clone());
            let told = |what: &What| {
                matches!(
                    what,
                    What::Skipped { .. } | What::NotOnServer { .. } | What::OtherLog { .. }
                )
            };
            let skipped = skipped.filter(told).collect();
            let of = (now.user.clone(), now.device);
            let new = state.pen(&now.user, now.device);
            if state.journals.contains_key(&new) {
                *state.generations.entry(of).or_default() += 1;
            }
            skipped
        };
        skipped.into_iter().for_each(|what| self.note(now, what));
        self.took_over(now, store);
        self.begins_with(now, store);
        for stored in store.messages.values() {
            if self.came_in_order(stored, store) && stored.own.is_none() {
                self.raise_head(now, stored.message.conversation, stored.message.seq);
            }
            self.took_in(now, stored, false, store);
            self.shows(now, stored.message.conversation, stored.message.seq, store);
        }
    }
}
