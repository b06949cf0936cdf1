//! The names of choices, the same on the command line, in JSON and after `/commands`.

use std::time::Duration;

use anser_types::{Audience, JoinMode, JoinState, Notify, Relation, Role, UnixMs};
use clap::builder::{PossibleValuesParser, TypedValueParser};

/// A time no mute lasts beyond: until somebody ends it (the last second of the year 9999).
pub const FOREVER: UnixMs = UnixMs(253_402_300_799_000);

/// A choice whose cases have names.
pub trait Named: Copy + PartialEq + Send + Sync + 'static {
    /// Every case with its name.
    const NAMES: &'static [(&'static str, Self)];

    /// The name of this case.
    #[must_use]
    fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, case)| *case == self).map_or("unknown", |(name, _)| name)
    }

    /// The case with this name.
    #[must_use]
    fn of(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, case)| *case)
    }

    /// Every name, as it is told to somebody who wrote another one.
    #[must_use]
    fn all() -> String {
        Self::NAMES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }
}

impl Named for Audience {
    const NAMES: &'static [(&'static str, Self)] =
        &[("everybody", Self::Everybody), ("contacts", Self::Contacts), ("nobody", Self::Nobody)];
}

impl Named for Notify {
    const NAMES: &'static [(&'static str, Self)] =
        &[("all", Self::All), ("mentions", Self::Mentions), ("nothing", Self::Nothing)];
}

impl Named for JoinMode {
    const NAMES: &'static [(&'static str, Self)] =
        &[("invited", Self::Invited), ("approval", Self::Approval), ("open", Self::Open)];
}

impl Named for JoinState {
    const NAMES: &'static [(&'static str, Self)] =
        &[("waiting", Self::Waiting), ("accepted", Self::Accepted), ("refused", Self::Refused)];
}

impl Named for Relation {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("none", Self::None),
        ("applied", Self::Applied),
        ("asked", Self::Asked),
        ("contact", Self::Contact),
        ("refused", Self::Refused),
    ];
}

impl Named for Role {
    const NAMES: &'static [(&'static str, Self)] =
        &[("member", Self::Member), ("admin", Self::Admin), ("owner", Self::Owner)];
}

/// Something that is turned on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switch(pub bool);

impl Named for Switch {
    const NAMES: &'static [(&'static str, Self)] = &[("on", Self(true)), ("off", Self(false))];
}

/// Reads a choice on the command line; help lists its names.
pub fn choice<T: Named>() -> impl TypedValueParser<Value = T> {
    among(T::NAMES)
}

/// Reads one of some cases of a choice.
pub fn among<T: Named>(cases: &'static [(&'static str, T)]) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(cases.iter().map(|(name, _)| *name))
        .try_map(|name| T::of(&name).ok_or("no such choice"))
}

/// Reads a time like `90s`, `10m`, `2h` or `7d`.
///
/// # Errors
/// How to write it.
pub fn duration(text: &str) -> Result<Duration, String> {
    let how = || "write a number with s, m, h or d behind it: 10m".to_owned();
    let unit = text.chars().last().ok_or_else(how)?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(how()),
    };
    let count: u64 = text[..text.len() - 1].parse().map_err(|_| how())?;
    count.checked_mul(seconds).filter(|all| *all > 0).map(Duration::from_secs).ok_or_else(how)
}

/// That long from now, in time that a mute can last.
#[must_use]
pub fn from_now(now: UnixMs, long: Option<Duration>) -> UnixMs {
    let ms = long.map_or(u64::MAX, |long| u64::try_from(long.as_millis()).unwrap_or(u64::MAX));
    UnixMs(now.0.saturating_add(ms)).min(FOREVER)
}
