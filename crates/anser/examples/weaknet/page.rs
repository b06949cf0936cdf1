//! What a run leaves in the documentation: the tables in its page, and the charts beside it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

use crate::chart::{Row, chart};
use crate::figures::Outcome;
use crate::reconnects::Returns;
use crate::{idle, table};

/// Writes charts and tables below `docs`.
pub fn write(docs: &Path, outcomes: &[Outcome]) -> anyhow::Result<()> {
    let charts = docs.join("weak-network");
    fs::create_dir_all(&charts)?;
    let rows = |times: fn(&Outcome) -> Vec<Duration>| -> Vec<Row<'_>> {
        let row = |outcome| Row { times: times(outcome), ..names(outcome) };
        outcomes.iter().map(row).filter(|row| !row.times.is_empty()).collect()
    };
    let delays =
        chart("from “send” to the receiver's app", &rows(|outcome| outcome.delays.clone()));
    fs::write(charts.join("delays.svg"), delays)?;
    let over = rows(|outcome| outcome.recoveries.iter().flatten().copied().collect());
    let over = chart("from the end of the trouble to connected and synced", &over);
    fs::write(charts.join("recoveries.svg"), over)?;

    replace(docs, "weak networks", &table::tables(outcomes))?;
    replace(docs, "silent days", &idle::table(outcomes))
}

/// Writes the table of reconnects.
pub fn write_returns(docs: &Path, returns: &[Returns]) -> anyhow::Result<()> {
    replace(docs, "reconnects", &table::returns(returns))
}

/// Puts this between the marks of a section.
fn replace(docs: &Path, section: &str, with: &str) -> anyhow::Result<()> {
    let page = docs.join("weak-network.md");
    let text = fs::read_to_string(&page)?;
    let (begin, end) =
        (format!("<!-- generated: {section} -->\n"), format!("<!-- end of {section} -->"));
    let (before, rest) =
        text.split_once(&begin).with_context(|| format!("the page does not say “{begin}”"))?;
    let (_, after) =
        rest.split_once(&end).with_context(|| format!("the page does not say “{end}”"))?;
    fs::write(&page, format!("{before}{begin}\n{with}\n{end}{after}"))?;
    Ok(())
}

fn names(outcome: &Outcome) -> Row<'static> {
    let (group, series) = (outcome.profile.name, outcome.transport.name());
    Row { group, series, times: Vec::new() }
}
