//! How long a drill is: short in a test run, longer where `cargo xtask chaos` says so by the environment.

use rand::SeedableRng;
use rand::rngs::SmallRng;

/// Kills of the server at least; rounded up to whole rounds through all points.
pub fn kills(short: usize) -> usize {
    number("ANSER_DRILL_KILLS").unwrap_or(short)
}

/// How many times longer than in a test run everything else is.
pub fn factor() -> usize {
    number("ANSER_DRILL_FACTOR").unwrap_or(1)
}

/// Whether this is the long form: figures that no short run can give are printed.
pub fn is_long() -> bool {
    number("ANSER_DRILL_FACTOR").is_some()
}

/// Random choices that `ANSER_DRILL_SEED` repeats.
pub fn random(drill: &str) -> SmallRng {
    let seed = number("ANSER_DRILL_SEED").map_or_else(rand::random, |seed| seed as u64);
    println!("{drill}: ANSER_DRILL_SEED={seed} repeats the random choices");
    SmallRng::seed_from_u64(seed)
}

fn number(variable: &str) -> Option<usize> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}
