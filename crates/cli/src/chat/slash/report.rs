//! `/report …`: what follows it.

use anser_types::report::ReportReason;

use super::{Misunderstood, Slash, user};
use crate::chat::texts::Text;
use crate::named::Named;

/// What may follow `/report`.
pub(super) const VERBS: [&str; 3] = ["message", "user", "group"];

pub(super) fn parse(words: &[&str]) -> Result<Slash, Misunderstood> {
    match words {
        ["message", rest @ ..] => {
            let (reason, text) = why("/report message", rest)?;
            Ok(Slash::ReportMessage(reason, text))
        }
        ["group", rest @ ..] => {
            let (reason, text) = why("/report group", rest)?;
            Ok(Slash::ReportGroup(reason, text))
        }
        ["user", who, rest @ ..] => {
            let who = user(who)?;
            let (reason, text) = why("/report user", rest)?;
            Ok(Slash::ReportUser(who, reason, text))
        }
        ["user"] => Err(Misunderstood::new(Text::WantsUser, &["/report user"])),
        _ => Err(Misunderstood::new(Text::WantsVerb, &["/report", &VERBS.join(", ")])),
    }
}

/// The reason, and what is said with it.
fn why(name: &str, words: &[&str]) -> Result<(ReportReason, String), Misunderstood> {
    let reason = words.first().and_then(|word| ReportReason::of(word));
    let reason = reason
        .ok_or_else(|| Misunderstood::new(Text::WantsOneOf, &[name, &ReportReason::all()]))?;
    Ok((reason, words[1..].join(" ")))
}

/// The names of the reasons, for completion.
pub(super) fn reasons() -> Vec<&'static str> {
    ReportReason::NAMES.iter().map(|(name, _)| *name).collect()
}
