//! Pages of an inbox: pointers, then what they point at, neighbouring messages of one conversation in one scan.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

use anser_backend::{InboxBounds, InboxPage, PageLimit, StoreError, weight};
use anser_types::event::UnavailableReason;
use anser_types::{ConversationId, Event, InboxSeq, Message, Seq, Unavailable, UserNo};

use super::conversations::Page;
use crate::codec::{Pointed, Pointer, read_change, read_message, read_pointer};
use crate::core::{Core, number_of};
use crate::keys::{self, Table};
use crate::pending::Scope;
use crate::store::EmbeddedStore;
use crate::tables::TableError;

/// Pointers resolved together; a page that reaches its byte limit earlier reads no more than this in vain.
const RESOLVED_TOGETHER: usize = 64;

impl EmbeddedStore {
    /// The inbox's bounds.
    pub(crate) async fn bounds_of(&self, user: UserNo) -> Result<InboxBounds, StoreError> {
        let core = self.sound()?;
        if let Some(bounds) = core.cached_inbox(user) {
            return Ok(bounds);
        }
        core.pending.settle(Scope::User(user)).await?;
        self.read(|core| core.cached_inbox(user).map_or_else(|| core.stored_inbox(user), Ok))
    }

    /// One page; see the port.
    pub(crate) async fn inbox_page(
        &self,
        user: UserNo,
        after: InboxSeq,
        limit: PageLimit,
    ) -> Result<InboxPage, StoreError> {
        loop {
            let bounds = self.bounds_of(user).await?;
            let first = after.next();
            if after < bounds.floor || after >= bounds.head {
                return Ok(InboxPage { first, events: Vec::new(), bounds });
            }
            let head = bounds.head;
            let read = move |core: &Core| page(core, user, (after, head), limit);
            if let Some(events) = self.scan(Scope::User(user), read).await? {
                return Ok(InboxPage { first, events, bounds });
            }
            // An entry is missing: the inbox was trimmed meanwhile, else the store is damaged.
            if self.bounds_of(user).await?.floor <= after {
                let text = format!("an entry of inbox {} after {after} is missing", user.0);
                return Err(StoreError::Damaged(text));
            }
        }
    }
}

/// The events of a page, `None` if the first entry is missing.
fn page(
    core: &Core,
    user: UserNo,
    (after, head): (InboxSeq, InboxSeq),
    limit: PageLimit,
) -> Result<Option<Vec<Event>>, TableError> {
    let mut page = Page::new(limit);
    let mut next = after.next();
    while next <= head && !page.is_full() {
        let want = (limit.entries.max(1) - page.entries.len()).min(RESOLVED_TOGETHER);
        let pointers = pointers(core, user, (next, head), want)?;
        if pointers.is_empty() {
            break;
        }
        next = InboxSeq(next.0 + pointers.len() as u64);
        for event in resolve(core, &pointers)? {
            let weight = weight::of_event(&event);
            if page.take(event, weight).is_break() {
                return Ok(Some(page.entries));
            }
        }
    }
    Ok((!page.entries.is_empty()).then_some(page.entries))
}

/// Up to `want` entries, dense from `first`.
fn pointers(
    core: &Core,
    user: UserNo,
    (first, head): (InboxSeq, InboxSeq),
    want: usize,
) -> Result<Vec<Pointer>, TableError> {
    let mut found = Vec::with_capacity(want);
    let range = keys::inbox(user, first).to_vec()..=keys::inbox(user, head).to_vec();
    core.tables.scan(Table::Inbox, range, false, |key, row| {
        if number_of(key)? != first.0 + found.len() as u64 {
            return Ok(ControlFlow::Break(()));
        }
        found.push(read_pointer(row)?);
        Ok(if found.len() < want { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    Ok(found)
}

fn resolve(core: &Core, pointers: &[Pointer]) -> Result<Vec<Event>, TableError> {
    let messages = load_messages(core, pointers)?;
    pointers
        .iter()
        .map(|pointer| {
            let conversation = pointer.conversation;
            match pointer.what {
                Pointed::ReadSync(up_to) => Ok(Event::ReadSync { conversation, up_to }),
                Pointed::Message(seq) => Ok(messages
                    .get(&(conversation, seq))
                    .map_or_else(|| missing(conversation, seq), |m| Event::Message(Arc::clone(m)))),
                Pointed::Change(no) => {
                    let row = core.tables.get(Table::State, &keys::change(conversation, no))?;
                    let Some(row) = row else { return Ok(missing(conversation, Seq::ZERO)) };
                    Ok(Event::Change(Arc::new(read_change(conversation, no, &row)?)))
                }
            }
        })
        .collect()
}

/// What an entry points at is not there, although nothing removes it.
fn missing(conversation: ConversationId, seq: Seq) -> Event {
    tracing::error!(%conversation, %seq, "an inbox entry points at a record that is missing");
    let reason = UnavailableReason::Damaged;
    Event::Unavailable(Unavailable { conversation, from: seq, to: seq, reason })
}

type Messages = HashMap<(ConversationId, Seq), Arc<Message>>;

fn load_messages(core: &Core, pointers: &[Pointer]) -> Result<Messages, TableError> {
    let mut wanted: BTreeMap<ConversationId, Vec<Seq>> = BTreeMap::new();
    for pointer in pointers {
        if let Pointed::Message(seq) = pointer.what {
            wanted.entry(pointer.conversation).or_default().push(seq);
        }
    }
    let mut found = Messages::with_capacity(pointers.len());
    for (id, seqs) in wanted {
        let (Some(least), Some(most)) = (seqs.iter().min(), seqs.iter().max()) else { continue };
        let span = most.0 - least.0 + 1;
        if seqs.len() > 1 && span <= 2 * seqs.len() as u64 {
            let range = keys::message(id, *least).to_vec()..=keys::message(id, *most).to_vec();
            core.tables.scan(Table::Messages, range, false, |key, row| {
                let seq = Seq(number_of(key)?);
                found.insert((id, seq), Arc::new(read_message(id, seq, row)?));
                Ok(ControlFlow::Continue(()))
            })?;
            continue;
        }
        for seq in seqs {
            if let Some(row) = core.tables.get(Table::Messages, &keys::message(id, seq))? {
                found.insert((id, seq), Arc::new(read_message(id, seq, &row)?));
            }
        }
    }
    Ok(found)
}
