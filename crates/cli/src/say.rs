//! What commands print: lines for people, one JSON object per line for programs. Everything goes through here.

use std::io::{self, Write};

use anser_sdk::store::{ChatMessage, Status};
use anser_types::event::UnavailableReason;
use anser_types::{
    Altered, Change, Content, ConversationId, MessageKind, Seq, Unavailable, UserId,
};
use base64::Engine;
use serde_json::{Map, Value, json};

use crate::changes;
pub use crate::changes::change_json;
use crate::chat::times::LocalTimes;
use crate::{files, kinds, plain};

/// Prints a line and gives it to the reader at once.
///
/// # Errors
/// Nobody reads any more, or the disk is full.
pub fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Tells people something that is no output.
///
/// # Errors
/// Standard error is closed.
pub fn aside(text: &str) -> io::Result<()> {
    writeln!(io::stderr().lock(), "({text})")
}

/// Prints a JSON object on one line.
///
/// # Errors
/// As [`line`].
pub fn object(value: &Value) -> io::Result<()> {
    line(&value.to_string())
}

/// The name of a state in JSON.
#[must_use]
pub const fn state_name(status: &Status) -> &'static str {
    match status {
        Status::Received => "received",
        Status::Queued => "queued",
        Status::Sending => "sending",
        Status::Sent { stored_offline: false } => "sent",
        Status::Sent { stored_offline: true } => "stored_offline",
        Status::Delivered => "delivered",
        Status::Read => "read",
        Status::Failed { .. } => "failed",
        Status::NotOnServer => "not_on_server",
    }
}

/// A message as JSON: `text` for texts, else `kind` and `content_base64`, and `file` where it holds one; `content` is absent
/// once it was removed.
#[must_use]
pub fn message_json(message: &ChatMessage) -> Value {
    let mut object = Map::new();
    object.insert("event".to_owned(), json!("message"));
    object.insert("conversation".to_owned(), json!(message.conversation.to_string()));
    object.insert("seq".to_owned(), json!(message.seq.map(|seq| seq.0)));
    object.insert("peer".to_owned(), json!(message.peer.as_ref().map(UserId::as_str)));
    object.insert("sender".to_owned(), json!(message.sender.as_str()));
    object.insert("client_msg_id".to_owned(), json!(message.id.to_string()));
    object.insert("sent_at_ms".to_owned(), json!(message.sent_at.0));
    object.insert("server_time_ms".to_owned(), json!(message.server_time.map(|at| at.0)));
    object.insert("own".to_owned(), json!(message.own));
    object.insert("state".to_owned(), json!(state_name(&message.status)));
    if let Some(content) = &message.content {
        insert_content(&mut object, content);
    } else {
        object.insert("removed".to_owned(), json!(true));
    }
    if let Some(altered) = &message.altered {
        insert_altered(&mut object, altered);
    }
    Value::Object(object)
}

fn insert_altered(object: &mut Map<String, Value>, altered: &Altered) {
    if let Some(at) = altered.edited_at {
        object.insert("edited_at_ms".to_owned(), json!(at.0));
    }
    if let Some(who) = &altered.revoked_by {
        object.insert("revoked_by".to_owned(), json!(who.as_str()));
    }
    if !altered.reactions.is_empty() {
        let reactions: Vec<Value> = altered
            .reactions
            .iter()
            .map(|one| {
                let users: Vec<&str> = one.users.iter().map(UserId::as_str).collect();
                json!({ "emoji": one.emoji, "users": users })
            })
            .collect();
        object.insert("reactions".to_owned(), json!(reactions));
    }
}

/// What happened to a message, as JSON: its name, and the message as it is now.
#[must_use]
pub fn altered_json(event: &str, message: &ChatMessage) -> Value {
    let mut value = message_json(message);
    if let Some(object) = value.as_object_mut() {
        object.insert("event".to_owned(), json!(event));
    }
    value
}

/// A message that was pinned or unpinned, as JSON.
#[must_use]
pub fn pinned_json(conversation: ConversationId, seq: Seq, on: bool) -> Value {
    json!({
        "event": if on { "pinned" } else { "unpinned" },
        "conversation": conversation.to_string(),
        "seq": seq.0,
    })
}

fn insert_content(object: &mut Map<String, Value>, content: &Content) {
    match (content.kind, std::str::from_utf8(&content.body)) {
        (MessageKind::Text, Ok(text)) => {
            object.insert("text".to_owned(), json!(text));
        }
        (kind, _) => {
            let encoded = base64::engine::general_purpose::STANDARD.encode(&content.body);
            object.insert("kind".to_owned(), json!(kind.code()));
            object.insert("content_base64".to_owned(), json!(encoded));
            if let Some(file) = anser_sdk::file_in(content) {
                object.insert("file".to_owned(), files::reference_json(&file));
            }
        }
    }
    if let Some(seq) = content.reply_to {
        object.insert("reply_to".to_owned(), json!(seq.0));
    }
    if !content.mentions.is_empty() {
        let names: Vec<&str> = content.mentions.iter().map(UserId::as_str).collect();
        object.insert("mentions".to_owned(), json!(names));
    }
    if let Some(at) = content.expires_at {
        object.insert("expires_at_ms".to_owned(), json!(at.0));
    }
    if let Some(forwarded) = &content.forwarded {
        let said_at_ms = forwarded.said_at.0;
        let from = forwarded.from.as_str();
        object.insert("forwarded".to_owned(), json!({ "from": from, "said_at_ms": said_at_ms }));
    }
    if let Some(ms) = content.burn_after_ms {
        object.insert("burn_after_ms".to_owned(), json!(ms));
    }
    if content.mention_all {
        object.insert("mention_all".to_owned(), json!(true));
    }
}

