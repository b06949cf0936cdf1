//! Turns by name: who works on a name waits for whoever works on it already. Names share a bounded number of turns, so
//! two names may wait for each other now and then, never for long.

use std::hash::{DefaultHasher, Hash, Hasher};

use tokio::sync::{Mutex, MutexGuard};

/// Names that can be worked on at once.
const TURNS: usize = 64;

/// See the module.
pub(crate) struct TurnsByName([Mutex<()>; TURNS]);

impl Default for TurnsByName {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(())))
    }
}

impl TurnsByName {
    /// Waits for a turn at this name. Nobody may hold one turn and wait for another of the same table.
    pub(crate) async fn of(&self, name: &impl Hash) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        let at = hasher.finish() % TURNS as u64;
        self.0[usize::try_from(at).unwrap_or(0)].lock().await
    }
}
