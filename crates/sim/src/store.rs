//! A simulated client's store: what survives when its process dies.

mod alterations;
mod forgetting;

use std::collections::{BTreeMap, BTreeSet};

use anser_client::io::Identity;
use anser_client::records::{
    ChannelMark, ConversationMark, OutboxItem, Record, RowUpdate, Settled, Snapshot, StoredMessage,
};
use anser_types::{
    Change, ChangeKind, ChangeNo, ConversationId, InboxSeq, Item, ItemKey, LocalNo, LogEpoch, Seq,
    UnixMs, UserId,
};

use crate::checker::PutAway;

/// Everything a device has stored.
#[derive(Clone, Debug)]
pub struct DeviceStore {
    snapshot: Snapshot,
    /// Messages by place.
    pub messages: BTreeMap<(ConversationId, Seq), StoredMessage>,
    /// Commands that left the outbox.
    pub settled: BTreeMap<LocalNo, Settled>,
    /// One's own messages that the server lost and their user has not sent again.
    pub lost: Vec<StoredMessage>,
    /// The user's own lists: the last change of each item.
    pub items: BTreeMap<ItemKey, Change>,
    marks: BTreeMap<ConversationId, ConversationMark>,
    /// Changes that came, and up to where everything stored shows what they did.
    changes: BTreeSet<(ConversationId, ChangeNo)>,
    change_heads: BTreeMap<ConversationId, ChangeNo>,
    /// Messages of which changes may have been missed, and up to where that may be true of what still comes late.
    doubted: BTreeSet<(ConversationId, Seq)>,
    doubted_up_to: BTreeMap<ConversationId, Seq>,
    /// What the user has put away: it stays so while a rebuild gives the lists again.
    put_away: PutAway,
    /// Messages that must be forgotten, by when.
    expiring: BTreeSet<(UnixMs, ConversationId, Seq)>,
}

/// What names the item of one's own lists that a change carries; `None` if it carries none.
fn key_of(change: &Change) -> Option<ItemKey> {
    match &change.kind {
        ChangeKind::Item(Item::JoinRequest(_) | Item::Report(_)) => None,
        ChangeKind::Item(item) => Some(item.key()),
        _ => None,
    }
}

impl DeviceStore {
    /// The store of a new device.
    #[must_use]
    pub fn new(identity: Identity) -> Self {
        Self {
            snapshot: Snapshot::new(identity),
            messages: BTreeMap::new(),
            settled: BTreeMap::new(),
            lost: Vec::new(),
            marks: BTreeMap::new(),
            items: BTreeMap::new(),
            changes: BTreeSet::new(),
            change_heads: BTreeMap::new(),
            doubted: BTreeSet::new(),
            doubted_up_to: BTreeMap::new(),
            put_away: PutAway::default(),
            expiring: BTreeSet::new(),
        }
    }

