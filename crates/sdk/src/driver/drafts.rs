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

#[cfg(test)]
mod tests {
    use anser_types::Target;

    use super::*;

    fn draft(conversation: u8, text: &str) -> KeptDraft {
        let conversation = ConversationId([conversation; 16]);
        KeptDraft { conversation, at: Target::Conversation(conversation), text: text.to_owned() }
    }

    fn texts(drafts: Vec<KeptDraft>) -> Vec<String> {
        drafts.into_iter().map(|draft| draft.text).collect()
    }

    #[test]
    fn the_newest_draft_is_due_ten_seconds_after_the_first() {
        let (mut drafts, start) = (Drafts::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        drafts.saved(draft(1, "d"), at(0));
        drafts.saved(draft(1, "de"), at(9));
        drafts.saved(draft(2, "other"), at(5));
        assert_eq!(drafts.next_due(), Some(at(10)));
        assert!(drafts.due(at(9)).is_empty());
        assert_eq!(texts(drafts.due(at(10))), ["de"]);
        assert_eq!(drafts.next_due(), Some(at(15)));
        // Typing on begins another ten seconds.
        drafts.saved(draft(1, "dear"), at(11));
        assert_eq!(texts(drafts.due(at(20))), ["other"]);
        assert_eq!(texts(drafts.due(at(21))), ["dear"]);
        assert_eq!(drafts.next_due(), None);
    }

    #[test]
    fn a_conversation_that_is_left_waits_no_longer() {
        let (mut drafts, start) = (Drafts::default(), Instant::now());
        drafts.saved(draft(1, "dear"), start);
        drafts.saved(draft(2, "other"), start);
        let left = drafts.left(ConversationId([1; 16]));
        assert_eq!(left, Some(draft(1, "dear")));
        assert_eq!(drafts.left(ConversationId([1; 16])), None);
        assert_eq!(texts(drafts.all()), ["other"]);
        assert_eq!(drafts.next_due(), None);
    }
}
