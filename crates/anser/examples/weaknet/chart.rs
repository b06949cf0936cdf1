//! Charts as small SVG files: for each network and transport the distribution of times, on a logarithmic axis.

use std::fmt::Write as _;
use std::time::Duration;

use crate::figures::percentile;

const WIDTH: f64 = 760.0;
/// Where the axis begins; names stand left of it.
const LEFT: f64 = 150.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 48.0;
const ROW: f64 = 15.0;
/// Between two networks.
const GAP: f64 = 9.0;
const BOTTOM: f64 = 44.0;
/// The axis, in milliseconds.
const FROM_MS: f64 = 10.0;
const TO_MS: f64 = 100_000.0;
const TICKS: [(f64, &str); 5] = [
    (10.0, "10 ms"),
    (100.0, "100 ms"),
    (1_000.0, "1 s"),
    (10_000.0, "10 s"),
    (100_000.0, "100 s"),
];
/// One for each transport.
const COLOURS: [&str; 4] = ["#3b6ea5", "#c2702d", "#4f8f4f", "#8a5fa8"];

/// A row: to which network it belongs, on which transport, and its times.
pub struct Row<'a> {
    pub group: &'a str,
    pub series: &'a str,
    pub times: Vec<Duration>,
}

/// A bar from the 5th to the 95th percentile, a line to the slowest, a tick at the median.
pub fn chart(title: &str, rows: &[Row<'_>]) -> String {
    let series: Vec<&str> = distinct(rows.iter().map(|row| row.series));
    let groups = distinct(rows.iter().map(|row| row.group)).len();
    let bottom = TOP + rows.len() as f64 * ROW + groups as f64 * GAP;
    let mut svg = Svg(String::new());
    svg.open(bottom + BOTTOM, title);
    for (n, name) in series.iter().enumerate() {
        let x = LEFT + 90.0 * n as f64;
        svg.line([x, 34.0], [x + 22.0, 34.0], COLOURS[n % COLOURS.len()], 8.0);
        svg.text([x + 28.0, 38.0], "start", name);
    }
    for (ms, label) in TICKS {
        let x = place(ms);
        svg.line([x, TOP], [x, bottom], "#dddddd", 1.0);
        svg.text([x.min(WIDTH - RIGHT - 12.0), bottom + 16.0], "middle", label);
    }
    let (mut y, mut group) = (TOP, "");
    for row in rows {
        if row.group != group {
            y += GAP;
            group = row.group;
            svg.text([LEFT - 10.0, y + 11.0], "end", group);
        }
        let at = |hundredths| percentile(&row.times, hundredths);
        if let (Some(low), Some(mid), Some(high), Some(most)) = (at(5), at(50), at(95), at(100)) {
            let x = |time: Duration| place(time.as_secs_f64() * 1_000.0);
            let middle = y + ROW / 2.0;
            let n = series.iter().position(|name| *name == row.series).unwrap_or_default();
            let colour = COLOURS[n % COLOURS.len()];
            svg.line([x(low), middle], [x(most), middle], colour, 1.5);
            svg.line([x(low), middle], [x(high).max(x(low) + 1.0), middle], colour, 8.0);
            svg.line([x(mid), middle - 6.0], [x(mid), middle + 6.0], "#111111", 2.0);
        }
        y += ROW;
    }
    svg.text(
        [LEFT, bottom + 36.0],
        "start",
        "bar: 5th to 95th percentile, black: median, line: slowest",
    );
    svg.0 + "</svg>\n"
}

/// Where a time stands on the axis.
fn place(ms: f64) -> f64 {
    let share = (ms.clamp(FROM_MS, TO_MS) / FROM_MS).log10() / (TO_MS / FROM_MS).log10();
    LEFT + share * (WIDTH - LEFT - RIGHT)
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    names.for_each(|name| {
        if !seen.contains(&name) {
            seen.push(name);
        }
    });
    seen
}

/// The text of a file. Writing to a String cannot fail.
struct Svg(String);

impl Svg {
    fn open(&mut self, height: f64, title: &str) {
        let _infallible = writeln!(
            self.0,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
             font-family=\"sans-serif\" font-size=\"11\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>"
        );
        self.text([LEFT, 18.0], "start", title);
    }

    fn line(&mut self, from: [f64; 2], to: [f64; 2], colour: &str, width: f64) {
        let _infallible = writeln!(
            self.0,
            "<path d=\"M{:.1} {:.1}L{:.1} {:.1}\" stroke=\"{colour}\" stroke-width=\"{width}\"/>",
            from[0], from[1], to[0], to[1]
        );
    }

    fn text(&mut self, at: [f64; 2], anchor: &str, text: &str) {
        let _infallible = writeln!(
            self.0,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{text}</text>",
            at[0], at[1]
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_is_logarithmic_and_nothing_leaves_it() {
        let near = |one: f64, other: f64| (one - other).abs() < 0.01;
        assert!(near(place(10.0), LEFT) && near(place(0.1), LEFT));
        assert!(near(place(100_000.0), WIDTH - RIGHT) && near(place(1e9), WIDTH - RIGHT));
        assert!(near(place(1_000.0), f64::midpoint(LEFT, WIDTH - RIGHT)));
    }

    #[test]
    fn every_row_with_times_is_drawn() {
        let row = |series, times: &[u64]| Row {
            group: "3g",
            series,
            times: times.iter().copied().map(Duration::from_millis).collect(),
        };
        let svg = chart("times", &[row("tcp", &[10, 20, 30]), row("ws", &[])]);
        assert_eq!(svg.matches("stroke=\"#111111\"").count(), 1);
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
        assert_eq!(svg.matches(">3g<").count(), 1);
    }
}
