//! When messages are forgotten: at a time their sender chose, or some time after their receiver has read them.
//!
//! A message that burns gets its time in the commit that moves its receiver's read position past it, as a numbered
//! change that all devices of both hear of. So it holds offline, after a restart and in a rebuild, like every change.

use std::sync::Arc;

use anser_backend::{InboxEntry, InboxWrite, Order, PageLimit, Record};
use anser_types::{
    Alteration, ChangeKind, Content, Conversation, ErrorCode, Message, Refusal, Seq, UnixMs, limits,
};

use crate::fanout::route::{Told, audience};
use crate::messages::request::Actor;
use crate::rules::{No, Place};
use crate::service::Service;

/// Whether the times make sense now.
pub(crate) fn check(content: &Content, now: UnixMs) -> Result<(), No> {
    if let Some(at) = content.expires_at {
        if at <= now {
            return Err(No::because(ErrorCode::TooLate, "it was to expire before it came"));
        }
        if at.0 - now.0 > limits::EXPIRES_WITHIN_MS {
            let days = limits::EXPIRES_WITHIN_MS / 86_400_000;
            let detail = format!("a message expires within {days} days");
            return Err(No::because(ErrorCode::InvalidArgument, detail));
        }
    }
    let (least, most) = limits::BURN_AFTER_MS;
    if content.burn_after_ms.is_some_and(|ms| ms < least || ms > most) {
        let detail = format!("a message burns {least} to {most} ms after it was read");
        return Err(No::because(ErrorCode::InvalidArgument, detail));
    }
    Ok(())
}

/// Only what two people say to each other burns, and only while what waits to be read can begin to burn at once.
pub(crate) async fn may_burn(service: &Service, actor: &Actor, place: &Place) -> Result<(), No> {
    let no = |code, detail: String| No::Final(Refusal::because(code, detail), place.expects());
    let id = place.roster.conversation.id;
    let other = place.roster.members.iter().find(|member| member.user_no != actor.no);
    let Some(other) = other.filter(|_| id.is_direct()) else {
        let detail = "only messages between two people burn";
        return Err(no(ErrorCode::NotAllowed, detail.to_owned()));
    };
    if place.is_new {
        return Ok(());
    }
    let conversations = service.conversations();
    let read = conversations.positions(id, &[other.user_no]).await?;
    let read = read.first().map_or(Seq::ZERO, |position| position.read);
    let head = conversations.heads(id).await?.seq;
    if head.0.saturating_sub(read.0) >= limits::BURN_UNREAD_MAX {
        let detail = format!(
            "{} messages wait to be read here; beyond that none is sent that burns",
            limits::BURN_UNREAD_MAX
        );
        return Err(no(ErrorCode::LimitReached, detail));
    }
    Ok(())
}

/// Notes in the conversation that something burns in it; the record of its row, if that has to be written for it.
pub(crate) fn first_that_burns(place: &mut Place) -> Option<Record> {
    if place.roster.conversation.burns {
        return None;
    }
    let mut roster = place.roster.as_ref().clone();
    roster.conversation.burns = true;
    if place.is_new {
        place.roster = Arc::new(roster);
        return None;
    }
    let version = roster.conversation.version.next();
    roster.conversation = Conversation { version, ..roster.conversation };
    let record = Record::Conversation(roster.conversation.clone());
    place.roster = Arc::new(roster);
    Some(record)
}

/// What begins to burn when a read position moves: changes, whose inboxes hear of them, and whom they are told to.
#[derive(Debug, Default)]
pub(crate) struct Burning {
    pub(crate) records: Vec<Record>,
    pub(crate) inbox: Vec<InboxWrite>,
    pub(crate) told: Vec<Told>,
}

/// Everything of the other one that burns and lies in `(read, up_to]`. Records come behind `behind` others.
pub(crate) async fn begun_by_reading(
    service: &Service,
    actor: &Actor,
    place: &Place,
    (read, up_to): (Seq, Seq),
    behind: usize,
) -> Result<Burning, No> {
    let mut burning = Burning::default();
    let row = &place.roster.conversation;
    if !row.burns {
        return Ok(burning);
    }
    let audience = audience(&place.roster);
    let now = service.clock().now();
    let mut after = read;
    while after < up_to {
        let limit = PageLimit { entries: limits::PAGE_MAX, bytes: limits::PAGE_MAX_BYTES };
        let conversations = service.conversations();
        let page = conversations.messages(row.id, after, up_to, Order::OldestFirst, limit).await?;
        let Some(last) = page.last() else { break };
        after = last.seq;
        for (seq, burn_after_ms) in page.iter().filter_map(|message| burns(message, actor)) {
            let alteration = Alteration::Burn(UnixMs(now.0 + u64::from(burn_after_ms)));
            let kind = ChangeKind::MessageAltered { seq, alteration };
            let entry = InboxEntry::Record(behind + burning.records.len());
            let (conversation, actor) = (row.id, actor.id.clone());
            burning.records.push(Record::Change { conversation, actor, kind: kind.clone() });
            burning
                .inbox
                .extend(audience.iter().map(|(user, _)| InboxWrite { user: *user, entry }));
            burning.told.push(Told {
                conversation,
                kind,
                audience: audience.clone(),
                in_channel: false,
            });
        }
    }
    Ok(burning)
}

fn burns(message: &Message, reader: &Actor) -> Option<(Seq, u32)> {
    let content = message.content.as_ref().filter(|_| message.sender != reader.id)?;
    Some((message.seq, content.burn_after_ms?))
}
