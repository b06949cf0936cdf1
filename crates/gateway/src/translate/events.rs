//! Entries of an inbox: domain → wire. An entry is encoded once for all receivers that see the same bytes.

use anser_proto::values::{groups, lists, messages};
use anser_proto::{time, v1};
use anser_service::{ChannelDelivery, Delivery};
use anser_types::{
    Change, ChangeKind, Event, Message, Unavailable, UserId, event::UnavailableReason,
};
use bytes::{BufMut, Bytes, BytesMut};
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint};
use v1::{change::Kind, event::Event as Wire};

use super::{id_bytes, place};

/// The bytes of an entry (one `anser.v1.Event`), encoded by whoever needs them first.
#[must_use]
pub(crate) fn encoded(delivery: &Delivery) -> Bytes {
    let peer = delivery.peer.as_ref();
    delivery.encoded.get_or_init(|| encode(&delivery.event, peer, delivery.own)).clone()
}

/// The bytes of an entry of a channel's log, encoded by whoever needs them first.
#[must_use]
pub(crate) fn encoded_in_channel(delivery: &ChannelDelivery) -> Bytes {
    delivery.encoded.get_or_init(|| encode(&delivery.event, None, false)).clone()
}

fn encode(event: &Event, peer: Option<&UserId>, own: bool) -> Bytes {
    let wire = match event {
        Event::Message(said) => match (peer, own) {
            (Some(_), true) => Wire::OwnDirect(message(said, peer)),
            (Some(_), false) => Wire::Direct(message(said, peer)),
            (None, _) => Wire::Group(message(said, None)),
        },
        Event::Change(changed) => match &changed.kind {
            ChangeKind::Unknown { kind, raw } => return encode_unknown_change(changed, *kind, raw),
            _ => Wire::Change(change(changed)),
        },
        Event::ReadSync { conversation, up_to } => {
            let (peer, conversation) = place(peer, *conversation);
            Wire::ReadSync(v1::ReadSync { peer, conversation, up_to_seq: up_to.0 })
        }
        Event::Unavailable(range) => Wire::Unavailable(unavailable(range, peer)),
        Event::Unknown { kind, raw } => return raw_field(*kind, raw),
    };
    anser_proto::session::server::encode_event(&v1::Event { event: Some(wire) })
}

/// A message as one reader sees it: direct ones name the peer, others the conversation and the sender.
#[must_use]
pub(crate) fn message(message: &Message, peer: Option<&UserId>) -> v1::Message {
    let content = message.content.as_ref();
    let (peer, conversation, sender) = match peer {
        Some(peer) => (peer.to_string(), Bytes::new(), String::new()),
        None => (String::new(), id_bytes(message.conversation), message.sender.to_string()),
    };
    v1::Message {
        peer,
        seq: message.seq.0,
        server_time_ms: time::to_wire(message.server_time),
        sent_before_ms: time::sent_before(message.server_time, message.sent_at),
        device_no: message.id.device.0,
        local_no: message.id.local_no.0,
        content: content.map(|content| content.body.clone()).unwrap_or_default(),
        kind: content.map_or(0, |content| content.kind.code()),
        conversation,
        sender,
        mentions: content
            .map(|content| content.mentions.iter().map(UserId::to_string).collect())
            .unwrap_or_default(),
        reply_to: content.and_then(|content| content.reply_to).map_or(0, |seq| seq.0),
        expires_at_ms: content.and_then(|content| content.expires_at).map_or(0, time::to_wire),
        tombstone: content.is_none(),
        altered: message.altered.as_deref().map(|one| Box::new(messages::altered(one))),
        mention_all: content.is_some_and(|content| content.mention_all),
        burn_after_ms: content.and_then(|content| content.burn_after_ms).unwrap_or(0),
        forwarded: content.and_then(messages::forwarded).map(Box::new),
        files: content.and_then(messages::files_of).map(Box::new),
    }
}

/// A change, without the kinds this version does not know.
#[must_use]
pub(crate) fn change(change: &Change) -> v1::Change {
    let kind = match &change.kind {
        ChangeKind::GroupCreated { title, members } => Some(Kind::GroupCreated(v1::GroupCreated {
            title: title.clone(),
            members: names(members),
        })),
        ChangeKind::MembersJoined { title, users, channel } => {
            Some(Kind::MembersJoined(v1::MembersJoined {
                title: title.clone(),
                users: names(users),
                channel: *channel,
            }))
        }
        ChangeKind::MemberLeft { new_owner } => Some(Kind::MemberLeft(v1::MemberLeft {
            new_owner: new_owner.as_ref().map(UserId::to_string).unwrap_or_default(),
        })),
        ChangeKind::MembersRemoved { users } => {
            Some(Kind::MembersRemoved(v1::MembersRemoved { users: names(users) }))
        }
        ChangeKind::MessageAltered { seq, alteration: how } => {
            let alteration = Some(messages::alteration(how));
            Some(Kind::MessageAltered(v1::MessageAltered { seq: seq.0, alteration }))
        }
        ChangeKind::GroupUpdated(set) => Some(Kind::GroupUpdated(groups::set_group(set))),
        ChangeKind::MemberAltered { user, act } => {
            Some(Kind::MemberAltered(groups::member_altered(user, act)))
        }
        ChangeKind::GroupDismissed => Some(Kind::GroupDismissed(v1::GroupDismissed {})),
        ChangeKind::Item(item) => lists::item(item),
        ChangeKind::Unknown { .. } => None,
    };
    v1::Change {
        conversation: id_bytes(change.conversation),
        change_no: change.change_no.0,
        after_seq: change.after_seq.0,
        version: change.version.0,
        actor: change.actor.to_string(),
        at_ms: time::to_wire(change.at),
        kind,
    }
}

/// A range that cannot be given.
#[must_use]
pub(crate) fn unavailable(range: &Unavailable, peer: Option<&UserId>) -> v1::Unavailable {
    let (peer, conversation) = place(peer, range.conversation);
    v1::Unavailable {
        peer,
        conversation,
        from_seq: range.from.0,
        to_seq: range.to.0,
        reason: match range.reason {
            UnavailableReason::Expired => 1,
            UnavailableReason::Damaged => 2,
            UnavailableReason::NotVisible => 3,
            UnavailableReason::PutAway => 4,
        },
    }
}

fn names(users: &[UserId]) -> Vec<String> {
    users.iter().map(UserId::to_string).collect()
}

/// A change of a kind this version does not know, passed on as it came: the fields this version knows, then the kind.
fn encode_unknown_change(changed: &Change, kind: u32, raw: &[u8]) -> Bytes {
    let mut body = BytesMut::from(change(changed).encode_to_vec().as_slice());
    put_raw_field(kind, raw, &mut body);
    raw_field(CHANGE_FIELD, &body)
}

/// Field number of `Event.change`.
const CHANGE_FIELD: u32 = 5;

/// A message with one field, given by its number and encoded body.
fn raw_field(number: u32, body: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(body.len() + 12);
    put_raw_field(number, body, &mut out);
    out.freeze()
}

fn put_raw_field(number: u32, body: &[u8], out: &mut BytesMut) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(body.len() as u64, out);
    out.put_slice(body);
}
