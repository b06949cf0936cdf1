//! `/forward`: the last message of the open conversation, passed on to somebody the chat knows or to a user by name.

use anser_sdk::Client;
use anser_sdk::store::{ChatMessage, Conversation};
use anser_types::{Target, UserId};

use super::blocks;
use super::commands::needs_conversation;
use super::model::Model;
use super::step::Effect;
use super::texts::Text;
use crate::plain;

/// Carries the command out: `to` is a user, the name of a group in the list, or a group's id.
pub fn run(model: &mut Model, to: &str, effects: &mut Vec<Effect>) {
    if !needs_conversation(model) {
        return;
    }
    match forwarded(model, to) {
        Ok((effect, said)) => {
            effects.push(effect);
            model.say(said, false);
        }
        Err(why) => model.say(why, true),
    }
}

/// What is to be done and what is said about it, or why nothing is.
fn forwarded(model: &Model, to: &str) -> Result<(Effect, String), String> {
    let texts = model.setting.texts;
    let open = model.open.as_ref();
    let message = open.and_then(|open| open.timeline.last_sent(|_| true));
    let message = message.ok_or_else(|| texts.get(Text::NothingToAlter).to_owned())?;
    let (target, name) = whom(model, to)?;
    let content = Client::create_forward_message(message)
        .map_err(|refusal| texts.with(Text::Refused, &["/forward", &texts.reason(&refusal)]))?;
    let said = texts.with(Text::Forwarding, &[&name, &shown(model, message)]);
    Ok((Effect::Forward(target, Box::new(content)), said))
}

/// Which message it is, so that nobody passes on by mistake what came a moment ago.
fn shown(model: &Model, message: &ChatMessage) -> String {
    let sender = plain::one_line(message.sender.as_str());
    format!("{sender}: {}", plain::one_line(&blocks::body(message, &model.setting)))
}

/// To whom, and what they are called. A name in the list comes first, so that what it shows can be typed.
fn whom(model: &Model, to: &str) -> Result<(Target, String), String> {
    let texts = model.setting.texts;
    let called: Vec<&Conversation> =
        model.conversations.iter().filter(|row| plain::one_line(&row.name()) == to).collect();
    let name = plain::one_line(to);
    match called.as_slice() {
        [row] if row.member => return Ok((Model::target_of(row), name)),
        [_] => return Err(texts.get(Text::NotAMember).to_owned()),
        [] => {}
        _ => return Err(texts.with(Text::SeveralCalled, &[&name])),
    }
    if let Ok(group) = to.parse() {
        return Ok(match model.row(group) {
            Some(row) => (Model::target_of(row), plain::one_line(&row.name())),
            None => (Target::Conversation(group), name),
        });
    }
    let user = UserId::new(to).map_err(|_| texts.with(Text::NobodyCalled, &[&name]))?;
    Ok((Target::User(user), name))
}
