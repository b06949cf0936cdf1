//! What users have put away for themselves: it is shown to them by no way of reading, and to everybody else as before.

use std::collections::{BTreeMap, BTreeSet};

use anser_types::{ConversationId, Item, Seq, UserId};

use super::check::{About, Found};
use super::evidence::{ConversationDump, Evidence, Stored};
use super::index::Index;
use super::journal::What;
use super::verdict::Kind;

/// What one user has put away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PutAway {
    /// Everything up to here.
    pub cleared: BTreeMap<ConversationId, Seq>,
    /// Single messages.
    pub removed: BTreeSet<(ConversationId, Seq)>,
}

impl PutAway {
    /// Whether a message is.
    #[must_use]
    pub fn holds(&self, id: ConversationId, seq: Seq) -> bool {
        self.cleared.get(&id).is_some_and(|up_to| seq <= *up_to)
            || self.removed.contains(&(id, seq))
    }

    /// Takes in an item of the user's lists.
    pub fn take(&mut self, item: &Item) {
        match item {
            Item::Hidden { conversation, seq } => {
                self.removed.insert((*conversation, *seq));
            }
            Item::Options(options) => {
                let up_to = self.cleared.entry(options.conversation).or_default();
                *up_to = options.cleared_up_to.max(*up_to);
            }
            Item::Contact(_) | Item::Settings(_) | Item::JoinRequest(_) | Item::Report(_) => {}
        }
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.cleared.values().all(|up_to| *up_to == Seq::ZERO)
    }

    /// What of it another one does not hold; of what was cleared, the last message.
    #[must_use]
    pub fn not_in(&self, other: &Self) -> Vec<(ConversationId, Seq)> {
        let cleared = self.cleared.iter().map(|(id, up_to)| (*id, *up_to));
        let all =
            cleared.filter(|(_, up_to)| *up_to > Seq::ZERO).chain(self.removed.iter().copied());
        all.filter(|(id, seq)| !other.holds(*id, *seq)).collect()
    }

    /// What stands above is not on the server: its places will be taken by other messages.
    pub fn lose(&mut self, id: ConversationId, above: Seq) {
        self.removed.retain(|(of, seq)| *of != id || *seq <= above);
        if let Some(up_to) = self.cleared.get_mut(&id) {
            *up_to = above.min(*up_to);
        }
    }
}

/// What everybody has put away: in the store, then in the logs that restores replaced.
pub(super) fn of_all(evidence: &Evidence) -> Vec<BTreeMap<&UserId, PutAway>> {
    let lost = evidence.restores.iter().map(|restore| by_user(&restore.lost));
    std::iter::once(by_user(&evidence.store)).chain(lost).collect()
}

fn by_user(store: &[ConversationDump]) -> BTreeMap<&UserId, PutAway> {
    let mut all: BTreeMap<&UserId, PutAway> = BTreeMap::new();
    for dump in store {
        let owner = dump.members.iter().find(|one| ConversationId::own(&one.user) == dump.id);
        let Some(owner) = owner else { continue };
        let away = all.entry(&owner.user).or_default();
        dump.changes
            .iter()
            .filter_map(|change| change.item.as_ref())
            .for_each(|one| away.take(one));
    }
    all
}

/// What devices show: nothing that was put away, everything else, and never again what they had put away.
pub(super) fn check_devices(index: &Index<'_>, found: &mut Found<'_>) {
    for reading in &index.evidence.lists {
        let (user, name) = (&reading.user, format!("{}/{}", reading.user, reading.device));
        for (id, log) in &index.logs {
            if !log.members.contains_key(user) {
                continue;
            }
            for (seq, Stored { key, .. }) in &log.at {
                let about = About::message(*id, *seq, key);
                match (reading.put_away.holds(*id, *seq), index.has_put_away(user, *id, *seq)) {
                    (false, true) => {
                        let text =
                            format!("{name} shows {key} at seq {seq}, which {user} put away");
                        found.add(Kind::NotPutAway, &about, text);
                    }
                    (true, false) if !index.once_put_away(user, *id, *seq) => {
                        let text = format!("{name} hides {key} at seq {seq}; nobody put it away");
                        found.add(Kind::Lost, &about, text);
                    }
                    _ => {}
                }
            }
        }
    }
    for (journal, entry) in index.evidence.entries() {
        if let What::ShownAgain { conversation, seq } = entry.what {
            let (user, device) = (&journal.user, journal.device);
            let text = format!("{user}/{device} shows seq {seq} again, which {user} put away");
            found.add(Kind::NotPutAway, &About::seq(conversation, seq), text);
        }
    }
}

/// What history gives: nothing that was put away; and it holds back from nobody what they did not put away.
pub(super) fn check_histories(index: &Index<'_>, found: &mut Found<'_>) {
    for history in &index.evidence.histories {
        let (user, id) = (&history.reader, history.conversation);
        for Stored { seq, key, .. } in &history.messages {
            if index.has_put_away(user, id, *seq) {
                let text = format!("the history of {user} gives {key}, which {user} put away");
                found.add(Kind::NotPutAway, &About::message(id, *seq, key), text);
            }
        }
        let Some(log) = index.logs.get(&id) else { continue };
        let Some(member) = log.members.get(user) else { continue };
        for (from, to) in &history.put_away {
            for (seq, Stored { key, .. }) in log.at.range(from..=to) {
                if member.sees(*seq) && !index.has_put_away(user, id, *seq) {
                    let text = format!("the history of {user} holds back {key}");
                    found.add(Kind::Lost, &About::message(id, *seq, key), text);
                }
            }
        }
    }
}
