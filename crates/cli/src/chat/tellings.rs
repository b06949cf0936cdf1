//! What others want of the user, told in a notice with what to type.

use anser_types::{Contact, ConversationId, JoinRequest, JoinState};

use super::model::Model;
use super::texts::Text;
use crate::plain;

/// Somebody asks to be a contact.
pub fn applied(model: &mut Model, contact: &Contact) {
    let texts = model.setting.texts;
    let who = contact.user.as_str();
    let text = match plain::one_line(&contact.greeting).as_str() {
        "" => texts.with(Text::ContactApplies, &[who]),
        greeting => texts.with(Text::ContactAppliesSaying, &[who, greeting]),
    };
    model.say(text, false);
}

/// Somebody asks to come into a group, or one's own request was answered.
pub fn join_request(model: &mut Model, group: ConversationId, request: &JoinRequest) {
    let texts = model.setting.texts;
    let name =
        model.row(group).map_or_else(|| group.to_string(), |row| plain::one_line(&row.name()));
    let own = request.user == model.setting.me;
    match (own, request.state) {
        (false, JoinState::Waiting) => {
            model.say(texts.with(Text::JoinAsked, &[request.user.as_str(), &name]), false);
        }
        (true, JoinState::Accepted) => model.say(texts.with(Text::JoinAccepted, &[&name]), false),
        (true, JoinState::Refused) => model.say(texts.with(Text::JoinRefused, &[&name]), true),
        (true, JoinState::Waiting) | (false, JoinState::Accepted | JoinState::Refused) => {}
    }
}
