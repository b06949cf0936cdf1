//! The tables of docs/reliability.md and docs/rare-paths.md that are made of what the tests run.

use std::fmt::Write as _;
use std::path::PathBuf;

use anser_sim::coverage::Rare;

use super::BUGS;

fn page(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)
}

fn bugs() -> String {
    let mut table = String::from(
        "| Seeded bug | Promise | Put into | Workload that catches it | Verdict |\n|---|---|---|---|---|\n",
    );
    for bug in BUGS {
        let (name, promise, seam) = (bug.name, bug.promise, bug.seam);
        writeln!(table, "| {name} | {promise} | {seam} | {} | `{:?}` |", bug.workload, bug.verdict)
            .expect("a string takes everything");
    }
    table
}

fn paths() -> String {
    Rare::ALL.iter().map(|path| format!("- {}\n", path.text())).collect()
}

/// Replaces what stands between the two marks.
fn with_part(text: &str, name: &str, part: &str) -> String {
    let (begin, end) = (format!("<!-- generated: {name} -->\n"), format!("<!-- end of {name} -->"));
    let (before, rest) = text.split_once(&begin).expect("the page has the opening mark");
    let (_, after) = rest.split_once(&end).expect("the page has the closing mark");
    format!("{before}{begin}\n{part}\n{end}{after}")
}

/// `ANSER_WRITE_DOCS=1` writes the tables instead of comparing them.
#[test]
fn the_tables_of_the_pages_about_reliability_are_fresh() {
    let parts =
        [("reliability.md", "seeded bugs", bugs()), ("rare-paths.md", "rare paths", paths())];
    for (name, table, part) in parts {
        let text = std::fs::read_to_string(page(name)).expect("a page of the docs");
        let fresh = with_part(&text, table, &part);
        if std::env::var_os("ANSER_WRITE_DOCS").is_some() {
            std::fs::write(page(name), &fresh).expect("a page of the docs can be written");
        } else {
            assert!(
                text == fresh,
                "{name} is out of date; write it with ANSER_WRITE_DOCS=1 cargo test -p anser-sim"
            );
        }
    }
}
