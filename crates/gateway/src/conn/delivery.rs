//! Where a session stands in its inbox, and what may be sent next. Pure: no I/O, no time.
//!
//! The log is the truth, a push only a hint. An event is pushed only as `sent + 1` and only while [`Flow::Live`];
//! a slow consumer falls to [`Flow::CatchUp`], where it reads pages at its own pace. Nothing is ever dropped:
//! `known_head > sent` always says that something is still to come.

use std::collections::{BTreeMap, VecDeque};

use anser_service::{Delivery, Start};
use anser_types::limits::{PAGE_DEFAULT, PAGE_MAX};
use anser_types::{ConversationId, Event, InboxSeq, Seq};

/// Messages sent and not yet acknowledged that a session remembers, for their receipts; bounds its memory (32 KiB).
/// Above [`PAGE_MAX`], so that a page always fits.
const UNSETTLED_MAX: usize = 2 * PAGE_MAX;

/// How events reach this session at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    /// Events are pushed as they come.
    Live {
        /// The last one sent.
        sent: InboxSeq,
    },
    /// Pages are sent when asked for.
    CatchUp {
        /// The last one sent.
        sent: InboxSeq,
        /// Where the client was told that its inbox ends: it asks until it has reached this.
        told: InboxSeq,
    },
    /// The cursor is void; nothing is sent until the client has rebuilt and acknowledges `at`.
    Reset {
        /// What the client was told.
        at: InboxSeq,
    },
}

/// What may be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing until something is heard.
    Rest,
    /// Push the event with this number.
    Push(InboxSeq),
    /// Read a page that was asked for.
    Page {
        /// After this number.
        after: InboxSeq,
        /// Entries wanted.
        entries: usize,
    },
}

/// What an acknowledgement means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Acked {
    /// The cursor moved: tell the service, with the messages of others that are now stored.
    Moved(Vec<(ConversationId, Seq)>),
    /// Nothing new.
    Repeated,
    /// It lies above everything heard of: compare with the log before believing it.
    Unheard,
}

/// A message of somebody else that was sent and is not yet acknowledged.
#[derive(Clone, Copy, Debug)]
struct Unsettled {
    inbox_seq: InboxSeq,
    conversation: ConversationId,
    seq: Seq,
}

/// Where a session stands in its inbox.
#[derive(Debug)]
pub(super) struct InboxPlace {
    flow: Flow,
    known_head: InboxSeq,
    acked: InboxSeq,
    /// The last number whose event really went out; what the client knows from an answer is not waited for.
    pushed: InboxSeq,
    unsettled: VecDeque<Unsettled>,
    /// The page asked for and not yet begun; a newer wish replaces it.
    wish: Option<Wish>,
}

/// A page: entries after a number.
#[derive(Clone, Copy, Debug)]
struct Wish {
    after: InboxSeq,
    entries: usize,
}

impl InboxPlace {
    /// The place after Welcome. A good cursor begins with a page, as if it had been asked for.
    pub(super) fn new(start: Start, head: InboxSeq, want: usize) -> Self {
        let (flow, acked) = match start {
            Start::FromCursor(cursor) => (Flow::CatchUp { sent: cursor, told: head }, cursor),
            Start::Reset { at, .. } => (Flow::Reset { at }, InboxSeq::ZERO),
        };
        let mut place = Self {
            flow,
            known_head: head,
            acked,
            pushed: acked,
            unsettled: VecDeque::new(),
            wish: None,
        };
        if place.sent() < head && !place.is_reset() {
            place.wish = Some(Wish { after: acked, entries: page_entries(want) });
        } else {
            place.settle_flow();
        }
        place
    }

    /// The last number sent (for a reset: the one the client will begin at).
    pub(super) const fn sent(&self) -> InboxSeq {
        match self.flow {
            Flow::Live { sent } | Flow::CatchUp { sent, .. } => sent,
            Flow::Reset { at } => at,
        }
    }

    /// The largest number heard of.
    pub(super) const fn known_head(&self) -> InboxSeq {
        self.known_head
    }

    /// Whether something sent is not yet acknowledged.
    pub(super) fn is_outstanding(&self) -> bool {
        !self.is_reset() && self.pushed > self.acked
    }

    /// Whether pushes are allowed.
    pub(super) const fn is_live(&self) -> bool {
        matches!(self.flow, Flow::Live { .. })
    }

    const fn is_reset(&self) -> bool {
        matches!(self.flow, Flow::Reset { .. })
    }

    /// Raises what was heard of.
    pub(super) fn heard_of(&mut self, head: InboxSeq) {
        self.known_head = self.known_head.max(head);
    }

    /// What may be sent now.
    pub(super) fn step(&self) -> Step {
        match (self.flow, self.wish) {
            (Flow::Reset { .. }, _) => Step::Rest,
            (_, Some(Wish { after, entries })) => Step::Page { after, entries },
            (Flow::Live { sent }, None) if self.known_head > sent => Step::Push(sent.next()),
            _ => Step::Rest,
        }
    }

    /// Whether the client must ask before it is sent more.
    pub(super) fn must_ask(&self) -> bool {
        matches!(self.flow, Flow::CatchUp { sent, .. } if self.known_head > sent)
            && self.wish.is_none()
    }

