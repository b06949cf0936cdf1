//! Walking through the items of a list, page by page.

use std::ops::ControlFlow;

use anser_backend::{PageLimit, StoreError};
use anser_types::{ConversationId, Item, ItemKey, limits};

use crate::service::Service;

/// Shows `see` every item whose key begins with `prefix`, after a key (an empty one: from the first), by key, until it
/// has seen enough.
pub(crate) async fn each_item(
    service: &Service,
    id: ConversationId,
    prefix: ItemKey,
    mut after: ItemKey,
    mut see: impl FnMut(&Item) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let page = PageLimit { entries: limits::PAGE_MAX, bytes: limits::PAGE_MAX_BYTES };
    loop {
        let found = service.lists().items(id, prefix.clone(), after, page).await?;
        let Some(last) = found.last().and_then(|change| change.item()) else { return Ok(()) };
        after = last.key();
        for item in found.iter().filter_map(|change| change.item()) {
            if see(item).is_break() {
                return Ok(());
            }
        }
    }
}
