//! What the scribe writes down of alterations: what was asked for, what was answered, what stores show.

use std::collections::{BTreeMap, BTreeSet};

use anser_client::io::Identity;
use anser_client::records::{OutboxItem, Record, RowUpdate, StoredMessage};
use anser_types::{
    Change, ChangeKind, ChangeNo, Command, ConversationId, DeviceNo, Done, LocalNo, LogEpoch, Seq,
    Target, UnixMs, UserId,
};
use bytes::Bytes;

use super::{Pen, Scribe};
use crate::checker::{How, MessageKey, Shape, What};
use crate::coverage::Rare;
use crate::store::DeviceStore;

/// Where something stands in a device's store.
type Place = (Pen, ConversationId, Seq);

/// What is known of alterations so far.
#[derive(Default)]
pub(super) struct Altering {
    /// Commands in the outbox of a device: where, of which message, how.
    commands: BTreeMap<(UserId, DeviceNo, LocalNo), (ConversationId, Seq, How)>,
    /// Everything anybody asked for: a new device stores once more what it takes over, and asks for nothing thereby.
    asked: BTreeSet<(UserId, LocalNo, UnixMs, Bytes)>,
    /// What each store shows of a message, and whether it doubts it.
    shown: BTreeMap<Place, (Shape, bool)>,
    /// The last change that showed in a message when it came.
    given: BTreeMap<Place, ChangeNo>,
    /// How many messages each store doubts.
    doubts: BTreeMap<Pen, usize>,
    /// The log of the row that each store has of a conversation.
    rows: BTreeMap<(Pen, ConversationId), LogEpoch>,
}

impl Altering {
    /// Whether a store shows anything of a message, be it that it was taken back before it came.
    pub(super) fn shows(&self, place: &Place) -> bool {
        self.shown.contains_key(place)
    }

    /// What stands above is not held any more.
    pub(super) fn lose(&mut self, pen: &Pen, conversation: ConversationId, above: Seq) {
        let kept =
            |(holder, id, seq): &Place| holder != pen || *id != conversation || *seq <= above;
        self.shown.retain(|place, _| kept(place));
        self.given.retain(|place, _| kept(place));
    }
}

/// The conversation a command of this user goes to.
pub(super) fn conversation_of(user: &UserId, target: &Target) -> ConversationId {
    match target {
        Target::Conversation(id) => *id,
        Target::User(peer) => ConversationId::direct(user, peer),
    }
}

impl Scribe {
    /// A device goes on with this store: what another one, or its later self, had in the outbox is not there.
    pub(super) fn took_over(&self, device: &Identity, store: &DeviceStore) {
        let of = |(user, no, _): &(UserId, DeviceNo, LocalNo)| {
            *user == device.user && *no == device.device
        };
        self.state.lock().altering.commands.retain(|command, _| !of(command));
        self.note(device, What::TookOver);
        store.outbox().iter().for_each(|item| self.alters(device, item, store));
    }

    /// An alteration is in a device's outbox.
    pub(super) fn alters(&self, device: &Identity, item: &OutboxItem, store: &DeviceStore) {
        let Some(Command::Alter { at, seq, alteration, .. }) = item.command() else { return };
        let conversation = conversation_of(&device.user, &at);
        let (local_no, how) = (item.id.local_no, How::from(&alteration));
        let new = {
            let altering = &mut self.state.lock().altering;
            let command = (conversation, seq, how.clone());
            altering.commands.insert((device.user.clone(), device.device, local_no), command);
            altering.asked.insert((device.user.clone(), local_no, item.sent_at, item.body.clone()))
        };
        let meant = store.messages.get(&(conversation, seq)).map(|stored| &stored.message);
        if let Some(meant) = meant.filter(|_| new) {
            let key = MessageKey { sender: meant.sender.clone(), id: meant.id };
            self.note(device, What::Alter { local_no, conversation, seq, key, how });
        }
    }

    /// A command left the outbox as executed.
    pub(super) fn alteration_done(&self, device: &Identity, local_no: LocalNo, done: &Done) {
        let key = (device.user.clone(), device.device, local_no);
        let command = self.state.lock().altering.commands.remove(&key);
        if let Some((conversation, seq, how)) = command {
            let change_no = done.change_no;
            self.note(device, What::AlterDone { local_no, conversation, seq, change_no, how });
        }
    }

