//! What is wrong with a configuration: where, what, and what to write instead.

use std::fmt;
use std::path::PathBuf;

use super::keys::{Key, keys, sections};

/// Where a setting was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line of the configuration file (from 1).
    Line {
        /// The file.
        file: PathBuf,
        /// The line, when it is known.
        line: Option<usize>,
    },
    /// An environment variable.
    Variable(String),
    /// `--set section.key=value` or the flag of that key.
    Flag(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { file, line: Some(line) } => write!(f, "{}, line {line}", file.display()),
            Self::Line { file, line: None } => write!(f, "{}", file.display()),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Flag(path) => write!(f, "flag for {path}"),
        }
    }
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}; {instead}")]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// What is wrong.
    pub what: String,
    /// What to do or write instead, as an imperative.
    pub instead: String,
}

impl Problem {
    /// A value that its key does not take.
    #[must_use]
    pub fn bad_value(place: Place, key: &Key, what: &str) -> Self {
        let path = key.path();
        Self {
            place,
            what: format!("{path}: {what}"),
            instead: format!("write {}; the default is {}", key.expects, key.default),
        }
    }

    /// A section that does not exist.
    #[must_use]
    pub fn unknown_section(place: Place, name: &str) -> Self {
        let names: Vec<_> = sections().iter().map(|section| section.name.to_owned()).collect();
        let instead = match key_without_section(name) {
            Some(path) => format!("write {path}, that is, move it under its section"),
            None => nearest(name, &names).map_or_else(
                || format!("use one of {}", names.join(", ")),
                |near| format!("write {near}"),
            ),
        };
        Self { place, what: format!("there is no section or key {name}"), instead }
    }

    /// A key that its section does not have.
    #[must_use]
    pub fn unknown_key(place: Place, section: &str, name: &str) -> Self {
        let names: Vec<_> =
            keys().iter().filter(|key| key.section == section).map(Key::path).collect();
        let path = format!("{section}.{name}");
        let instead = nearest(&path, &names).map_or_else(
            || format!("use one of {}", names.join(", ")),
            |near| format!("write {near}"),
        );
        Self { place, what: format!("there is no key {path}"), instead }
    }

    /// A variable that looks like one of ours and is none.
    #[must_use]
    pub fn unknown_variable(name: &str) -> Self {
        let names: Vec<_> = keys().iter().map(Key::variable).collect();
        let instead = nearest(name, &names).map_or_else(
            || "unset it; the names stand in docs/operate/configuration.md".to_owned(),
            |near| format!("write {near}"),
        );
        Self {
            place: Place::Variable(name.to_owned()),
            what: "no setting has this name".into(),
            instead,
        }
    }
}

/// A section of the file that has a key of this name, for those who forgot the section.
fn key_without_section(name: &str) -> Option<String> {
    keys().iter().find(|key| key.name == name).map(Key::path)
}

/// The candidate that was most likely meant, if any is near.
fn nearest<'a>(wrong: &str, candidates: &'a [String]) -> Option<&'a String> {
    candidates
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(wrong, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
