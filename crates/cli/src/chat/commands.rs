//! What Enter does: a text becomes a message, a line that begins with `/` is carried out.

use anser_sdk::store::ChatMessage;
use anser_types::limits::CONTENT_MAX_BYTES;
use anser_types::{Alteration, Content, ConversationId, MemberAct, MessageKind, Target, UnixMs};

use super::asked::{Asked, Look};
use super::forwarding;
use super::looking;
use super::model::{Model, Overlay};
use super::moving;
use super::of_oneself;
use super::opening;
use super::reporting;
use super::slash::{self, Slash};
use super::step::{Effect, Link};
use super::texts::Text;
use super::timeline::Scroll;
use crate::named::from_now;

/// Sends or carries out what is written.
pub fn submit(model: &mut Model, effects: &mut Vec<Effect>) {
    model.candidates.clear();
    let text = model.composer.text();
    let text = text.trim_end();
    if text.trim().is_empty() {
        model.composer.take();
        return;
    }
    if slash::is_command(text) {
        match slash::parse(text) {
            Ok(command) => {
                // Taken out before the command may open another conversation, whose draft then appears.
                model.composer.take();
                run(model, command, effects);
            }
            Err(misunderstood) => model.say(misunderstood.say(model.setting.texts), true),
        }
        return;
    }
    send(model, slash::message_of(text).to_owned(), effects);
}

fn send(model: &mut Model, text: String, effects: &mut Vec<Effect>) {
    let texts = model.setting.texts;
    if text.len() > CONTENT_MAX_BYTES {
        let (is, most) = (text.len().to_string(), CONTENT_MAX_BYTES.to_string());
        model.say(texts.with(Text::TooLong, &[&is, &most]), true);
        return;
    }
    if model.open_row().is_some_and(|row| !row.member) {
        model.say(texts.get(Text::NotAMember), true);
        return;
    }
    let Some(open) = &mut model.open else {
        model.say(texts.get(Text::NeedsConversation), true);
        return;
    };
    // Who answers has read, and wants to see the answer.
    open.timeline.scroll = Scroll::End;
    open.timeline.divider = None;
    effects.push(Effect::Send(open.target.clone(), text));
    let id = open.id;
    model.composer.take();
    opening::end_draft(model, id, effects);
    model.notice = None;
    opening::stop_typing(model, effects);
}

/// Carries out a command.
pub fn run(model: &mut Model, command: Slash, effects: &mut Vec<Effect>) {
    match command {
        Slash::To(user) => opening::open(model, Target::User(user), effects),
        Slash::GroupCreate { title, members } => {
            ask(model, Effect::CreateGroup(title, members), effects);
        }
        Slash::GroupInvite(users) => in_group(model, |id, _| Effect::Invite(id, users), effects),
        Slash::GroupKick(users) => in_group(model, |id, _| Effect::Kick(id, users), effects),
        Slash::GroupLeave => in_group(model, |id, _| Effect::Leave(id), effects),
        Slash::GroupMembers => effects.extend(group(model).map(Effect::LoadMembers)),
        Slash::GroupChange(_)
        | Slash::GroupRole(..)
        | Slash::GroupMute { .. }
        | Slash::GroupUnmute(_)
        | Slash::GroupAlias { .. }
        | Slash::GroupDismiss
        | Slash::GroupAnswer { .. } => {
            in_group(model, |id, about| group_asked(id, command, about), effects);
        }
        Slash::GroupRequests => {
            effects.extend(group(model).map(|id| Effect::Look(Look::Requests(id))));
        }
        Slash::GroupJoin { group, greeting } => {
            ask(model, Effect::Ask(Asked::Join(group, greeting)), effects);
        }
        Slash::Contact(user, act) => ask(model, Effect::Ask(Asked::Contact(user, act)), effects),
        Slash::Contacts => effects.push(Effect::Look(Look::Contacts)),
        Slash::Settings => effects.push(Effect::Look(Look::Settings)),
        Slash::SetSettings(set) => ask(model, Effect::Ask(Asked::Settings(set)), effects),
        Slash::Notify(_)
        | Slash::PinChat(_)
        | Slash::Hide
        | Slash::Clear
        | Slash::Forget
        | Slash::Readers => of_oneself::run(model, &command, effects),
        Slash::Edit(text) => alter_own(model, |old| edited(old, text), effects),
        Slash::Revoke => alter_own(model, |_| Some(Alteration::Revoke), effects),
        Slash::React { emoji, on } => alter_last(model, Alteration::React { emoji, on }, effects),
        Slash::Pin(on) => alter_last(model, Alteration::Pin { on }, effects),
        Slash::Forward(to) => forwarding::run(model, &to, effects),
        Slash::Attach { .. } | Slash::Open | Slash::Save(_) => {
            moving::run(model, command, effects);
        }
        Slash::ReportMessage(..) | Slash::ReportUser(..) | Slash::ReportGroup(..) => {
            reporting::run(model, command, effects);
        }
        Slash::History => {
            if needs_conversation(model) {
                looking::load_older(model, effects);
            }
        }
        Slash::Retry => settle_failed(model, Effect::Retry, effects),
        Slash::Delete => settle_failed(model, Effect::Delete, effects),
        Slash::Help => model.show(Overlay::Help),
        Slash::Quit => effects.push(Effect::Quit),
    }
}

