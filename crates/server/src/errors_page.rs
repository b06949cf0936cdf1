//! The page docs/operate/errors.md, made from the catalogue in `anser_types::error`, so that it cannot go stale.

use std::fmt::Write as _;

use anser_types::{ErrorCode, exit};

/// The page.
#[must_use]
pub fn page() -> String {
    let mut text = String::from(
        "# Errors\n\n\
         Made by `anser config reference --errors` from `crates/types/src/error.rs`; a test keeps it fresh.\n\
         Numbers and names never change their meaning. *Retry*: the same request can succeed later, unchanged. *Exit*:\n\
         the status of a command that ends with it (below).\n\n\
         A command that fails says so on standard error: `error:` with what happened and the code, the details, and\n\
         `next:` with what to do. With `--json` it is one line,\n\
         `{\"error\":{\"code\",\"number\",\"text\",\"detail\",\"next_step\",\"retryable\",\"retry_after_ms\",\"blame\"}}`.\n\n\
         | number | code | retry | exit | what happened | next step |\n|---|---|---|---|---|---|\n",
    );
    for code in ErrorCode::ALL {
        let line = writeln!(
            text,
            "| {} | `{}` | {} | {} | {} | {} |",
            code.number(),
            code.name(),
            if code.retryable() { "yes" } else { "no" },
            exit::status_of(*code),
            code.text(),
            code.next_step(),
        );
        if line.is_err() {
            unreachable!("a String takes every write");
        }
    }
    text.push_str("\n## Exit statuses\n\nThe same for every `anser` command.\n\n");
    text.push_str("| status | meaning |\n|---|---|\n");
    for (status, meaning) in exit::ALL {
        text.push_str(&format!("| {status} | {meaning} |\n"));
    }
    text
}
