//! Contacts, requests to join, settings and conversations as commands print them: a line for people, JSON for programs.

use anser_sdk::store::{Conversation, ConversationOptions};
use anser_sdk::{MemberState, TotalUnread};
use anser_types::{Contact, JoinRequest, Notify, Relation, Settings, UnixMs, UserId};
use serde_json::{Value, json};

use crate::changes::muted_until;
use crate::chat::times::LocalTimes;
use crate::named::{Named, Switch};
use crate::plain;

/// A contact as JSON.
#[must_use]
pub fn contact_json(contact: &Contact) -> Value {
    json!({
        "user": contact.user.as_str(),
        "relation": contact.relation.name(),
        "remark": contact.remark,
        "blocked": contact.blocked,
        "greeting": contact.greeting,
    })
}

/// A contact on a line: who, one's own name for them, what both are to each other.
#[must_use]
pub fn contact_line(contact: &Contact) -> String {
    let mut line = contact.user.to_string();
    if !contact.remark.is_empty() {
        line = format!("{line} \"{}\"", contact.remark);
    }
    let relation = match contact.relation {
        Relation::None => "no contact",
        Relation::Applied => "waits for their answer",
        Relation::Asked => "asks to be your contact",
        Relation::Contact => "contact",
        Relation::Refused => "refused",
    };
    line = format!("{line} ({relation}{})", if contact.blocked { ", blocked" } else { "" });
    if contact.relation == Relation::Asked && !contact.greeting.is_empty() {
        line = format!("{line}: {}", contact.greeting);
    }
    plain::one_line(&line)
}

/// A request to join as JSON.
#[must_use]
pub fn request_json(request: &JoinRequest) -> Value {
    json!({
        "user": request.user.as_str(),
        "greeting": request.greeting,
        "state": request.state.name(),
    })
}

/// A request to join on a line.
#[must_use]
pub fn request_line(request: &JoinRequest) -> String {
    let line = format!("{} ({})", request.user, request.state.name());
    plain::one_line(&match request.greeting.as_str() {
        "" => line,
        greeting => format!("{line}: {greeting}"),
    })
}

/// Settings as JSON.
#[must_use]
pub fn settings_json(settings: &Settings) -> Value {
    json!({
        "write_first": settings.write_first.name(),
        "last_seen": settings.last_seen.name(),
        "show_read": settings.show_read,
    })
}

/// Settings, one a line, written as the option that sets them.
#[must_use]
pub fn settings_lines(settings: &Settings) -> String {
    format!(
        "write-first {}\nlast-seen {}\nshow-read {}",
        settings.write_first.name(),
        settings.last_seen.name(),
        Switch(settings.show_read).name()
    )
}

/// How one wants a conversation shown, as JSON.
#[must_use]
pub fn options_json(options: &ConversationOptions) -> Value {
    json!({
        "pinned": options.pinned,
        "notify": options.notify.name(),
        "hidden": options.hidden,
        "cleared_up_to": options.cleared_up_to.0,
        "draft": options.draft,
    })
}

/// How one wants a conversation shown, one a line.
#[must_use]
pub fn options_lines(options: &ConversationOptions) -> String {
    format!(
        "pinned {}\nnotify {}\nhidden {}\ndraft {}",
        Switch(options.pinned).name(),
        options.notify.name(),
        Switch(options.hidden).name(),
        plain::one_line(&options.draft)
    )
}

/// A row of the list of conversations, as JSON.
#[must_use]
pub fn conversation_json(row: &Conversation) -> Value {
    json!({
        "conversation": row.id.to_string(),
        "peer": row.peer.as_ref().map(UserId::as_str),
        "title": row.title,
        "channel": row.channel,
        "member": row.member,
        "unread": row.unread,
        "mentioned": row.mentioned.map(|seq| seq.0),
        "head": row.head.0,
        "read_up_to": row.read_up_to.0,
        "pinned": row.options.pinned,
        "notify": row.options.notify.name(),
        "draft": row.options.draft,
    })
}

/// A row of the list of conversations on a line: its name, a group's id, how many are unread, what is special.
#[must_use]
pub fn conversation_line(row: &Conversation) -> String {
    let mut line = row.name();
    if row.peer.is_none() {
        line = format!("{line}  {}", row.id);
    }
    let mut marks = vec![format!("{} unread", row.unread)];
    marks.extend(row.mentioned.map(|seq| format!("mentions you in #{seq}")));
    marks.extend(row.options.pinned.then(|| "pinned".to_owned()));
    marks.extend(match row.options.notify {
        Notify::All => None,
        Notify::Mentions => Some("mentions only".to_owned()),
        Notify::Nothing => Some("muted".to_owned()),
    });
    marks.extend(row.channel.then(|| "channel".to_owned()));
    marks.extend((!row.member).then(|| "left".to_owned()));
    line = format!("{line}  ({})", marks.join(", "));
    if !row.options.draft.is_empty() {
        line = format!("{line}  draft: {}", row.options.draft);
    }
    plain::one_line(&line)
}

/// What is unread everywhere, as JSON.
#[must_use]
pub fn total_json(total: TotalUnread) -> Value {
    json!({ "total_unread": total.unread, "muted_unread": total.muted })
}

/// A member of a group as JSON.
#[must_use]
pub fn member_json(member: &MemberState, now: UnixMs) -> Value {
    let muted = (member.muted_until > now).then_some(member.muted_until.0);
    json!({
        "user": member.user.as_str(),
        "role": member.role.name(),
        "alias": member.alias,
        "muted_until_ms": muted,
        "read_up_to": member.read_up_to.0,
    })
}

/// A member of a group on a line: who, their name in the group, their role, until when they may not speak.
#[must_use]
pub fn member_line(member: &MemberState, now: UnixMs, times: &LocalTimes) -> String {
    let mut line = member.user.to_string();
    if !member.alias.is_empty() {
        line = format!("{line} \"{}\"", member.alias);
    }
    line = format!("{line} ({}", member.role.name());
    if member.muted_until > now {
        line = format!("{line}, muted {}", muted_until(member.muted_until, times));
    }
    plain::one_line(&format!("{line})"))
}

/// What is unread everywhere, on a line.
#[must_use]
pub fn total_line(total: TotalUnread) -> String {
    match total.muted {
        0 => format!("{} unread", total.unread),
        muted => format!("{} unread, and {muted} in muted conversations", total.unread),
    }
}
