//! What happened to a group beside what was said in it: as JSON for programs, as words for people.

use anser_types::{Change, ChangeKind, Item, MemberAct, SetGroup, UnixMs, UserId};
use serde_json::{Map, Value, json};

use crate::chat::times::LocalTimes;
use crate::named::{FOREVER, Named};
use crate::people;

/// A change of a group as JSON.
#[must_use]
pub fn change_json(change: &Change) -> Value {
    json!({
        "event": "change",
        "conversation": change.conversation.to_string(),
        "change_no": change.change_no.0,
        "after_seq": change.after_seq.0,
        "actor": change.actor.as_str(),
        "server_time_ms": change.at.0,
        "change": kind_json(&change.kind),
    })
}

fn kind_json(kind: &ChangeKind) -> Value {
    let names = |users: &[UserId]| users.iter().map(ToString::to_string).collect::<Vec<_>>();
    match kind {
        ChangeKind::GroupCreated { title, members } => {
            json!({ "kind": "group_created", "title": title, "users": names(members) })
        }
        ChangeKind::MembersJoined { title, users, channel } => {
            json!({ "kind": "members_joined", "title": title, "users": names(users), "channel": channel })
        }
        ChangeKind::MemberLeft { new_owner } => {
            json!({ "kind": "member_left", "new_owner": new_owner.as_ref().map(UserId::as_str) })
        }
        ChangeKind::MembersRemoved { users } => {
            json!({ "kind": "members_removed", "users": names(users) })
        }
        ChangeKind::MessageAltered { seq, .. } => {
            json!({ "kind": "message_altered", "seq": seq.0 })
        }
        ChangeKind::GroupUpdated(set) => group_updated_json(set),
        ChangeKind::MemberAltered { user, act } => {
            let mut object = Map::new();
            object.insert("kind".to_owned(), json!("member_altered"));
            object.insert("user".to_owned(), json!(user.as_str()));
            let (name, value) = match act {
                MemberAct::Role(role) => ("role", json!(role.name())),
                MemberAct::MuteUntil(until) => ("muted_until_ms", json!(until.0)),
                MemberAct::Alias(alias) => ("alias", json!(alias)),
            };
            object.insert(name.to_owned(), value);
            Value::Object(object)
        }
        ChangeKind::GroupDismissed => json!({ "kind": "group_dismissed" }),
        ChangeKind::Item(Item::JoinRequest(request)) => {
            json!({ "kind": "join_request", "request": people::request_json(request) })
        }
        ChangeKind::Item(_) => json!({ "kind": "item" }),
        ChangeKind::Unknown { kind, .. } => json!({ "kind": "unknown", "number": kind }),
    }
}

/// Only what was changed stands in it.
fn group_updated_json(set: &SetGroup) -> Value {
    let given = [
        ("title", set.title.as_ref().map(|text| json!(text))),
        ("avatar", set.avatar.as_ref().map(|text| json!(text))),
        ("announcement", set.announcement.as_ref().map(|text| json!(text))),
        ("history_for_new_members", set.history_for_new_members.map(|on| json!(on))),
        ("join", set.join.map(|mode| json!(mode.name()))),
        ("admins_invite", set.admins_invite.map(|on| json!(on))),
        ("muted", set.muted.map(|on| json!(on))),
        ("channel", set.channel.then_some(json!(true))),
    ];
    let mut object: Map<String, Value> =
        given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    object.insert("kind".to_owned(), json!("group_updated"));
    Value::Object(object)
}

/// What the actor of a change did, in words that follow their name.
#[must_use]
pub fn words(change: &Change, times: &LocalTimes) -> String {
    let names = |users: &[UserId]| users.iter().map(UserId::as_str).collect::<Vec<_>>().join(", ");
    match &change.kind {
        ChangeKind::GroupCreated { title, members } => {
            format!("made the group \"{title}\" ({})", names(members))
        }
        ChangeKind::MembersJoined { users, .. } if *users == [change.actor.clone()] => {
            "came in".to_owned()
        }
        ChangeKind::MembersJoined { users, .. } => format!("invited {}", names(users)),
        ChangeKind::MemberLeft { new_owner: None } => "left".to_owned(),
        ChangeKind::MemberLeft { new_owner: Some(owner) } => {
            format!("left; {owner} is the owner now")
        }
        ChangeKind::MembersRemoved { users } => format!("removed {}", names(users)),
        ChangeKind::MessageAltered { seq, .. } => format!("altered message #{seq}"),
        ChangeKind::GroupUpdated(set) => group_updated(set),
        ChangeKind::MemberAltered { user, act } => member_altered(change, user, act, times),
        ChangeKind::GroupDismissed => "dissolved the group".to_owned(),
        ChangeKind::Item(Item::JoinRequest(request)) => {
            format!("request of {} to join: {}", request.user, request.state.name())
        }
        ChangeKind::Item(_) => "changed a list".to_owned(),
        ChangeKind::Unknown { kind, .. } => format!("changed something unknown ({kind})"),
    }
}

fn group_updated(set: &SetGroup) -> String {
    let on = |on: bool, yes: &str, no: &str| (if on { yes } else { no }).to_owned();
    let what: Vec<String> = [
        set.title.as_ref().map(|title| format!("named the group \"{title}\"")),
        set.avatar.as_ref().map(|_| "changed the group's picture".to_owned()),
        set.announcement.as_ref().map(|text| match text.as_str() {
            "" => "took the announcement away".to_owned(),
            text => format!("announced \"{text}\""),
        }),
        set.history_for_new_members.map(|show| {
            on(show, "shows new members what was said", "hides from new members what was said")
        }),
        set.join.map(|mode| format!("set joining to {}", mode.name())),
        set.admins_invite.map(|only| on(only, "lets only admins invite", "lets everybody invite")),
        set.muted.map(|muted| on(muted, "lets only admins speak", "lets everybody speak")),
        set.channel.then(|| "made the group a channel".to_owned()),
    ]
    .into_iter()
    .flatten()
    .collect();
    if what.is_empty() { "changed nothing".to_owned() } else { what.join("; ") }
}

fn member_altered(change: &Change, user: &UserId, act: &MemberAct, times: &LocalTimes) -> String {
    match act {
        MemberAct::Role(role) => format!("made {user} {}", role.name()),
        MemberAct::MuteUntil(until) if *until <= change.at => format!("lets {user} speak again"),
        MemberAct::MuteUntil(until) => format!("muted {user} {}", muted_until(*until, times)),
        MemberAct::Alias(alias) if alias.is_empty() => format!("took the name of {user} away"),
        MemberAct::Alias(alias) => format!("calls {user} \"{alias}\""),
    }
}

/// Until when somebody may not speak.
#[must_use]
pub fn muted_until(until: UnixMs, times: &LocalTimes) -> String {
    if until >= FOREVER {
        "until further notice".to_owned()
    } else {
        format!("until {}", times.stamp(until))
    }
}
