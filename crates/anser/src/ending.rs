//! How a command that failed says so: one shape for all of them, on standard error, as text or as one JSON object.

use std::io::Write as _;
use std::process::ExitCode;

use anser_server::{ErrorCode, Failure, exit};
use clap::error::ErrorKind;
use serde_json::{Value, json};

/// Tells a failure and gives the status to exit with.
pub fn failed(failure: &Failure, as_json: bool) -> ExitCode {
    let text = if as_json { object(failure).to_string() } else { failure.as_text() };
    // A closed standard error leaves the exit status as the only voice; there is nobody else to tell.
    let told = writeln!(std::io::stderr().lock(), "{text}");
    ExitCode::from(if told.is_ok() { failure.exit_status() } else { exit::UNEXPECTED })
}

/// Ends for a command line that was not understood, or that asked for help. People get the argument parser's own words,
/// which show where and how; programs that asked for JSON get what every other failure looks like.
pub fn not_parsed(
    error: &clap::Error,
    words: impl Iterator<Item = std::ffi::OsString>,
) -> ExitCode {
    let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if !asked && words.into_iter().any(|word| word == "--json") {
        let text = error.render().to_string();
        let mut paragraphs = text.split("\n\n").map(str::trim);
        let what = paragraphs.next().unwrap_or_default().trim_start_matches("error: ");
        return failed(&Failure::new(ErrorCode::CommandLineInvalid, what), true);
    }
    let told = error.print();
    let status = if error.use_stderr() { exit::USAGE } else { exit::OK };
    ExitCode::from(if told.is_ok() { status } else { exit::UNEXPECTED })
}

fn object(failure: &Failure) -> Value {
    let Failure { code, detail, next_step, retry_after_ms } = failure;
    json!({
        "error": {
            "code": code.name(),
            "number": code.number(),
            "text": code.text(),
            "detail": detail,
            "next_step": next_step,
            "retryable": code.retryable(),
            "retry_after_ms": retry_after_ms,
            "blame": failure.blamed(),
        }
    })
}