    /// Who this is.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.snapshot.identity
    }

    /// What is not shown because the user has put it away.
    #[must_use]
    pub const fn put_away(&self) -> &PutAway {
        &self.put_away
    }

    /// Forgets what was put away, as a store would that trusts a rebuild to say it again.
    pub fn forget_put_away(&mut self) {
        self.put_away = PutAway::default();
    }

    /// Everything up to here is stored.
    #[must_use]
    pub const fn cursor(&self) -> InboxSeq {
        self.snapshot.device.cursor
    }

    /// How far a channel was stored; `None`: it is none that the device follows.
    #[must_use]
    pub fn channel(&self, id: ConversationId) -> Option<ChannelMark> {
        self.marks.get(&id).and_then(|mark| mark.channel)
    }

    /// The log which the cursor belongs to.
    #[must_use]
    pub const fn log_epoch(&self) -> LogEpoch {
        self.snapshot.device.log_epoch
    }

    /// Commands that are not settled.
    #[must_use]
    pub fn outbox(&self) -> &[OutboxItem] {
        &self.snapshot.outbox
    }

    /// What the device's next process loads.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = self.snapshot.clone();
        snapshot.conversations = self.marks.values().cloned().collect();
        snapshot
    }

    /// One transaction.
    pub fn apply(&mut self, records: &[Record]) {
        for record in records {
            self.apply_one(record);
        }
    }

    fn apply_one(&mut self, record: &Record) {
        match record {
            Record::OutboxPut(item) => {
                self.snapshot.outbox.retain(|known| known.id.local_no != item.id.local_no);
                self.snapshot.outbox.push(item.clone());
                self.snapshot.outbox.sort_by_key(|item| item.id.local_no);
            }
            Record::OutboxState { local_no, state } => {
                if let Some(item) = self.item(*local_no) {
                    item.state = state.clone();
                }
            }
            Record::OutboxDeleteWanted { local_no } => {
                if let Some(item) = self.item(*local_no) {
                    item.delete_wanted = true;
                }
            }
            Record::OutboxSettled { local_no, how } => {
                self.snapshot.outbox.retain(|item| item.id.local_no != *local_no);
                self.settled.insert(*local_no, how.clone());
            }
            Record::MessageStored(stored) => self.store(stored),
            Record::ReadPosition { conversation, up_to } => {
                let mark = self.mark(*conversation);
                mark.read_up_to = mark.read_up_to.max(*up_to);
            }
            Record::ReceiptMoved { conversation, delivered, read, .. } => {
                let mark = self.mark(*conversation);
                mark.peer_delivered = mark.peer_delivered.max(*delivered);
                mark.peer_read = mark.peer_read.max(*read);
            }
            Record::ConversationUpserted(row) => {
                let mark = self.mark(row.conversation);
                mark.peer.clone_from(&row.peer);
                if let RowUpdate::Full(state) = &row.update {
                    mark.read_up_to = mark.read_up_to.max(state.read_up_to);
                    let followed = mark.log_epoch;
                    mark.log_epoch = followed.max(state.log_epoch);
                    self.row_came(row.conversation, state, followed);
                    if let Some(message) = state.last_message.clone() {
                        let (peer, by_channel) = (row.peer.clone(), false);
                        let (inbox_seq, own) = (None, None);
                        self.store(&StoredMessage { message, peer, inbox_seq, by_channel, own });
                    }
                }
            }
            Record::UnknownStored(event) => self.snapshot.unknown.push(event.clone()),
            Record::UnknownResolved { inbox_seq } => {
                self.snapshot.unknown.retain(|event| event.inbox_seq != *inbox_seq);
            }
            Record::DeviceState(state) => self.snapshot.device = state.clone(),
            Record::IdentityTaken(identity) => self.snapshot.identity = identity.clone(),
            Record::EndpointRemembered { network, endpoint } => {
                self.snapshot.endpoints.retain(|(known, _)| known != network);
                self.snapshot.endpoints.push((network.clone(), endpoint.clone()));
            }
            Record::EndpointListTaken { signed } => {
                self.snapshot.endpoint_list = Some(signed.clone());
            }
            Record::NatLearned { network, known } => {
                self.snapshot.networks.retain(|(there, _)| there != network);
                self.snapshot.networks.push((network.clone(), *known));
            }
            Record::NotOnServer { conversation, above } => self.lose(*conversation, *above),
            Record::ItemsForgotten => self.items.clear(),
            Record::ItemStored(change) => self.take_item(change),
            Record::ChangeStored { change, .. } => {
                self.change_came(change);
                let key = key_of(change);
                let known = key.and_then(|key| self.items.get(&key));
                if known.is_none_or(|known| known.change_no < change.change_no) {
                    self.take_item(change);
                }
            }
            Record::ChannelPosition { conversation, position } => {
                let mark = self.mark(*conversation);
                let active = UnixMs(mark.head.0);
                mark.channel = Some(ChannelMark { position: *position, active });
            }
            Record::ChannelLeft { conversation } => self.mark(*conversation).channel = None,
            Record::MessageHidden { .. } | Record::UnavailableStored(_) => {}
        }
    }

    fn take_item(&mut self, change: &Change) {
        if let Some(key) = key_of(change) {
            self.items.insert(key, change.clone());
        }
        change.item().into_iter().for_each(|item| self.put_away.take(item));
    }

    /// What stands above is not on the server: its places will be taken by other messages.
    fn lose(&mut self, conversation: ConversationId, above: Seq) {
        let gone = |(id, seq): &(ConversationId, Seq)| *id == conversation && *seq > above;
        let me = self.snapshot.identity.user.clone();
        let (lost, kept) =
            std::mem::take(&mut self.messages).into_iter().partition(|(at, _)| gone(at));
        self.messages = kept;
        self.put_away.lose(conversation, above);
        self.doubted.retain(|at| !gone(at));
        if above == Seq::ZERO {
            // The whole conversation is gone; if it comes again, its changes are numbered from the start.
            self.forget_changes_above(conversation, ChangeNo::ZERO);
        }
        let lost: BTreeMap<_, StoredMessage> = lost;
        self.lost.extend(lost.into_values().filter(|stored| stored.message.sender == me));
        let mark = self.mark(conversation);
        for position in [
            &mut mark.head,
            &mut mark.last_own,
            &mut mark.read_up_to,
            &mut mark.peer_delivered,
            &mut mark.peer_read,
        ] {
            *position = above.min(*position);
        }
    }

    fn item(&mut self, local_no: LocalNo) -> Option<&mut OutboxItem> {
        self.snapshot.outbox.iter_mut().find(|item| item.id.local_no == local_no)
    }

    fn store(&mut self, stored: &StoredMessage) {
        let message = &stored.message;
        let key = (message.conversation, message.seq);
        // An answer says only that one's own message was taken, not what has become of it.
        let merged = self.merged(stored, stored.own.is_none());
        self.expires(&merged.message);
        self.messages.insert(key, merged);
        let me: UserId = self.snapshot.identity.user.clone();
        let mark = self.mark(message.conversation);
        mark.peer.clone_from(&stored.peer);
        mark.head = mark.head.max(message.seq);
        if message.sender == me {
            mark.last_own = mark.last_own.max(message.seq);
        }
    }

    fn mark(&mut self, conversation: ConversationId) -> &mut ConversationMark {
        self.marks.entry(conversation).or_insert_with(|| ConversationMark {
            conversation,
            peer: None,
            head: Seq::ZERO,
            read_up_to: Seq::ZERO,
            last_own: Seq::ZERO,
            peer_delivered: Seq::ZERO,
            peer_read: Seq::ZERO,
            log_epoch: LogEpoch::ZERO,
            channel: None,
        })
    }
}
