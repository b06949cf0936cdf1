//! How a command fails: a catalogued error with its next step, on standard error, and a stable exit status.

use anser_types::{Blame, ErrorCode, Refusal, exit};
use serde_json::json;

/// Prints why a command failed, as text or as one JSON object, and says with which status to exit.
#[expect(clippy::print_stderr, reason = "this is where a command speaks of its failure")]
pub fn report(error: &anyhow::Error, as_json: bool) -> u8 {
    if is_end_of_reading(error) {
        return exit::OK;
    }
    let refusal = error.chain().find_map(|cause| cause.downcast_ref::<Refusal>());
    match refusal {
        Some(refusal) if as_json => eprintln!("{}", describe(refusal)),
        Some(refusal) => {
            eprintln!("{}", sentence(error, refusal));
            eprintln!("  → {}", refusal.code.next_step());
        }
        None if as_json => eprintln!("{}", json!({ "error": format!("{error:#}") })),
        None => eprintln!("error: {error:#}"),
    }
    refusal.map_or(exit::UNEXPECTED, |refusal| exit::status_of(refusal.code))
}

/// Whoever read the output has enough (`anser history … | head`).
fn is_end_of_reading(error: &anyhow::Error) -> bool {
    let kinds = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    kinds.map(std::io::Error::kind).any(|kind| kind == std::io::ErrorKind::BrokenPipe)
}

fn sentence(error: &anyhow::Error, refusal: &Refusal) -> String {
    let code = refusal.code;
    let mut text = format!("error {}: {}", code.name(), code.text());
    if !refusal.detail.is_empty() {
        text = format!("{text} {}", refusal.detail);
    }
    let context = error.to_string();
    if error.downcast_ref::<Refusal>().is_none() && !text.contains(&context) {
        text = format!("{text} ({context})");
    }
    text
}

fn describe(refusal: &Refusal) -> serde_json::Value {
    let code: ErrorCode = refusal.code;
    json!({
        "code": code.name(),
        "number": code.number(),
        "text": code.text(),
        "detail": refusal.detail,
        "next_step": code.next_step(),
        "retryable": code.retryable(),
        "retry_after_ms": refusal.retry_after_ms,
        "blame": match code.blame() {
            Blame::Client => "client",
            Blame::User => "user",
            Blame::Server => "server",
        },
    })
}
