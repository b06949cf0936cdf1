//! Groups: make, invite, leave, remove, list, change what they are. These wait until the server has executed them; while offline they wait
//! in the outbox, and dropping the future does not take them back.

use anser_client::queries::{MemberState, Query, Reply};
use anser_client::records::RowUpdate;
use anser_types::{
    Command, ConversationId, Done, ErrorCode, Group, Refusal, SetGroup, UserId, Version,
};

use super::handle::{Client, wrong_answer};
use crate::error::Error;

/// Members of a group as the server gives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembersPage {
    /// The group's version when they were read.
    pub version: Version,
    /// Who is in it.
    pub members: Vec<MemberState>,
    /// More come after the last of these.
    pub more: bool,
}

impl Client {
    /// Makes a group with oneself as owner and these members.
    ///
    /// # Errors
    /// `USER_UNKNOWN`, `GROUP_FULL`, `INVALID_ARGUMENT`, or the client is closed.
    pub async fn create_group(
        &self,
        title: impl Into<String>,
        members: Vec<UserId>,
        history_for_new_members: bool,
    ) -> Result<ConversationId, Error> {
        let command =
            Command::CreateGroup { title: title.into(), members, history_for_new_members };
        self.execute(command).await?.conversation.ok_or_else(wrong_answer)
    }

    /// Makes a channel with oneself as owner and these members: a group that may grow to 100,000 members, whose messages
    /// go into nobody's inbox. It is made as a group and then turned into a channel; each happens exactly once. If the
    /// second step is refused, the group stays one: see [`Self::make_channel`].
    ///
    /// # Errors
    /// As [`Self::create_group`] and [`Self::make_channel`].
    pub async fn create_channel(
        &self,
        title: impl Into<String>,
        members: Vec<UserId>,
    ) -> Result<ConversationId, Error> {
        let group = self.create_group(title, members, false).await?;
        self.make_channel(group).await?;
        Ok(group)
    }

    /// Turns a group into a channel; there is no way back. The owner may. Everybody in it hears of it and goes on from
    /// there without losing a message.
    ///
    /// # Errors
    /// As [`Self::update_group`].
    pub async fn make_channel(&self, group: ConversationId) -> Result<Done, Error> {
        self.update_group(group, SetGroup { channel: true, ..SetGroup::default() }).await
    }

    /// Adds users to a group.
    ///
    /// # Errors
    /// `NOT_ALLOWED`, `USER_UNKNOWN`, `GROUP_FULL`, `CONVERSATION_UNKNOWN`, or the client is closed.
    pub async fn invite(&self, group: ConversationId, users: Vec<UserId>) -> Result<(), Error> {
        self.execute(Command::Invite { conversation: group, users }).await.map(drop)
    }

    /// Leaves a group.
    ///
    /// # Errors
    /// `CONVERSATION_UNKNOWN`, or the client is closed.
    pub async fn leave_group(&self, group: ConversationId) -> Result<(), Error> {
        self.execute(Command::Leave { conversation: group }).await.map(drop)
    }

    /// Removes users from a group.
    ///
    /// # Errors
    /// `NOT_ALLOWED`, `CONVERSATION_UNKNOWN`, or the client is closed.
    pub async fn kick(&self, group: ConversationId, users: Vec<UserId>) -> Result<(), Error> {
        self.execute(Command::Kick { conversation: group, users }).await.map(drop)
    }

    /// Changes what a group is: name, picture, announcement, who comes in, who may speak; what is `None` stays. Owner
    /// and admins may. Everybody in it hears [`Event::GroupChanged`](crate::Event::GroupChanged), here and below.
    ///
    /// # Errors
    /// `NOT_ALLOWED`, `INVALID_ARGUMENT`, `CONVERSATION_UNKNOWN`, or the client is closed.
    pub async fn update_group(&self, group: ConversationId, set: SetGroup) -> Result<Done, Error> {
        self.execute(Command::UpdateGroup { conversation: group, set }).await
    }

    /// Dissolves a group: everybody's membership ends. What was said stays readable for those who were in it.
    ///
    /// # Errors
    /// `NOT_ALLOWED` for all but the owner, else as [`Self::update_group`].
    pub async fn dismiss_group(&self, group: ConversationId) -> Result<Done, Error> {
        self.execute(Command::Dismiss { conversation: group }).await
    }

    /// What a group is, asked of the server; also of one that one has left. From then on
    /// [`crate::store::Conversation::group`] is known, and while one is in it
    /// [`crate::store::Conversation::members`].
    ///
    /// # Errors
    /// `CONVERSATION_UNKNOWN`, `UNREACHABLE` while offline, or the client is closed.
    pub async fn group(&self, group: ConversationId) -> Result<Group, Error> {
        // The list goes by id: after the id before it this one comes first.
        let before = u128::from_be_bytes(group.0).checked_sub(1).map(u128::to_be_bytes);
        let query = Query::Conversations { after: before.map(ConversationId), limit: 1 };
        let Reply::Conversations { page, .. } = self.query(query).await? else {
            return Err(wrong_answer());
        };
        let row = page.into_iter().find(|row| row.conversation == group);
        let Some(RowUpdate::Full(state)) = row.map(|row| row.update) else {
            return Err(Refusal::new(ErrorCode::ConversationUnknown).into());
        };
        let told = state.group.ok_or_else(|| {
            let detail = "this is a direct conversation";
            Error::from(Refusal::because(ErrorCode::InvalidArgument, detail))
        })?;
        self.inner.store.group_told(group, state.version, told.clone()).await?;
        if state.member {
            let (version, role) = (state.version, Some(state.role));
            self.inner.store.members_counted(group, version, state.members, role).await?;
        }
        Ok(told)
    }

    /// The present members of a group with their names in it, rights and read positions, asked of the server. From then on
    /// [`crate::store::Conversation::members`] is known. A channel's many members are read page after page:
    /// [`Self::channel_members`] gives them so.
    ///
    /// # Errors
    /// `CONVERSATION_UNKNOWN`, `UNREACHABLE` while offline, or the client is closed.
    pub async fn group_members(&self, group: ConversationId) -> Result<Vec<MemberState>, Error> {
        let mut page = self.members_page(group, None, 0).await?;
        if page.more {
            let mut all = Vec::new();
            loop {
                let after = page.members.last().map(|member| member.user.clone());
                all.append(&mut page.members);
                if !page.more || after.is_none() {
                    return Ok(all);
                }
                page = self.members_page(group, after, 0).await?;
            }
        }
        let members = page.members;
        let me = members.iter().find(|member| member.user == self.inner.user);
        let role = me.map(|me| me.role);
        let count = u32::try_from(members.len()).unwrap_or(u32::MAX);
        self.inner.store.members_counted(group, page.version, count, role).await?;
        Ok(members)
    }

    /// Some members of a channel: those after `after` (`None`: from the first), at most `limit` (0: as many as the server
    /// gives at a time). The order means nothing but where to go on. Of an ordinary group all come at once.
    ///
    /// # Errors
    /// As [`Self::group_members`].
    pub async fn channel_members(
        &self,
        channel: ConversationId,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<MembersPage, Error> {
        self.members_page(channel, after, limit).await
    }

    async fn members_page(
        &self,
        conversation: ConversationId,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<MembersPage, Error> {
        let query = Query::Members { conversation, known: Version::ZERO, after, limit };
        match self.query(query).await? {
            Reply::Members { version, members: Some(members), more } => {
                Ok(MembersPage { version, members, more })
            }
            _ => Err(wrong_answer()),
        }
    }
}
