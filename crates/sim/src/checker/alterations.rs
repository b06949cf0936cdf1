//! Alterations in the raw store: numbered without holes, asked for by somebody, each there once; and every message is
//! what its changes make of it.

use anser_types::{Altered, ChangeNo, ConversationId, Reaction, Seq, UserId};

use super::altering::{How, Shape, rest_of};
use super::check::{About, Found};
use super::evidence::{BodyHash, ChangeDump, Stored};
use super::forgetting;
use super::index::{Index, Log};
use super::journal::What;
use super::verdict::Kind;

/// The log of every conversation, those too that restores replaced.
pub(super) fn check_logs(index: &Index<'_>, found: &mut Found<'_>) {
    let lost = index.lost_logs.iter().flatten();
    for (id, log) in index.logs.iter().chain(lost) {
        check_numbers(*id, log, found);
        check_origins(index, *id, log, found);
        forgetting::check_changes(index, *id, log, found);
        log.at.values().for_each(|message| check_message(*id, log, message, found));
    }
}

/// 1, 2, 3… without holes, in the order in which they happened, each behind the message it alters (G8).
fn check_numbers(id: ConversationId, log: &Log<'_>, found: &mut Found<'_>) {
    let (mut last, mut after) = (ChangeNo::ZERO, Seq::ZERO);
    for change in log.changes.values() {
        let about = About::seq(id, change.after);
        if change.no != last.next() {
            let text = format!("the log holds change {}, but none after {last}", change.no);
            found.add(Kind::Hole, &about, text);
        }
        let target = change.alters.as_ref().map_or(Seq::ZERO, |(seq, _)| *seq);
        if change.after < after || change.after < target {
            let (no, stands) = (change.no, change.after);
            let text = format!("change {no} of seq {target} stands behind seq {stands}");
            found.add(Kind::Reordered, &about, text);
        }
        (last, after) = (change.no, change.after);
    }
}

/// As often as somebody asked for it, and of the message they meant.
fn check_origins(index: &Index<'_>, id: ConversationId, log: &Log<'_>, found: &mut Found<'_>) {
    for change in log.changes.values() {
        let Some((seq, how)) = &change.alters else { continue };
        let Some(message) = log.at.get(seq) else { continue };
        if matches!(how, How::Burn(_) | How::Expire) {
            // Nobody asks for these; see `forgetting.rs`.
            continue;
        }
        let about = About::message(id, *seq, &message.key);
        let ChangeDump { no, actor, .. } = change;
        if matches!(how, How::Edit(_) | How::Gone) && *actor != message.key.sender {
            let text = format!("change {no} is an edit of {} by {actor}", message.key);
            found.add(Kind::Phantom, &about, text);
        }
        if !index.keeps_journal(actor) {
            continue;
        }
        let asked = index.asked_for(actor, id, *seq, &message.key, how);
        let same = log.changes.values().filter(|other| {
            other.no <= *no && other.actor == *actor && other.alters == change.alters
        });
        // An old copy of a store may have a reaction or a pin in its outbox that was done before: nothing tells it from
        // one that was done again, and doing it once more is better than not doing it.
        let again = match how {
            How::React { .. } | How::Pin { .. } if asked > 0 => index.taken_over(actor),
            _ => 0,
        };
        if same.count() > asked + again {
            let kind = if asked == 0 { Kind::Phantom } else { Kind::Duplicate };
            let text = format!(
                "change {no} is \"{how}\" of {}; {actor} asked for it {asked} times",
                message.key
            );
            found.add(kind, &about, text);
        }
    }
}

/// What the changes of a message, heard one after another, make of it.
struct Replay {
    shape: Shape,
    /// It was taken back, or its time was over.
    erased: bool,
    /// Its edits, with what is left of each.
    edits: Vec<(ChangeNo, Option<BodyHash>)>,
}

