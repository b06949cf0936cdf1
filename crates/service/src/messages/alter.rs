//! Alter what was said: the rules of editing, taking back, reacting and pinning. Every alteration is a numbered change
//! of the conversation, told to everybody in it; the ledger makes it part of the message in the same commit.

use std::sync::Arc;

use anser_types::{
    Alteration, ChangeKind, Content, Conversation, ConversationKind, ErrorCode, Member, Message,
    MessageId, Refusal, Role, Seq, Target, limits,
};

use crate::directory::View;
use crate::fanout::route::audience;
use crate::history;
use crate::messages::request::Actor;
use crate::messages::send::check_content;
use crate::messages::speak;
use crate::rules::{Draft, No, Place, Plan, place};
use crate::service::Service;
use crate::visible;

/// Which message is meant: by its place, and by its identity where the actor knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Which {
    pub(crate) seq: Seq,
    pub(crate) of: Option<MessageId>,
}

/// The change of one message, for everybody in the conversation.
pub(crate) async fn plan(
    service: &Service,
    actor: &Actor,
    at: &Target,
    Which { seq, of }: Which,
    alteration: &Alteration,
    view: View,
) -> Result<Plan, No> {
    let place = place(service.directory(), actor, at, view).await?;
    let message = target(service, actor, &place, seq).await?;
    if of.is_some_and(|of| of != message.id) {
        let detail = format!("another message stands at {seq} than the one that is meant");
        return Err(No::Final(Refusal::because(ErrorCode::TargetMissing, detail), place.expects()));
    }
    let place = with_sender(service, place, &message).await?;
    if matches!(alteration, Alteration::Edit(_) | Alteration::React { .. }) {
        speak::may(service, actor, &place)?;
    }
    if let Alteration::Edit(content) = alteration {
        service.may_hold(actor, content).await?;
    }
    let case = Case { service, actor, place: &place, message: &message };
    let row = match alteration {
        Alteration::Edit(content) => case.edit(content)?,
        Alteration::Revoke => case.revoke()?,
        Alteration::React { emoji, on } => case.react(emoji, *on)?,
        Alteration::Pin { on } => case.pin(*on)?,
        Alteration::Gone | Alteration::Burn(_) | Alteration::Expire => {
            return Err(No::plain(ErrorCode::Unsupported));
        }
    };
    Ok(match row {
        Effect::None => Plan::nothing(),
        Effect::Message => change(actor, &place, None, seq, alteration),
        Effect::Row(row) => change(actor, &place, Some(*row), seq, alteration),
    })
}

/// What an allowed alteration alters.
enum Effect {
    /// Nothing: it is so already.
    None,
    /// The message.
    Message,
    /// The conversation's row.
    Row(Box<Conversation>),
}

fn change(
    actor: &Actor,
    place: &Place,
    row: Option<Conversation>,
    seq: Seq,
    alteration: &Alteration,
) -> Plan {
    let mut draft = Draft::by(actor);
    for (id, version) in place.expects() {
        draft.expect(id, version);
    }
    if let Some(row) = row {
        draft.row(row);
    }
    let kind = ChangeKind::MessageAltered { seq, alteration: alteration.clone() };
    let (id, channel) = (place.roster.conversation.id, place.roster.conversation.channel());
    if channel.is_some() {
        draft.channel_change(id, kind, Vec::new());
        return draft.plan();
    }
    draft.change(id, kind, audience(&place.roster));
    draft.plan()
}

/// The place, with the sender's membership: of a channel it is not at hand.
async fn with_sender(service: &Service, place: Place, message: &Message) -> Result<Place, No> {
    if place.roster.conversation.channel().is_none() {
        return Ok(place);
    }
    let Some(sender) = service.directory().user(&message.sender).await? else { return Ok(place) };
    let roster = service.directory().with(place.roster, &[sender]).await?;
    Ok(Place { roster, ..place })
}

/// The message as it is now, if the actor may see it.
async fn target(
    service: &Service,
    actor: &Actor,
    place: &Place,
    seq: Seq,
) -> Result<Arc<Message>, No> {
    let missing = |detail: String| {
        No::Final(Refusal::because(ErrorCode::TargetMissing, detail), place.expects())
    };
    if place.is_new {
        return Err(missing(format!("there is no message {seq} here")));
    }
    let id = place.roster.conversation.id;
    let heads = service.conversations().heads(id).await?;
    let member = place.roster.member(actor.no);
    if !member.is_some_and(|member| visible::message(member, heads, seq)) {
        return Err(missing(format!("there is no message {seq} here")));
    }
    let found = history::message_at(service.conversations(), id, seq).await?;
    let found = found.ok_or_else(|| missing(format!("message {seq} cannot be read")))?;
    Ok(visible::in_time(found, service.clock().now()))
}

/// Somebody wants to alter a message.
struct Case<'a> {
    service: &'a Service,
    actor: &'a Actor,
    place: &'a Place,
    message: &'a Message,
}

