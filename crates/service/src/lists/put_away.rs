//! What a user has put away of a conversation for themselves: everything up to a point, and single messages.

use std::collections::BTreeSet;

use anser_backend::PageLimit;
use anser_types::{ChangeKind, ConversationId, Item, ItemKey, Refusal, Seq, limits};

use crate::api::Caller;
use crate::directory::View;
use crate::service::Service;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct PutAway {
    /// Everything up to here.
    pub(crate) cleared_up_to: Seq,
    hidden: BTreeSet<Seq>,
}

impl PutAway {
    /// Of one conversation, as far as `(after, up_to]` is concerned. Costs one look at memory for those who have no lists.
    pub(crate) async fn of(
        service: &Service,
        caller: &Caller,
        id: ConversationId,
        after: Seq,
        up_to: Seq,
    ) -> Result<Self, Refusal> {
        let refused = |error| service.store_refusal(&error);
        let own = ConversationId::own(&caller.user);
        if service.directory().roster(own, View::Fresh).await.map_err(refused)?.is_none() {
            return Ok(Self::default());
        }
        let options = service.lists().item(own, ItemKey::options(id)).await.map_err(refused)?;
        let cleared_up_to = match options.map(|change| change.kind.clone()) {
            Some(ChangeKind::Item(Item::Options(options))) => options.cleared_up_to,
            _ => Seq::ZERO,
        };
        let mut away = Self { cleared_up_to, hidden: BTreeSet::new() };
        let mut from = ItemKey::hidden(id, after.max(cleared_up_to));
        let page = PageLimit { entries: limits::PAGE_MAX, bytes: limits::PAGE_MAX_BYTES };
        loop {
            let prefix = ItemKey::all_hidden(id);
            let found = service.lists().items(own, prefix, from, page).await.map_err(refused)?;
            let seqs: Vec<Seq> = found
                .iter()
                .filter_map(|change| match &change.kind {
                    ChangeKind::Item(Item::Hidden { seq, .. }) => Some(*seq),
                    _ => None,
                })
                .collect();
            let Some(last) = seqs.last().copied() else { return Ok(away) };
            away.hidden.extend(seqs.into_iter().filter(|seq| *seq <= up_to));
            if last > up_to {
                return Ok(away);
            }
            from = ItemKey::hidden(id, last);
        }
    }

    /// Whether a message was put away.
    pub(crate) fn holds(&self, seq: Seq) -> bool {
        seq <= self.cleared_up_to || self.hidden.contains(&seq)
    }
}
