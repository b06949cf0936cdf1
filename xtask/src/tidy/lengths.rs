//! Lengths: a source file has at most 600 lines. Files that are longer stand in a ratchet that only shrinks.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::sources::is_ours;
use crate::files;

const HARD_LIMIT: usize = 600;
const RATCHET: &str = "xtask/long-files.toml";

/// Checks every Rust file against the limit or its place in the ratchet; `shrink` writes shorter lengths back.
pub fn check(tracked: &[String], shrink: bool) -> anyhow::Result<Vec<String>> {
    let mut ratchet: BTreeMap<String, usize> = toml::from_str(&files::read(RATCHET)?)?;
    let mut lengths = BTreeMap::new();
    for file in tracked.iter().filter(|file| is_ours(file)) {
        lengths.insert(file.clone(), files::read(file)?.lines().count());
    }
    if shrink {
        ratchet.retain(|file, _| lengths.get(file).is_some_and(|length| *length > HARD_LIMIT));
        for (file, limit) in &mut ratchet {
            *limit = (*limit).min(lengths[file]);
        }
        std::fs::write(files::root().join(RATCHET), print(&ratchet))?;
    }
    Ok(compare(&lengths, &ratchet))
}

fn compare(lengths: &BTreeMap<String, usize>, ratchet: &BTreeMap<String, usize>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (file, &length) in lengths {
        let limit = ratchet.get(file).copied().unwrap_or(HARD_LIMIT);
        if length > limit {
            wrong.push(format!("{file}: {length} lines, at most {limit}: one subject per file"));
        }
    }
    for (file, &limit) in ratchet {
        let length = lengths.get(file).copied().unwrap_or_default();
        if length < limit {
            wrong.push(format!(
                "{RATCHET}: {file} has {length} lines now, not {limit}; run `cargo xtask tidy --shrink`"
            ));
        }
    }
    wrong
}

fn print(ratchet: &BTreeMap<String, usize>) -> String {
    let mut text = String::from(
        "# Files longer than 600 lines and their lengths. Entries shrink or go; none is added.\n",
    );
    for (file, length) in ratchet {
        // Writing to a String cannot fail.
        let _infallible = writeln!(text, "\"{file}\" = {length}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(entries: &[(&str, usize)]) -> BTreeMap<String, usize> {
        entries.iter().map(|(file, length)| ((*file).to_owned(), *length)).collect()
    }

    #[test]
    fn a_long_file_is_wrong_unless_the_ratchet_knows_it() {
        assert_eq!(compare(&map(&[("a.rs", 601)]), &map(&[])).len(), 1);
        assert!(compare(&map(&[("a.rs", 601)]), &map(&[("a.rs", 601)])).is_empty());
    }

    #[test]
    fn the_ratchet_only_shrinks() {
        assert_eq!(compare(&map(&[("a.rs", 700)]), &map(&[("a.rs", 650)])).len(), 1);
        assert_eq!(compare(&map(&[("a.rs", 620)]), &map(&[("a.rs", 650)])).len(), 1);
    }
}
