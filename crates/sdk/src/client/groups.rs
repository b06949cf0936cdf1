//! Groups: make, invite, leave, remove, list, change what they are. These wait until the server has executed them; while offline they wait
//! in the outbox, and dropping the future does not take them back.

use anser_client::queries::{MemberState, Query, Reply};
use anser_client::records::RowUpdate;
use anser_types::{
    Command, ConversationId, Done, ErrorCode, Group, Refusal, SetGroup, UserId, Version,
};

use super::handle::{Client, wrong_answer};
use crate::error::Error;

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
    /// [`crate::store::Conversation::group`] is known.
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
        Ok(told)
    }

    /// The present members of a group with their names in it, rights and read positions, asked of the server. From then on
    /// [`crate::store::Conversation::members`] is known.
    ///
    /// # Errors
    /// `CONVERSATION_UNKNOWN`, `UNREACHABLE` while offline, or the client is closed.
    pub async fn group_members(&self, group: ConversationId) -> Result<Vec<MemberState>, Error> {
        let query =
            Query::Members { conversation: group, known: Version::ZERO, after: None, limit: 0 };
        match self.query(query).await? {
            Reply::Members { version, members: Some(members), .. } => {
                let me = members.iter().find(|member| member.user == self.inner.user);
                let role = me.map(|me| me.role);
                self.inner.store.members_counted(group, version, members.len(), role).await?;
                Ok(members)
            }
            _ => Err(wrong_answer()),
        }
    }
}
