//! The read port of lists: items, each as its last change.

use std::ops::ControlFlow;
use std::sync::Arc;

use anser_backend::{Boxed, Lists, PageLimit, StoreError, weight};
use anser_types::{Change, ChangeNo, ConversationId, ItemKey};

use super::conversations::Page;
use crate::codec::{Malformed, read_change, read_number};
use crate::core::Core;
use crate::keys::{self, Table};
use crate::pending::Scope;
use crate::store::EmbeddedStore;
use crate::tables::TableError;

/// The change that an item's row names.
fn change(core: &Core, id: ConversationId, row: &[u8]) -> Result<Arc<Change>, TableError> {
    let no = ChangeNo(read_number(row)?);
    let found = core.row(&keys::change(id, no))?;
    let found = found.ok_or(Malformed("an item of a list names a change that is missing"))?;
    Ok(Arc::new(read_change(id, no, &found)?))
}

fn items(
    core: &Core,
    id: ConversationId,
    prefix: &ItemKey,
    after: &ItemKey,
    limit: PageLimit,
) -> Result<Vec<Arc<Change>>, TableError> {
    let mut page = Page::new(limit);
    let first = keys::item(id, prefix.max(after));
    // No key of an item is longer, and none ends in more of these.
    let mut last = keys::item(id, prefix);
    last.extend([0xff; ItemKey::MAX_BYTES]);
    let skipped = keys::item(id, after);
    core.tables.scan(Table::State, first..=last, false, |key, row| {
        if *key == skipped[..] {
            return Ok(ControlFlow::Continue(()));
        }
        let change = change(core, id, row)?;
        let bytes = weight::of_change(&change);
        let taken = page.take(change, bytes);
        Ok(if page.is_full() { ControlFlow::Break(()) } else { taken })
    })?;
    Ok(page.entries)
}

impl Lists for EmbeddedStore {
    fn item(
        &self,
        id: ConversationId,
        key: ItemKey,
    ) -> Boxed<'_, Result<Option<Arc<Change>>, StoreError>> {
        Box::pin(async move {
            let read = move |core: &Core| {
                let row = core.row(&keys::item(id, &key))?;
                row.map(|row| change(core, id, &row)).transpose()
            };
            self.scan(Scope::Conversation(id), read).await
        })
    }

    fn items(
        &self,
        id: ConversationId,
        prefix: ItemKey,
        after: ItemKey,
        limit: PageLimit,
    ) -> Boxed<'_, Result<Vec<Arc<Change>>, StoreError>> {
        Box::pin(async move {
            let read = move |core: &Core| items(core, id, &prefix, &after, limit);
            self.scan(Scope::Conversation(id), read).await
        })
    }
}