fn in_group(
    model: &mut Model,
    effect: impl FnOnce(ConversationId, &Model) -> Effect,
    effects: &mut Vec<Effect>,
) {
    if let Some(id) = group(model) {
        let effect = effect(id, model);
        ask(model, effect, effects);
    }
}

/// What a command about the open group asks for.
fn group_asked(id: ConversationId, command: Slash, model: &Model) -> Effect {
    let member = |user, act| Asked::Member(id, user, act);
    Effect::Ask(match command {
        Slash::GroupChange(set) => Asked::Group(id, set),
        Slash::GroupRole(user, role) => member(user, MemberAct::Role(role)),
        Slash::GroupMute { who, long } => {
            member(who, MemberAct::MuteUntil(from_now(model.now.wall, long)))
        }
        Slash::GroupUnmute(who) => member(who, MemberAct::MuteUntil(UnixMs(0))),
        Slash::GroupAlias { of, alias } => {
            let whom = of.unwrap_or_else(|| model.setting.me.clone());
            member(whom, MemberAct::Alias(alias))
        }
        Slash::GroupAnswer { who, accept } => Asked::Answer(id, who, accept),
        _ => Asked::Dismiss(id),
    })
}

/// The message as it was, with another text; a message of another kind than text has none to replace.
fn edited(old: &Content, text: String) -> Option<Alteration> {
    let is_text = old.kind == MessageKind::Text;
    is_text.then(|| Alteration::Edit(Content { body: text.into(), ..old.clone() }))
}

/// Alters one's own last message that was sent.
fn alter_own(
    model: &mut Model,
    how: impl FnOnce(&Content) -> Option<Alteration>,
    effects: &mut Vec<Effect>,
) {
    let own = |message: &&ChatMessage| message.own;
    let found = model.open.as_ref().and_then(|open| {
        let message = open.timeline.last_sent(own)?;
        let (seq, content) = (message.seq?, message.content.as_ref()?);
        Some(Effect::Alter(open.target.clone(), seq, how(content)?))
    });
    alter(model, found, effects);
}

/// Alters the last message, whoever sent it.
fn alter_last(model: &mut Model, alteration: Alteration, effects: &mut Vec<Effect>) {
    let found = model.open.as_ref().and_then(|open| {
        let seq = open.timeline.last_sent(|_| true)?.seq?;
        Some(Effect::Alter(open.target.clone(), seq, alteration))
    });
    alter(model, found, effects);
}

fn alter(model: &mut Model, found: Option<Effect>, effects: &mut Vec<Effect>) {
    if !needs_conversation(model) {
        return;
    }
    match found {
        Some(effect) => ask(model, effect, effects),
        None => model.say(model.setting.texts.get(Text::NothingToAlter), true),
    }
}

/// Asks the server for something; without a connection that waits, and is said.
pub(super) fn ask(model: &mut Model, effect: Effect, effects: &mut Vec<Effect>) {
    if model.link != Link::Connected {
        model.say(model.setting.texts.get(Text::WhenConnected), false);
    }
    effects.push(effect);
}

/// The open group; says so when none is open.
pub(super) fn group(model: &mut Model) -> Option<ConversationId> {
    if !needs_conversation(model) {
        return None;
    }
    let id = model.open.as_ref().filter(|open| open.peer().is_none()).map(|open| open.id);
    if id.is_none() {
        model.say(model.setting.texts.get(Text::NeedsGroup), true);
    }
    id
}

pub(super) fn needs_conversation(model: &mut Model) -> bool {
    if model.open.is_none() {
        model.say(model.setting.texts.get(Text::NeedsConversation), true);
    }
    model.open.is_some()
}

/// Does something with every failed message of the open conversation.
pub fn settle_failed(
    model: &mut Model,
    effect: fn(Vec<anser_types::MessageId>) -> Effect,
    effects: &mut Vec<Effect>,
) {
    if !needs_conversation(model) {
        return;
    }
    let failed = model.open.as_ref().map(|open| open.timeline.failed()).unwrap_or_default();
    if failed.is_empty() {
        model.say(model.setting.texts.get(Text::NothingFailed), false);
    } else {
        effects.push(effect(failed));
    }
}
