//! `/contact …` and `/settings …`: what follows them.

use anser_types::{Audience, ContactAct, SetSettings};

use super::{Misunderstood, Slash, user};
use crate::chat::texts::Text;
use crate::named::{Named, Switch};

/// What may follow `/contact`.
pub(super) const CONTACT_VERBS: [&str; 8] =
    ["list", "apply", "accept", "refuse", "remark", "remove", "block", "unblock"];
/// What may follow `/settings`.
pub(super) const SETTINGS: [&str; 3] = ["write-first", "last-seen", "show-read"];

pub(super) fn contact(words: &[&str]) -> Result<Slash, Misunderstood> {
    let unknown = || Misunderstood::new(Text::WantsVerb, &["/contact", &CONTACT_VERBS.join(", ")]);
    let (verb, rest) = match words {
        [] | ["list"] => return Ok(Slash::Contacts),
        [verb, rest @ ..] if CONTACT_VERBS.contains(verb) => (*verb, rest),
        _ => return Err(unknown()),
    };
    let name = format!("/contact {verb}");
    let act = match (verb, rest) {
        ("apply", [_, greeting @ ..]) => ContactAct::Apply { greeting: greeting.join(" ") },
        // Without a name it is taken away.
        ("remark", [_, remark @ ..]) => ContactAct::Remark(remark.join(" ")),
        ("accept", [_]) => ContactAct::Accept,
        ("refuse", [_]) => ContactAct::Refuse,
        ("remove", [_]) => ContactAct::Remove,
        ("block", [_]) => ContactAct::Block,
        ("unblock", [_]) => ContactAct::Unblock,
        ("list", _) => return Err(Misunderstood::new(Text::NoArguments, &[&name])),
        _ => return Err(Misunderstood::new(Text::WantsUser, &[&name])),
    };
    Ok(Slash::Contact(user(rest[0])?, act))
}

pub(super) fn settings(words: &[&str]) -> Result<Slash, Misunderstood> {
    let set = match words {
        [] => return Ok(Slash::Settings),
        ["write-first", whom] => SetSettings {
            write_first: Some(one_of::<Audience>(words[0], whom)?),
            ..SetSettings::default()
        },
        ["last-seen", whom] => SetSettings {
            last_seen: Some(one_of::<Audience>(words[0], whom)?),
            ..SetSettings::default()
        },
        ["show-read", on] => {
            let Switch(on) = one_of(words[0], on)?;
            SetSettings { show_read: Some(on), ..SetSettings::default() }
        }
        _ => return Err(Misunderstood::new(Text::WantsVerb, &["/settings", &SETTINGS.join(", ")])),
    };
    Ok(Slash::SetSettings(set))
}

fn one_of<T: Named>(what: &str, word: &str) -> Result<T, Misunderstood> {
    let name = format!("/settings {what}");
    T::of(word).ok_or_else(|| Misunderstood::new(Text::WantsOneOf, &[&name, &T::all()]))
}
