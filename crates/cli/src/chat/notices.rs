//! What happened in a group beside what was said, in a sentence for its timeline.

use anser_types::{Change, ChangeKind, JoinMode, MemberAct, Role, SetGroup, UserId};

use super::model::Setting;
use super::texts::Text;
use crate::named::FOREVER;
use crate::plain;

/// What a person is called: oneself "you".
#[must_use]
pub fn name(who: &UserId, setting: &Setting) -> String {
    if *who == setting.me {
        setting.texts.get(Text::You).to_owned()
    } else {
        plain::one_line(who.as_str())
    }
}

/// A change of a group in a sentence.
#[must_use]
pub fn change(change: &Change, setting: &Setting) -> String {
    let texts = setting.texts;
    let actor = name(&change.actor, setting);
    let names = |users: &[UserId]| {
        let others = users.iter().filter(|user| **user != change.actor);
        texts.list(others.map(|user| name(user, setting)))
    };
    match &change.kind {
        ChangeKind::GroupCreated { title, members } => {
            let (title, others) = (plain::one_line(title), names(members));
            if others.is_empty() {
                texts.with(Text::GroupMadeAlone, &[&actor, &title])
            } else {
                texts.with(Text::GroupMade, &[&actor, &title, &others])
            }
        }
        ChangeKind::MembersJoined { users, .. } => match names(users).as_str() {
            "" => texts.with(Text::CameIn, &[&actor]),
            others => texts.with(Text::Joined, &[&actor, others]),
        },
        ChangeKind::MemberLeft { new_owner: None } => texts.with(Text::Left, &[&actor]),
        ChangeKind::MemberLeft { new_owner: Some(owner) } => {
            texts.with(Text::LeftNewOwner, &[&actor, &name(owner, setting)])
        }
        ChangeKind::MembersRemoved { users } => texts.with(Text::Removed, &[&actor, &names(users)]),
        ChangeKind::GroupUpdated(set) => group_updated(&actor, set, setting),
        ChangeKind::MemberAltered { user, act } => member_altered(change, user, act, setting),
        ChangeKind::GroupDismissed => texts.with(Text::Dismissed, &[&actor]),
        ChangeKind::MessageAltered { .. } | ChangeKind::Item(_) | ChangeKind::Unknown { .. } => {
            texts.with(Text::UnknownChange, &[&actor])
        }
    }
}

/// One sentence for each property that was changed.
fn group_updated(actor: &str, set: &SetGroup, setting: &Setting) -> String {
    let texts = setting.texts;
    let says = |text: Text| texts.with(text, &[actor]);
    let on = |on: bool, yes: Text, no: Text| says(if on { yes } else { no });
    let sentences: Vec<String> = [
        set.title
            .as_ref()
            .map(|title| texts.with(Text::Retitled, &[actor, &plain::one_line(title)])),
        set.avatar.as_ref().map(|_| says(Text::NewAvatar)),
        set.announcement.as_ref().map(|text| match plain::one_line(text).as_str() {
            "" => says(Text::NoAnnouncement),
            text => texts.with(Text::Announced, &[actor, text]),
        }),
        set.history_for_new_members.map(|show| on(show, Text::ShowsHistory, Text::HidesHistory)),
        set.join.map(|mode| {
            says(match mode {
                JoinMode::Invited => Text::JoinInvited,
                JoinMode::Approval => Text::JoinApproval,
                JoinMode::Open => Text::JoinOpen,
            })
        }),
        set.admins_invite.map(|only| on(only, Text::AdminsInvite, Text::AllInvite)),
        set.muted.map(|muted| on(muted, Text::AllMuted, Text::AllSpeak)),
        set.channel.then(|| says(Text::BecameChannel)),
    ]
    .into_iter()
    .flatten()
    .collect();
    sentences.join(" · ")
}

fn member_altered(change: &Change, user: &UserId, act: &MemberAct, setting: &Setting) -> String {
    let texts = setting.texts;
    let (actor, whom) = (name(&change.actor, setting), name(user, setting));
    let says = |text: Text| texts.with(text, &[&actor, &whom]);
    match act {
        MemberAct::Role(role) => says(match role {
            Role::Owner => Text::MadeOwner,
            Role::Admin => Text::MadeAdmin,
            Role::Member => Text::MadeMember,
        }),
        MemberAct::MuteUntil(until) if *until <= change.at => says(Text::Unmuted),
        MemberAct::MuteUntil(until) if *until >= FOREVER => says(Text::MutedForever),
        MemberAct::MuteUntil(until) => {
            // The day only when it is another one.
            let times = &setting.times;
            let clock = times.clock(*until);
            let until = if times.day(*until) == times.day(change.at) {
                clock
            } else {
                format!("{} {clock}", times.day(*until))
            };
            texts.with(Text::MutedUntil, &[&actor, &whom, &until])
        }
        MemberAct::Alias(alias) => match plain::one_line(alias).as_str() {
            "" => says(Text::Unaliased),
            alias if *user == change.actor => texts.with(Text::AliasedSelf, &[&actor, alias]),
            alias => texts.with(Text::Aliased, &[&actor, &whom, alias]),
        },
    }
}
