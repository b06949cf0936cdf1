//! The raw store against what was sent and answered: lost, phantom, duplicate, reordered, hole.

use std::collections::BTreeMap;

use anser_types::{ConversationId, DeviceNo, Seq, UserId};

use super::check::{About, Found};
use super::evidence::ConversationDump;
use super::index::Index;
use super::journal::MessageKey;
use super::verdict::Kind;

/// Every log by itself, and every message against its sender's journal.
pub(super) fn check_logs(index: &Index<'_>, found: &mut Found<'_>) {
    for log in &index.evidence.store {
        check_numbers(log, found);
        check_send_order(index, log, found);
        for message in &log.messages {
            if let Some(text) = index.false_origin(log.id, message) {
                let about = About::message(log.id, message.seq, &message.key);
                found.add(Kind::Phantom, &about, text);
            }
        }
    }
    for (key, places) in &index.places {
        if let [(id, first), (_, second), ..] = places[..] {
            let about = About::message(id, second, key);
            let text = format!("{key} stands twice in the store: at seq {first} and at {second}");
            found.add(Kind::Duplicate, &about, text);
        }
    }
}

/// 1, 2, 3… without holes.
fn check_numbers(log: &ConversationDump, found: &mut Found<'_>) {
    let mut last = Seq::ZERO;
    for message in &log.messages {
        let about = About::message(log.id, message.seq, &message.key);
        if message.seq <= last {
            let text = format!("the log goes from seq {last} back to {}", message.seq);
            found.add(Kind::DivergingOrder, &about, text);
            continue;
        }
        if message.seq != last.next() {
            let (from, to) = (last.next(), message.seq.previous());
            let text =
                format!("the store holds nothing at seq {from} to {to}, but {}", message.seq);
            found.add(Kind::Hole, &About::seq(log.id, from), text);
        }
        last = message.seq;
    }
}

/// Each device's messages stand in the order it composed them, which its compose counter tells; where one that failed goes when its user sends it again is
/// up to its device.
fn check_send_order(index: &Index<'_>, log: &ConversationDump, found: &mut Found<'_>) {
    let mut latest: BTreeMap<(&UserId, DeviceNo), &MessageKey> = BTreeMap::new();
    for message in &log.messages {
        let key = &message.key;
        if index.sent.get(key).is_some_and(|sent| sent.is_resent) {
            continue;
        }
        let last = latest.entry((&key.sender, key.id.device)).or_insert(key);
        if key.id.local_no < last.id.local_no {
            let text = format!("{key} was sent before {last} and stands behind it");
            found.add(Kind::Reordered, &About::message(log.id, message.seq, key), text);
        } else {
            *last = key;
        }
    }
}

/// Every answer names a place where the message stands.
pub(super) fn check_answers(index: &Index<'_>, found: &mut Found<'_>) {
    for (key, sent) in &index.sent {
        let id: ConversationId = sent.conversation;
        let Some((_, seq)) = sent.accepted.first().copied() else { continue };
        if let Some((_, other)) = sent.accepted.iter().find(|(_, other)| *other != seq) {
            let text = format!("{key} was accepted twice: as seq {seq} and as {other}");
            found.add(Kind::Duplicate, &About::message(id, *other, key), text);
        }
        match index.place_of(key) {
            None => {
                let text = format!("{key} was accepted as seq {seq} and is not in the store");
                found.add(Kind::Lost, &About::message(id, seq, key), text);
            }
            Some((_, place)) if !index.stands_where_sent(sent, seq, key) => {
                let text = format!("{key} was accepted as seq {seq} and stands at {place}");
                found.add(Kind::DivergingOrder, &About::message(id, seq, key), text);
            }
            Some(_) => {}
        }
    }
}
