//! Bounded memory of member lists and user numbers, so that the common send reads nothing from the store.
//!
//! A cached "yes" is safe because every append carries the version it was decided on; a cached "no" is never given
//! out: the rules run again on what the store says.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use anser_backend::Roster;
use anser_types::{ConversationId, UserId, UserNo, Version};
use parking_lot::Mutex;

/// A map of bounded weight in two generations: what was not used during a whole generation is forgotten.
#[derive(Debug)]
struct Generations<K, V> {
    young: HashMap<K, (V, usize)>,
    old: HashMap<K, (V, usize)>,
    young_weight: usize,
    generation_max: usize,
}

impl<K: Eq + Hash + Clone, V: Clone> Generations<K, V> {
    fn new(max_weight: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            young_weight: 0,
            generation_max: (max_weight / 2).max(1),
        }
    }

    fn get(&mut self, key: &K) -> Option<V> {
        if let Some((value, _)) = self.young.get(key) {
            return Some(value.clone());
        }
        let (value, weight) = self.old.remove(key)?;
        self.insert(key.clone(), value.clone(), weight);
        Some(value)
    }

    fn insert(&mut self, key: K, value: V, weight: usize) {
        if self.young_weight + weight > self.generation_max {
            self.old = std::mem::take(&mut self.young);
            self.young_weight = 0;
        }
        self.old.remove(&key);
        if let Some((_, before)) = self.young.insert(key, (value, weight)) {
            self.young_weight -= before;
        }
        self.young_weight += weight;
    }
}

/// What is known of a conversation.
#[derive(Clone, Debug)]
enum Known {
    /// Its row and members.
    Roster(Arc<Roster>),
    /// Only that anything older than this version is out of date.
    AtLeast(Version),
}

impl Known {
    fn version(&self) -> Version {
        match self {
            Self::Roster(roster) => roster.version(),
            Self::AtLeast(version) => *version,
        }
    }
}

/// Member lists by conversation, bounded by the members they hold.
#[derive(Debug)]
pub(crate) struct RosterCache(Mutex<Generations<ConversationId, Known>>);

impl RosterCache {
    pub(crate) fn new(members_max: usize) -> Self {
        Self(Mutex::new(Generations::new(members_max)))
    }

    pub(crate) fn get(&self, id: ConversationId) -> Option<Arc<Roster>> {
        match self.0.lock().get(&id)? {
            Known::Roster(roster) => Some(roster),
            Known::AtLeast(_) => None,
        }
    }

    /// Keeps a list unless a newer version is known.
    pub(crate) fn put(&self, roster: &Arc<Roster>) {
        let id = roster.conversation.id;
        let mut known = self.0.lock();
        if known.get(&id).is_none_or(|before| before.version() <= roster.version()) {
            known.insert(id, Known::Roster(Arc::clone(roster)), roster.members.len() + 1);
        }
    }

    /// A conversation has reached this version: older lists go and are not taken in again.
    pub(crate) fn raise(&self, id: ConversationId, version: Version) {
        let mut known = self.0.lock();
        if known.get(&id).is_none_or(|before| before.version() < version) {
            known.insert(id, Known::AtLeast(version), 1);
        }
    }
}

/// Numbers of users that exist. Users are never removed, so an entry is true for ever; absence says nothing.
#[derive(Debug)]
pub(crate) struct UserCache(Mutex<Generations<UserId, UserNo>>);

impl UserCache {
    pub(crate) fn new(users_max: usize) -> Self {
        Self(Mutex::new(Generations::new(users_max)))
    }

    pub(crate) fn get(&self, id: &UserId) -> Option<UserNo> {
        self.0.lock().get(id)
    }

    pub(crate) fn put(&self, id: UserId, no: UserNo) {
        self.0.lock().insert(id, no, 1);
    }
}

/// Who lets others see how far they have read, so that a list of members costs no read for each. A change of the settings
/// is learned at its commit; what was read before it and comes late is not taken in.
#[derive(Debug)]
pub(crate) struct ShowsReadCache(Mutex<ShowsRead>);

#[derive(Debug)]
struct ShowsRead {
    known: Generations<UserNo, bool>,
    changes: u64,
}

impl ShowsReadCache {
    pub(crate) fn new(users_max: usize) -> Self {
        Self(Mutex::new(ShowsRead { known: Generations::new(users_max), changes: 0 }))
    }

    /// What is known, or the number of changes so far, to be given back with what the store says.
    pub(crate) fn get(&self, user: UserNo) -> Result<bool, u64> {
        let mut inner = self.0.lock();
        let changes = inner.changes;
        inner.known.get(&user).ok_or(changes)
    }

    /// What the store said, unless anybody's settings have changed since.
    pub(crate) fn put(&self, user: UserNo, shows: bool, changes: u64) {
        let mut inner = self.0.lock();
        if inner.changes == changes {
            inner.known.insert(user, shows, 1);
        }
    }

    /// The settings of a user were committed.
    pub(crate) fn changed(&self, user: UserNo, shows: bool) {
        let mut inner = self.0.lock();
        inner.changes += 1;
        inner.known.insert(user, shows, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_weight_is_bounded() {
        let mut map = Generations::new(8);
        map.insert(0, "kept", 1);
        for key in 1..100 {
            assert_eq!(map.get(&0), Some("kept"), "used in every generation");
            map.insert(key, "passing", 1);
            assert!(map.young.len() + map.old.len() <= 8);
        }
        assert_eq!(map.get(&1), None);
    }
}
