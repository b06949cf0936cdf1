//! The JSON lines of a dump. Each has a `kind`; numbers are JSON numbers, conversation ids hexadecimal.

use anser_backend::{Device, Heads, InboxBounds, Roster, User};
use anser_types::report::{About, Report};
use anser_types::{
    Alteration, Change, ChangeKind, Content, ConversationKind, Event, InboxSeq, Item, Member,
    MemberAct, Message, MessageKind, UserId,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// A user with the devices that hold a token.
#[must_use]
pub fn user(user: &User, devices: &[Device]) -> Value {
    let devices: Vec<_> = devices
        .iter()
        .map(|device| {
            json!({
                "device": device.device.0,
                "class": device.class.name(),
                "name": device.name,
                "expires_at_ms": device.expires_at.0,
            })
        })
        .collect();
    json!({
        "kind": "user",
        "no": user.no.0,
        "user": user.id.as_str(),
        "password": user.password_hash.is_some(),
        "created_at_ms": user.created_at.0,
        "devices": devices,
    })
}

/// What an inbox holds: entries `(floor, head]`.
#[must_use]
pub fn inbox(user: &UserId, bounds: InboxBounds) -> Value {
    json!({
        "kind": "inbox",
        "user": user.as_str(),
        "floor": bounds.floor.0,
        "head": bounds.head.0,
    })
}

/// One entry of an inbox, by what it points at.
#[must_use]
pub fn entry(user: &UserId, inbox_seq: InboxSeq, event: &Event) -> Value {
    let points_at = match event {
        Event::Message(message) => json!({
            "event": "message",
            "conversation": message.conversation.to_string(),
            "seq": message.seq.0,
        }),
        Event::Change(change) => json!({
            "event": "change",
            "conversation": change.conversation.to_string(),
            "change_no": change.change_no.0,
        }),
        Event::ReadSync { conversation, up_to } => json!({
            "event": "read_sync",
            "conversation": conversation.to_string(),
            "up_to": up_to.0,
        }),
        Event::Unavailable(gap) => json!({
            "event": "unavailable",
            "conversation": gap.conversation.to_string(),
            "from": gap.from.0,
            "to": gap.to.0,
            "reason": format!("{:?}", gap.reason),
        }),
        Event::Unknown { kind, .. } => json!({"event": "unknown", "number": kind}),
    };
    let mut line = json!({"kind": "entry", "user": user.as_str(), "inbox_seq": inbox_seq.0});
    if let (Value::Object(line), Value::Object(more)) = (&mut line, points_at) {
        line.extend(more);
    }
    line
}

/// A conversation with its members, present and past.
#[must_use]
pub fn conversation(roster: &Roster, heads: Heads) -> Value {
    let row = &roster.conversation;
    let what = match &row.kind {
        ConversationKind::Direct { a, b } => json!({"direct": [a.as_str(), b.as_str()]}),
        ConversationKind::Group(group) => json!({
            "group": group.title,
            "history_for_new_members": group.history_for_new_members,
            "avatar": group.avatar,
            "announcement": group.announcement,
            "join": format!("{:?}", group.join).to_lowercase(),
            "admins_invite": group.admins_invite,
            "muted": group.muted,
            "dismissed": group.dismissed,
            "channel": group.channel.is_some(),
        }),
    };
    json!({
        "kind": "conversation",
        "conversation": row.id.to_string(),
        "what": what,
        "version": row.version.0,
        "created_at_ms": row.created_at.0,
        "head": heads.seq.0,
        "change_head": heads.change_no.0,
        "members": roster.members.iter().map(member).collect::<Vec<_>>(),
    })
}

/// A membership, present or past.
#[must_use]
pub fn member(member: &Member) -> Value {
    let periods: Vec<_> = member
        .periods
        .iter()
        .map(|period| {
            json!({
                "after_seq": period.after_seq.0,
                "after_change": period.after_change.0,
                "until_seq": period.until.map(|(seq, _)| seq.0),
                "until_change": period.until.map(|(_, change)| change.0),
            })
        })
        .collect();
    json!({
        "user": member.user.as_str(),
        "role": format!("{:?}", member.role).to_lowercase(),
        "present": member.is_present(),
        "alias": member.alias,
        "muted_until_ms": member.muted_until.0,
        "refuses": member.refuses,
        "periods": periods,
    })
}

/// A message; text as such, other contents as base64, a tombstone without any.
#[must_use]
pub fn message(message: &Message) -> Value {
    let content = message.content.as_ref();
    json!({
        "kind": "message",
        "conversation": message.conversation.to_string(),
        "seq": message.seq.0,
        "sender": message.sender.as_str(),
        "device": message.id.device.0,
        "local_no": message.id.local_no.0,
        "sent_at_ms": message.sent_at.0,
        "server_time_ms": message.server_time.0,
        "content_kind": content.map(|content| content.kind.code()),
        "text": content.and_then(text),
        "content_base64": content
            .filter(|content| text(content).is_none())
            .map(|content| STANDARD.encode(&content.body)),
        "altered": message.altered.as_ref().map(|altered| json!({
            "by": altered.by.0,
            "edits": altered.edits,
            "edited_at_ms": altered.edited_at.map(|at| at.0),
            "revoked_by": altered.revoked_by.as_ref().map(UserId::as_str),
            "reactions": altered.reactions.iter().map(|one| json!({
                "emoji": one.emoji,
                "users": one.users.iter().map(UserId::as_str).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
        })),
    })
}

fn text(content: &Content) -> Option<&str> {
    if content.kind == MessageKind::Text { std::str::from_utf8(&content.body).ok() } else { None }
}

fn alteration(how: &Alteration) -> Value {
    match how {
        Alteration::Edit(content) => json!({
            "edit": text(content),
            "content_base64":
                text(content).is_none().then(|| STANDARD.encode(&content.body)),
        }),
        Alteration::Revoke => json!("revoke"),
        Alteration::React { emoji, on } => json!({"react": emoji, "on": on}),
        Alteration::Pin { on } => json!({"pin": on}),
        Alteration::Burn(at) => json!({"burns_at_ms": at.0}),
        Alteration::Expire => json!("expire"),
        Alteration::Gone => json!("edit of a message that was taken back since"),
    }
}

fn member_act(act: &MemberAct) -> Value {
    match act {
        MemberAct::Role(role) => json!({"role": format!("{role:?}").to_lowercase()}),
        MemberAct::MuteUntil(until) => json!({"mute_until_ms": until.0}),
        MemberAct::Alias(alias) => json!({"alias": alias}),
    }
}

/// An item of a list as a change leaves it.
fn item(item: &Item) -> Value {
    match item {
        Item::Contact(contact) => json!({
            "contact": contact.user.as_str(),
            "relation": format!("{:?}", contact.relation).to_lowercase(),
            "remark": contact.remark,
            "blocked": contact.blocked,
            "greeting": contact.greeting,
        }),
        Item::Options(options) => json!({
            "options": options.conversation.to_string(),
            "pinned": options.pinned,
            "notify": format!("{:?}", options.notify).to_lowercase(),
            "hidden_up_to": options.hidden_up_to.0,
            "cleared_up_to": options.cleared_up_to.0,
            "draft": options.draft,
        }),
        Item::Settings(settings) => json!({
            "settings": {
                "write_first": format!("{:?}", settings.write_first).to_lowercase(),
                "last_seen": format!("{:?}", settings.last_seen).to_lowercase(),
                "show_read": settings.show_read,
            },
        }),
        Item::Hidden { conversation, seq } => {
            json!({"hidden": conversation.to_string(), "seq": seq.0})
        }
        Item::Report(report) => self::report(report),
        Item::JoinRequest(request) => json!({
            "join_request": request.user.as_str(),
            "greeting": request.greeting,
            "state": format!("{:?}", request.state).to_lowercase(),
        }),
    }
}

/// A report of a user.
#[must_use]
pub fn report(report: &Report) -> Value {
    let about = match &report.about {
        About::User(user) => json!({"user": user.as_str()}),
        About::Conversation(id) => json!({"conversation": id.to_string()}),
        About::Message { conversation, seq, sender, said_at, content } => json!({
            "conversation": conversation.to_string(),
            "seq": seq.0,
            "sender": sender.as_str(),
            "said_at_ms": said_at.0,
            "kind": content.kind.code(),
            "text": std::str::from_utf8(&content.body).ok(),
        }),
    };
    json!({
        "report": report.id.to_string(),
        "by": report.by.as_str(),
        "about": about,
        "reason": report.reason.name(),
        "text": report.text,
        "closed_at_ms": report.closed_at.map(|at| at.0),
        "note": report.note,
    })
}

/// A change.
#[must_use]
pub fn change(change: &Change) -> Value {
    let ids = |users: &[UserId]| users.iter().map(|u| u.as_str().to_owned()).collect::<Vec<_>>();
    let what = match &change.kind {
        ChangeKind::GroupCreated { title, members } => {
            json!({"group_created": title, "members": ids(members)})
        }
        ChangeKind::MembersJoined { users, .. } => json!({"members_joined": ids(users)}),
        ChangeKind::MemberLeft { new_owner } => {
            json!({"member_left": true, "new_owner": new_owner.as_ref().map(UserId::as_str)})
        }
        ChangeKind::MembersRemoved { users } => json!({"members_removed": ids(users)}),
        ChangeKind::MessageAltered { seq, alteration: how } => {
            json!({"message_altered": seq.0, "how": alteration(how)})
        }
        ChangeKind::GroupUpdated(set) => json!({"group_updated": {
            "title": set.title,
            "avatar": set.avatar,
            "announcement": set.announcement,
            "join": set.join.map(|join| format!("{join:?}").to_lowercase()),
            "history_for_new_members": set.history_for_new_members,
            "admins_invite": set.admins_invite,
            "muted": set.muted,
        }}),
        ChangeKind::MemberAltered { user, act } => {
            json!({"member_altered": user.as_str(), "how": member_act(act)})
        }
        ChangeKind::GroupDismissed => json!({"group_dismissed": true}),
        ChangeKind::Item(item) => json!({"item": self::item(item)}),
        ChangeKind::Unknown { kind, .. } => json!({"unknown": kind}),
    };
    json!({
        "kind": "change",
        "conversation": change.conversation.to_string(),
        "change_no": change.change_no.0,
        "after_seq": change.after_seq.0,
        "version": change.version.0,
        "actor": change.actor.as_str(),
        "server_time_ms": change.at.0,
        "what": what,
    })
}
