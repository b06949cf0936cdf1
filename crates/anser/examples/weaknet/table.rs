//! The figures as Markdown tables, which read well in a terminal too.

use std::fmt::Write as _;
use std::time::Duration;

use crate::figures::{Outcome, Traffic, percentile};
use crate::profile::Profile;
use crate::reconnects::{Cut, Returns};
use crate::transport::Transport;

/// What people noticed, what it cost, and the sums.
pub fn tables(outcomes: &[Outcome]) -> String {
    let mut text = by_network("delivery: p50, p95, slowest", whole, outcomes, |outcome| {
        Some([50, 95, 100].map(|at| time(percentile(&outcome.delays, at))).join(", "))
    });
    let tables = [
        by_network("troubles: over after p50, slowest", short, outcomes, recoveries),
        by_network(
            "talking, an hour: KiB up, down · packets up, down · wakes · reconnects",
            short,
            outcomes,
            |outcome| Some(traffic(&outcome.talk, 1_024.0, None)),
        ),
        by_network(
            "quiet, an hour: bytes up, down · packets up, down · wakes · reconnects · beats",
            short,
            outcomes,
            |outcome| Some(traffic(&outcome.quiet, 1.0, Some(outcome.quiet.beats))),
        ),
    ];
    for table in tables.iter().filter(|table| !table.is_empty()) {
        text.push('\n');
        text.push_str(table);
    }
    let sum = |part: fn(&Outcome) -> usize| outcomes.iter().map(part).sum::<usize>();
    // Writing to a String cannot fail.
    let _infallible = writeln!(
        text,
        "\n{} messages said, {} deliveries; {} shown as failed for a time and sent again; lost, doubled or reordered: {}.",
        sum(|outcome| outcome.said),
        sum(|outcome| outcome.heard),
        sum(|outcome| outcome.failed),
        sum(|outcome| outcome.verdicts.len()),
    );
    text
}

/// A row for each network where there is something to say, a column for each transport.
fn by_network(
    title: &str,
    name: fn(&Profile) -> String,
    outcomes: &[Outcome],
    cell: impl Fn(&Outcome) -> Option<String>,
) -> String {
    let mut transports: Vec<Transport> = Vec::new();
    let mut rows: Vec<(&Profile, Vec<String>)> = Vec::new();
    for outcome in outcomes {
        if !transports.contains(&outcome.transport) {
            transports.push(outcome.transport);
        }
        let Some(cell) = cell(outcome) else { continue };
        match rows.last_mut().filter(|(profile, _)| profile.name == outcome.profile.name) {
            Some((_, cells)) => cells.push(cell),
            None => rows.push((outcome.profile, vec![cell])),
        }
    }
    if rows.is_empty() {
        return String::new();
    }
    let mut text = String::new();
    let names = transports.iter().map(|transport| transport.name().to_owned());
    line(&mut text, &std::iter::once(title.to_owned()).chain(names).collect::<Vec<_>>());
    text.push_str(&format!("|---|{}\n", "--:|".repeat(transports.len())));
    for (profile, cells) in rows {
        let name = std::iter::once(name(profile));
        line(&mut text, &name.chain(cells).collect::<Vec<_>>());
    }
    text
}

/// How many troubles there were and how long it took until they were over; nothing where there was none.
fn recoveries(outcome: &Outcome) -> Option<String> {
    let over: Vec<_> = outcome.recoveries.iter().flatten().copied().collect();
    let slowest = match outcome.recoveries.len() - over.len() {
        0 => time(percentile(&over, 100)),
        n => format!("{n} not before the next"),
    };
    let all = outcome.recoveries.len();
    (all > 0).then(|| format!("{all}: {}, {slowest}", time(percentile(&over, 50))))
}

fn traffic(traffic: &Traffic, unit: f64, beats: Option<f64>) -> String {
    let Traffic { bytes, packets, wakes, connections, .. } = traffic;
    let both = |of: &[f64; 2], unit: f64| format!("{:.0}, {:.0}", of[0] / unit, of[1] / unit);
    let figures = [*wakes, *connections].into_iter().chain(beats);
    let figures = figures.map(|figure| format!("{figure:.0}"));
    [both(bytes, unit), both(packets, 1.0)]
        .into_iter()
        .chain(figures)
        .collect::<Vec<_>>()
        .join(" · ")
}

fn short(profile: &Profile) -> String {
    profile.name.to_owned()
}

fn whole(profile: &Profile) -> String {
    format!("**{}** – {}", profile.name, profile.about)
}

/// How soon clients are back, in round trips.
pub fn returns(all: &[Returns]) -> String {
    let mut text = String::from(
        "| network | transport | after | first packet of the server: p50, p95 | connected and in sync: p50, p95 | slowest |\n\
         |---|---|---|--:|--:|--:|\n",
    );
    for Returns { profile, transport, cut, round_trip, heard, complete } in all {
        let after = match cut {
            Cut::Move => "a move",
            Cut::Leave => "being offline",
        };
        let [heard_p50, heard_p95, _] = in_trips(heard, *round_trip);
        let [p50, p95, slowest] = in_trips(complete, *round_trip);
        line(
            &mut text,
            &[
                format!("{}, {} ms", profile.name, round_trip.as_millis()),
                transport.name().to_owned(),
                after.to_owned(),
                format!("{heard_p50}, {heard_p95}"),
                format!("{p50}, {p95}"),
                slowest,
            ],
        );
    }
    text
}

/// Median, 95th percentile and slowest as round trips and the rest; all with the whole round trips of the median.
fn in_trips(of: &[Duration], round_trip: Duration) -> [String; 3] {
    let median = percentile(of, 50).unwrap_or_default();
    let trips = u32::try_from(median.as_nanos() / round_trip.as_nanos().max(1)).unwrap_or(u32::MAX);
    [50, 95, 100].map(|at| {
        let rest = percentile(of, at).map(|time| time.saturating_sub(round_trip * trips));
        format!("{trips} RTT + {}", time(rest))
    })
}

pub fn line(text: &mut String, cells: &[String]) {
    // Writing to a String cannot fail.
    let _infallible = writeln!(text, "| {} |", cells.join(" | "));
}

/// In the unit in which people read it.
pub fn time(time: Option<Duration>) -> String {
    match time {
        None => "–".to_owned(),
        Some(time) if time < Duration::from_secs(1) => format!("{} ms", time.as_millis()),
        Some(time) => format!("{:.1} s", time.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_from_the_whole_round_trips_of_the_median() {
        let of = [45, 47, 48, 91].map(Duration::from_millis);
        let expected = ["2 RTT + 7 ms", "2 RTT + 51 ms", "2 RTT + 51 ms"];
        assert_eq!(in_trips(&of, Duration::from_millis(20)), expected);
    }
}
