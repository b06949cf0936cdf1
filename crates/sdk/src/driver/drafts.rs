//! Drafts that wait to be sent to the user's other devices: the newest of each conversation, at most one in ten seconds
//! while somebody types, at once when the conversation is left.

use std::collections::BTreeMap;
use std::time::Duration;

use anser_types::{Command, ConversationId, SetOptions};
use tokio::time::Instant;

use crate::store::KeptDraft;

/// How long a draft waits for a newer one. Each is a command and an entry of the user's inbox.
const DRAFT_WAITS: Duration = Duration::from_secs(10);

/// See the module. Every one is in the store already.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    waiting: BTreeMap<ConversationId, (Instant, KeptDraft)>,
}

impl Drafts {
    /// A draft was saved; it takes the place, and the time, of the one that waits.
    pub(super) fn saved(&mut self, draft: KeptDraft, now: Instant) {
        let due = self.waiting.get(&draft.conversation).map_or(now + DRAFT_WAITS, |(due, _)| *due);
        self.waiting.insert(draft.conversation, (due, draft));
    }

    /// The conversation was left: what waits there waits no longer.
    pub(super) fn left(&mut self, conversation: ConversationId) -> Option<KeptDraft> {
        self.waiting.remove(&conversation).map(|(_, draft)| draft)
    }

    /// All of them were left.
    pub(super) fn all(&mut self) -> Vec<KeptDraft> {
        std::mem::take(&mut self.waiting).into_values().map(|(_, draft)| draft).collect()
    }

    /// When the first has waited long enough.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.waiting.values().map(|(due, _)| *due).min()
    }

    /// Those that have waited long enough.
    pub(super) fn due(&mut self, now: Instant) -> Vec<KeptDraft> {
        let due: Vec<_> = self
            .waiting
            .iter()
            .filter(|(_, (due, _))| *due <= now)
            .map(|(conversation, _)| *conversation)
            .collect();
        due.into_iter().filter_map(|conversation| self.left(conversation)).collect()
    }
}

/// The command that carries a draft.
pub(super) fn command_of(draft: &KeptDraft) -> Command {
    let set = SetOptions { draft: Some(draft.text.clone()), ..SetOptions::default() };
    Command::SetOptions { at: draft.at.clone(), set }
}
