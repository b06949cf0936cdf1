//! What broke, where, and the story of the message concerned.

use std::collections::BTreeMap;
use std::fmt;

use anser_types::{ConversationId, Seq};

use super::journal::MessageKey;

/// Kinds of broken promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An accepted message or alteration is missing: in the store, or at the end of what an entitled reader holds.
    Lost,
    /// A message that nobody sent, that was refused, that differs from what was sent, or that the store does not hold.
    Phantom,
    /// One send, two entries; one alteration, two changes.
    Duplicate,
    /// A sender's messages do not stand in the order they were sent.
    Reordered,
    /// A seq is missing below one that is there.
    Hole,
    /// Two readers, or a reader and an ack, disagree about what stands at a seq.
    DivergingOrder,
    /// Somebody was shown a receipt for what was not stored or read then.
    FalseReceipt,
    /// A receipt went back.
    BackwardReceipt,
    /// A reader holds what was said when they were no member.
    VisibleAfterRemoval,
    /// An unread count differs from the messages it counts.
    UnreadWrong,
    /// A message is not what its changes make of it: in the store, or for a reader who heard of them.
    WrongState,
    /// A device showed an alteration, and later the message as it was before.
    WentBack,
    /// What was taken back is still there for somebody.
    NotTakenBack,
    /// A device holds other lists of its user than the store.
    WrongList,
    /// What somebody has removed or cleared away for themselves is shown to them.
    NotPutAway,
    /// What somebody said is there although the other one had blocked them before.
    HeardThoughBlocked,
    /// Somebody was shown how far somebody has read who shows that to nobody.
    ReadTold,
    /// What has expired or burnt is still there for somebody.
    NotForgotten,
    /// What is gone had time left, or all the time.
    ForgottenEarly,
    /// Who follows somebody was told something else than what is.
    WrongPresence,
}

/// One broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Which kind.
    pub kind: Kind,
    /// In which conversation.
    pub conversation: ConversationId,
    /// The message concerned, where there is one.
    pub message: Option<MessageKey>,
    /// The seq concerned, where there is one.
    pub seq: Option<Seq>,
    /// What is wrong, in one sentence.
    pub text: String,
    /// What all journals and readings say about it, by time.
    pub timeline: Vec<String>,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.text)?;
        self.timeline.iter().try_for_each(|line| write!(f, "\n    {line}"))
    }
}

/// All verdicts for people: how many of each kind, and the first three of each in full.
#[must_use]
pub fn report(verdicts: &[Verdict]) -> String {
    if verdicts.is_empty() {
        return String::from("no promise was broken");
    }
    let mut kinds: BTreeMap<Kind, Vec<&Verdict>> = BTreeMap::new();
    for verdict in verdicts {
        kinds.entry(verdict.kind).or_default().push(verdict);
    }
    let counts: Vec<String> =
        kinds.iter().map(|(kind, those)| format!("{kind:?} {}", those.len())).collect();
    let mut text = format!("{} promises were broken: {}", verdicts.len(), counts.join(", "));
    for those in kinds.values() {
        for verdict in those.iter().take(3) {
            text.push_str(&format!("\n{verdict}"));
        }
    }
    text
}
