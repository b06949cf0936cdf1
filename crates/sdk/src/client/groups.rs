//! Groups: make, invite, leave, remove, list. These wait until the server has executed them; while offline they wait
//! in the outbox, and dropping the future does not take them back.

use anser_client::queries::{MemberState, Query, Reply};
use anser_types::{Command, ConversationId, UserId, Version};

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

    /// The present members of a group with their read positions, asked of the server. From then on
    /// [`crate::store::Conversation::members`] is known.
    ///
    /// # Errors
    /// `CONVERSATION_UNKNOWN`, `UNREACHABLE` while offline, or the client is closed.
    pub async fn group_members(&self, group: ConversationId) -> Result<Vec<MemberState>, Error> {
        let query = Query::Members { conversation: group, known: Version::ZERO };
        match self.query(query).await? {
            Reply::Members { version, members: Some(members) } => {
                let me = members.iter().find(|member| member.user == self.inner.user);
                let role = me.map(|me| me.role);
                self.inner.store.members_counted(group, version, members.len(), role).await?;
                Ok(members)
            }
            _ => Err(wrong_answer()),
        }
    }
}
