//! Say something: the rules of `SendMessage`.

use std::collections::BTreeSet;
use std::sync::Arc;

use anser_backend::{InboxEntry, InboxWrite, Record, Roster};
use anser_types::{
    Content, ConversationId, ErrorCode, Member, MessageId, MessageKind, Refusal, Relation, Seq,
    Target, UnixMs, Version, limits,
};

use crate::directory::View;
use crate::fanout::route::Route;
use crate::lists::own::Own;
use crate::lists::reach;
use crate::messages::expiry;
use crate::messages::request::Actor;
use crate::messages::speak;
use crate::rules::{No, Place, Plan, founding, inbox_of_members, place};
use crate::service::Service;
use crate::visible;

/// What a message carries beside its place.
pub(crate) struct Composed<'a> {
    pub(crate) content: &'a Arc<Content>,
    pub(crate) id: MessageId,
    pub(crate) sent_at: UnixMs,
}

/// A message for everybody in the conversation, the sender's other devices included.
pub(crate) async fn plan(
    service: &Service,
    actor: &Actor,
    to: &Target,
    composed: &Composed<'_>,
    view: View,
) -> Result<Plan, No> {
    check_content(composed.content)?;
    expiry::check(composed.content, service.clock().now())?;
    let mut place = place(service.directory(), actor, to, view).await?;
    speak::may(service, actor, &place)?;
    let mut expects = place.expects();
    if place.is_new {
        expects.extend(may_begin(service, actor, &place).await?);
    }
    if let Some(reply_to) = composed.content.reply_to {
        check_reply(service, actor, &place, reply_to).await?;
    }
    let mut records = Vec::with_capacity(if place.is_new { 4 } else { 1 });
    service.may_hold(actor, composed.content).await?;
    if composed.content.burn_after_ms.is_some() {
        expiry::may_burn(service, actor, &place).await?;
        records.extend(expiry::first_that_burns(&mut place));
    }
    if place.is_new {
        let (row, joins) = founding(service, &place.roster);
        let conversation = row.id;
        // What is remembered of it after the commit is what is written: the next change of the row begins with that.
        let members = place.roster.members.clone();
        place.roster = Arc::new(Roster { conversation: row.clone(), members });
        records.push(Record::Conversation(row));
        records.extend(joins.into_iter().map(|write| Record::Member { conversation, write }));
    }
    records.push(Record::Message {
        conversation: place.roster.conversation.id,
        sender: actor.id.clone(),
        id: composed.id,
        sent_at: composed.sent_at,
        content: Arc::clone(composed.content),
    });
    if place.roster.conversation.channel().is_some() {
        return in_channel(service, actor, place, composed, (expects, records)).await;
    }
    Ok(Plan {
        expects,
        inbox: inbox_of_members(&place.roster, records.len() - 1),
        records,
        route: Route::Message {
            roster: place.roster,
            sender: (actor.no, actor.id.clone()),
            id: composed.id,
            sent_at: composed.sent_at,
            content: Arc::clone(composed.content),
        },
    })
}

/// A message in a channel stands in its log; only those it calls by name have an entry, if they are there.
async fn in_channel(
    service: &Service,
    actor: &Actor,
    place: Place,
    composed: &Composed<'_>,
    (expects, records): (Vec<(ConversationId, Version)>, Vec<Record>),
) -> Result<Plan, No> {
    let (directory, conversation) = (service.directory(), place.roster.conversation.id);
    let mut named = BTreeSet::new();
    for user in &composed.content.mentions {
        named.extend(directory.user(user).await?);
    }
    named.remove(&actor.no);
    let named: Vec<_> = named.into_iter().collect();
    let roster = directory.with(Arc::clone(&place.roster), &named).await?;
    let called: Vec<_> = named
        .into_iter()
        .filter(|user| roster.member(*user).is_some_and(Member::is_present))
        .collect();
    let entry = InboxEntry::Record(records.len() - 1);
    Ok(Plan {
        expects,
        records,
        inbox: called.iter().map(|user| InboxWrite { user: *user, entry }).collect(),
        route: Route::Channel {
            conversation,
            sender: actor.id.clone(),
            id: composed.id,
            sent_at: composed.sent_at,
            content: Arc::clone(composed.content),
            called,
        },
    })
}

/// The first message to somebody: whether they take it, and whether one would hear the answer. Returns what was decided
/// on.
async fn may_begin(
    service: &Service,
    actor: &Actor,
    place: &Place,
) -> Result<Vec<(ConversationId, Version)>, No> {
    let peer = place.roster.members.iter().find(|member| member.user_no != actor.no);
    let Some(peer) = peer else { return Ok(Vec::new()) };
    let reach = reach::check(service, actor, peer.user_no, &peer.user).await?;
    let mut expects = vec![reach.ok_or_refuse(&peer.user)?];
    let own = Own::of(service, actor.no, &actor.id).await?;
    expects.push(own.expects());
    let contact = own.contact(&peer.user).await?;
    let are_contacts = contact.as_ref().is_some_and(|one| one.relation == Relation::Contact);
    if !are_contacts {
        service.paces().meet(actor, peer.user_no)?;
    }
    if contact.is_some_and(|contact| contact.blocked) {
        let detail = format!("you block {}; unblock them first", peer.user);
        return Err(No::Final(Refusal::because(ErrorCode::NotAllowed, detail), expects));
    }
    Ok(expects)
}

pub(crate) fn check_content(content: &Content) -> Result<(), No> {
    if content.body.len() > limits::CONTENT_MAX_BYTES {
        let detail =
            format!("{} bytes; the limit is {}", content.body.len(), limits::CONTENT_MAX_BYTES);
        return Err(No::because(ErrorCode::ContentTooLarge, detail));
    }
    if content.mentions.len() > limits::MENTIONS_MAX {
        let detail = format!("at most {} mentions", limits::MENTIONS_MAX);
        return Err(No::because(ErrorCode::InvalidArgument, detail));
    }
    match content.kind {
        MessageKind::System => {
            Err(No::because(ErrorCode::NotAllowed, "system notices are made by the server"))
        }
        MessageKind::Text if std::str::from_utf8(&content.body).is_err() => {
            Err(No::because(ErrorCode::InvalidArgument, "text must be UTF-8"))
        }
        _ => Ok(()),
    }
}

/// The message answered must exist and be visible to the sender.
async fn check_reply(
    service: &Service,
    actor: &Actor,
    place: &Place,
    reply_to: Seq,
) -> Result<(), No> {
    let heads = if place.is_new {
        anser_backend::Heads::default()
    } else {
        service.conversations().heads(place.roster.conversation.id).await?
    };
    let seen = place
        .roster
        .member(actor.no)
        .is_some_and(|member| visible::message(member, heads, reply_to));
    if seen {
        Ok(())
    } else {
        let detail = format!("there is no message {reply_to} here");
        Err(No::Final(Refusal::because(ErrorCode::TargetMissing, detail), place.expects()))
    }
}
