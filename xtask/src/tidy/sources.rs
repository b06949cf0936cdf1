//! Source files: a head that says what the file is for, no forbidden names, no unbounded queue, no left-over.

use std::path::Path;

use crate::files;

/// File names that say nothing about a subject.
const NAMELESS: &[&str] = &["utils", "util", "common", "helpers", "helper", "manager", "misc"];

/// Texts that may not stand in product code, with the reason. Written in two parts where this file would find itself.
const FORBIDDEN: &[(&str, &str)] = &[
    (concat!("unbounded", "_channel"), "every queue states its bound and its policy"),
    (concat!("mpsc::", "unbounded("), "every queue states its bound and its policy"),
    (concat!("todo", "!("), "nothing is left for later"),
    (concat!("unimplemented", "!("), "nothing is left for later"),
    (concat!("cfg(feature = \"", "test"), "no test-only branches in product code: tests use ports"),
    (concat!("#[", "ignore"), "a skipped test is not a passed test"),
];

/// Checks every Rust file but generated ones.
pub fn check(tracked: &[String]) -> anyhow::Result<Vec<String>> {
    let mut wrong = Vec::new();
    for file in tracked.iter().filter(|file| is_ours(file)) {
        let text = files::read(file)?;
        let stem = Path::new(file).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if NAMELESS.contains(&stem) {
            wrong.push(format!("{file}: '{stem}' names no subject"));
        }
        if !text.starts_with("//! ") {
            wrong.push(format!(
                "{file}: the first line must be `//! ` and say what the file is for"
            ));
        }
        for (number, line) in text.lines().enumerate() {
            for (needle, reason) in FORBIDDEN {
                // A crate may offer whole modules for other crates' tests; its lib.rs says so and nothing else may.
                let is_offer = needle.starts_with("cfg(feature") && file.ends_with("src/lib.rs");
                // A process that another test starts is no test by itself.
                let is_process = line.contains("\"started as a process by");
                let is_comment = line.trim_start().starts_with("//");
                if line.contains(needle) && !is_offer && !is_process && !is_comment {
                    wrong.push(format!("{file}:{}: '{needle}': {reason}", number + 1));
                }
            }
        }
    }
    Ok(wrong)
}

/// A Rust file written by people.
pub fn is_ours(file: &str) -> bool {
    file.ends_with(".rs") && !file.contains("/generated/")
}