impl Case<'_> {
    fn no(&self, code: ErrorCode, detail: impl Into<String>) -> No {
        No::Final(Refusal::because(code, detail), self.place.expects())
    }

    fn is_own(&self) -> bool {
        self.message.sender == self.actor.id
    }

    fn gone(&self) -> No {
        let detail = format!("message {} was taken back or has expired", self.message.seq);
        self.no(ErrorCode::TargetMissing, detail)
    }

    /// Only the sender edits, for some time, and never into another kind of message.
    fn edit(&self, content: &Content) -> Result<Effect, No> {
        let Some(present) = &self.message.content else { return Err(self.gone()) };
        if !self.is_own() {
            return Err(self.no(ErrorCode::NotAllowed, "only its sender edits a message"));
        }
        if present.kind != content.kind {
            let detail = "an edited message stays of its kind";
            return Err(self.no(ErrorCode::InvalidArgument, detail));
        }
        if present.reply_to != content.reply_to {
            let detail = "an edited message answers the same message as before";
            return Err(self.no(ErrorCode::InvalidArgument, detail));
        }
        if (present.expires_at, present.burn_after_ms)
            != (content.expires_at, content.burn_after_ms)
        {
            let detail = "an edited message keeps its time";
            return Err(self.no(ErrorCode::InvalidArgument, detail));
        }
        if present.burn_after_ms.is_some() {
            return Err(self.no(ErrorCode::NotAllowed, "a message that burns is not edited"));
        }
        if present.forwarded.is_some() || content.forwarded.is_some() {
            return Err(self.no(ErrorCode::NotAllowed, "a forwarded message is not edited"));
        }
        check_content(content)?;
        if present == content {
            return Ok(Effect::None);
        }
        self.within(self.service.settings().edit_within_ms, "edited")?;
        let edits = self.message.altered.as_ref().map_or(0, |altered| altered.edits);
        if usize::try_from(edits).is_ok_and(|edits| edits >= limits::EDITS_MAX) {
            let detail = format!("a message is edited at most {} times", limits::EDITS_MAX);
            return Err(self.no(ErrorCode::LimitReached, detail));
        }
        Ok(Effect::Message)
    }

    /// The sender takes back for some time; in a group, whoever stands above the sender at any time.
    fn revoke(&self) -> Result<Effect, No> {
        if self.message.content.is_none() {
            return Ok(Effect::None);
        }
        if self.stands_above_sender() {
            return Ok(Effect::Message);
        }
        if !self.is_own() {
            let detail = "only its sender, or an admin of the group, takes a message back";
            return Err(self.no(ErrorCode::NotAllowed, detail));
        }
        self.within(self.service.settings().revoke_within_ms, "taken back")?;
        Ok(Effect::Message)
    }

    fn react(&self, emoji: &str, on: bool) -> Result<Effect, No> {
        if self.message.content.is_none() {
            return Err(self.gone());
        }
        check_emoji(emoji)?;
        let altered = self.message.altered.as_deref();
        let used = altered.is_some_and(|altered| altered.has_reaction(emoji, &self.actor.id));
        if used == on {
            return Ok(Effect::None);
        }
        let kinds = altered.map_or(0, |altered| altered.reactions.len());
        let known =
            altered.is_some_and(|altered| altered.reactions.iter().any(|one| one.emoji == emoji));
        if on && !known && kinds >= limits::REACTIONS_MAX {
            let detail = format!("a message has at most {} reactions", limits::REACTIONS_MAX);
            return Err(self.no(ErrorCode::LimitReached, detail));
        }
        let bytes = altered.map_or(0, |altered| altered.reactions_bytes());
        if on && bytes >= limits::REACTIONS_MAX_BYTES {
            let detail = "as many have reacted to this message as it can hold";
            return Err(self.no(ErrorCode::LimitReached, detail));
        }
        Ok(Effect::Message)
    }

    /// In a direct conversation both pin, in a group owner and admins.
    fn pin(&self, on: bool) -> Result<Effect, No> {
        if on && self.message.content.is_none() {
            return Err(self.gone());
        }
        let row = &self.place.roster.conversation;
        if matches!(row.kind, ConversationKind::Group(_)) && self.role() < Role::Admin {
            return Err(self.no(ErrorCode::NotAllowed, "only the owner and admins pin in a group"));
        }
        let seq = self.message.seq;
        if row.pinned.contains(&seq) == on {
            return Ok(Effect::None);
        }
        if on && row.pinned.len() >= limits::PINNED_MAX {
            let detail = format!("at most {} messages are pinned", limits::PINNED_MAX);
            return Err(self.no(ErrorCode::LimitReached, detail));
        }
        let mut row = Conversation { version: row.version.next(), ..row.clone() };
        row.pinned.retain(|pinned| *pinned != seq);
        if on {
            row.pinned.push(seq);
        }
        Ok(Effect::Row(Box::new(row)))
    }

    fn role(&self) -> Role {
        self.place.roster.member(self.actor.no).map_or(Role::Member, |member| member.role)
    }

    fn stands_above_sender(&self) -> bool {
        let roster = &self.place.roster;
        let group = matches!(roster.conversation.kind, ConversationKind::Group(_));
        let sender = roster
            .members
            .iter()
            .find(|member| member.user == self.message.sender && member.is_present());
        let sender = sender.map_or(Role::Member, |member: &Member| member.role);
        group && self.role() >= Role::Admin && (self.is_own() || self.role() > sender)
    }

    fn within(&self, limit_ms: u64, what: &str) -> Result<(), No> {
        let age_ms = self.service.clock().now().0.saturating_sub(self.message.server_time.0);
        if age_ms <= limit_ms {
            return Ok(());
        }
        let detail = format!("a message can be {what} for {} minutes", limit_ms / 60_000);
        Err(self.no(ErrorCode::TooLate, detail))
    }
}

fn check_emoji(emoji: &str) -> Result<(), No> {
    let bad = if emoji.is_empty() {
        "a reaction is an emoji or a short text".to_owned()
    } else if emoji.len() > limits::REACTION_MAX_BYTES {
        format!("a reaction has at most {} bytes", limits::REACTION_MAX_BYTES)
    } else if emoji.chars().any(|c| c.is_control() || c.is_whitespace()) {
        "a reaction has no spaces or control characters".to_owned()
    } else {
        return Ok(());
    };
    Err(No::because(ErrorCode::InvalidArgument, bad))
}
