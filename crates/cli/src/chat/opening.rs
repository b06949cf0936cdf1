//! Going from one conversation to another: drafts, what to load, the neighbours in the list.

use anser_types::{ConversationId, Presence, Target};

use super::model::{Model, Open, Reload};
use super::slash;
use super::step::Effect;
use super::timeline::{Scroll, Timeline};

/// The conversation a target names.
#[must_use]
pub fn conversation_of(model: &Model, target: &Target) -> ConversationId {
    match target {
        Target::User(peer) => ConversationId::direct(&model.setting.me, peer),
        Target::Conversation(id) => *id,
    }
}

/// Opens a conversation; the one that was open keeps what was being written in it.
pub fn open(model: &mut Model, target: Target, effects: &mut Vec<Effect>) {
    model.overlay = None;
    let id = conversation_of(model, &target);
    if let Some(open) = &mut model.open
        && open.id == id
    {
        open.timeline.scroll = Scroll::End;
        return;
    }
    let carried = leave(model, effects);
    let draft = model.draft_of(id).map(str::to_owned).or(carried).unwrap_or_default();
    model.composer.set(&draft);
    let unread = model.row(id).map_or(0, |row| row.unread);
    model.timeline_reload = Reload { wanted: false, running: true };
    effects.push(Effect::LoadTimeline {
        of: target.clone(),
        id,
        window: Timeline::first_window(unread),
    });
    model.count_reload.wanted = true;
    let open = Open { id, target, timeline: Timeline::default(), presence: Presence::Unknown };
    if let Some(peer) = open.peer().filter(|peer| **peer != model.setting.me) {
        effects.push(Effect::Follow(peer.clone(), true));
    }
    model.open = Some(open);
}

/// Puts the open conversation away. Gives what was written before any conversation was open: it goes along.
fn leave(model: &mut Model, effects: &mut Vec<Effect>) -> Option<String> {
    stop_typing(model, effects);
    model.candidates.clear();
    let text = Some(model.composer.take())
        .filter(|text| !text.trim().is_empty() && !slash::is_command(text));
    let Some(open) = model.open.take() else { return text };
    if let Some(peer) = open.peer().filter(|peer| **peer != model.setting.me) {
        effects.push(Effect::Follow(peer.clone(), false));
    }
    let text = text.unwrap_or_default();
    if model.draft_of(open.id).unwrap_or_default() != text {
        model.drafts.insert(open.id, text.clone());
        effects.push(Effect::KeepDraft(open.target, text));
    }
    None
}

/// What was begun was sent, or given up: it is kept no longer.
pub fn end_draft(model: &mut Model, id: ConversationId, effects: &mut Vec<Effect>) {
    if model.draft_of(id).is_some()
        && let Some(open) = model.open.as_ref().filter(|open| open.id == id)
    {
        effects.push(Effect::KeepDraft(open.target.clone(), String::new()));
        model.drafts.insert(id, String::new());
    }
}

/// What the user has begun to write in the open conversation, to be kept when the chat ends; `None` if that is kept
/// already.
#[must_use]
pub fn unkept_draft(model: &Model) -> Option<(Target, String)> {
    let open = model.open.as_ref()?;
    let text = model.composer.text();
    let text =
        if text.trim().is_empty() || slash::is_command(&text) { String::new() } else { text };
    (model.draft_of(open.id).unwrap_or_default() != text).then(|| (open.target.clone(), text))
}

/// Tells others that the user does not type any more, if they were told otherwise.
pub fn stop_typing(model: &mut Model, effects: &mut Vec<Effect>) {
    if let Some(told) = model.typing.stopped()
        && let Some(open) = &model.open
        && open.id == told
    {
        effects.push(Effect::Typing(open.target.clone(), false));
    }
}

/// Opens the next or previous conversation of the list.
pub fn neighbour(model: &mut Model, forward: bool, effects: &mut Vec<Effect>) {
    let count = model.conversations.len();
    if count == 0 {
        return;
    }
    let here = model
        .open
        .as_ref()
        .and_then(|open| model.conversations.iter().position(|row| row.id == open.id));
    let next = match (here, forward) {
        (Some(at), true) => (at + 1) % count,
        (Some(at), false) => (at + count - 1) % count,
        (None, _) => 0,
    };
    let target = Model::target_of(&model.conversations[next]);
    open(model, target, effects);
}
