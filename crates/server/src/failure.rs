//! How a command of the operator ends badly: a catalogued error, what exactly happened, what to do next, and the
//! exit status.

use std::io::Write as _;
use std::process::ExitCode;

use anser_types::{ErrorCode, exit};

/// The reason why a command did not do its work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {detail}", code.name())]
pub struct Failure {
    /// Which error.
    pub code: ErrorCode,
    /// What exactly happened, without secrets.
    pub detail: String,
    /// What to do next; the catalogue's advice unless there is better.
    pub next_step: String,
}

impl Failure {
    /// A failure with the catalogue's advice.
    #[must_use]
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), next_step: code.next_step().to_owned() }
    }

    /// The same failure with better advice.
    #[must_use]
    pub fn next(mut self, step: impl Into<String>) -> Self {
        self.next_step = step.into();
        self
    }

    /// What the process ends with.
    #[must_use]
    pub const fn exit_status(&self) -> u8 {
        exit::status_of(self.code)
    }

    /// Tells it on standard error, as text or as one JSON object, and gives the exit code.
    #[must_use]
    pub fn report(&self, json: bool) -> ExitCode {
        let text = if json {
            serde_json::json!({
                "error": {
                    "code": self.code.name(),
                    "number": self.code.number(),
                    "text": self.code.text(),
                    "detail": self.detail,
                    "next_step": self.next_step,
                }
            })
            .to_string()
        } else {
            format!(
                "error: {} ({})\n  {}\n  next: {}",
                self.code.text(),
                self.code.name(),
                self.detail.replace('\n', "\n  "),
                self.next_step
            )
        };
        // A closed standard error leaves the exit status as the only voice; there is nobody else to tell.
        let told = writeln!(std::io::stderr().lock(), "{text}");
        ExitCode::from(if told.is_ok() { self.exit_status() } else { exit::UNEXPECTED })
    }
}

impl From<Vec<crate::config::Problem>> for Failure {
    fn from(problems: Vec<crate::config::Problem>) -> Self {
        let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
        Self::new(ErrorCode::ConfigInvalid, lines.join("\n"))
            .next("Correct it as said above; 'anser config check' looks again.")
    }
}