impl Replay {
    fn of(log: &Log<'_>, message: &Stored) -> Self {
        let (mut altered, mut edits, mut erased) = (Altered::default(), Vec::new(), false);
        let mut over_at = message.shape.over_at;
        for change in log.changes_of(message.seq) {
            let Some((_, how)) = &change.alters else { continue };
            altered.by = change.no;
            if erased {
                continue;
            }
            match how {
                How::Edit(_) | How::Gone => {
                    let body = if let How::Edit(body) = how { Some(*body) } else { None };
                    edits.push((change.no, body));
                    altered.edits += 1;
                    altered.edited_at = Some(change.at);
                }
                How::Revoke => {
                    erased = true;
                    let (by, revoked_by) = (change.no, Some(change.actor.clone()));
                    altered = Altered { by, revoked_by, ..Altered::default() };
                }
                How::React { emoji, on } => {
                    react(&mut altered.reactions, &change.actor, emoji, *on);
                }
                How::Expire => {
                    erased = true;
                    altered = Altered { by: change.no, ..Altered::default() };
                }
                // (That it is not earlier than the sender wished cannot be told from the store.)
                How::Burn(at) => over_at = over_at.map(|said| said.min(*at)).or(Some(*at)),
                // Pins belong to the conversation.
                How::Pin { .. } => {}
            }
        }
        let last = edits.last().map(|(_, body)| *body);
        let body = if erased { None } else { last.unwrap_or(message.shape.body) };
        let over_at = over_at.filter(|_| body.is_some());
        let shape = Shape { by: altered.by, body, rest: rest_of(&altered), over_at };
        Self { shape, erased, edits }
    }
}

fn react(reactions: &mut Vec<Reaction>, actor: &UserId, emoji: &str, on: bool) {
    if on {
        match reactions.iter_mut().find(|one| one.emoji == emoji) {
            Some(one) if one.users.contains(actor) => {}
            Some(one) => one.users.push(actor.clone()),
            None => {
                reactions.push(Reaction { emoji: emoji.to_owned(), users: vec![actor.clone()] });
            }
        }
    } else {
        for one in reactions.iter_mut().filter(|one| one.emoji == emoji) {
            one.users.retain(|user| user != actor);
        }
        reactions.retain(|one| !one.users.is_empty());
    }
}

fn check_message(id: ConversationId, log: &Log<'_>, message: &Stored, found: &mut Found<'_>) {
    let Stored { seq, key, shape } = message;
    let about = About::message(id, *seq, key);
    let Replay { shape: due, erased, edits } = Replay::of(log, message);
    if shape.body.is_none() && !erased {
        // Emptied for another reason than a change.
        return;
    }
    if *shape != due {
        let kind =
            if erased && shape.body.is_some() { Kind::NotTakenBack } else { Kind::WrongState };
        let text = format!("the store holds {key} with {shape}; its changes make it {due}");
        found.add(kind, &about, text);
    }
    let kept = log.editions.get(seq).map_or(&[][..], Vec::as_slice);
    if erased {
        let told = edits.iter().find(|(_, body)| body.is_some());
        if !kept.is_empty() || told.is_some() {
            let text = format!("{key} is gone; the store still holds {kept:?} and {told:?}");
            found.add(Kind::NotTakenBack, &about, text);
        }
        return;
    }
    let replaced = kept.iter().map(|(until, _)| *until);
    let follows =
        kept.iter().skip(1).zip(&edits).all(|((_, kept), (_, said))| Some(*kept) == *said);
    if !replaced.eq(edits.iter().map(|(no, _)| *no)) || !follows {
        let text = format!("the store keeps {kept:?} of {key}, which was edited as {edits:?}");
        found.add(Kind::WrongState, &about, text);
    }
}

/// Every answer names a change that is what was asked for, unless a restore from a backup took it away.
pub(super) fn check_answers(index: &Index<'_>, found: &mut Found<'_>) {
    for (journal, entry) in index.evidence.entries() {
        let What::AlterDone { conversation, seq, change_no, how, .. } = &entry.what else {
            continue;
        };
        let is_it = |change: &ChangeDump| {
            let told = change.alters.as_ref();
            change.actor == journal.user
                && told.is_some_and(|(of, told)| of == seq && how.is_told_by(told))
        };
        let in_log = |log: Option<&Log<'_>>| {
            log.and_then(|log| log.changes.get(change_no)).is_some_and(|change| is_it(change))
        };
        // (Zero: it was so already.)
        if *change_no == ChangeNo::ZERO
            || in_log(index.logs.get(conversation))
            || index.took_change(*conversation, *change_no, is_it)
        {
            continue;
        }
        let (user, device) = (&journal.user, journal.device);
        let text = format!(
            "\"{how}\" of seq {seq} by {user}/{device} was accepted as change {change_no}, which is not that"
        );
        found.add(Kind::Lost, &About::seq(*conversation, *seq), text);
    }
}
