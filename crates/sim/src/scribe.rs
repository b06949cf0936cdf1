//! Keeps a journal per device from what the devices' stores and apps witness.

use std::collections::BTreeMap;

use anser_client::io::{AppEvent, Identity, MessageState};
use anser_client::records::{OutboxState, Record, RowUpdate};
use anser_types::{Command, CommandNo, ConversationId, DeviceNo, LocalNo, Seq, UserId};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::checker::{BodyHash, Journal, MessageKey, What};
use crate::host::Witness;

/// See the module's head.
pub struct Scribe {
    started: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    journals: BTreeMap<(UserId, DeviceNo), Journal>,
    numbers: BTreeMap<(UserId, DeviceNo, LocalNo), CommandNo>,
    pairs: BTreeMap<ConversationId, (UserId, UserId)>,
    heads: BTreeMap<(UserId, DeviceNo, ConversationId), Seq>,
    /// Messages that failed and wait for their user, with what was said when they were composed.
    parked: BTreeMap<(UserId, DeviceNo, LocalNo), What>,
    invoked: BTreeMap<(UserId, DeviceNo, LocalNo), What>,
}

impl Scribe {
    /// Nothing written yet. `users` are told apart in the receipts of their direct conversations.
    #[must_use]
    pub fn new(users: &[UserId]) -> Self {
        let mut state = State::default();
        for a in users {
            for b in users {
                state.pairs.insert(ConversationId::direct(a, b), (a.clone(), b.clone()));
            }
        }
        Self { started: Instant::now(), state: Mutex::new(state) }
    }

    /// Writes something down for a device.
    pub fn note(&self, device: &Identity, what: What) {
        let at_ns = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let key = (device.user.clone(), device.device);
        let mut state = self.state.lock();
        state
            .journals
            .entry(key)
            .or_insert_with(|| Journal::new(device.user.clone(), device.device))
            .note(at_ns, what);
    }

    /// Every journal, by user and device.
    #[must_use]
    pub fn journals(&self) -> Vec<Journal> {
        self.state.lock().journals.values().cloned().collect()
    }

    fn number_of(&self, device: &Identity, local_no: LocalNo) -> CommandNo {
        let key = (device.user.clone(), device.device, local_no);
        self.state.lock().numbers.get(&key).copied().unwrap_or_default()
    }

    fn composed(&self, device: &Identity, record: &Record) {
        let Record::OutboxPut(item) = record else { return };
        let local_no = item.id.local_no;
        match item.command() {
            Some(Command::SendMessage { content, .. }) => {
                let conversation = item.conversation.unwrap_or(ConversationId([0; 16]));
                let body = BodyHash::of(&content.body);
                let invoke = What::Invoke { local_no, conversation, body };
                let key = (device.user.clone(), device.device, local_no);
                self.state.lock().invoked.insert(key, invoke.clone());
                self.note(device, invoke);
            }
            Some(Command::MarkRead { at, up_to }) => {
                let conversation = match at {
                    anser_types::Target::Conversation(id) => id,
                    anser_types::Target::User(peer) => ConversationId::direct(&device.user, &peer),
                };
                self.note(device, What::MarkRead { conversation, up_to });
            }
            _ => {}
        }
    }

    /// A message that failed and goes back into the queue was sent again by its user: from now on is its turn.
    fn moved(&self, device: &Identity, local_no: LocalNo, to: &OutboxState) {
        let key = (device.user.clone(), device.device, local_no);
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
            self.note(device, invoke);
        }
    }

    fn raise_head(&self, device: &Identity, conversation: ConversationId, seq: Seq) -> Seq {
        let mut state = self.state.lock();
        let key = (device.user.clone(), device.device, conversation);
        let head = state.heads.entry(key).or_default();
        std::mem::replace(head, (*head).max(seq))
    }
}

impl Witness for Scribe {
    fn heard(&self, device: &Identity, event: &AppEvent) {
        match event {
            AppEvent::MessageStateChanged { id, state, .. } => {
                let local_no = id.local_no;
                match state {
                    MessageState::Sent { seq, .. } => {
                        let command_no = self.number_of(device, local_no);
                        self.note(device, What::Ok { local_no, command_no, seq: *seq });
                    }
                    MessageState::Failed { reason, unconfirmed: false }
                        if !reason.code.retryable() =>
                    {
                        self.note(device, What::Fail { local_no, code: reason.code.to_string() });
                    }
                    MessageState::Failed { .. } => self.note(device, What::Unknown { local_no }),
                    MessageState::Queued | MessageState::Sending => {}
                }
            }
            AppEvent::DeliveryReceipt { conversation, up_to } => {
                let pair = self.state.lock().pairs.get(conversation).cloned();
                if let Some((a, b)) = pair {
                    let who = if a == device.user { b } else { a };
                    let (conversation, up_to) = (*conversation, *up_to);
                    self.note(device, What::SawDelivered { conversation, who, up_to });
                }
            }
            AppEvent::ReadReceipt { conversation, who, up_to } => {
                let (conversation, up_to) = (*conversation, *up_to);
                self.note(device, What::SawRead { conversation, who: who.clone(), up_to });
            }
            _ => {}
        }
    }

    fn stored(&self, device: &Identity, records: &[Record]) {
        for record in records {
            match record {
                Record::OutboxPut(_) => self.composed(device, record),
                Record::OutboxState { local_no, state } => self.moved(device, *local_no, state),
                Record::MessageStored(stored) => {
                    let message = &stored.message;
                    let Some(content) = &message.content else { continue };
                    self.raise_head(device, message.conversation, message.seq);
                    self.note(
                        device,
                        What::Received {
                            conversation: message.conversation,
                            seq: message.seq,
                            key: MessageKey { sender: message.sender.clone(), id: message.id },
                            body: BodyHash::of(&content.body),
                            live: stored.inbox_seq.is_some() && stored.own.is_none(),
                        },
                    );
                }
                Record::ConversationUpserted(row) => {
                    let RowUpdate::Full(state) = &row.update else { continue };
                    let known = self.raise_head(device, row.conversation, state.head);
                    if state.head > known {
                        let (from, to) = (known.next(), state.head);
                        self.note(
                            device,
                            What::Skipped { conversation: row.conversation, from, to },
                        );
                    }
                }
                _ => {}
            }
        }
    }
}