    /// A message came: what the store shows of it now.
    pub(super) fn message_came(
        &self,
        device: &Identity,
        came: &StoredMessage,
        store: &DeviceStore,
    ) {
        let (conversation, seq) = (came.message.conversation, came.message.seq);
        {
            let mut state = self.state.lock();
            let place = (state.pen(&device.user, device.device), conversation, seq);
            let held = state.held.contains_key(&place);
            let revoked = came.message.altered.as_ref().is_some_and(|a| a.revoked_by.is_some());
            if revoked && !held {
                self.coverage.note(Rare::TakenBackUnseen);
            }
            state.altering.given.insert(place, came.message.altered_by());
        }
        self.shows(device, conversation, seq, store);
    }

    /// A change came: what the store shows of the message it altered.
    pub(super) fn change_came(&self, device: &Identity, change: &Change, store: &DeviceStore) {
        let ChangeKind::MessageAltered { seq, .. } = change.kind else { return };
        let conversation = change.conversation;
        if store.messages.contains_key(&(conversation, seq)) {
            let state = self.state.lock();
            let place = (state.pen(&device.user, device.device), conversation, seq);
            if state.altering.given.get(&place).is_some_and(|by| *by >= change.change_no) {
                self.coverage.note(Rare::AlterationKnown);
            }
        } else {
            self.coverage.note(Rare::AlterationUnheld);
        }
        self.shows(device, conversation, seq, store);
    }

    /// Before a transaction: where the row of a conversation is of another log than what is held, nothing of that is sure
    /// until it is given again, be it in this same transaction.
    pub(super) fn rows_come(&self, device: &Identity, records: &[Record]) {
        for record in records {
            if let Record::ConversationUpserted(row) = record
                && let RowUpdate::Full(state) = &row.update
            {
                self.row_comes(device, row.conversation, state.log_epoch);
            }
        }
    }

    fn row_comes(&self, device: &Identity, conversation: ConversationId, of: LogEpoch) {
        let unsure: Vec<(Seq, Shape)> = {
            let mut state = self.state.lock();
            let pen = state.pen(&device.user, device.device);
            let before = state.altering.rows.insert((pen.clone(), conversation), of);
            if before == Some(of) {
                return;
            }
            let held = (pen.clone(), conversation, Seq::ZERO)..=(pen, conversation, Seq::MAX);
            let shown = state.altering.shown.range_mut(held);
            let sure = shown.filter(|(_, (shape, doubted))| shape.by > ChangeNo::ZERO && !doubted);
            sure.map(|((_, _, seq), (shape, doubted))| {
                *doubted = true;
                (*seq, *shape)
            })
            .collect()
        };
        for (seq, shape) in unsure {
            self.note(device, What::Shows { conversation, seq, doubted: true, shape });
        }
    }

    /// After a transaction: what the store doubts now, and did not before, or the other way round.
    pub(super) fn doubts(
        &self,
        device: &Identity,
        touched: &BTreeSet<ConversationId>,
        store: &DeviceStore,
    ) {
        let doubts = store.doubts();
        let before = {
            let mut state = self.state.lock();
            let pen = state.pen(&device.user, device.device);
            state.altering.doubts.insert(pen, doubts).unwrap_or_default()
        };
        if doubts > before {
            self.coverage.note(Rare::AlterationsMissed);
        }
        if doubts == before {
            return;
        }
        let held = store.messages.keys().filter(|(id, _)| touched.contains(id));
        held.for_each(|(id, seq)| self.shows(device, *id, *seq, store));
    }

    /// Writes down what the store shows of a message, if that is another thing than before.
    pub(super) fn shows(
        &self,
        device: &Identity,
        conversation: ConversationId,
        seq: Seq,
        store: &DeviceStore,
    ) {
        let Some(stored) = store.messages.get(&(conversation, seq)) else { return };
        let shape = Shape::from(&stored.message);
        let doubted = store.is_doubted(conversation, seq);
        let before = {
            let mut state = self.state.lock();
            let place = (state.pen(&device.user, device.device), conversation, seq);
            state.altering.shown.insert(place, (shape, doubted))
        };
        let news = match before {
            Some(before) => before != (shape, doubted),
            // That it was received says as much.
            None => {
                let altered = shape.by > ChangeNo::ZERO || shape.body.is_none();
                altered || shape.over_at.is_some() || doubted
            }
        };
        if news {
            self.note(device, What::Shows { conversation, seq, doubted, shape });
        }
    }
}
