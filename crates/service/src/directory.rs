//! Looking up users and member lists, from the cache or from the store, as the asker demands.

use std::sync::Arc;

use anser_backend::{Accounts, Conversations, Roster, StoreError, Whom};
use anser_types::{ConversationId, UserId, UserNo};

use crate::cache::{RosterCache, ShowsReadCache, UserCache};

/// Whether an answer may come from memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// Possibly out of date; good enough for a "yes" that carries its version.
    Cached,
    /// As durable now. Needed for every "no" and for everything a reader is shown.
    Fresh,
}

/// The one place that resolves ids.
pub(crate) struct Directory {
    conversations: Arc<dyn Conversations>,
    accounts: Arc<dyn Accounts>,
    rosters: RosterCache,
    users: UserCache,
    shows_read: ShowsReadCache,
}

impl Directory {
    pub(crate) fn new(
        conversations: Arc<dyn Conversations>,
        accounts: Arc<dyn Accounts>,
        cached_members: usize,
    ) -> Self {
        Self {
            conversations,
            accounts,
            rosters: RosterCache::new(cached_members),
            users: UserCache::new(cached_members / 2),
            shows_read: ShowsReadCache::new(cached_members / 2),
        }
    }

    /// Row and members of a conversation; of a channel, those of these users who are or were members, always as durable
    /// now.
    pub(crate) async fn roster(
        &self,
        id: ConversationId,
        of: &[UserNo],
        view: View,
    ) -> Result<Option<Arc<Roster>>, StoreError> {
        let Some(roster) = self.at_hand(id, view).await? else { return Ok(None) };
        self.with(roster, of).await.map(Some)
    }

    /// The same roster, of a channel with these users' memberships besides.
    pub(crate) async fn with(
        &self,
        roster: Arc<Roster>,
        of: &[UserNo],
    ) -> Result<Arc<Roster>, StoreError> {
        let conversation = &roster.conversation;
        if conversation.channel().is_none() || of.iter().all(|no| roster.member(*no).is_some()) {
            return Ok(roster);
        }
        let known = roster.members.iter().map(|member| member.user_no);
        let whom = Whom::These(known.chain(of.iter().copied()).collect());
        let members = self.conversations.members(conversation.id, whom).await?;
        Ok(Arc::new(Roster { conversation: conversation.clone(), members }))
    }

    async fn at_hand(
        &self,
        id: ConversationId,
        view: View,
    ) -> Result<Option<Arc<Roster>>, StoreError> {
        if view == View::Cached
            && let Some(roster) = self.rosters.get(id)
        {
            return Ok(Some(roster));
        }
        let found = self.conversations.roster(id).await?;
        if let Some(roster) = &found {
            self.rosters.put(roster);
        }
        Ok(found)
    }

    /// The member list at hand, if any; never waits. Of a channel there is none.
    pub(crate) fn roster_at_hand(&self, id: ConversationId) -> Option<Arc<Roster>> {
        self.rosters.get(id)
    }

    /// The number of a user, if they exist.
    pub(crate) async fn user(&self, id: &UserId) -> Result<Option<UserNo>, StoreError> {
        if let Some(no) = self.users.get(id) {
            return Ok(Some(no));
        }
        let found = self.accounts.user(id.clone()).await?.map(|user| user.no);
        if let Some(no) = found {
            self.users.put(id.clone(), no);
        }
        Ok(found)
    }

    /// Who lets others see how far they have read.
    pub(crate) const fn shows_read(&self) -> &ShowsReadCache {
        &self.shows_read
    }

    /// What was committed about member lists.
    pub(crate) const fn rosters(&self) -> &RosterCache {
        &self.rosters
    }
}
