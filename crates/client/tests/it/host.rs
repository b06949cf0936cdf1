//! A host without a machine: its store is a few maps, its clocks are set by the test.

use std::collections::BTreeMap;

use anser_client::{
    AppEvent, ChannelMark, ChannelPosition, ConversationMark, DeviceState, Endpoint, Identity,
    NatKnown, OutboxItem, Record, Reply, RowUpdate, Settled, Snapshot, StoredMessage, UnknownEvent,
};
use anser_types::{
    Change, ChangeKind, ConversationId, DeviceClass, DeviceNo, InboxSeq, Item, LocalNo, Refusal,
    Seq, Unavailable, UserId,
};
use bytes::Bytes;

pub fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

pub fn direct(peer: &str) -> ConversationId {
    ConversationId::direct(&user("alice"), &user(peer))
}

/// Whom an item is about; the lists of these tests hold contacts.
fn name_of(change: &Change) -> String {
    match &change.kind {
        ChangeKind::Item(Item::Contact(contact)) => contact.user.to_string(),
        other => panic!("{other:?}"),
    }
}

/// What a host has stored.
#[derive(Clone, Debug)]
pub struct Disk {
    pub identity: Identity,
    pub device: DeviceState,
    pub outbox: BTreeMap<LocalNo, OutboxItem>,
    pub settled: BTreeMap<LocalNo, Settled>,
    pub messages: BTreeMap<(ConversationId, Seq), StoredMessage>,
    pub hidden: Vec<(ConversationId, Seq)>,
    pub changes: Vec<Change>,
    /// The user's contacts by name, each as its last change.
    pub items: BTreeMap<String, Change>,
    pub read: BTreeMap<ConversationId, Seq>,
    pub receipts: BTreeMap<(ConversationId, UserId), (Seq, Seq)>,
    pub rows: BTreeMap<ConversationId, Vec<RowUpdate>>,
    pub peers: BTreeMap<ConversationId, UserId>,
    pub unavailable: Vec<Unavailable>,
    pub not_on_server: Vec<(ConversationId, Seq)>,
    pub unknown: BTreeMap<InboxSeq, UnknownEvent>,
    pub endpoints: BTreeMap<String, Endpoint>,
    pub endpoint_list: Option<Bytes>,
    pub networks: BTreeMap<String, NatKnown>,
    /// Followed channels: up to where each is stored, and whether it is known to be one.
    pub channels: BTreeMap<ConversationId, ChannelPosition>,
    pub transactions: u64,
    /// Places may be taken by other messages than those that were there.
    pub server_lost_data: bool,
}

impl Disk {
    pub fn new() -> Self {
        let identity = Identity {
            user: user("alice"),
            device: DeviceNo(1),
            class: DeviceClass::Desktop,
            token: "token-1".to_owned(),
        };
        Self {
            identity,
            device: DeviceState::default(),
            outbox: BTreeMap::new(),
            settled: BTreeMap::new(),
            messages: BTreeMap::new(),
            hidden: Vec::new(),
            changes: Vec::new(),
            items: BTreeMap::new(),
            read: BTreeMap::new(),
            receipts: BTreeMap::new(),
            rows: BTreeMap::new(),
            peers: BTreeMap::new(),
            unavailable: Vec::new(),
            not_on_server: Vec::new(),
            unknown: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            endpoint_list: None,
            networks: BTreeMap::new(),
            channels: BTreeMap::new(),
            transactions: 0,
            server_lost_data: false,
        }
    }

    pub fn apply(&mut self, records: &[Record]) {
        self.transactions += 1;
        for record in records {
            self.apply_one(record.clone());
        }
    }

