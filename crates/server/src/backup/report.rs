//! What backup and restore say at the end: counts, root hash, how long it took.

use std::time::Duration;

use anser_backend::archive::{Header, Summary};
use anser_types::{LogEpoch, UnixMs};
use serde_json::{Value, json};

/// What was done.
pub struct Report<'a> {
    /// The file or directory that is there now.
    pub made: &'a str,
    /// Which moment the archive holds.
    pub header: &'a Header,
    /// What the archive is as a whole.
    pub archive: &'a Summary,
    /// From the first byte to the last fsync.
    pub took: Duration,
    /// Of a restored store.
    pub log_epoch: Option<LogEpoch>,
    /// Everything was read back from the new store and has the same root hash.
    pub verified: bool,
}

impl Report<'_> {
    /// For people.
    pub fn as_text(&self) -> String {
        let Header { log_epoch, commit_no, made_at, program, .. } = self.header;
        let mut lines = vec![
            ("made", self.made.to_owned()),
            (
                "moment",
                format!(
                    "{}, commit {commit_no}, log epoch {log_epoch}, anser {program}",
                    date(*made_at)
                ),
            ),
        ];
        lines
            .extend(self.archive.counts.each().map(|(subject, n)| (subject.name(), n.to_string())));
        lines.push(("root hash", self.archive.root.to_string()));
        if self.verified {
            lines.push((
                "verified",
                "read back from the new store: the same counts and root hash".into(),
            ));
        }
        if let Some(epoch) = self.log_epoch {
            lines.push(("log epoch", format!("{epoch}: clients resync when they connect")));
        }
        let mb = self.archive.bytes as f64 / 1e6;
        let seconds = self.took.as_secs_f64();
        lines.push((
            "took",
            format!("{seconds:.2} s for {mb:.1} MB, {:.0} MB/s, fsync included", mb / seconds),
        ));
        lines.iter().map(|(name, value)| format!("{name:<18} {value}\n")).collect()
    }

    /// For programs.
    pub fn as_json(&self) -> Value {
        let counts: serde_json::Map<_, _> = self
            .archive
            .counts
            .each()
            .map(|(subject, n)| (subject.name().replace(' ', "_"), n.into()))
            .collect();
        json!({
            "made": self.made,
            "made_at_ms": self.header.made_at.0,
            "commit_no": self.header.commit_no.0,
            "archive_log_epoch": self.header.log_epoch.0,
            "program": self.header.program,
            "counts": counts,
            "root_hash": self.archive.root.to_string(),
            "bytes": self.archive.bytes,
            "verified": self.verified,
            "log_epoch": self.log_epoch.map(|epoch| epoch.0),
            "took_ms": u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
        })
    }
}

fn date(at: UnixMs) -> String {
    let date = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(at.0 / 1000);
    date.to_string().replace(".0 +00:00:00", " UTC")
}
