//! The raw store as evidence, read through its ports and past all rules.

use anser_backend::{Conversations, Inspect, Order, PageLimit, StoreError};
use anser_types::{ConversationId, Message, Seq, UserNo};

use super::evidence::{BodyHash, ConversationDump, MemberDump, Stored};
use super::journal::MessageKey;

const PAGE: PageLimit = PageLimit { entries: 500, bytes: 4 << 20 };

/// Reads every conversation with its members and messages.
///
/// # Errors
/// When the store cannot be read; a dump is whole or none.
pub async fn dump_store(
    conversations: &dyn Conversations,
    inspect: &dyn Inspect,
) -> Result<Vec<ConversationDump>, StoreError> {
    let mut store: Vec<ConversationDump> = Vec::new();
    loop {
        let after = store.last().map(|log| log.id);
        let page = inspect.conversation_ids(after, PAGE.entries).await?;
        if page.is_empty() {
            return Ok(store);
        }
        for id in page {
            store.push(dump_conversation(conversations, id).await?);
        }
    }
}

async fn dump_conversation(
    conversations: &dyn Conversations,
    id: ConversationId,
) -> Result<ConversationDump, StoreError> {
    let roster = conversations.roster(id).await?;
    let members = roster.as_ref().map_or(&[][..], |roster| &roster.members);
    let users: Vec<UserNo> = members.iter().map(|member| member.user_no).collect();
    let positions = conversations.positions(id, &users).await?;
    let members = members.iter().zip(positions).map(|(member, position)| MemberDump {
        user: member.user.clone(),
        periods: member.periods.clone(),
        read: position.read,
    });
    let members = members.collect();
    let mut messages: Vec<Stored> = Vec::new();
    loop {
        let after = messages.last().map_or(Seq::ZERO, |message| message.seq);
        let page = conversations.messages(id, after, Seq::MAX, Order::OldestFirst, PAGE).await?;
        if page.is_empty() {
            return Ok(ConversationDump { id, members, messages });
        }
        messages.extend(page.iter().map(|message| Stored::from(message.as_ref())));
    }
}

impl From<&Message> for Stored {
    fn from(message: &Message) -> Self {
        Self {
            seq: message.seq,
            key: MessageKey { sender: message.sender.clone(), id: message.id },
            body: message.content.as_ref().map(|content| BodyHash::of(&content.body)),
        }
    }
}
