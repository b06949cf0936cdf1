//! The raw store as evidence, read through its ports and past all rules.

use std::collections::BTreeMap;

use anser_backend::{Conversations, Inspect, Order, PageLimit, Roster, StoreError};
use anser_types::{Change, ChangeKind, ChangeNo, ConversationId, Message, Seq, UserNo};

use super::altering::Shape;
use super::evidence::{BodyHash, ChangeDump, ConversationDump, Editions, MemberDump, Stored};
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
    let roster = Roster::whole(conversations, id).await?;
    let members = roster.as_ref().map_or(&[][..], |roster| &roster.members);
    let users: Vec<UserNo> = members.iter().map(|member| member.user_no).collect();
    let positions = conversations.positions(id, &users).await?;
    let members = members.iter().zip(positions).map(|(member, position)| MemberDump {
        user: member.user.clone(),
        periods: member.periods.clone(),
        read: position.read,
    });
    let members = members.collect();
    let messages = dump_messages(conversations, id).await?;
    let changes = dump_changes(conversations, id).await?;
    let mut editions = BTreeMap::new();
    for message in messages.iter().filter(|message| message.shape.by > ChangeNo::ZERO) {
        let kept = conversations.editions(id, message.seq).await?;
        let kept = kept.iter().map(|kept| (kept.until, BodyHash::of(&kept.content.body)));
        let kept: Editions = kept.collect();
        editions.insert(message.seq, kept);
    }
    Ok(ConversationDump { id, members, messages, changes, editions })
}

async fn dump_messages(
    conversations: &dyn Conversations,
    id: ConversationId,
) -> Result<Vec<Stored>, StoreError> {
    let mut messages: Vec<Stored> = Vec::new();
    loop {
        let after = messages.last().map_or(Seq::ZERO, |message| message.seq);
        let page = conversations.messages(id, after, Seq::MAX, Order::OldestFirst, PAGE).await?;
        if page.is_empty() {
            return Ok(messages);
        }
        messages.extend(page.iter().map(|message| Stored::from(message.as_ref())));
    }
}

async fn dump_changes(
    conversations: &dyn Conversations,
    id: ConversationId,
) -> Result<Vec<ChangeDump>, StoreError> {
    let mut changes: Vec<ChangeDump> = Vec::new();
    loop {
        let after = changes.last().map_or(ChangeNo::ZERO, |change| change.no);
        let page = conversations.changes(id, after, PAGE).await?;
        if page.is_empty() {
            return Ok(changes);
        }
        changes.extend(page.iter().map(|change| ChangeDump::from(change.as_ref())));
    }
}

impl From<&Change> for ChangeDump {
    fn from(change: &Change) -> Self {
        let alters = match &change.kind {
            ChangeKind::MessageAltered { seq, alteration } => Some((*seq, alteration.into())),
            _ => None,
        };
        let (actor, item) = (change.actor.clone(), change.item().cloned());
        Self { no: change.change_no, after: change.after_seq, actor, at: change.at, alters, item }
    }
}

impl From<&Message> for Stored {
    fn from(message: &Message) -> Self {
        Self {
            seq: message.seq,
            key: MessageKey { sender: message.sender.clone(), id: message.id },
            shape: Shape::from(message),
        }
    }
}
