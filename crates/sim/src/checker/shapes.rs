//! What readers show of altered messages against the raw store: every device that heard of everything, by its journal,
//! and every user by the history query.

use std::collections::BTreeMap;

use anser_types::{ChangeNo, ConversationId, Seq};

use super::altering::Shape;
use super::check::{About, Found};
use super::evidence::{BodyHash, Stored};
use super::forgetting::{self, Showing};
use super::index::{Index, Log};
use super::journal::{Journal, MessageKey, What};
use super::verdict::Kind;

/// What a device shows of a message.
struct Shown<'a> {
    /// Whose; not known of one that was taken back before it came.
    key: Option<&'a MessageKey>,
    shape: Shape,
    /// The device knows that it may have missed something of it.
    doubted: bool,
}

/// What every device shows at the end, and that it never went back on the way.
pub(super) fn check_devices(index: &Index<'_>, found: &mut Found<'_>) {
    for journal in &index.evidence.journals {
        let name = format!("{}/{}", journal.user, journal.device);
        let shown = walk(journal, &name, found);
        if !journal.caught_up {
            continue;
        }
        for ((id, seq), Shown { key, shape, .. }) in shown {
            let Some(log) = index.logs.get(&id) else { continue };
            // (That it holds something else there is a verdict of its own.)
            let there = log.at.get(&seq).filter(|there| key.is_none_or(|key| there.key == *key));
            // (What the device does not show need not be what it is.)
            if let Some(there) = there.filter(|_| !index.once_put_away(&journal.user, id, seq)) {
                let showing = Showing { name: &name, user: &journal.user, is_device: true, shape };
                check_shape(index, (id, log), there, &showing, found);
            }
        }
    }
}

/// What the history query gave.
pub(super) fn check_histories(index: &Index<'_>, found: &mut Found<'_>) {
    for history in &index.evidence.histories {
        let (name, id) = (format!("the history of {}", history.reader), history.conversation);
        let Some(log) = index.logs.get(&id) else { continue };
        for Stored { seq, key, shape } in &history.messages {
            if let Some(there) = log.at.get(seq).filter(|there| there.key == *key) {
                let (user, shape) = (&history.reader, *shape);
                let showing = Showing { name: &name, user, is_device: false, shape };
                check_shape(index, (id, log), there, &showing, found);
            }
        }
    }
}

/// A device's journal, message by message: alterations come in their order, unless the device knows that it missed
/// some, or that their log was replaced.
fn walk<'a>(
    journal: &'a Journal,
    name: &str,
    found: &mut Found<'_>,
) -> BTreeMap<(ConversationId, Seq), Shown<'a>> {
    let mut all: BTreeMap<(ConversationId, Seq), Shown<'_>> = BTreeMap::new();
    for entry in &journal.entries {
        match &entry.what {
            What::Received { conversation, seq, key, body, .. } => {
                let shape = Shape { body: Some(*body), ..Shape::default() };
                let shown = Shown { key: Some(key), shape, doubted: false };
                all.insert((*conversation, *seq), shown);
            }
            What::Shows { conversation, seq, doubted, shape } => {
                let before = all.get(&(*conversation, *seq));
                if let Some(before) = before
                    && !(before.doubted || *doubted)
                    && shape.by <= before.shape.by
                    && (shape.by, shape.body, shape.rest)
                        != (before.shape.by, before.shape.body, before.shape.rest)
                    // (Whoever has left is told of nothing but that it is gone.)
                    && shape.body.is_some()
                    // (What must be forgotten comes again if the server's clock went back.)
                    && (before.shape.body.is_some() || shape.over_at.is_none())
                {
                    let text =
                        format!("{name} showed seq {seq} with {}, then {shape}", before.shape);
                    found.add(Kind::WentBack, &About::seq(*conversation, *seq), text);
                }
                let key = before.and_then(|before| before.key);
                let shown = Shown { key, shape: *shape, doubted: *doubted };
                all.insert((*conversation, *seq), shown);
            }
            What::NotOnServer { conversation, above } => {
                all.retain(|(id, seq), _| id != conversation || seq <= above);
            }
            _ => {}
        }
    }
    all
}

/// Whoever is in the conversation shows what the store holds; whoever has left shows nothing that came later.
fn check_shape(
    index: &Index<'_>,
    (id, log): (ConversationId, &Log<'_>),
    there: &Stored,
    showing: &Showing<'_>,
    found: &mut Found<'_>,
) {
    let Showing { name, user, shape, .. } = *showing;
    let Some(member) = log.members.get(user) else { return };
    if forgetting::judged(index, (id, log), there, showing, found) {
        return;
    }
    let Stored { seq, key, shape: due } = there;
    if due.body.is_none() && due.by == ChangeNo::ZERO {
        // Emptied for another reason than a change: no device is told.
        return;
    }
    let nobody_said = |body: &BodyHash| !index.asked_to_say(id, there, *body);
    if due.by == ChangeNo::ZERO
        && shape.by == ChangeNo::ZERO
        && shape.body != due.body
        && shape.body.as_ref().is_some_and(nobody_said)
    {
        // Another body of a message that was never altered is a verdict of its own.
        return;
    }
    let about = About::message(id, *seq, key);
    let mut wrong = |kind, due: String| {
        let text = format!("{name} shows {key} at seq {seq} with {shape}; {due}");
        found.add(kind, &about, text);
    };
    match member.saw_until() {
        Some(last) if due.by > last => {
            let kept = log.editions.get(seq).into_iter().flatten();
            let seen = kept.filter(|(until, _)| *until > last).map(|(_, body)| *body).next();
            let seen: Option<BodyHash> = seen.or(due.body);
            // What was taken back after they had gone is gone for them at the server; who holds it does not hear of it.
            let gone = due.body.is_none();
            if shape.by > last || (!gone && shape.body != seen) {
                wrong(Kind::VisibleAfterRemoval, format!("{user} left after change {last}"));
            }
        }
        _ if shape == *due => {}
        _ if due.body.is_none() && shape.body.is_some() => {
            wrong(Kind::NotTakenBack, format!("the store: {due}"));
        }
        _ => wrong(Kind::WrongState, format!("the store: {due}")),
    }
}
