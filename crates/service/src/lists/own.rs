//! One user's lists as they are, and changes of them.

use std::sync::Arc;

use anser_backend::{MemberWrite, Roster};
use anser_types::{
    ChangeKind, Contact, Conversation, ConversationId, ConversationKind, Item, ItemKey, Options,
    Role, Settings, UserId, UserNo, Version,
};

use crate::directory::View;
use crate::rules::{Draft, No};
use crate::service::Service;

/// See the module. Always as durable now: what is decided on it carries its version.
pub(crate) struct Own<'a> {
    service: &'a Service,
    no: UserNo,
    user: UserId,
    id: ConversationId,
    /// `None` as long as the user has neither lists nor notes.
    roster: Option<Arc<Roster>>,
}

impl<'a> Own<'a> {
    /// The lists of this user.
    pub(crate) async fn of(service: &'a Service, no: UserNo, user: &UserId) -> Result<Self, No> {
        let id = ConversationId::own(user);
        // The row before the items: they are never older than the version that the append must find.
        let roster = service.directory().roster(id, View::Fresh).await?;
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
        Ok(found.and_then(|change| match &change.kind {
            ChangeKind::Item(item) => Some(item.clone()),
            _ => None,
        }))
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
    pub(crate) async fn hides(&self, key: ItemKey) -> Result<bool, No> {
        Ok(self.item(key).await?.is_some())
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
        let (id, version, user) = (self.id, Version(1), self.user.clone());
        draft.expect(id, Version::ZERO);
        let mut row = Conversation {
            id,
            kind: ConversationKind::Direct { a: user.clone(), b: user.clone() },
            version,
            created_at: self.service.clock().now(),
            cuts: Vec::new(),
            pinned: Vec::new(),
        };
        // There may have been one before, in a log that a restore replaced.
        row.cut(self.service.ledger().status().log_epoch, anser_types::Seq::ZERO);
        draft.row(row);
        let (user_no, role, sees_history) = (self.no, Role::Member, true);
        draft.member(id, MemberWrite::Join { user_no, user, role, sees_history });
    }
}
