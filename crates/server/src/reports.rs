//! `anser reports`: what users have reported, and closing what was dealt with, through the running server.

use serde_json::{Value, json};

use crate::backup::ask;
use crate::failure::Failure;
use crate::machine::runtime;
use crate::setup::Setup;

/// What is wanted of the reports.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// The open ones, or all.
    List {
        /// Closed ones too.
        all: bool,
    },
    /// One was dealt with.
    Close {
        /// Which.
        report: String,
        /// What to remember of it.
        note: String,
    },
}

/// Asks the running server. Returns what to tell.
///
/// # Errors
/// Whatever kept it from an answer, or the server's own refusal.
pub fn run(setup: &Setup, wanted: &Wanted, as_json: bool) -> Result<String, Failure> {
    let found = runtime()?.block_on(reports(setup, wanted))?;
    let line = |report: &Value| if as_json { report.to_string() } else { words(report) };
    let mut told: String = found.iter().map(|report| line(report) + "\n").collect();
    if told.is_empty() && !as_json {
        told = "nothing is reported\n".to_owned();
    }
    Ok(told)
}

async fn reports(setup: &Setup, wanted: &Wanted) -> Result<Vec<Value>, Failure> {
    let all = match wanted {
        Wanted::Close { report, note } => {
            let body = json!({ "report": report, "note": note });
            let closed = ask(&setup.data_dir, "/v1/admin/reports/close", Some(&body)).await?;
            return Ok(vec![closed]);
        }
        Wanted::List { all } => *all,
    };
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("/v1/admin/reports?all={all}{after}");
        let mut page = ask(&setup.data_dir, &path, None).await?;
        if let Some(reports) = page["reports"].as_array_mut() {
            found.append(reports);
        }
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return Ok(found),
        }
    }
}

/// A report for people; what others wrote is quoted, so that nothing in it reaches the terminal.
fn words(report: &Value) -> String {
    let (text, about) = (|name: &str| report[name].as_str().unwrap_or_default(), &report["about"]);
    let what = match (&about["sender"], &about["user"]) {
        (Value::String(sender), _) => {
            let said = about["text"]
                .as_str()
                .map_or_else(|| format!("kind {}", about["kind"]), |said| format!("{said:?}"));
            format!(
                "message #{} of {sender:?} in {}: {said}",
                about["seq"].as_str().unwrap_or_default(),
                about["conversation"].as_str().unwrap_or_default(),
            )
        }
        (_, Value::String(user)) => format!("user {user:?}"),
        _ => format!("conversation {}", about["conversation"].as_str().unwrap_or_default()),
    };
    let state = if report["open"] == true { "open" } else { "closed" };
    let mut line = format!(
        "{}  {state}  {}  by {:?}  about {what}",
        text("report"),
        text("reason"),
        text("by")
    );
    for (label, said) in [("says", text("text")), ("note", text("note"))] {
        if !said.is_empty() {
            line += &format!("  {label} {said:?}");
        }
    }
    line
}
