//! Walks the whole store page by page, so that memory stays bounded whatever its size.

use std::sync::Arc;

use anser_backend::{Accounts, Conversations, Inspect, Order, PageLimit, Roster, StoreError};
use anser_types::{ChangeNo, ConversationId, InboxSeq, Seq, UserId, UserNo};
use serde_json::Value;

use super::lines;

/// One read of the walk.
const PAGE: PageLimit = PageLimit { entries: 512, bytes: 1024 * 1024 };

/// The ports a dump reads through.
pub struct Ports {
    /// What there is.
    pub inspect: Arc<dyn Inspect>,
    /// Conversations and inboxes.
    pub conversations: Arc<dyn Conversations>,
    /// Users and devices.
    pub accounts: Arc<dyn Accounts>,
}

/// What a dump tells besides users, inbox bounds, conversations, messages and changes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Selection {
    /// Also every entry of every inbox.
    pub inbox_entries: bool,
}

/// How much there was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Users.
    pub users: u64,
    /// Conversations.
    pub conversations: u64,
    /// Messages, tombstones included.
    pub messages: u64,
    /// Changes.
    pub changes: u64,
    /// Inbox entries; counted by the heads and floors unless they were read.
    pub inbox_entries: u64,
}

/// Why a walk ended early.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A line could not be written.
    #[error("the dump could not be written: {0}")]
    Output(#[from] std::io::Error),
}

/// Gives every line to `tell`: users with their inboxes by number, then conversations with messages and changes by id.
///
/// # Errors
/// The first thing that could not be read or told.
pub async fn walk(
    ports: &Ports,
    selection: Selection,
    tell: &mut dyn FnMut(&Value) -> std::io::Result<()>,
) -> Result<Counts, WalkError> {
    let mut counts = Counts::default();
    let mut last = UserNo(0);
    loop {
        let users = ports.inspect.user_nos(last, PAGE.entries).await?;
        for no in &users {
            walk_user(ports, selection, *no, &mut counts, tell).await?;
        }
        match users.last() {
            Some(no) => last = *no,
            None => break,
        }
    }
    let mut last = None;
    loop {
        let ids = ports.inspect.conversation_ids(last, PAGE.entries).await?;
        for id in &ids {
            walk_conversation(ports, *id, &mut counts, tell).await?;
        }
        match ids.last() {
            Some(id) => last = Some(*id),
            None => return Ok(counts),
        }
    }
}

async fn walk_user(
    ports: &Ports,
    selection: Selection,
    no: UserNo,
    counts: &mut Counts,
    tell: &mut dyn FnMut(&Value) -> std::io::Result<()>,
) -> Result<(), WalkError> {
    let user = ports.accounts.user_by_no(no).await?.ok_or_else(|| {
        StoreError::Damaged(format!("user number {} is listed but has no record", no.0))
    })?;
    counts.users += 1;
    tell(&lines::user(&user, &ports.accounts.devices(no).await?))?;
    let bounds = ports.conversations.inbox_bounds(no).await?;
    tell(&lines::inbox(&user.id, bounds))?;
    if selection.inbox_entries {
        walk_inbox(ports, no, &user.id, bounds.floor, counts, tell).await
    } else {
        counts.inbox_entries += bounds.head.0.saturating_sub(bounds.floor.0);
        Ok(())
    }
}

async fn walk_inbox(
    ports: &Ports,
    no: UserNo,
    user: &UserId,
    floor: InboxSeq,
    counts: &mut Counts,
    tell: &mut dyn FnMut(&Value) -> std::io::Result<()>,
) -> Result<(), WalkError> {
    let mut after = floor;
    loop {
        let page = ports.conversations.inbox(no, after, PAGE).await?;
        if page.events.is_empty() {
            return Ok(());
        }
        let mut inbox_seq = page.first;
        for event in &page.events {
            tell(&lines::entry(user, inbox_seq, event))?;
            after = inbox_seq;
            inbox_seq = inbox_seq.next();
            counts.inbox_entries += 1;
        }
    }
}

async fn walk_conversation(
    ports: &Ports,
    id: ConversationId,
    counts: &mut Counts,
    tell: &mut dyn FnMut(&Value) -> std::io::Result<()>,
) -> Result<(), WalkError> {
    let roster = Roster::whole(&*ports.conversations, id).await?.ok_or_else(|| {
        StoreError::Damaged(format!("conversation {id} is listed but has no record"))
    })?;
    counts.conversations += 1;
    tell(&lines::conversation(&roster, ports.conversations.heads(id).await?))?;
    let mut after = Seq::ZERO;
    loop {
        let page =
            ports.conversations.messages(id, after, Seq::MAX, Order::OldestFirst, PAGE).await?;
        for message in &page {
            tell(&lines::message(message))?;
            after = message.seq;
            counts.messages += 1;
        }
        if page.is_empty() {
            break;
        }
    }
    let mut after = ChangeNo::ZERO;
    loop {
        let page = ports.conversations.changes(id, after, PAGE).await?;
        for change in &page {
            tell(&lines::change(change))?;
            after = change.change_no;
            counts.changes += 1;
        }
        if page.is_empty() {
            return Ok(());
        }
    }
}
