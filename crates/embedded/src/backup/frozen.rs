//! The tables as they were after one commit, whatever is written to them meanwhile.

use fjall::{Keyspace, Readable, Slice};

use crate::keys::Table;
use crate::tables::TableError;

/// Keeps what it shows from being thrown away; drop it when it is not needed any more.
pub struct Frozen {
    snapshot: fjall::Snapshot,
    keyspaces: [Keyspace; 3],
}

impl std::fmt::Debug for Frozen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frozen").finish_non_exhaustive()
    }
}

impl Frozen {
    /// Over keyspaces in the order of their tables' codes.
    pub const fn new(snapshot: fjall::Snapshot, keyspaces: [Keyspace; 3]) -> Self {
        Self { snapshot, keyspaces }
    }

    fn keyspace(&self, table: Table) -> &Keyspace {
        &self.keyspaces[usize::from(table.code())]
    }

    /// A row.
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<Slice>, TableError> {
        Ok(self.snapshot.get(self.keyspace(table), key)?)
    }

    /// The rows with `from ≤ key`, and `key < to` if that is said, in key order.
    pub fn rows(
        &self,
        table: Table,
        from: &[u8],
        to: Option<&[u8]>,
    ) -> impl DoubleEndedIterator<Item = Result<(Slice, Slice), TableError>> + use<> {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        let range = (Included(from), to.map_or(Unbounded, Excluded));
        self.snapshot
            .range::<&[u8], _>(self.keyspace(table), range)
            .map(|row| Ok(row.into_inner()?))
    }
}
