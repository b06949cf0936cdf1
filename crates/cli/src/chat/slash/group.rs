//! `/group …`: what follows it.

use std::time::Duration;

use anser_types::{ConversationId, Role, SetGroup};

use super::{Misunderstood, Slash, user};
use crate::chat::texts::Text;
use crate::named::{Named, duration};

/// What may follow `/group`.
pub(super) const VERBS: [&str; 18] = [
    "create", "invite", "leave", "kick", "members", "title", "announce", "role", "transfer",
    "mute", "unmute", "alias", "dismiss", "join", "requests", "accept", "refuse", "channel",
];
/// Those followed by a member or by who asks.
pub(super) const ABOUT_USERS: [&str; 9] =
    ["invite", "kick", "role", "transfer", "mute", "unmute", "alias", "accept", "refuse"];

pub(super) fn parse(words: &[&str]) -> Result<Slash, Misunderstood> {
    let unknown = || Misunderstood::new(Text::WantsVerb, &["/group", &VERBS.join(", ")]);
    let Some((verb, rest)) = words.split_first() else { return Err(unknown()) };
    let name = format!("/group {verb}");
    let wants_user = || Misunderstood::new(Text::WantsUser, &[&name]);
    let some_users = |users: &[&str]| {
        if users.is_empty() {
            return Err(Misunderstood::new(Text::WantsUsers, &[&name]));
        }
        users.iter().map(|one| user(one)).collect::<Result<Vec<_>, _>>()
    };
    match (*verb, rest) {
        ("create", []) => Err(Misunderstood::new(Text::WantsTitle, &[])),
        ("create", [title, users @ ..]) => {
            let members = users.iter().map(|one| user(one)).collect::<Result<_, _>>()?;
            Ok(Slash::GroupCreate { title: (*title).to_owned(), members })
        }
        ("invite", users) => Ok(Slash::GroupInvite(some_users(users)?)),
        ("kick", users) => Ok(Slash::GroupKick(some_users(users)?)),
        ("leave", []) => Ok(Slash::GroupLeave),
        ("members", []) => Ok(Slash::GroupMembers),
        ("dismiss", []) => Ok(Slash::GroupDismiss),
        ("requests", []) => Ok(Slash::GroupRequests),
        ("title", []) => Err(Misunderstood::new(Text::WantsText, &[&name])),
        ("title", words) => {
            Ok(changed(SetGroup { title: Some(words.join(" ")), ..SetGroup::default() }))
        }
        // Without words the announcement is taken away.
        ("announce", words) => {
            Ok(changed(SetGroup { announcement: Some(words.join(" ")), ..SetGroup::default() }))
        }
        ("channel", []) => Ok(changed(SetGroup { channel: true, ..SetGroup::default() })),
        ("mute", []) => Ok(changed(SetGroup { muted: Some(true), ..SetGroup::default() })),
        ("unmute", []) => Ok(changed(SetGroup { muted: Some(false), ..SetGroup::default() })),
        ("mute", [who]) => Ok(Slash::GroupMute { who: user(who)?, long: None }),
        ("mute", [who, long]) => Ok(Slash::GroupMute { who: user(who)?, long: Some(time(long)?) }),
        ("unmute", [who]) => Ok(Slash::GroupUnmute(user(who)?)),
        ("role", [who, role]) => match Role::of(role) {
            Some(role @ (Role::Admin | Role::Member)) => Ok(Slash::GroupRole(user(who)?, role)),
            _ => Err(Misunderstood::new(Text::WantsOneOf, &[&name, "admin, member"])),
        },
        ("transfer", [who]) => Ok(Slash::GroupRole(user(who)?, Role::Owner)),
        ("alias", [alias]) => Ok(Slash::GroupAlias { of: None, alias: (*alias).to_owned() }),
        ("alias", [who, alias]) => {
            Ok(Slash::GroupAlias { of: Some(user(who)?), alias: (*alias).to_owned() })
        }
        ("alias", _) => Err(Misunderstood::new(Text::WantsText, &[&name])),
        ("join", [id, greeting @ ..]) => {
            Ok(Slash::GroupJoin { group: group(id)?, greeting: greeting.join(" ") })
        }
        ("join", []) => Err(Misunderstood::new(Text::WantsGroupId, &[&name])),
        ("accept", [who]) => Ok(Slash::GroupAnswer { who: user(who)?, accept: true }),
        ("refuse", [who]) => Ok(Slash::GroupAnswer { who: user(who)?, accept: false }),
        ("role" | "transfer" | "mute" | "unmute" | "accept" | "refuse", _) => Err(wants_user()),
        ("leave" | "members" | "dismiss" | "requests" | "channel", _) => {
            Err(Misunderstood::new(Text::NoArguments, &[&name]))
        }
        _ => Err(unknown()),
    }
}

const fn changed(set: SetGroup) -> Slash {
    Slash::GroupChange(set)
}

fn time(text: &str) -> Result<Duration, Misunderstood> {
    duration(text).map_err(|_| Misunderstood::new(Text::WantsTime, &[text]))
}

fn group(text: &str) -> Result<ConversationId, Misunderstood> {
    text.parse().map_err(|_| Misunderstood::new(Text::BadGroup, &[text]))
}
