//! `/report`: the operators of the server are told about a message, a user or a group.

use anser_types::UserId;
use anser_types::report::{ReportReason, Reported};

use super::asked::Asked;
use super::commands::{ask, group, needs_conversation};
use super::model::Model;
use super::slash::Slash;
use super::step::Effect;
use super::texts::Text;

/// A report on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// About what.
    pub about: Reported,
    /// Who is reported, or whose message it is.
    pub whom: Option<UserId>,
    /// Why.
    pub reason: ReportReason,
    /// In the reporter's words.
    pub text: String,
}

/// Carries such a command out.
pub fn run(model: &mut Model, command: Slash, effects: &mut Vec<Effect>) {
    let report = match command {
        Slash::ReportUser(user, reason, text) => {
            Some(Report { about: Reported::User(user.clone()), whom: Some(user), reason, text })
        }
        Slash::ReportGroup(reason, text) => group(model).map(|id| {
            let about = Reported::Conversation(anser_types::Target::Conversation(id));
            Report { about, whom: None, reason, text }
        }),
        Slash::ReportMessage(reason, text) => message(model, reason, text),
        _ => None,
    };
    if let Some(report) = report {
        ask(model, Effect::Ask(Asked::Report(report)), effects);
    }
}

/// About the last message that somebody else sent; says so when there is none.
fn message(model: &mut Model, reason: ReportReason, text: String) -> Option<Report> {
    if !needs_conversation(model) {
        return None;
    }
    let open = model.open.as_ref()?;
    let found = open.timeline.last_sent(|message| !message.own).and_then(|message| {
        let about = Reported::Message { at: open.target.clone(), seq: message.seq? };
        Some(Report { about, whom: Some(message.sender.clone()), reason, text })
    });
    if found.is_none() {
        model.say(model.setting.texts.get(Text::NothingToAlter), true);
    }
    found
}
