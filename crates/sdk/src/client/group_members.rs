//! What is done about members of a group, and how people come into one by themselves. As the other commands of groups,
//! these wait until the server has executed them; while offline they wait in the outbox, and dropping the future does
//! not take them back.

use anser_client::queries::{Query, Reply};
use anser_types::{
    ChangeKind, Command, ConversationId, Done, Item, ItemKey, ItemKind, JoinRequest, MemberAct,
    Role, Seq, UnixMs, UserId,
};

use super::handle::{Client, wrong_answer};
use crate::error::Error;

/// Requests to join fetched at a time.
const REQUESTS_PAGE: u32 = 200;

/// One page of who has read a message of a group, or who has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadersPage {
    /// How many have read it.
    pub read: usize,
    /// How many have not.
    pub unread: usize,
    /// Those of the side asked for, by user id.
    pub users: Vec<UserId>,
    /// More follow after this one.
    pub next: Option<UserId>,
}

impl Client {
    /// Makes a member an admin, or an admin a member again. The owner may; the owner's own place is given by
    /// [`Self::transfer_group`].
    ///
    /// # Errors
    /// `NOT_ALLOWED`, `USER_UNKNOWN` of somebody who is not in it, `CONVERSATION_UNKNOWN`, `INVALID_ARGUMENT`, or the
    /// client is closed.
    pub async fn set_role(
        &self,
        group: ConversationId,
        user: UserId,
        role: Role,
    ) -> Result<Done, Error> {
        self.alter_member(group, user, MemberAct::Role(role)).await
    }

    /// Hands a group over: the member is its owner from then on, and oneself an admin.
    ///
    /// # Errors
    /// As [`Self::set_role`].
    pub async fn transfer_group(&self, group: ConversationId, to: UserId) -> Result<Done, Error> {
        self.alter_member(group, to, MemberAct::Role(Role::Owner)).await
    }

    /// Forbids a member to speak until then; the past (`UnixMs(0)`) lets them speak again. Owner and admins may, of
    /// those below them.
    ///
    /// # Errors
    /// As [`Self::set_role`].
    pub async fn mute_member(
        &self,
        group: ConversationId,
        user: UserId,
        until: UnixMs,
    ) -> Result<Done, Error> {
        self.alter_member(group, user, MemberAct::MuteUntil(until)).await
    }

    /// Names a member within the group; an empty name takes it away. Everybody names themselves, owner and admins those
    /// below them.
    ///
    /// # Errors
    /// As [`Self::set_role`].
    pub async fn set_alias(
        &self,
        group: ConversationId,
        user: UserId,
        alias: impl Into<String>,
    ) -> Result<Done, Error> {
        self.alter_member(group, user, MemberAct::Alias(alias.into())).await
    }

    /// Any of the acts above.
    ///
    /// # Errors
    /// As [`Self::set_role`].
    pub async fn alter_member(
        &self,
        group: ConversationId,
        user: UserId,
        act: MemberAct,
    ) -> Result<Done, Error> {
        self.execute(Command::AlterMember { conversation: group, user, act }).await
    }

    /// Comes into a group by oneself, or asks to be let in, as the group has it: one is in it after
    /// [`Event::GroupChanged`](crate::Event::GroupChanged), one waits after
    /// [`Event::JoinRequestChanged`](crate::Event::JoinRequestChanged).
    ///
    /// # Errors
    /// `NOT_ALLOWED` of a group that takes in only who is invited, `CONVERSATION_UNKNOWN`, `GROUP_FULL`, `LIMIT_REACHED`,
    /// `INVALID_ARGUMENT`, or the client is closed.
    pub async fn join_group(
        &self,
        group: ConversationId,
        greeting: impl Into<String>,
    ) -> Result<Done, Error> {
        self.execute(Command::Join { conversation: group, greeting: greeting.into() }).await
    }

    /// Answers a request to join. Owner and admins may.
    ///
    /// # Errors
    /// `TARGET_MISSING` when none waits, `NOT_ALLOWED`, `GROUP_FULL`, `CONVERSATION_UNKNOWN`, or the client is closed.
    pub async fn answer_join_request(
        &self,
        group: ConversationId,
        user: UserId,
        accept: bool,
    ) -> Result<Done, Error> {
        self.execute(Command::AnswerJoin { conversation: group, user, accept }).await
    }

    /// Everybody's request to join a group, also answered ones, by user id; asked of the server. Owner and admins may.
    ///
    /// # Errors
    /// `NOT_ALLOWED`, `CONVERSATION_UNKNOWN`, `UNREACHABLE` while offline, or the client is closed.
    pub async fn join_requests(&self, group: ConversationId) -> Result<Vec<JoinRequest>, Error> {
        let (mut requests, mut after) = (Vec::new(), ItemKey::default());
        loop {
            let query = Query::Items {
                conversation: Some(group),
                prefix: ItemKey::all(ItemKind::JoinRequest),
                after,
                limit: REQUESTS_PAGE,
            };
            let Reply::Items { items, next } = self.query(query).await? else {
                return Err(wrong_answer());
            };
            requests.extend(items.iter().filter_map(|change| match &change.kind {
                ChangeKind::Item(Item::JoinRequest(request)) => Some(request.clone()),
                _ => None,
            }));
            self.inner.store.keep_join_requests(items).await?;
            match next {
                Some(next) => after = next,
                None => return Ok(requests),
            }
        }
    }

    /// One's own request to join a group, and what became of it, as it is known here.
    ///
    /// # Errors
    /// The store failed.
    pub async fn own_join_request(
        &self,
        group: ConversationId,
    ) -> Result<Option<JoinRequest>, Error> {
        Ok(self.inner.store.join_request(group, self.inner.user.clone()).await?)
    }

    /// Who has read a message of a group (`unread` false) or has not, with the counts of both, asked of the server: the
    /// members who may see it and let others see how far they have read, but for its sender. By user id; `after` is
    /// `next` of the page before.
    ///
    /// # Errors
    /// `CONVERSATION_UNKNOWN`, `TARGET_MISSING` of a message one may not see, `UNREACHABLE` while offline, or the client is
    /// closed.
    pub async fn readers_page(
        &self,
        group: ConversationId,
        seq: Seq,
        unread: bool,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<ReadersPage, Error> {
        let query = Query::Readers { conversation: group, seq, unread, after, limit };
        let Reply::Readers { read, unread, users, next } = self.query(query).await? else {
            return Err(wrong_answer());
        };
        let count = |count| usize::try_from(count).unwrap_or(usize::MAX);
        Ok(ReadersPage { read: count(read), unread: count(unread), users, next })
    }
}
