//! Every row of one kind in key order: the tables' with what the log adds, read on behind places that do not read.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::backup::Frozen;
use crate::keys::Table;
use crate::tables::TableError;

/// What the log adds to the tables, by table and key; `None` where a row was removed.
pub type Overlay = BTreeMap<(Table, Vec<u8>), Option<Bytes>>;

/// A row, or a place that does not read.
#[derive(Clone, Debug)]
pub enum Row {
    /// Key and value.
    Whole(Vec<u8>, Bytes),
    /// Behind the first key (or from the start) up to before the second one (or to the end) nothing reads.
    Unreadable(Option<Vec<u8>>, Option<Vec<u8>>, String),
}

/// The tables as they are, and the log's additions.
pub struct Rows {
    /// The tables, if they open.
    pub tables: Option<Frozen>,
    /// The log's additions.
    pub overlay: Overlay,
}

impl Rows {
    /// A row.
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, TableError> {
        if let Some(row) = self.overlay.get(&(table, key.to_vec())) {
            return Ok(row.clone());
        }
        let Some(tables) = &self.tables else { return Ok(None) };
        Ok(tables.get(table, key)?.map(|row| Bytes::copy_from_slice(&row)))
    }

    /// Gives the rows with `from ≤ key` and `key < to`.
    pub fn each(
        &self,
        table: Table,
        (from, to): (&[u8], Option<&[u8]>),
        give: &mut dyn FnMut(Row) -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        let inside = |key: &[u8]| to.is_none_or(|to| key < to);
        let mut added = self
            .overlay
            .range((table, from.to_vec())..)
            .take_while(|((other, key), _)| *other == table && inside(key))
            .peekable();
        let mut stored = |row: Row| {
            let Row::Whole(key, value) = row else { return give(row) };
            while let Some(((_, first), added_row)) = added.next_if(|((_, k), _)| *k < key) {
                give_added(first, added_row.as_ref(), give)?;
            }
            match added.next_if(|((_, k), _)| *k == key) {
                Some((_, added_row)) => give_added(&key, added_row.as_ref(), give),
                None => give(Row::Whole(key, value)),
            }
        };
        if let Some(tables) = &self.tables {
            each_stored(tables, table, (from, to), &mut stored)?;
        }
        for ((_, key), row) in added {
            give_added(key, row.as_ref(), give)?;
        }
        Ok(())
    }
}

fn give_added(
    key: &[u8],
    row: Option<&Bytes>,
    give: &mut dyn FnMut(Row) -> std::io::Result<()>,
) -> std::io::Result<()> {
    row.map_or(Ok(()), |row| give(Row::Whole(key.to_vec(), row.clone())))
}

/// Reads on behind a damaged block by looking for the first key from which reading works again.
fn each_stored(
    tables: &Frozen,
    table: Table,
    (from, to): (&[u8], Option<&[u8]>),
    give: &mut dyn FnMut(Row) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut from = from.to_vec();
    let mut last: Option<Vec<u8>> = None;
    loop {
        let mut failed = None;
        for row in tables.rows(table, &from, to) {
            match row {
                Ok((key, value)) => {
                    last = Some(key.to_vec());
                    give(Row::Whole(key.to_vec(), Bytes::copy_from_slice(&value)))?;
                }
                Err(error) => {
                    failed = Some(error.to_string());
                    break;
                }
            }
        }
        let Some(why) = failed else { return Ok(()) };
        let start = last.clone().map_or(from, after);
        let next = next_readable(tables, table, &start, to);
        give(Row::Unreadable(last.clone(), next.clone(), why))?;
        match next {
            Some(next) => from = next,
            None => return Ok(()),
        }
    }
}

/// The smallest key above this one.
fn after(mut key: Vec<u8>) -> Vec<u8> {
    key.push(0);
    key
}

/// Bytes of a key that are looked at when reading on; only Idempotency-Keys are longer.
const KEY_BYTES: usize = 48;

/// The key of the first row from which reading works again, `None` if none does: steps that double until one lands
/// behind the damage, then the last step is halved.
fn next_readable(
    tables: &Frozen,
    table: Table,
    start: &[u8],
    to: Option<&[u8]>,
) -> Option<Vec<u8>> {
    let reads = |key: &[u8]| -> Option<Option<Vec<u8>>> {
        if to.is_some_and(|to| key >= to) {
            return Some(None);
        }
        match tables.rows(table, key, to).next() {
            None => Some(None),
            Some(Ok((key, _))) => Some(Some(key.to_vec())),
            Some(Err(_)) => None,
        }
    };
    let mut bad = [0; KEY_BYTES];
    let len = start.len().min(KEY_BYTES);
    bad[..len].copy_from_slice(&start[..len]);
    let (mut found, mut bit) = (None, 0);
    while bit < 8 * KEY_BYTES && found.is_none() {
        found = reads(&plus_power_of_two(bad, bit)?);
        bit += 1;
    }
    let mut found = found?;
    for bit in (0..bit.saturating_sub(1)).rev() {
        let middle = plus_power_of_two(bad, bit)?;
        match reads(&middle) {
            Some(here) => found = here,
            None => bad = middle,
        }
    }
    found
}

/// A key as a number, plus 2 to the power of `bit`; `None` if that is no key any more.
fn plus_power_of_two(mut key: [u8; KEY_BYTES], bit: usize) -> Option<[u8; KEY_BYTES]> {
    let mut carry = 1_u16 << (bit % 8);
    for byte in key.iter_mut().rev().skip(bit / 8) {
        let sum = u16::from(*byte) + carry;
        *byte = (sum & 0xff) as u8;
        carry = sum >> 8;
        if carry == 0 {
            return Some(key);
        }
    }
    None
}