    /// Whether receipts can be kept for one more message; if not, the session must catch up by pages.
    pub(super) fn has_room(&self) -> bool {
        self.unsettled.len() < UNSETTLED_MAX
    }

    /// Notes that an event goes out: the next one, or one of a page that goes back behind what was sent.
    pub(super) fn sending(&mut self, delivery: &Delivery) {
        let sent = match &mut self.flow {
            Flow::Live { sent } | Flow::CatchUp { sent, .. } => sent,
            Flow::Reset { .. } => return,
        };
        self.pushed = self.pushed.max(delivery.inbox_seq);
        if delivery.inbox_seq <= *sent {
            return;
        }
        *sent = delivery.inbox_seq;
        self.heard_of(delivery.inbox_seq);
        if let Event::Message(message) = &delivery.event
            && !delivery.own
        {
            self.unsettled.push_back(Unsettled {
                inbox_seq: delivery.inbox_seq,
                conversation: message.conversation,
                seq: message.seq,
            });
        }
    }

    /// Notes that the client knows the next event already, from the answer to its own command.
    pub(super) fn skipping(&mut self, inbox_seq: InboxSeq) {
        if let Flow::Live { sent } = &mut self.flow {
            *sent = inbox_seq;
        }
    }

    /// A page that was asked for is being read: it is asked for no longer.
    pub(super) const fn page_begun(&mut self) {
        self.wish = None;
    }

    /// A page has gone out, and with it where the inbox ends: live again if everything up to there was sent.
    pub(super) fn page_sent(&mut self) {
        let (sent, told) = (self.sent(), self.known_head);
        if !self.is_reset() {
            self.flow = Flow::CatchUp { sent, told };
            self.settle_flow();
        }
    }

    /// Pushing stops; the client is told where its inbox ends and reads pages from here on.
    pub(super) const fn fall_behind(&mut self) {
        if let Flow::Live { sent } = self.flow {
            self.flow = Flow::CatchUp { sent, told: self.known_head };
        }
    }

    /// The cursor is void from now on.
    pub(super) fn reset(&mut self, at: InboxSeq) {
        self.flow = Flow::Reset { at };
        self.known_head = at;
        self.acked = InboxSeq::ZERO;
        self.pushed = InboxSeq::ZERO;
        self.unsettled = VecDeque::new();
        self.wish = None;
    }

    /// The client has stored everything up to `up_to` and wants `want` more entries.
    pub(super) fn acked(&mut self, up_to: InboxSeq, want: usize) -> Acked {
        if up_to > self.known_head {
            return Acked::Unheard;
        }
        if let Flow::Reset { at } = self.flow {
            // An interrupted rebuild ends where it began, which may lie below what this session was told. Whoever asks
            // for a page has finished it; the page shows whether entries that old are still kept.
            if up_to < at && want == 0 {
                return Acked::Repeated;
            }
            self.flow = Flow::Live { sent: up_to };
        }
        match &mut self.flow {
            // The client may know an entry from elsewhere: from the answer to its own command.
            Flow::Live { sent } | Flow::CatchUp { sent, .. } => *sent = up_to.max(*sent),
            Flow::Reset { .. } => {}
        }
        let moved = up_to > self.acked;
        let settled = self.settle(up_to);
        if want > 0 {
            // The page starts behind what is stored, whatever was sent beyond it.
            self.wish = Some(Wish { after: up_to, entries: page_entries(want) });
        } else {
            self.settle_flow();
        }
        if moved { Acked::Moved(settled) } else { Acked::Repeated }
    }

    /// Gives back memory that a burst needed.
    pub(super) fn shrink(&mut self) {
        if self.unsettled.is_empty() {
            self.unsettled = VecDeque::new();
        }
    }

    /// Takes what is stored out of the unsettled: per conversation the last seq.
    fn settle(&mut self, up_to: InboxSeq) -> Vec<(ConversationId, Seq)> {
        if up_to <= self.acked {
            return Vec::new();
        }
        self.acked = up_to;
        let mut first = None;
        let mut more = BTreeMap::new();
        while self.unsettled.front().is_some_and(|front| front.inbox_seq <= up_to) {
            let Some(Unsettled { conversation, seq, .. }) = self.unsettled.pop_front() else {
                break;
            };
            match &mut first {
                // The usual case: one message, or several of one conversation.
                None => first = Some((conversation, seq)),
                Some((known, last)) if *known == conversation => *last = seq.max(*last),
                Some(_) => {
                    let last = more.entry(conversation).or_insert(seq);
                    *last = seq.max(*last);
                }
            }
        }
        first.into_iter().chain(more).collect()
    }

    /// Who has been sent everything it was told of has no reason to ask for more: from here on it is pushed to again.
    fn settle_flow(&mut self) {
        if let Flow::CatchUp { sent, told } = self.flow
            && sent >= told
            && self.wish.is_none()
        {
            self.flow = Flow::Live { sent };
        }
    }
}

/// Entries of a page: what is wanted within the limit, or the default.
fn page_entries(want: usize) -> usize {
    if want == 0 { PAGE_DEFAULT } else { want.min(PAGE_MAX) }
}
