//! The figures as Markdown tables, which read well in a terminal too.

use std::fmt::Write as _;
use std::time::Duration;

use crate::figures::{Outcome, percentile};
use crate::reconnects::{Cut, Returns};

/// Both tables and the sums.
pub fn tables(outcomes: &[Outcome]) -> String {
    let mut text = String::from(
        "| network | transport | said | deliveries | p50 | p95 | slowest | troubles | over after p50 | slowest |\n\
         |---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for outcome in outcomes {
        let Outcome { profile, transport, said, delays, recoveries, .. } = outcome;
        let over: Vec<_> = recoveries.iter().flatten().copied().collect();
        let unfinished = recoveries.len() - over.len();
        let slowest = match unfinished {
            0 => time(percentile(&over, 100)),
            n => format!("{n} not before the next"),
        };
        line(
            &mut text,
            &[
                profile.name.to_owned(),
                transport.name().to_owned(),
                said.to_string(),
                delays.len().to_string(),
                time(percentile(delays, 50)),
                time(percentile(delays, 95)),
                time(percentile(delays, 100)),
                recoveries.len().to_string(),
                time(percentile(&over, 50)),
                slowest,
            ],
        );
    }
    text.push_str(
        "\n| network | transport | talking: KiB/h up, down | packets/h up, down | wakes/h | reconnects/h \
         | quiet: bytes/h up, down | packets/h up, down | beats/h | wakes/h | reconnects/h |\n\
         |---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for Outcome { profile, transport, talk, quiet, .. } in outcomes {
        let both = |of: [f64; 2], unit: f64| format!("{:.0}, {:.0}", of[0] / unit, of[1] / unit);
        line(
            &mut text,
            &[
                profile.name.to_owned(),
                transport.name().to_owned(),
                both(talk.bytes, 1_024.0),
                both(talk.packets, 1.0),
                format!("{:.0}", talk.wakes),
                format!("{:.0}", talk.connections),
                both(quiet.bytes, 1.0),
                both(quiet.packets, 1.0),
                format!("{:.0}", quiet.beats),
                format!("{:.0}", quiet.wakes),
                format!("{:.0}", quiet.connections),
            ],
        );
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

/// How soon clients are back, in round trips and beside the goals.
pub fn returns(all: &[Returns]) -> String {
    let mut text = String::from(
        "| network | transport | after | heard of the server: p50, p95 | back and in sync: p50, p95 | slowest |\n\
         |---|---|---|--:|--:|--:|\n",
    );
    for Returns { profile, transport, cut, round_trip, heard, complete } in all {
        let at = |of: &[Duration], hundredths| {
            percentile(of, hundredths)
                .map_or_else(|| "–".to_owned(), |time| in_trips(time, *round_trip))
        };
        let both = |of: &[Duration]| format!("{}, {}", at(of, 50), at(of, 95));
        let after = match cut {
            Cut::Move => "a move",
            Cut::Leave => "being offline",
        };
        line(
            &mut text,
            &[
                format!("{}, {} ms", profile.name, round_trip.as_millis()),
                transport.name().to_owned(),
                after.to_owned(),
                both(heard),
                both(complete),
                at(complete, 100),
            ],
        );
    }
    text
}

/// Whole round trips and the rest.
fn in_trips(time: Duration, round_trip: Duration) -> String {
    let trips = time.as_nanos() / round_trip.as_nanos().max(1);
    let rest = time - round_trip * u32::try_from(trips).unwrap_or(u32::MAX);
    format!("{trips} RTT + {} ms", rest.as_millis())
}

fn line(text: &mut String, cells: &[String]) {
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
