//! Why a command of the program did not do its work: one shape for the operator's commands and for those of people.

use crate::error::{Blame, ErrorCode, Refusal};
use crate::exit;

/// What happened, why, and what to do next. How it is printed is decided in one place, by the program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {detail}", code.name())]
pub struct Failure {
    /// Which error.
    pub code: ErrorCode,
    /// What exactly happened, without secrets; may be empty.
    pub detail: String,
    /// What to do next; the catalogue's advice unless there is better.
    pub next_step: String,
    /// Earliest moment for another try.
    pub retry_after_ms: Option<u32>,
}

impl Failure {
    /// A failure with the catalogue's advice.
    #[must_use]
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        let next_step = code.next_step().to_owned();
        Self { code, detail: detail.into(), next_step, retry_after_ms: None }
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

    /// For people: what happened (with its code), what exactly, what next, each on lines of its own.
    #[must_use]
    pub fn as_text(&self) -> String {
        let Self { code, detail, next_step, .. } = self;
        let mut text = format!("error: {} ({})\n", code.text(), code.name());
        for line in detail.lines() {
            text = format!("{text}  {line}\n");
        }
        format!("{text}  next: {next_step}")
    }

    /// Whose doing it was, in one word.
    #[must_use]
    pub const fn blamed(&self) -> &'static str {
        match self.code.blame() {
            Blame::Client => "client",
            Blame::User => "user",
            Blame::Server => "server",
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let Refusal { code, detail, retry_after_ms } = refusal;
        Self { retry_after_ms, ..Self::new(code, detail) }
    }
}
