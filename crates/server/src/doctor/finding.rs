//! One line of the doctor's report.

use std::fmt;

use serde_json::{Value, json};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Works, but look at it.
    Warn,
    /// The server does not start or loses what it promised.
    Fail,
}

impl Verdict {
    /// As the report says it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warn => "WARN",
            Self::Fail => "FAIL",
        }
    }
}

/// Damages that are told one by one; the operator reads them, and the rest is counted.
const TOLD: usize = 100;

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do, unless it is `Ok`.
    pub fix: Option<String>,
}

impl Finding {
    /// As it should be.
    #[must_use]
    pub fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Ok, found: found.into(), fix: None }
    }

    /// Works, but look at it.
    #[must_use]
    pub fn warn(check: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Warn, found: found.into(), fix: Some(fix.into()) }
    }

    /// Must be put right.
    #[must_use]
    pub fn fail(check: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Fail, found: found.into(), fix: Some(fix.into()) }
    }

    /// For `--json`.
    #[must_use]
    pub fn as_json(&self) -> Value {
        json!({
            "check": self.check,
            "verdict": self.verdict.word(),
            "found": self.found,
            "fix": self.fix,
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<4}  {:<14} {}", self.verdict.word(), self.check, self.found)?;
        match &self.fix {
            Some(fix) => write!(f, "\n      {:<14} fix: {fix}", ""),
            None => Ok(()),
        }
    }
}

/// What a check found that reads everything: each damage, and how many there are.
#[derive(Debug)]
pub(super) struct Damages {
    check: &'static str,
    fix: &'static str,
    findings: Vec<Finding>,
    count: usize,
}

impl Damages {
    pub fn new(check: &'static str, fix: &'static str) -> Self {
        Self { check, fix, findings: Vec::new(), count: 0 }
    }

    pub fn add(&mut self, found: String) {
        self.count += 1;
        if self.count <= TOLD {
            self.findings.push(Finding::fail(self.check, found, self.fix));
        }
    }

    /// All findings: `sound` if there is no damage, else a last one that counts them. `read` says what was read, and `what`
    /// the damages are.
    pub fn counted(mut self, sound: String, read: &str, what: &str) -> Vec<Finding> {
        self.findings.push(match self.count {
            0 => Finding::ok(self.check, sound),
            count => {
                let more = count.saturating_sub(TOLD);
                let found = format!("{read}; {count} {what}, {more} more than told");
                Finding::fail(self.check, found, self.fix)
            }
        });
        self.findings
    }
}
