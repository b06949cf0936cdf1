//! The raw store against what was sent and answered: lost, phantom, duplicate, reordered, hole.

use std::collections::BTreeMap;

use anser_types::{ConversationId, DeviceNo, Seq, UserId};

use super::check::{About, Found};
use super::evidence::ConversationDump;
use super::index::Index;
use super::journal::{MessageKey, What};
use super::verdict::Kind;

/// Every log by itself, and every message against its sender's journal.
pub(super) fn check_logs(index: &Index<'_>, found: &mut Found<'_>) {
    let lost = index.evidence.restores.iter().flat_map(|restore| &restore.lost);
    for log in index.evidence.store.iter().chain(lost) {
        check_numbers(log, found);
        check_send_order(index, log, found);
        for message in &log.messages {
            if let Some(text) = index.false_origin(log.id, message) {
                let about = About::message(log.id, message.seq, &message.key);
                found.add(Kind::Phantom, &about, text);
            }
        }
    }
    check_backups(index, found);
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

/// A backup is the beginning of the log it replaced, without a gap and without anything else.
fn check_backups(index: &Index<'_>, found: &mut Found<'_>) {
    for (restore, before) in index.evidence.restores.iter().zip(&index.lost_logs) {
        for dump in &restore.kept {
            for message in &dump.messages {
                let there = before.get(&dump.id).and_then(|log| log.at.get(&message.seq));
                if there.is_none_or(|there| there.key != message.key) {
                    let about = About::message(dump.id, message.seq, &message.key);
                    let text = format!("the backup holds {}, the log did not", message.key);
                    found.add(Kind::DivergingOrder, &about, text);
                }
            }
        }
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
        // What a restore from a backup took away may have been sent once more.
        let mut lasting = sent.accepted.iter().filter(|(_, seq)| {
            !index.was_taken(sent, *seq, key) || index.stands_where_sent(sent, *seq, key)
        });
        let Some((_, seq)) = lasting.next().copied() else { continue };
        if let Some((_, other)) = lasting.find(|(_, other)| *other != seq) {
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

/// Every message that was accepted and that a restore from a backup took away was offered for sending again by the
/// device that holds the answer.
pub(super) fn check_offers(index: &Index<'_>, found: &mut Found<'_>) {
    for journal in index.evidence.journals.iter().filter(|journal| journal.caught_up) {
        let mut owed: BTreeMap<(ConversationId, Seq), MessageKey> = BTreeMap::new();
        for entry in &journal.entries {
            match &entry.what {
                What::Ok { local_no, seq, .. } => {
                    let key = journal.key(*local_no);
                    let Some(sent) = index.sent.get(&key) else { continue };
                    if index.was_taken(sent, *seq, &key)
                        && !index.stands_where_sent(sent, *seq, &key)
                    {
                        owed.insert((sent.conversation, *seq), key);
                    }
                }
                What::NotOnServer { conversation, above } => {
                    owed.retain(|(id, seq), _| id != conversation || seq <= above);
                }
                _ => {}
            }
        }
        for ((id, seq), key) in owed {
            let text = format!(
                "{key} was accepted as seq {seq} and taken away by a restore; it was not offered for sending again"
            );
            found.add(Kind::Lost, &About::message(id, seq, &key), text);
        }
    }
}
