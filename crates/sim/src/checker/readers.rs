//! Every reader against the raw store: devices by their journals, users by the history query.

use std::collections::BTreeMap;

use anser_types::{ChangeNo, ConversationId, DeviceNo, Seq, UserId};

use super::altering::Shape;
use super::check::{About, Found};
use super::evidence::Stored;
use super::index::{Index, Log};
use super::journal::{Journal, MessageKey, What};
use super::verdict::Kind;

/// What one reader holds of one conversation.
#[derive(Default)]
struct Held<'a> {
    at: BTreeMap<Seq, &'a MessageKey>,
    seqs: BTreeMap<&'a MessageKey, Seq>,
    /// Everything taken, in its order.
    messages: Vec<Stored>,
    /// Ranges it was told it does not hold.
    skipped: Vec<(Seq, Seq)>,
    /// The last message that came in order.
    last: Seq,
}

/// Somebody who reads, as verdicts name them.
struct Reader<'a> {
    name: String,
    user: &'a UserId,
    /// The device whose own messages need not be noted as stored: it does not note them at all.
    device: Option<DeviceNo>,
}

/// Whether a device notes when it stores its own messages; then it must note it for each.
fn notes_own(journal: &Journal) -> bool {
    journal.entries.iter().any(|entry| {
        matches!(&entry.what, What::Received { key, .. }
            if key.sender == journal.user && key.id.device == journal.device)
    })
}

/// What every device stored, in the order it stored it.
pub(super) fn check_devices(index: &Index<'_>, found: &mut Found<'_>) {
    for journal in &index.evidence.journals {
        let reader = Reader {
            name: format!("{}/{}", journal.user, journal.device),
            user: &journal.user,
            device: (!notes_own(journal)).then_some(journal.device),
        };
        let mut held = hold(index, journal, &reader, found);
        if journal.caught_up {
            for (id, log) in &index.logs {
                let held = held.remove(id).unwrap_or_default();
                check_complete(&reader, *id, log, &held, found);
            }
        }
    }
}

fn hold<'a>(
    index: &Index<'_>,
    journal: &'a Journal,
    reader: &Reader<'_>,
    found: &mut Found<'_>,
) -> BTreeMap<ConversationId, Held<'a>> {
    let mut all: BTreeMap<ConversationId, Held<'a>> = BTreeMap::new();
    for entry in &journal.entries {
        match &entry.what {
            What::Received { conversation, seq, key, body, live } => {
                let held = all.entry(*conversation).or_default();
                let shape = Shape { body: Some(*body), ..Shape::default() };
                held.take(reader, *conversation, (*seq, key, shape), *live, found);
            }
            What::NotOnServer { conversation, above } => {
                let held = all.entry(*conversation).or_default();
                let lost = held.lose(*above);
                check_lost(index, reader, *conversation, &lost, found);
            }
            What::Skipped { conversation, from, to } => {
                all.entry(*conversation).or_default().skipped.push((*from, *to));
            }
            _ => {}
        }
    }
    for (id, held) in &all {
        // A device that did not come back does not know what a restore took away meanwhile.
        let taken = |m: &&Stored| index.was_taken_from(*id, m.seq, &m.key);
        let unaware = |m: &&Stored| !journal.caught_up && taken(m);
        let of_lost: Vec<Stored> = held.messages.iter().filter(unaware).cloned().collect();
        check_lost(index, reader, *id, &of_lost, found);
        for message in held.messages.iter().filter(|message| !unaware(message)) {
            check_one(index, reader, *id, message, found);
        }
    }
    all
}

/// What the history query gave, which is in order by itself.
pub(super) fn check_histories(index: &Index<'_>, found: &mut Found<'_>) {
    for history in &index.evidence.histories {
        let name = format!("the history of {}", history.reader);
        let reader = Reader { name, user: &history.reader, device: None };
        let id = history.conversation;
        let mut held = Held { skipped: history.unavailable.clone(), ..Held::default() };
        for Stored { seq, key, shape } in &history.messages {
            held.take(&reader, id, (*seq, key, *shape), true, found);
        }
        held.messages.iter().for_each(|message| check_one(index, &reader, id, message, found));
        if let Some(log) = index.logs.get(&id) {
            check_complete(&reader, id, log, &held, found);
        }
    }
}

