//! One user's lists as they are, and changes of them.

use std::ops::ControlFlow;
use std::sync::Arc;

use anser_backend::Roster;
use anser_types::{
    ChangeKind, Contact, ConversationId, Item, ItemKey, Options, Seq, Settings, UserId, UserNo,
    Version,
};

use crate::directory::View;
use crate::lists::pages::each_item;
use crate::lists::put_away::PutAway;
use crate::rules::{Draft, No, founding, new_direct};
use crate::service::Service;

/// See the module. What is decided on it carries its version.
pub(crate) struct Own<'a> {
    service: &'a Service,
    no: UserNo,
    user: UserId,
    id: ConversationId,
    /// `None` as long as the user has neither lists nor notes.
    roster: Option<Arc<Roster>>,
}

impl<'a> Own<'a> {
    /// The lists of this user, as durable now.
    pub(crate) async fn of(service: &'a Service, no: UserNo, user: &UserId) -> Result<Self, No> {
        Self::seen(service, no, user, View::Fresh).await
    }

    /// The lists of this user; items are as durable now in any case, only whether there are any may come from memory.
    pub(crate) async fn seen(
        service: &'a Service,
        no: UserNo,
        user: &UserId,
        view: View,
    ) -> Result<Self, No> {
        let id = ConversationId::own(user);
        // The row before the items: they are never older than the version that the append must find.
        let roster = service.directory().roster(id, &[], view).await?;
        Ok(Self { service, no, user: user.clone(), id, roster })
    }

    /// What a decision on these lists must find unchanged.
    pub(crate) fn expects(&self) -> (ConversationId, Version) {
        (self.id, self.roster.as_ref().map_or(Version::ZERO, |roster| roster.version()))
    }

    async fn item(&self, key: ItemKey) -> Result<Option<Item>, No> {
        if self.roster.is_none() {
            return Ok(None);
        }
        let found = self.service.lists().item(self.id, key).await?;
        Ok(found.and_then(|change| change.item().cloned()))
    }

    /// What they are to another user; `None` if they never had to do with each other.
    pub(crate) async fn contact(&self, with: &UserId) -> Result<Option<Contact>, No> {
        match self.item(ItemKey::contact(with)).await? {
            Some(Item::Contact(contact)) => Ok(Some(contact)),
            _ => Ok(None),
        }
    }

    /// What they let others do and see.
    pub(crate) async fn settings(&self) -> Result<Settings, No> {
        match self.item(ItemKey::settings()).await? {
            Some(Item::Settings(settings)) => Ok(settings),
            _ => Ok(Settings::default()),
        }
    }

    /// How they want a conversation shown.
    pub(crate) async fn options(&self, of: ConversationId) -> Result<Options, No> {
        match self.item(ItemKey::options(of)).await? {
            Some(Item::Options(options)) => Ok(options),
            _ => Ok(Options::usual(of)),
        }
    }

    /// Whether they have removed a message for themselves.
    pub(crate) async fn hides(&self, of: ConversationId, seq: Seq) -> Result<bool, No> {
        Ok(self.item(ItemKey::hidden(of, seq)).await?.is_some())
    }

    /// What of `(after, up_to]` of a conversation they have put away. Reads nothing for those who have no lists.
    pub(crate) async fn put_away(
        &self,
        of: ConversationId,
        after: Seq,
        up_to: Seq,
    ) -> Result<PutAway, No> {
        if self.roster.is_none() {
            return Ok(PutAway::default());
        }
        let mut away = PutAway::below(self.options(of).await?.cleared_up_to);
        let from = ItemKey::hidden(of, after.max(away.cleared_up_to));
        let prefix = ItemKey::all_hidden(of);
        each_item(self.service, self.id, prefix, from, |item| match item {
            Item::Hidden { seq, .. } if *seq <= up_to => {
                away.hide(*seq);
                ControlFlow::Continue(())
            }
            _ => ControlFlow::Break(()),
        })
        .await?;
        Ok(away)
    }

    /// Adds a change of these lists to a draft; the first of them makes the conversation if there is none.
    pub(crate) fn change(&self, draft: &mut Draft, item: Item) {
        if !draft.writes(self.id) {
            match &self.roster {
                Some(roster) => draft.next_version(&roster.conversation),
                None => self.found(draft),
            }
        }
        draft.change(self.id, ChangeKind::Item(item), vec![(self.no, self.user.clone())]);
    }

    fn found(&self, draft: &mut Draft) {
        let me = (self.no, &self.user);
        draft.expect(self.id, Version::ZERO);
        let (row, joins) = founding(self.service, &new_direct(self.id, me, me));
        draft.row(row);
        joins.into_iter().for_each(|join| draft.member(self.id, join));
    }
}