    fn apply_one(&mut self, record: Record) {
        match record {
            Record::OutboxPut(item) => {
                self.outbox.insert(item.id.local_no, item);
            }
            Record::OutboxState { local_no, state } => {
                if let Some(item) = self.outbox.get_mut(&local_no) {
                    item.state = state;
                }
            }
            Record::OutboxDeleteWanted { local_no } => {
                if let Some(item) = self.outbox.get_mut(&local_no) {
                    item.delete_wanted = true;
                }
            }
            Record::OutboxSettled { local_no, how } => {
                self.outbox.remove(&local_no);
                self.settled.insert(local_no, how);
            }
            Record::MessageStored(mut stored) => {
                let key = (stored.message.conversation, stored.message.seq);
                let before = self.messages.get(&key).filter(|_| !self.server_lost_data);
                if let Some(before) = before {
                    if before.message.altered.is_none() && stored.message.altered.is_none() {
                        let what = "a message never changes its content";
                        assert_eq!(before.message, stored.message, "{what}");
                    }
                    if before.message.altered_by() > stored.message.altered_by() {
                        stored.message.altered.clone_from(&before.message.altered);
                    }
                }
                self.messages.insert(key, stored);
            }
            Record::ChannelPosition { conversation, position } => {
                self.channels.insert(conversation, position);
            }
            Record::ChannelLeft { conversation } => {
                self.channels.remove(&conversation);
            }
            Record::MessageHidden { conversation, seq } => self.hidden.push((conversation, seq)),
            Record::ChangeStored { change, .. } if matches!(change.kind, ChangeKind::Item(_)) => {
                let name = name_of(&change);
                let known = self.items.get(&name);
                if known.is_none_or(|known| known.change_no < change.change_no) {
                    self.items.insert(name, change);
                }
            }
            Record::ChangeStored { change, .. } => {
                let id = change.conversation;
                self.changes.retain(|c| (c.conversation, c.change_no) != (id, change.change_no));
                if let ChangeKind::MessageAltered { seq, alteration } = &change.kind
                    && let Some(stored) = self.messages.get_mut(&(id, *seq))
                {
                    stored.message.alter(change.change_no, change.at, &change.actor, alteration);
                }
                self.changes.push(change);
            }
            Record::ItemsForgotten => self.items.clear(),
            Record::ItemStored(change) => {
                self.items.insert(name_of(&change), change);
            }
            Record::ReadPosition { conversation, up_to } => {
                let read = self.read.entry(conversation).or_default();
                *read = up_to.max(*read);
            }
            Record::ReceiptMoved { conversation, who, delivered, read } => {
                let entry = self.receipts.entry((conversation, who)).or_default();
                *entry = (entry.0.max(delivered), entry.1.max(read));
            }
            Record::ConversationUpserted(row) => {
                self.peers.extend(row.peer.map(|peer| (row.conversation, peer)));
                self.rows.entry(row.conversation).or_default().push(row.update);
            }
            Record::UnavailableStored(gap) => self.unavailable.push(gap),
            Record::NotOnServer { conversation, above } => {
                self.messages.retain(|(id, seq), _| *id != conversation || *seq <= above);
                self.not_on_server.push((conversation, above));
            }
            Record::UnknownStored(event) => {
                self.unknown.insert(event.inbox_seq, event);
            }
            Record::UnknownResolved { inbox_seq } => {
                self.unknown.remove(&inbox_seq);
            }
            Record::DeviceState(state) => self.device = state,
            Record::IdentityTaken(identity) => self.identity = identity,
            Record::EndpointRemembered { network, endpoint } => {
                self.endpoints.insert(network, endpoint);
            }
            Record::EndpointListTaken { signed } => self.endpoint_list = Some(signed),
            Record::NatLearned { network, known } => {
                self.networks.insert(network, known);
            }
        }
    }

    pub fn snapshot(&self) -> Snapshot {
        let mut marks: BTreeMap<ConversationId, ConversationMark> = BTreeMap::new();
        for ((conversation, seq), stored) in &self.messages {
            let mark = marks.entry(*conversation).or_insert_with(|| self.empty_mark(*conversation));
            mark.head = *seq;
            if stored.message.sender == self.identity.user {
                mark.last_own = *seq;
            }
        }
        for ((conversation, _), (delivered, read)) in &self.receipts {
            let mark = marks.entry(*conversation).or_insert_with(|| self.empty_mark(*conversation));
            (mark.peer_delivered, mark.peer_read) = (*delivered, *read);
        }
        for (conversation, position) in &self.channels {
            let mark = marks.entry(*conversation).or_insert_with(|| self.empty_mark(*conversation));
            let active = anser_types::UnixMs(mark.head.0);
            mark.channel = Some(ChannelMark { position: *position, active });
        }
        Snapshot {
            identity: self.identity.clone(),
            device: self.device.clone(),
            outbox: self.outbox.values().cloned().collect(),
            conversations: marks.into_values().collect(),
            unknown: self.unknown.values().cloned().collect(),
            endpoints: self.endpoints.clone().into_iter().collect(),
            endpoint_list: self.endpoint_list.clone(),
            networks: self.networks.clone().into_iter().collect(),
        }
    }

    fn empty_mark(&self, conversation: ConversationId) -> ConversationMark {
        ConversationMark {
            conversation,
            peer: self.peers.get(&conversation).cloned(),
            head: Seq::ZERO,
            read_up_to: self.read.get(&conversation).copied().unwrap_or_default(),
            last_own: Seq::ZERO,
            peer_delivered: Seq::ZERO,
            peer_read: Seq::ZERO,
            log_epoch: anser_types::LogEpoch::ZERO,
            channel: None,
        }
    }

    /// The texts of a conversation in the server's order.
    pub fn texts(&self, conversation: ConversationId) -> Vec<String> {
        self.messages
            .range((conversation, Seq::ZERO)..=(conversation, Seq::MAX))
            .map(|(_, stored)| text(&stored.message))
            .collect()
    }
}

pub fn text(message: &anser_types::Message) -> String {
    let body = message.content.as_ref().map(|content| content.body.to_vec());
    String::from_utf8(body.unwrap_or_default()).unwrap()
}

/// What the app heard.
#[derive(Debug, Default)]
pub struct Heard {
    pub events: Vec<AppEvent>,
    pub replies: Vec<Result<Reply, Refusal>>,
}
