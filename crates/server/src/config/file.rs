//! The configuration file: read once, with the line of every key, unknown keys refused.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::keys::sections;
use super::problem::{Place, Problem};

/// A file that is valid TOML and holds only known keys; values are not checked yet.
#[derive(Debug)]
pub struct ConfigFile {
    path: PathBuf,
    lines: BTreeMap<String, usize>,
    table: toml::Table,
}

impl ConfigFile {
    /// Checks the text of a file.
    ///
    /// # Errors
    /// Every unknown section and key, or the first place that is no TOML.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Vec<Problem>> {
        let not_toml = |error: &toml::de::Error| {
            vec![Problem {
                place: Place::Line {
                    file: path.to_owned(),
                    line: error.span().map(|span| line_at(text, span.start)),
                },
                what: format!("this is not TOML: {}", error.message()),
                instead: "write key = value lines under a [section], text in quotes".into(),
            }]
        };
        let spans = DeTable::parse(text).map_err(|error| not_toml(&error))?;
        let lines = check_names(path, text, spans.get_ref())?;
        let table = text.parse::<toml::Table>().map_err(|error| not_toml(&error))?;
        Ok(Self { path: path.to_owned(), lines, table })
    }

    /// What it says.
    #[must_use]
    pub const fn table(&self) -> &toml::Table {
        &self.table
    }

    /// Where a key (`section.key`) stands.
    #[must_use]
    pub fn place_of(&self, key_path: &str) -> Place {
        Place::Line { file: self.path.clone(), line: self.lines.get(key_path).copied() }
    }
}

/// The line of every key; all unknown names as problems.
fn check_names(
    path: &Path,
    text: &str,
    table: &DeTable<'_>,
) -> Result<BTreeMap<String, usize>, Vec<Problem>> {
    let known = sections();
    let place =
        |offset: usize| Place::Line { file: path.to_owned(), line: Some(line_at(text, offset)) };
    let mut lines = BTreeMap::new();
    let mut problems = Vec::new();
    for (section_name, value) in table {
        let at = section_name.span().start;
        let Some(section) = known.iter().find(|section| section.name == section_name.get_ref())
        else {
            problems.push(Problem::unknown_section(place(at), section_name.get_ref()));
            continue;
        };
        let DeValue::Table(entries) = value.get_ref() else {
            problems.push(Problem {
                place: place(at),
                what: format!("{} is a section, not a value", section.name),
                instead: format!("write [{}] and its keys on the lines below", section.name),
            });
            continue;
        };
        for name in entries.keys() {
            let at = name.span().start;
            if section.keys.iter().any(|key| key.name == name.get_ref()) {
                lines.insert(format!("{}.{}", section.name, name.get_ref()), line_at(text, at));
            } else {
                problems.push(Problem::unknown_key(place(at), section.name, name.get_ref()));
            }
        }
    }
    if problems.is_empty() { Ok(lines) } else { Err(problems) }
}

/// The line, from 1, that holds this byte.
fn line_at(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}
