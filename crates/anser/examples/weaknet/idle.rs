//! What a silent day costs a phone, in the foreground and in the background.
//!
//! How large a beat is was measured, in the quiet of a good network. How many there are in a day follows from the
//! client's rules: in the foreground one every 30 seconds, in the background as many as are left when the client has
//! found out how long the network suffers silence. That takes hours, and is tried in simulated time.

use std::ops::RangeInclusive;

use crate::figures::{Outcome, Traffic};
use crate::link::Carries;
use crate::table::line;
use crate::transport::Transport;

/// The network whose quiet is measured.
const NETWORK: &str = "wifi";
/// One every 30 seconds. Over QUIC in the background too: a translator that has forgotten a UDP mapping swallows pushes.
const FOREGROUND: f64 = 2_880.0;
/// On a network of which nothing is known and that forgets after 300 seconds or later
/// (`client::beats::requirement_e4_a_silent_day_in_the_background_takes_an_eighth_of_the_beats`).
const BACKGROUND: f64 = 355.0;
/// IPv4, TCP and its timestamps.
const TCP_HEADER_BYTES: f64 = 20.0 + 20.0 + 12.0;
/// A beat, its answer that acknowledges it, and the acknowledgement of the answer.
const TCP_PACKETS: f64 = 3.0;
/// IPv4 and UDP.
const UDP_HEADER_BYTES: f64 = 20.0 + 8.0;
/// Beats that were measured, of those that there should have been: else something else was.
const PLAUSIBLE: RangeInclusive<f64> = 0.5..=2.0;

/// A beat on the wire, with everything that belongs to it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Beat {
    /// With headers.
    bytes: f64,
    packets: f64,
}

impl Beat {
    /// Of what links carried while nothing was said.
    fn of(quiet: &Traffic, carries: Carries) -> Option<Self> {
        let by_rule = FOREGROUND / 24.0;
        if !PLAUSIBLE.contains(&(quiet.beats / by_rule)) {
            return None;
        }
        let payload = (quiet.bytes[0] + quiet.bytes[1]) / quiet.beats;
        let datagrams = (quiet.packets[0] + quiet.packets[1]) / quiet.beats;
        Some(match carries {
            Carries::Streams => {
                Self { bytes: payload + TCP_PACKETS * TCP_HEADER_BYTES, packets: TCP_PACKETS }
            }
            Carries::Datagrams => {
                Self { bytes: payload + datagrams * UDP_HEADER_BYTES, packets: datagrams }
            }
        })
    }
}

/// A row for each transport that was measured on the good network; empty where none was.
pub fn table(outcomes: &[Outcome]) -> String {
    let mut rows = String::new();
    let head = String::from(
        "| a silent day | a beat: bytes, packets | foreground: beats and wakes | packets | KiB \
         | background: beats and wakes | packets | KiB |\n|---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for outcome in outcomes.iter().filter(|outcome| outcome.profile.name == NETWORK) {
        let transport = outcome.transport;
        let Some(beat) = Beat::of(&outcome.quiet, transport.carries()) else { continue };
        let background = if transport == Transport::Quic { FOREGROUND } else { BACKGROUND };
        let mut cells =
            vec![transport.name().to_owned(), format!("{:.0}, {:.1}", beat.bytes, beat.packets)];
        for beats in [FOREGROUND, background] {
            let (packets, bytes) = (beats * beat.packets, beats * beat.bytes);
            cells.extend([beats, packets, bytes / 1_024.0].map(|figure| format!("{figure:.0}")));
        }
        line(&mut rows, &cells);
    }
    if rows.is_empty() { rows } else { head + &rows }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet(beats: f64) -> Traffic {
        Traffic {
            bytes: [600.0, 360.0],
            packets: [240.0, 120.0],
            beats,
            wakes: beats,
            connections: 0.0,
        }
    }

    #[test]
    fn a_beat_on_the_wire_has_headers_and_what_acknowledges_it() {
        let tcp = Beat::of(&quiet(120.0), Carries::Streams);
        assert_eq!(tcp, Some(Beat { bytes: 8.0 + 156.0, packets: 3.0 }));
        let udp = Beat::of(&quiet(120.0), Carries::Datagrams);
        assert_eq!(udp, Some(Beat { bytes: 8.0 + 84.0, packets: 3.0 }));
    }

    #[test]
    fn nothing_is_said_of_beats_that_were_not_measured() {
        assert_eq!(Beat::of(&quiet(0.0), Carries::Streams), None);
    }
}
