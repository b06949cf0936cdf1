//! Messages that must be forgotten: nothing of them is there after their time, by the server's clock, and nothing of them
//! is gone before.

use anser_types::{ChangeNo, ConversationId, UnixMs, UserId};

use super::altering::{How, Shape};
use super::check::{About, Found};
use super::evidence::{BodyHash, ChangeDump, Stored};
use super::index::{Index, Log};
use super::verdict::Kind;

/// How long after its time a message may still be in the store, which is looked through now and then.
const ERASED_WITHIN_MS: u64 = 25_000;
/// How far a device's notion of the server's clock may be behind.
const DEVICE_BEHIND_MS: u64 = 2_000;

/// What was erased was over; what burns was read, and begins to burn once.
pub(super) fn check_changes(
    index: &Index<'_>,
    id: ConversationId,
    log: &Log<'_>,
    found: &mut Found<'_>,
) {
    for change in log.changes.values() {
        let Some((seq, how)) = &change.alters else { continue };
        let Some(message) = log.at.get(seq) else { continue };
        let about = About::message(id, *seq, &message.key);
        match how {
            How::Expire => check_erased(index, (id, log), change, message, found),
            How::Burn(_) => {
                let ChangeDump { no, actor, .. } = change;
                let read = index.keeps_journal(actor).then(|| index.marked_read(actor, id));
                if *actor == message.key.sender || read.is_some_and(|up_to| up_to < *seq) {
                    let text =
                        format!("change {no} burns {}, which {actor} has not read", message.key);
                    found.add(Kind::ForgottenEarly, &about, text);
                }
                let burns = |one: &&&ChangeDump| matches!(one.alters, Some((_, How::Burn(_))));
                if log.changes_of(*seq).iter().filter(burns).count() > 1 {
                    let text = format!("{} began to burn more than once", message.key);
                    found.add(Kind::Duplicate, &about, text);
                }
            }
            _ => {}
        }
    }
}

/// When a message was to be forgotten at the latest, by what its sender said and by when it was read before a change;
/// `None`: never, as far as anybody knows.
fn due(index: &Index<'_>, log: &Log<'_>, message: &Stored, before: ChangeNo) -> Option<UnixMs> {
    let burns = log.changes_of(message.seq).iter().filter(|change| change.no < before);
    let burns = burns.filter_map(|change| match &change.alters {
        Some((_, How::Burn(at))) => Some(*at),
        _ => None,
    });
    burns.chain(index.expires_at(&message.key)).min()
}

fn check_erased(
    index: &Index<'_>,
    (id, log): (ConversationId, &Log<'_>),
    change: &ChangeDump,
    message: &Stored,
    found: &mut Found<'_>,
) {
    if index.evidence.commits.is_empty() || !index.keeps_journal(&message.key.sender) {
        return;
    }
    let clock = index.certain.erased_at(id, message.seq).unwrap_or(index.evidence.latest);
    let due = due(index, log, message, change.no);
    if due.is_none_or(|at| at > clock) {
        let (no, key) = (change.no, &message.key);
        let text = format!("change {no} erased {key} when it was {}; its time is {due:?}", clock.0);
        found.add(Kind::ForgottenEarly, &About::message(id, message.seq, key), text);
    }
}

/// The store forgets as well, some time later.
pub(super) fn check_store(index: &Index<'_>, found: &mut Found<'_>) {
    let now = index.evidence.now;
    for (id, log) in &index.logs {
        for (seq, Stored { key, shape, .. }) in &log.at {
            if let Some(at) = shape.over_at.filter(|at| at.0 + ERASED_WITHIN_MS < now.0) {
                let text =
                    format!("the store still holds {key}, over since {}; it is {}", at.0, now.0);
                found.add(Kind::NotForgotten, &About::message(*id, *seq, key), text);
            }
        }
    }
}

/// Who shows a message, to be compared with what is due of one that is forgotten.
pub(super) struct Showing<'a> {
    /// As verdicts name them.
    pub name: &'a str,
    /// Who reads.
    pub user: &'a UserId,
    /// A device, which goes by its own notion of the server's clock.
    pub is_device: bool,
    /// What is shown.
    pub shape: Shape,
}

/// Judges how somebody shows a message that has a time, or had. False: it has none, or is to be shown like any other.
pub(super) fn judged(
    index: &Index<'_>,
    (id, log): (ConversationId, &Log<'_>),
    there: &Stored,
    showing: &Showing<'_>,
    found: &mut Found<'_>,
) -> bool {
    let Showing { name, user, is_device, shape } = showing;
    let is_expiry = |change: &&ChangeDump| matches!(change.alters, Some((_, How::Expire)));
    let erased = log.changes_of(there.seq).iter().copied().find(is_expiry);
    let at = match (there.shape.over_at, erased) {
        (Some(at), _) => Some(at),
        (None, Some(change)) => due(index, log, there, change.no),
        // It may have been forgotten before it was taken back: either way nothing of it is left.
        (None, None) if there.shape.body.is_none() && shape.body.is_none() => {
            return index.is_timed(&there.key);
        }
        (None, None) => return false,
    };
    let about = About::message(id, there.seq, &there.key);
    let now = index.evidence.now.0;
    let slack = if *is_device { DEVICE_BEHIND_MS } else { 0 };
    let over = at.map_or(erased.is_some(), |at| at.0 + slack < now);
    if over && (shape.body.is_some() || shape.rest != BodyHash::default()) {
        let text = format!("{name} shows {} with {shape}; it was over at {at:?}", there.key);
        found.add(Kind::NotForgotten, &about, text);
        return true;
    }
    if shape.body.is_none() {
        let early = erased.is_none() && at.is_some_and(|at| at > index.evidence.latest);
        if early && !(*is_device && index.forgot_alone(user, id, there.seq)) {
            let text = format!("{name} shows nothing of {} before its time, {at:?}", there.key);
            found.add(Kind::ForgottenEarly, &about, text);
        }
        return true;
    }
    // Between the two it may be there for one and gone for another.
    erased.is_some()
}
