//! What the benches write: direct messages of 64 bytes between pairs, through the writer's port.

use std::sync::Arc;

use anser_backend::testing::{AppendBuilder, Person};
use anser_backend::{Append, DeviceKey, InboxEntry, InboxWrite, Ledger, Origin, Record};
use anser_types::{
    CommandNo, Content, ConversationId, DeviceNo, LocalNo, MessageId, SessionEpoch, UnixMs, UserNo,
    Version,
};

/// Pairs that talk, where their number is not what is measured.
#[allow(dead_code, reason = "one bench measures it")]
pub const PAIRS: u64 = 200;

/// One direction of a pair.
pub struct Talk {
    from: Person,
    to: Person,
    id: ConversationId,
    device: DeviceKey,
    epoch: SessionEpoch,
    sent: u64,
}

/// Makes the conversations of so many pairs, many in a batch.
pub async fn introduce(ledger: &dyn Ledger, pairs: u64) -> Vec<Talk> {
    let mut talks = Vec::new();
    let mut openings = Vec::new();
    for pair in 0..pairs {
        let from = Person::new(UserNo(2 * pair + 1), &format!("alice{pair}"));
        let to = Person::new(UserNo(2 * pair + 2), &format!("bob{pair}"));
        openings.push(AppendBuilder::internal().opens_direct(&from, &to).build());
        if openings.len() == 256 || pair + 1 == pairs {
            ledger.append_batch(std::mem::take(&mut openings)).await.unwrap();
        }
        let device = from.device(1);
        let epoch = ledger.open_session(device).await.unwrap().epoch;
        talks.push(Talk { id: from.direct(&to), from, to, device, epoch, sent: 0 });
    }
    talks
}

impl Talk {
    /// The next message.
    pub fn next(&mut self, at: u64) -> Append {
        self.sent += 1;
        let message = Record::Message {
            conversation: self.id,
            sender: self.from.id.clone(),
            id: MessageId { device: DeviceNo(1), local_no: LocalNo(self.sent) },
            sent_at: UnixMs(at),
            content: Arc::new(Content::text("x".repeat(64))),
        };
        let entry = InboxEntry::Record(0);
        Append {
            origin: Origin::Device {
                device: self.device,
                epoch: self.epoch,
                command_no: CommandNo(self.sent),
                answered_up_to: CommandNo(self.sent.saturating_sub(32)),
                hash: [7; 16],
            },
            at: UnixMs(at),
            expects: vec![(self.id, Version(1))],
            refused: None,
            records: vec![message],
            inbox: [&self.from, &self.to].map(|who| InboxWrite { user: who.no, entry }).into(),
        }
    }
}

/// The value after an argument's name.
pub fn argument(name: &str, default: u64) -> u64 {
    let mut arguments = std::env::args();
    while let Some(argument) = arguments.next() {
        if argument == name {
            return arguments.next().unwrap().parse().unwrap();
        }
    }
    default
}

/// A fresh directory on the disk under test (`ANSER_BENCH_DIR`, else the working directory).
pub fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in(std::env::var("ANSER_BENCH_DIR").unwrap_or(".".into())).unwrap()
}

/// Sends so many messages, 256 in a batch.
#[allow(dead_code, reason = "not every bench fills a store")]
pub async fn fill(ledger: &dyn Ledger, talks: &mut [Talk], messages: u64) {
    let mut sent = 0;
    while sent < messages {
        let batch = (messages - sent).min(256);
        let turn = usize::try_from(sent).unwrap();
        let appends = (0..usize::try_from(batch).unwrap())
            .map(|n| talks[(turn + n) % talks.len()].next(sent))
            .collect();
        ledger.append_batch(appends).await.unwrap();
        sent += batch;
    }
}

/// Bytes of all files below a directory.
#[allow(dead_code, reason = "not every bench looks at the disk")]
pub fn disk_bytes(dir: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(dir).unwrap().map(Result::unwrap);
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => disk_bytes(&entry.path()),
            Ok(metadata) => metadata.len(),
            // Compaction has just removed it.
            Err(_) => 0,
        })
        .sum()
}
