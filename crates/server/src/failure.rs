//! How a command of the operator ends badly; the shape is everybody's.

use anser_types::ErrorCode;
pub use anser_types::Failure;

/// All that is wrong with a configuration as one failure.
#[must_use]
pub fn of_problems(problems: &[crate::config::Problem]) -> Failure {
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    Failure::new(ErrorCode::ConfigInvalid, lines.join("\n"))
        .next("Correct it as said above; 'anser config check' looks again.")
}
