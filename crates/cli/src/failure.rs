//! How a command fails: whatever went wrong below, as one failure with its code and next step.

use anser_types::{ErrorCode, Failure, Refusal};

/// Why a command failed; `None` if it did not: whoever read its output has enough (`anser history … | head`).
#[must_use]
pub fn of(error: &anyhow::Error) -> Option<Failure> {
    if is_end_of_reading(error) {
        return None;
    }
    // Who failed so has said already what to do next.
    if let Some(failure) = error.chain().find_map(|cause| cause.downcast_ref::<Failure>()) {
        return Some(failure.clone());
    }
    let refusal = error.chain().find_map(|cause| cause.downcast_ref::<Refusal>());
    let Some(refusal) = refusal else {
        let failure = Failure::new(ErrorCode::Internal, format!("{error:#}"));
        return Some(failure.next("Report it with the command that was typed."));
    };
    let mut failure = Failure::from(refusal.clone());
    let context = error.to_string();
    if error.downcast_ref::<Refusal>().is_none() && !failure.detail.contains(&context) {
        failure.detail = format!("{}\n{context}", failure.detail).trim().to_owned();
    }
    Some(failure)
}

fn is_end_of_reading(error: &anyhow::Error) -> bool {
    let kinds = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    kinds.map(std::io::Error::kind).any(|kind| kind == std::io::ErrorKind::BrokenPipe)
}
