//! Commits as whoever stands before the ledger sees them, with their times: what a wish of somebody's forbids from the
//! moment it is durable is judged by these. What is uncertain counts for the server.

use std::collections::BTreeMap;
use std::ops::Range;

use anser_types::{ConversationId, Seq, UnixMs, UserId};

use super::check::{About, Found};
use super::index::Index;
use super::journal::MessageKey;
use super::verdict::Kind;

/// Something written, or tried to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// When the ledger was asked; monotonic nanoseconds as in the journals.
    pub from_ns: u64,
    /// When it had said that it is durable; `None`: it has not, and nobody knows.
    pub done_ns: Option<u64>,
    /// What was written.
    pub what: Written,
}

/// What a commit wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// A message.
    Message(MessageKey),
    /// A user's settings.
    ShowRead {
        /// Whose.
        user: UserId,
        /// Whether they let others see how far they have read.
        on: bool,
    },
    /// What a user thinks of another one.
    Blocked {
        /// Who.
        by: UserId,
        /// Whom.
        whom: UserId,
        /// Blocked, or not.
        on: bool,
    },
    /// A message whose time was over was erased.
    Erased {
        /// Where.
        conversation: ConversationId,
        /// Which.
        seq: Seq,
        /// The server's clock, as the one who decided it saw it.
        clock: UnixMs,
    },
    /// The server was restored from a backup: what was wished before may be forgotten.
    Restored,
}

/// Times during which something was certainly so.
type Spans = Vec<Range<u64>>;

/// What was certainly so and when.
#[derive(Debug, Default)]
pub(super) struct Certain<'a> {
    /// By whom, whom.
    blocked: BTreeMap<(&'a UserId, &'a UserId), Spans>,
    keeps_to_themselves: BTreeMap<&'a UserId, Spans>,
    /// When the ledger was asked to write a message.
    tried: BTreeMap<&'a MessageKey, Vec<u64>>,
    erased: BTreeMap<(ConversationId, Seq), UnixMs>,
}

impl<'a> Certain<'a> {
    pub fn of(commits: &'a [Commit]) -> Self {
        let mut certain = Self::default();
        for Commit { from_ns, done_ns, what } in commits {
            let wish = |spans: &mut Spans, so: bool| match (so, done_ns) {
                (true, Some(done_ns)) => begin(spans, *done_ns + 1),
                (true, None) => {}
                (false, _) => end(spans, *from_ns),
            };
            match what {
                Written::Message(key) => certain.tried.entry(key).or_default().push(*from_ns),
                Written::ShowRead { user, on } => {
                    wish(certain.keeps_to_themselves.entry(user).or_default(), !on);
                }
                Written::Blocked { by, whom, on } => {
                    wish(certain.blocked.entry((by, whom)).or_default(), *on);
                }
                Written::Erased { conversation, seq, clock } => {
                    let latest = certain.erased.entry((*conversation, *seq)).or_default();
                    *latest = (*latest).max(*clock);
                }
                Written::Restored => {
                    let blocked = certain.blocked.values_mut();
                    let all = blocked.chain(certain.keeps_to_themselves.values_mut());
                    all.for_each(|spans| end(spans, *from_ns));
                }
            }
        }
        certain
    }

    /// The last moment up to this one at which a user may have let others see how far they have read.
    pub fn last_shown(&self, user: &UserId, at_ns: u64) -> u64 {
        let mut spans = self.keeps_to_themselves.get(user).into_iter().flatten();
        spans.find(|span| span.contains(&at_ns)).map_or(at_ns, |span| span.start)
    }

    /// The latest that the server's clock said when it decided to erase a message; `None` if nobody saw it.
    pub fn erased_at(&self, id: ConversationId, seq: Seq) -> Option<UnixMs> {
        self.erased.get(&(id, seq)).copied()
    }

    /// Whether one of the two had blocked the other whenever the ledger was asked to write this message.
    fn was_refused(&self, key: &MessageKey, a: &UserId, b: &UserId) -> bool {
        let ways = [self.blocked.get(&(a, b)), self.blocked.get(&(b, a))];
        let spans = || ways.iter().flatten().copied().flatten();
        let tried = self.tried.get(key).map_or(&[][..], Vec::as_slice);
        !tried.is_empty() && tried.iter().all(|at| spans().any(|span| span.contains(at)))
    }
}

fn begin(spans: &mut Spans, at_ns: u64) {
    if spans.last().is_none_or(|last| last.end < u64::MAX) {
        spans.push(at_ns..u64::MAX);
    }
}

fn end(spans: &mut Spans, at_ns: u64) {
    if let Some(last) = spans.last_mut().filter(|last| last.end == u64::MAX) {
        last.end = at_ns.max(last.start);
    }
}

/// Between two of whom one has blocked the other nothing is said from the moment at which that is durable.
pub(super) fn check_blocks(index: &Index<'_>, found: &mut Found<'_>) {
    for (id, log) in &index.logs {
        let [a, b] = log.members.keys().copied().collect::<Vec<_>>()[..] else { continue };
        if !id.is_direct() {
            continue;
        }
        for (seq, message) in &log.at {
            if index.certain.was_refused(&message.key, a, b) {
                let text = format!(
                    "{} was accepted when one of {a} and {b} blocked the other",
                    message.key
                );
                found.add(Kind::HeardThoughBlocked, &About::message(*id, *seq, &message.key), text);
            }
        }
    }
}
