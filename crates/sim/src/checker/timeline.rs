//! The story of one message: every line about it, from all journals by time, then how the readings ended.

use anser_types::{LocalNo, Seq};

use super::check::About;
use super::evidence::Stored;
use super::index::Index;
use super::journal::{Journal, What};

/// Lines of one story; a message with more has been sent round in circles, and these show it.
const LINES_MAX: usize = 40;

pub(super) fn timeline(index: &Index<'_>, about: &About<'_>) -> Vec<String> {
    let mut lines: Vec<(u64, String)> = Vec::new();
    for journal in &index.evidence.journals {
        let mut receipts = 0;
        for entry in &journal.entries {
            if concerns(index, about, journal, &entry.what, &mut receipts) {
                let who = format!("{}/{}", journal.user, journal.device);
                lines.push((entry.at_ns, format!("{who}: {}", entry.what)));
            }
        }
    }
    lines.sort_by_key(|(at_ns, _)| *at_ns);
    let seconds = |ns: u64| format!("{}.{:09} s", ns / 1_000_000_000, ns % 1_000_000_000);
    let told = lines.into_iter().take(LINES_MAX);
    let mut story: Vec<String> =
        told.map(|(at_ns, line)| format!("{} {line}", seconds(at_ns))).collect();
    story.push(format!("at the end, the store: {}", in_store(index, about)));
    for history in &index.evidence.histories {
        if history.conversation == about.conversation {
            let held = history.messages.iter().find(|message| is_it(about, message));
            story.push(format!("at the end, history of {}: {}", history.reader, shown(held)));
        }
    }
    story
}

fn concerns(
    index: &Index<'_>,
    about: &About<'_>,
    journal: &Journal,
    what: &What,
    receipts: &mut usize,
) -> bool {
    let own = |local_no: LocalNo| about.message.is_some_and(|key| *key == journal.key(local_no));
    let here = |seq: Seq| about.seq == Some(seq);
    match what {
        What::Invoke { local_no, .. }
        | What::Timed { local_no, .. }
        | What::Fail { local_no, .. }
        | What::Unknown { local_no } => own(*local_no),
        What::Ok { local_no, seq, .. } => {
            let sent = index.sent.get(&journal.key(*local_no));
            let same_place = sent.is_some_and(|sent| sent.conversation == about.conversation);
            own(*local_no) || (same_place && here(*seq))
        }
        What::Received { conversation, seq, key, .. } => {
            about.message == Some(key) || (*conversation == about.conversation && here(*seq))
        }
        What::Skipped { conversation, from, to } => {
            *conversation == about.conversation
                && about.seq.is_some_and(|seq| (*from..=*to).contains(&seq))
        }
        What::NotOnServer { conversation, above } => {
            *conversation == about.conversation && about.seq.is_some_and(|seq| seq > *above)
        }
        What::OtherLog { .. } | What::TookOver => true,
        What::Alter { conversation, seq, .. }
        | What::AlterDone { conversation, seq, .. }
        | What::Shows { conversation, seq, .. }
        | What::ForgotAlone { conversation, seq }
        | What::ShownAgain { conversation, seq } => {
            *conversation == about.conversation && here(*seq)
        }
        What::MarkRead { conversation, up_to }
        | What::SawDelivered { conversation, up_to, .. }
        | What::SawRead { conversation, up_to, .. } => {
            // The first few that reach the message tell the story.
            let reaches =
                *conversation == about.conversation && about.seq.is_some_and(|seq| *up_to >= seq);
            *receipts += usize::from(reaches);
            reaches && *receipts <= 3
        }
    }
}

fn is_it(about: &About<'_>, message: &Stored) -> bool {
    about.message.map_or(about.seq == Some(message.seq), |key| message.key == *key)
}

fn shown(message: Option<&Stored>) -> String {
    message.map_or_else(
        || String::from("not there"),
        |message| format!("{} at seq {}", message.key, message.seq),
    )
}

fn in_store(index: &Index<'_>, about: &About<'_>) -> String {
    let Some(log) = index.logs.get(&about.conversation) else {
        return String::from("no such conversation");
    };
    let held = log.at.values().copied().find(|message| is_it(about, message));
    let instead = about.seq.filter(|_| held.is_none()).and_then(|seq| log.at.get(&seq).copied());
    match instead {
        Some(instead) => format!("not there; at seq {} stands {}", instead.seq, instead.key),
        None => shown(held),
    }
}