/// A range that cannot be given as JSON.
#[must_use]
pub fn gap_json(gap: &Unavailable) -> Value {
    json!({
        "event": "unavailable",
        "conversation": gap.conversation.to_string(),
        "from": gap.from.0,
        "to": gap.to.0,
        "reason": match gap.reason {
            UnavailableReason::Expired => "expired",
            UnavailableReason::Damaged => "damaged",
            UnavailableReason::NotVisible => "not_visible",
            UnavailableReason::PutAway => "put_away",
        },
    })
}

/// Lines for people.
#[derive(Clone, Debug)]
pub struct Lines {
    times: LocalTimes,
}

/// What stands before the second and further lines of a text.
const CONTINUED: &str = "\n    ";

impl Lines {
    /// With times in this zone.
    #[must_use]
    pub const fn new(times: LocalTimes) -> Self {
        Self { times }
    }

    /// A message; `place` names the group it was said in.
    #[must_use]
    pub fn message(&self, message: &ChatMessage, place: Option<&str>) -> String {
        let at = message.server_time.unwrap_or(message.sent_at);
        let seq = message.seq.map_or_else(|| "-".to_owned(), |seq| format!("#{seq}"));
        let to = match (place, &message.peer) {
            (Some(group), _) => format!(" in {}", plain::one_line(group)),
            (None, Some(peer)) if message.own => format!(" → {}", plain::one_line(peer.as_str())),
            (None, _) => String::new(),
        };
        let state = match &message.status {
            Status::Received => String::new(),
            other => format!("  [{}]", state_name(other)),
        };
        let sender = plain::one_line(message.sender.as_str());
        let body = body(message).replace('\n', CONTINUED);
        let marks = marks(message);
        format!("{} {seq} {sender}{to}: {body}{marks}{state}", self.times.stamp(at))
    }

    /// A change of a group.
    #[must_use]
    pub fn change(&self, change: &Change, place: &str) -> String {
        let what = changes::words(change, &self.times);
        let said = format!("* {} {what}", change.actor);
        format!(
            "{} in {}: {}",
            self.times.stamp(change.at),
            plain::one_line(place),
            plain::one_line(&said)
        )
    }

    /// A range that cannot be given.
    #[must_use]
    pub fn gap(gap: &Unavailable) -> String {
        let why = match gap.reason {
            UnavailableReason::Expired => "older than the server keeps",
            UnavailableReason::Damaged => "damaged at the server",
            UnavailableReason::NotVisible => "from a time you were not here",
            UnavailableReason::PutAway => "put away by you",
        };
        format!("(#{}–#{}: {why})", gap.from, gap.to)
    }
}

/// What changes made of a message: that it was edited, that it will be forgotten, its reactions with how many used each.
fn marks(message: &ChatMessage) -> String {
    let forgotten = match &message.content {
        Some(content) if content.burn_after_ms.is_some() => " (burns once it was read)",
        Some(content) if content.expires_at.is_some() => " (expires)",
        _ => "",
    };
    let Some(altered) = message.altered.as_deref() else { return forgotten.to_owned() };
    let edited =
        if altered.edited_at.is_some() && message.content.is_some() { " (edited)" } else { "" };
    let reactions: String = altered
        .reactions
        .iter()
        .map(|one| format!(" {}{}", plain::one_line(&one.emoji), one.users.len()))
        .collect();
    format!("{edited}{forgotten}{reactions}")
}

/// What a content says; of other kinds than text, the kind and a few words.
fn said(content: &Content) -> String {
    match content.kind {
        MessageKind::Text | MessageKind::System => {
            plain::clean(&String::from_utf8_lossy(&content.body))
        }
        MessageKind::Unknown(code) => format!("(kind {code}, {} bytes)", content.body.len()),
        kind => {
            let detail = kinds::detail(content);
            let gap = if detail.is_empty() { "" } else { " " };
            // With it the file can be fetched: anser download.
            let file = match content.files.as_slice() {
                [file] if kind != MessageKind::Merged => format!(" [{file}]"),
                _ => String::new(),
            };
            format!("({}){gap}{detail}{file}", kind.name())
        }
    }
}

/// What a message says; other kinds than text by their name.
fn body(message: &ChatMessage) -> String {
    match &message.content {
        None => match message.altered.as_ref().and_then(|altered| altered.revoked_by.as_ref()) {
            Some(who) => format!("(taken back by {})", plain::one_line(who.as_str())),
            None => "(removed)".to_owned(),
        },
        Some(content) => {
            let from = content.forwarded.as_ref().map_or_else(String::new, |forwarded| {
                format!("(forwarded from {}) ", plain::one_line(forwarded.from.as_str()))
            });
            format!("{from}{}", said(content))
        }
    }
}
