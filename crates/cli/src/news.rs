//! What `tail` tells of the user's own lists: contacts, settings, how conversations are shown, requests to join groups. As
//! JSON for programs, as a line for people; each as it is now.

use anser_sdk::store::ConversationOptions;
use anser_types::{Contact, ConversationId, JoinRequest, Settings};
use serde_json::{Value, json};

use crate::{people, plain};

/// One thing told, for both kinds of readers.
#[derive(Clone, Debug, PartialEq)]
pub struct News {
    /// One object, whose `event` says what it is.
    pub json: Value,
    /// One line.
    pub line: String,
}

impl News {
    fn new(event: &str, mut json: Value, line: &str) -> Self {
        if let Some(object) = json.as_object_mut() {
            object.insert("event".to_owned(), json!(event));
        }
        Self { json, line: format!("* {}", plain::one_line(line)) }
    }

    /// Somebody asks to be one's contact.
    #[must_use]
    pub fn applied(contact: &Contact) -> Self {
        Self::new("contact_applied", people::contact_json(contact), &people::contact_line(contact))
    }

    /// What another user is to one has changed.
    #[must_use]
    pub fn contact(contact: &Contact) -> Self {
        let line = format!("contact: {}", people::contact_line(contact));
        Self::new("contact", people::contact_json(contact), &line)
    }

    /// One's own settings have changed.
    #[must_use]
    pub fn settings(settings: &Settings) -> Self {
        let line = format!("settings: {}", people::settings_lines(settings).replace('\n', ", "));
        Self::new("settings", people::settings_json(settings), &line)
    }

    /// How one wants a conversation shown has changed; `name` is what the conversation is called.
    #[must_use]
    pub fn options(of: ConversationId, name: &str, options: &ConversationOptions) -> Self {
        let shown = people::options_lines(options);
        let line = format!("options of {name}: {}", shown.trim_end().replace('\n', ", "));
        Self::new("options", within(of, people::options_json(options)), &line)
    }

    /// A request to join a group came or was answered; `name` is what the group is called.
    #[must_use]
    pub fn join_request(group: ConversationId, name: &str, request: &JoinRequest) -> Self {
        let line = format!("request to join {name}: {}", people::request_line(request));
        Self::new("join_request", within(group, people::request_json(request)), &line)
    }
}

fn within(conversation: ConversationId, mut json: Value) -> Value {
    if let Some(object) = json.as_object_mut() {
        object.insert("conversation".to_owned(), json!(conversation.to_string()));
    }
    json
}
