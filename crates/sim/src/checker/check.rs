//! The order of the questions, and the collecting of verdicts.

use std::collections::BTreeMap;

use anser_types::{ConversationId, Seq};

use super::evidence::Evidence;
use super::index::Index;
use super::journal::MessageKey;
use super::timeline::timeline;
use super::verdict::{Kind, Verdict};
use super::{
    alterations, commits, forgetting, lists, order, presence, put_away, readers, receipts, shapes,
};

/// Timelines are written for the first verdicts of each kind only: a broken run can break everything.
const TIMELINES_PER_KIND: usize = 20;

/// Every promise the evidence shows broken; empty when none is.
///
/// The raw store is the measure: it is compared with what was sent and answered, then every reader with it. All
/// devices of a user whose receipts are judged must have journals.
#[must_use]
pub fn check(evidence: &Evidence) -> Vec<Verdict> {
    let index = Index::of(evidence);
    let mut found = Found { index: &index, verdicts: Vec::new(), counts: BTreeMap::new() };
    order::check_logs(&index, &mut found);
    order::check_answers(&index, &mut found);
    order::check_offers(&index, &mut found);
    alterations::check_logs(&index, &mut found);
    alterations::check_answers(&index, &mut found);
    readers::check_devices(&index, &mut found);
    readers::check_histories(&index, &mut found);
    shapes::check_devices(&index, &mut found);
    shapes::check_histories(&index, &mut found);
    lists::check_devices(&index, &mut found);
    put_away::check_devices(&index, &mut found);
    put_away::check_histories(&index, &mut found);
    commits::check_blocks(&index, &mut found);
    forgetting::check_store(&index, &mut found);
    presence::check(&index, &mut found);
    receipts::check_receipts(&index, &mut found);
    receipts::check_unread(&index, &mut found);
    found.verdicts
}

/// Verdicts so far.
pub(super) struct Found<'a> {
    index: &'a Index<'a>,
    verdicts: Vec<Verdict>,
    counts: BTreeMap<Kind, usize>,
}

/// What a verdict is about.
pub(super) struct About<'a> {
    pub conversation: ConversationId,
    pub message: Option<&'a MessageKey>,
    pub seq: Option<Seq>,
}

impl<'a> About<'a> {
    pub const fn message(conversation: ConversationId, seq: Seq, key: &'a MessageKey) -> Self {
        Self { conversation, message: Some(key), seq: Some(seq) }
    }

    pub const fn seq(conversation: ConversationId, seq: Seq) -> Self {
        Self { conversation, message: None, seq: Some(seq) }
    }
}

impl Found<'_> {
    pub fn add(&mut self, kind: Kind, about: &About<'_>, text: String) {
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        let timeline =
            if *count <= TIMELINES_PER_KIND { timeline(self.index, about) } else { Vec::new() };
        self.verdicts.push(Verdict {
            kind,
            conversation: about.conversation,
            message: about.message.cloned(),
            seq: about.seq,
            text,
            timeline,
        });
    }
}
