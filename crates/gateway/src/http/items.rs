//! Pages of items of lists.

use anser_service::{Query, Reply};
use anser_types::{ConversationId, ItemKey};

use super::Problem;
use super::asker::{Asker, unforeseen};
use super::json::lists::ItemJson;
use super::json::scalars::Cursor;
use super::paths::{ListQuery, cursor};

/// A page of a list.
pub(super) struct Items {
    pub(super) items: Vec<ItemJson>,
    pub(super) next: Option<Cursor>,
    /// The last change of the lists' conversation: as long as it is the same, so is the list.
    pub(super) change_head: u64,
}

/// Items whose keys begin so: one's own (`None`), or a group's.
pub(super) async fn items(
    asker: &Asker,
    conversation: Option<ConversationId>,
    prefix: ItemKey,
    page: &ListQuery,
) -> Result<Items, Problem> {
    let (after, limit) = (page.after_item()?, page.limit()?);
    let ask = Query::Items { conversation, prefix, after, limit };
    let Reply::Items { items, next, change_head } = asker.query(ask).await? else {
        return Err(unforeseen());
    };
    Ok(Items {
        items: items.iter().filter_map(|change| change.item()).filter_map(ItemJson::of).collect(),
        next: next.map(|key| cursor(&key.0)),
        change_head: change_head.0,
    })
}
