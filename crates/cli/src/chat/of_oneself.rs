//! Commands about the open conversation that concern only oneself: how it is shown, what is removed, who has read.

use anser_types::SetOptions;

use super::asked::{Asked, Look};
use super::commands::{ask, needs_conversation};
use super::model::Model;
use super::slash::Slash;
use super::step::Effect;
use super::texts::Text;

/// Carries out such a command.
pub fn run(model: &mut Model, command: &Slash, effects: &mut Vec<Effect>) {
    if !needs_conversation(model) {
        return;
    }
    match found(model, command) {
        Some(effect) => ask(model, effect, effects),
        None => model.say(model.setting.texts.get(Text::NothingToAlter), true),
    }
}

/// What it asks for; `None` when there is no message it could be about.
fn found(model: &Model, command: &Slash) -> Option<Effect> {
    let open = model.open.as_ref()?;
    let at = open.target.clone();
    let last = |own: bool| open.timeline.last_sent(|message| message.own || !own);
    Some(match command {
        Slash::Notify(notify) => {
            let set = SetOptions { notify: Some(*notify), ..SetOptions::default() };
            Effect::Ask(Asked::Options(at, set))
        }
        Slash::PinChat(on) => {
            let set = SetOptions { pinned: Some(*on), ..SetOptions::default() };
            Effect::Ask(Asked::Options(at, set))
        }
        Slash::Hide => Effect::Ask(Asked::Hide(at)),
        Slash::Clear => Effect::Ask(Asked::Clear(at)),
        Slash::Forget => Effect::Ask(Asked::Forget(at, vec![last(false)?.seq?])),
        Slash::Readers => Effect::Look(Look::Readers(at, last(true)?.seq?)),
        _ => return None,
    })
}