impl<'a> Held<'a> {
    /// Adds a message; each may be held once, at one place, and what comes in order comes in order.
    fn take(
        &mut self,
        reader: &Reader<'_>,
        id: ConversationId,
        (seq, key, shape): (Seq, &'a MessageKey, Shape),
        in_order: bool,
        found: &mut Found<'_>,
    ) {
        let Reader { name, .. } = reader;
        let about = About::message(id, seq, key);
        self.messages.push(Stored { seq, key: key.clone(), shape });
        if let Some(there) = self.at.get(&seq) {
            if *there == key {
                found.add(Kind::Duplicate, &about, format!("{name} holds {key} twice"));
            } else {
                let text = format!("{name} holds {there} and {key}, both at seq {seq}");
                found.add(Kind::DivergingOrder, &about, text);
            }
            return;
        }
        if let Some(other) = self.seqs.get(key) {
            let text = format!("{name} holds {key} twice: at seq {other} and at {seq}");
            found.add(Kind::Duplicate, &about, text);
            // Held all the same: its second place is wrong, not missing.
            self.at.insert(seq, key);
            return;
        }
        if in_order {
            if seq < self.last {
                let text = format!("{name} got {key} at seq {seq} behind seq {}", self.last);
                found.add(Kind::Reordered, &about, text);
            }
            self.last = self.last.max(seq);
        }
        self.at.insert(seq, key);
        self.seqs.insert(key, seq);
    }

    /// What stands above is not on the server: it is held no more, and its places are free.
    fn lose(&mut self, above: Seq) -> Vec<Stored> {
        self.at.retain(|seq, _| *seq <= above);
        self.seqs.retain(|_, seq| *seq <= above);
        self.skipped.retain_mut(|(from, to)| {
            *to = above.min(*to);
            from <= to
        });
        self.last = above.min(self.last);
        self.messages.extract_if(.., |message| message.seq > above).collect()
    }

    fn accounts_for(&self, seq: Seq) -> bool {
        self.at.contains_key(&seq)
            || self.skipped.iter().any(|(from, to)| (*from..=*to).contains(&seq))
    }
}

/// One message a reader holds: the store holds it there too, and the reader may see it.
fn check_one(
    index: &Index<'_>,
    reader: &Reader<'_>,
    id: ConversationId,
    message: &Stored,
    found: &mut Found<'_>,
) {
    let Reader { name, user, .. } = reader;
    let Stored { seq, key, shape } = message;
    let about = About::message(id, *seq, key);
    let log = index.logs.get(&id);
    match log.and_then(|log| log.at.get(seq)) {
        Some(there) if there.key == *key => {
            // (Whether it is the right one of the bodies that it had is asked in `shapes.rs`.)
            if let (Some(held), Some(stored)) = (shape.body, there.shape.body)
                && there.shape.by == ChangeNo::ZERO
                && held != stored
                && !index.asked_to_say(id, there, held)
            {
                let text = format!("{name} holds {key} with the body {held}, the store {stored}");
                found.add(Kind::Phantom, &about, text);
            }
        }
        _ => match index.place_of(key) {
            Some((_, place)) => {
                let text = format!("{name} holds {key} at seq {seq}, the store at {place}");
                found.add(Kind::DivergingOrder, &about, text);
            }
            None => {
                let text = format!("{name} holds {key} at seq {seq}, the store does not hold it");
                found.add(Kind::Phantom, &about, text);
            }
        },
    }
    let member = log.and_then(|log| log.members.get(user));
    if log.is_some() && !member.is_some_and(|member| member.sees(*seq)) {
        let text = format!("{name} holds seq {seq}, said when {user} was no member");
        found.add(Kind::VisibleAfterRemoval, &about, text);
    }
}

/// Messages that a reader held until it learned that the server had lost them: they stood in a log that a restore
/// replaced, and were the reader's to see.
fn check_lost(
    index: &Index<'_>,
    reader: &Reader<'_>,
    id: ConversationId,
    lost: &[Stored],
    found: &mut Found<'_>,
) {
    let Reader { name, user, .. } = reader;
    for Stored { seq, key, .. } in lost {
        let logs = index.lost_logs.iter().chain([&index.logs]).filter_map(|logs| logs.get(&id));
        let mut held_it = logs.filter(|log| log.at.get(seq).is_some_and(|there| there.key == *key));
        let about = About::message(id, *seq, key);
        let Some(first) = held_it.next() else {
            let text = format!("{name} held {key} at seq {seq}; no store ever did");
            found.add(Kind::Phantom, &about, text);
            continue;
        };
        // (What was taken away and sent once more may stand at the same place again.)
        if index.stands_at(id, *seq, key) && !index.was_taken_from(id, *seq, key) {
            let text =
                format!("{name} was told that {key} at seq {seq} is not on the server; it is");
            found.add(Kind::Lost, &about, text);
        }
        let sees = |log: &Log<'_>| log.members.get(user).is_some_and(|member| member.sees(*seq));
        if !sees(first) && !held_it.any(sees) {
            let text = format!("{name} held seq {seq}, said when {user} was no member");
            found.add(Kind::VisibleAfterRemoval, &about, text);
        }
    }
}

/// Everything in the store that the reader may see is held, or named as not held.
fn check_complete(
    reader: &Reader<'_>,
    id: ConversationId,
    log: &Log<'_>,
    held: &Held<'_>,
    found: &mut Found<'_>,
) {
    let Some(member) = log.members.get(reader.user) else { return };
    let mut missing: Option<(Seq, Seq)> = None;
    for (seq, message) in &log.at {
        let accounted =
            held.accounts_for(*seq) || !member.sees(*seq) || reader.composed(&message.key);
        if !accounted {
            let from = missing.map_or(*seq, |(from, _)| from);
            missing = Some((from, *seq));
        } else if member.sees(*seq)
            && let Some(range) = missing.take()
        {
            name_missing(reader, id, log, range, held, found);
        }
    }
    if let Some(range) = missing {
        name_missing(reader, id, log, range, held, found);
    }
}

impl Reader<'_> {
    /// A device that does not note its own messages holds them from the moment they are composed.
    fn composed(&self, key: &MessageKey) -> bool {
        key.sender == *self.user && self.device == Some(key.id.device)
    }
}

fn name_missing(
    reader: &Reader<'_>,
    id: ConversationId,
    log: &Log<'_>,
    (from, to): (Seq, Seq),
    held: &Held<'_>,
    found: &mut Found<'_>,
) {
    let later = held.at.range(to..).next().map(|(seq, _)| *seq);
    let Reader { name, .. } = reader;
    let range = if from == to { format!("seq {from}") } else { format!("seq {from} to {to}") };
    let about =
        About { conversation: id, message: log.at.get(&from).map(|m| &m.key), seq: Some(from) };
    match later {
        Some(later) => {
            let text = format!("{name} does not hold {range}, but {later}");
            found.add(Kind::Hole, &about, text);
        }
        None => {
            let text = format!("{name} does not hold {range}, the last it should");
            found.add(Kind::Lost, &about, text);
        }
    }
}
