//! What a run leaves in the documentation: the tables in its page, and the charts beside it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

use crate::chart::{Row, chart};
use crate::figures::Outcome;
use crate::profile::PROFILES;
use crate::table;

const BEGIN: &str = "<!-- generated: weak networks -->\n";
const END: &str = "<!-- end of weak networks -->";

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

    let page = docs.join("weak-network.md");
    let text = fs::read_to_string(&page)?;
    let (before, rest) = text.split_once(BEGIN).context("the page does not say where")?;
    let (_, after) = rest.split_once(END).context("the page does not say up to where")?;
    let mut networks = String::from("| network | what it is |\n|---|---|\n");
    for profile in &PROFILES {
        networks.push_str(&format!("| {} | {} |\n", profile.name, profile.about));
    }
    let tables = table::tables(outcomes);
    fs::write(&page, format!("{before}{BEGIN}\n{networks}\n{tables}\n{END}{after}"))?;
    Ok(())
}

fn names(outcome: &Outcome) -> Row<'static> {
    let (group, series) = (outcome.profile.name, outcome.transport.name());
    Row { group, series, times: Vec::new() }
}
