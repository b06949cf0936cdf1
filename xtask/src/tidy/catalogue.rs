//! The error catalogue: every error occurs in a test, so that none is there that nobody can meet.

use crate::files;

const CATALOGUE: &str = "crates/types/src/error.rs";
/// Where the catalogue itself is tested: it names errors without meeting them.
const NOT_A_DOOR: &str = "crates/types/";

/// Looks for every error in the files under `tests/`.
pub fn check(tracked: &[String]) -> anyhow::Result<Vec<String>> {
    let mut tests = Vec::new();
    for file in tracked.iter().filter(|file| is_test(file)) {
        tests.push(files::read(file)?);
    }
    let entries = entries(&files::read(CATALOGUE)?);
    anyhow::ensure!(!entries.is_empty(), "{CATALOGUE}: no catalogue found");
    Ok(untested(&entries, &tests))
}

fn is_test(file: &str) -> bool {
    file.ends_with(".rs") && file.contains("/tests/") && !file.starts_with(NOT_A_DOOR)
}

/// An error: its variant and its stable name.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    variant: String,
    name: String,
}

/// The lines `Variant = 123, NAME, …` of the catalogue.
fn entries(catalogue: &str) -> Vec<Entry> {
    catalogue
        .lines()
        .filter_map(|line| {
            let (variant, rest) = line.trim().split_once(" = ")?;
            let (number, rest) = rest.split_once(", ")?;
            let (name, _) = rest.split_once(", ")?;
            let is_entry = number.parse::<u16>().is_ok()
                && name.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_');
            is_entry.then(|| Entry { variant: variant.to_owned(), name: name.to_owned() })
        })
        .collect()
}

fn untested(entries: &[Entry], tests: &[String]) -> Vec<String> {
    let met = |entry: &&Entry| {
        let variant = format!("ErrorCode::{}", entry.variant);
        tests.iter().any(|test| has_word(test, &variant) || has_word(test, &entry.name))
    };
    entries
        .iter()
        .filter(|entry| !met(entry))
        .map(|Entry { variant, name }| {
            format!(
                "{CATALOGUE}: no test meets {name}: reach ErrorCode::{variant} through a public door, \
                 or remove it from the catalogue"
            )
        })
        .collect()
}

/// Whether a word stands in a text as a whole, not as a part of a longer one.
fn has_word(text: &str, word: &str) -> bool {
    let goes_on = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.match_indices(word).any(|(at, _)| {
        !text[..at].ends_with(goes_on) && !text[at + word.len()..].starts_with(goes_on)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = "catalogue! {\n    \
        Stale = 303, STALE, true, Server, \"Changed.\", \"Try again.\";\n    \
        StaleNews = 304, STALE_NEWS, true, Server, \"Old.\", \"Wait.\";\n}\n";

    fn found(tests: &[&str]) -> Vec<String> {
        let tests: Vec<String> = tests.iter().map(|test| (*test).to_owned()).collect();
        untested(&entries(LINES), &tests)
    }

    #[test]
    fn an_error_that_no_test_meets_is_named() {
        assert_eq!(entries(LINES).len(), 2);
        let missing = found(&["assert_eq!(code, ErrorCode::StaleNews);"]);
        assert_eq!(missing.len(), 1, "{missing:?}");
        assert!(missing[0].contains("no test meets STALE:"));
    }

    #[test]
    fn a_variant_or_a_name_is_enough_but_only_as_a_whole_word() {
        assert_eq!(found(&["ErrorCode::Stale)", "\"STALE_NEWS\""]), Vec::<String>::new());
        assert_eq!(found(&["ErrorCode::StaleNewspaper", "NOT_STALE_NEWS"]).len(), 2);
    }

    #[test]
    fn the_catalogue_itself_is_no_door() {
        assert!(is_test("crates/gateway/tests/it/doors.rs"));
        assert!(!is_test("crates/types/tests/it/catalogue.rs"));
        assert!(!is_test("crates/gateway/src/listen.rs"));
    }
}
