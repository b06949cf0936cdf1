//! The table of requirements: every test it names exists.

use std::collections::BTreeSet;

use crate::files;

const PAGE: &str = "docs/requirements.md";

/// Compares the page with the tests.
pub fn check(tracked: &[String]) -> anyhow::Result<Vec<String>> {
    let mut tests = BTreeSet::new();
    for file in tracked.iter().filter(|file| file.ends_with(".rs")) {
        tests.extend(test_names(file, &files::read(file)?));
    }
    Ok(compare(&named_in(&files::read(PAGE)?), &tests))
}

/// The tests of a file as the page names them: `crate::module::name`.
fn test_names(file: &str, text: &str) -> Vec<String> {
    let parts: Vec<&str> = file.split('/').collect();
    let ["crates", owner, "tests", .., last] = parts[..] else { return Vec::new() };
    let module = last.trim_end_matches(".rs");
    let mut is_test = false;
    let mut names = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| is_test) {
            let name = rest.split(['(', '<']).next().unwrap_or_default();
            names.push(format!("{owner}::{module}::{name}"));
            is_test = false;
        }
    }
    names
}

/// Everything in backquotes that looks like a test.
fn named_in(page: &str) -> BTreeSet<String> {
    page.split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| name.split("::").count() == 3)
        .map(str::to_owned)
        .collect()
}

fn compare(named: &BTreeSet<String>, tests: &BTreeSet<String>) -> Vec<String> {
    named
        .difference(tests)
        .map(|name| format!("{PAGE}: there is no test {name}; name the one that shows this now"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEST: &str = "#[tokio::test(start_paused = true)]\nasync fn requirement_a1_x() {}\n\
        fn requirement_like() {}\n    #[test]\n    fn plain() {}\n";

    #[test]
    fn tests_are_named_by_crate_and_module() {
        let names = test_names("crates/gateway/tests/it/doors.rs", TEST);
        assert_eq!(names, ["gateway::doors::requirement_a1_x", "gateway::doors::plain"]);
        assert!(test_names("crates/gateway/src/listen.rs", TEST).is_empty());
    }

    #[test]
    fn a_test_that_is_gone_is_named() {
        let tests = test_names("crates/a/tests/it/b.rs", TEST).into_iter().collect();
        let page = "| A1 | `a::b::plain` `a::b::gone` and `code` |";
        let wrong = compare(&named_in(page), &tests);
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        assert!(wrong[0].contains("no test a::b::gone"));
    }
}
