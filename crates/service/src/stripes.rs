//! One at a time for each name, by a bounded number of locks. Names that share a lock wait for each other too.

use tokio::sync::{Mutex, MutexGuard};

/// See the module.
pub(crate) struct Stripes(Vec<Mutex<()>>);

impl Stripes {
    /// So many names can be worked on at once.
    pub(crate) fn new(count: usize) -> Self {
        Self((0..count).map(|_| Mutex::new(())).collect())
    }

    /// Waits for one's turn at this name. Nobody may hold one and wait for another of the same locks.
    #[expect(clippy::cast_possible_truncation, reason = "the remainder is below a length")]
    pub(crate) async fn enter(&self, name: u64) -> MutexGuard<'_, ()> {
        self.0[(name % self.0.len() as u64) as usize].lock().await
    }
}
