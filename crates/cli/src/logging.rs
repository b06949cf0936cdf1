//! What the client library has to say beside answers: warnings on standard error, more with `ANSER_LOG_LEVEL`.
//!
//! The chat owns the screen, so it logs only into the file named by `ANSER_LOG_FILE`.

use std::fs::OpenOptions;
use std::io::IsTerminal;
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

/// Level by name, or per module as in `anser_sdk=debug`.
const LEVEL_VARIABLE: &str = "ANSER_LOG_LEVEL";
/// Where the chat logs.
const FILE_VARIABLE: &str = "ANSER_LOG_FILE";

fn filter() -> EnvFilter {
    EnvFilter::try_from_env(LEVEL_VARIABLE).unwrap_or_else(|_| EnvFilter::new("warn"))
}

/// Warnings go to standard error, apart from what the command prints.
pub fn to_standard_error() {
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter())
        .with_writer(std::io::stderr)
        .log_internal_errors(false);
    // A program that embeds this crate may have set up its own: then that one stays.
    drop(builder.with_ansi(colours).without_time().with_target(false).try_init());
}

/// Warnings go to the file the user named, if one was named.
///
/// # Errors
/// The file cannot be written.
pub fn to_file() -> std::io::Result<()> {
    let Some(path) = std::env::var_os(FILE_VARIABLE) else { return Ok(()) };
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter())
        .with_writer(Mutex::new(file))
        .log_internal_errors(false);
    drop(builder.with_ansi(false).try_init());
    Ok(())
}
