//! Carries out what `delivery` decides: takes events from the mailbox, reads the log where the mailbox does not have
//! them, and writes batches.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use anser_proto::close::CloseReason;
use anser_proto::session::server::ServerSession;
use anser_proto::v1;
use anser_service::{Delivery, Mailbox, Opened, Page, Reader, Start};
use anser_types::limits::{COMMANDS_IN_FLIGHT, PAGE_DEFAULT, PAGE_MAX_BYTES};
use anser_types::{ErrorCode, Event, InboxSeq, Refusal};
use bytes::Bytes;
use tokio::time::Instant;

use super::actor::Stop;
use super::delivery::{Acked, InboxPlace, Step};
use super::following::push_channels;
use super::outbound::Outbound;
use super::settings::Settings;
use crate::metrics;
use crate::translate::{events, replies, signals};

/// Why the log is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    /// The client asked for a page after this number.
    Asked(InboxSeq),
    /// An event after this number was heard of and did not come.
    Missing(InboxSeq),
    /// The head is compared, as a routine.
    Sweep,
    /// The head is compared with an acknowledgement that lies above it.
    Unheard(v1::Ack),
}

/// What a read gave.
enum Read {
    Page(Page),
    Head(InboxSeq),
}

struct Reading {
    why: Why,
    result: Pin<Box<dyn Future<Output = Result<Read, Refusal>> + Send>>,
}

/// What a delivery step works with.
pub(super) struct Ways<'a> {
    pub(super) mailbox: &'a Mailbox,
    pub(super) reader: &'a Reader,
    pub(super) wire: &'a ServerSession,
    pub(super) outbound: &'a mut Outbound,
    pub(super) now: Instant,
}

/// The delivering side of a session.
pub(super) struct Pushing {
    place: InboxPlace,
    opened: Arc<Opened>,
    settings: Arc<Settings>,
    /// At most one read of the log at a time.
    reading: Option<Reading>,
    /// An acknowledgement above everything heard of, to be compared with the log.
    unheard: Option<v1::Ack>,
    /// Entries the client knows from answers to its own commands: they are not sent again.
    answered: VecDeque<InboxSeq>,
    /// When an event that was heard of and is not at hand is looked for in the log.
    look_at: Option<Instant>,
    sweep_at: Instant,
    /// The first page leaves together with Welcome.
    opening: bool,
}

impl Pushing {
    /// Begins where Welcome says; a void cursor is reset at once.
    pub(super) fn new(
        opened: Arc<Opened>,
        settings: Arc<Settings>,
        want: usize,
        wire: &ServerSession,
        outbound: &mut Outbound,
        now: Instant,
    ) -> Self {
        let place = InboxPlace::new(opened.start, opened.inbox_head, want);
        if let Start::Reset { at, reason } = opened.start {
            wire.sync_reset(&replies::sync_reset(at, &opened, reason), &mut outbound.frames);
        }
        Self {
            opening: matches!(place.step(), Step::Page { .. }),
            place,
            opened,
            sweep_at: now + settings.sweep,
            settings,
            reading: None,
            unheard: None,
            answered: VecDeque::new(),
            look_at: None,
        }
    }

    /// Whether the first page is still being read.
    pub(super) const fn is_opening(&self) -> bool {
        self.opening
    }

    /// Whether something sent is not yet acknowledged.
    pub(super) fn is_outstanding(&self) -> bool {
        self.place.is_outstanding()
    }

    /// The head for a Pong: when it differs from what was sent, or from what the client says it has (0: nothing said).
    pub(super) fn head_for_pong(&self, clients: InboxSeq) -> Option<InboxSeq> {
        let head = self.place.known_head();
        let differs = clients != InboxSeq::ZERO && clients != head;
        (differs || head != self.place.sent()).then_some(head)
    }

    /// When something is due next.
    pub(super) fn due(&self) -> Instant {
        self.look_at.map_or(self.sweep_at, |look_at| look_at.min(self.sweep_at))
    }

    /// An answer that names an inbox entry is on its way to the client.
    pub(super) fn note_answered(&mut self, inbox_seq: InboxSeq) {
        if inbox_seq <= self.place.sent() {
            return;
        }
        if self.answered.len() >= COMMANDS_IN_FLIGHT {
            self.answered.pop_front();
        }
        self.answered.push_back(inbox_seq);
    }

    /// The client acknowledges, and perhaps asks for a page.
    pub(super) fn handle_ack(&mut self, ack: v1::Ack, ways: &mut Ways<'_>) {
        self.place.heard_of(ways.mailbox.known_head());
        let up_to = InboxSeq(ack.inbox_seq);
        match self.place.acked(up_to, usize::try_from(ack.want).unwrap_or(usize::MAX)) {
            Acked::Moved(settled) => ways.reader.acked(up_to, &settled),
            Acked::Repeated => {}
            Acked::Unheard => {
                self.unheard = Some(ack);
                return;
            }
        }
        if ack.want == 0 {
            ways.wire.ack_ok(up_to, &mut ways.outbound.frames);
        }
    }

    /// One step: true if something moved.
    pub(super) fn drive(
        &mut self,
        cx: &mut Context<'_>,
        ways: &mut Ways<'_>,
    ) -> Result<bool, Stop> {
        self.place.heard_of(ways.mailbox.known_head());
        let mut moved = self.drive_reading(cx, ways)?;
        moved |= push_channels(ways);
        moved |= push_signals(ways);
        if self.reading.is_none() {
            moved |= self.begin(ways);
        }
        Ok(moved)
    }

    /// Decides what is done next when nothing is being read.
    fn begin(&mut self, ways: &mut Ways<'_>) -> bool {
        if let Some(ack) = self.unheard.take() {
            self.read_head(Why::Unheard(ack), ways.reader);
            return true;
        }
        match self.place.step() {
            Step::Page { after, entries } if ways.outbound.has_room() => {
                self.place.page_begun();
                self.read_page(Why::Asked(after), after, entries, ways.reader);
                return true;
            }
            Step::Push(next) if self.push(next, ways) => return true,
            _ => {}
        }
        if self.look_at.is_some_and(|look_at| look_at <= ways.now) {
            self.look_at = None;
            let after = self.place.sent();
            self.read_page(Why::Missing(after), after, PAGE_DEFAULT, ways.reader);
            return true;
        }
        if self.sweep_at <= ways.now {
            self.sweep_at = ways.now + self.settings.sweep;
            self.place.shrink();
            if self.place.must_ask() && ways.outbound.has_room() {
                // Said again, in case the client has overlooked it: a session must never wait for ever.
                let rest = Batch::starting_at(self.place.sent().next());
                rest.write_with_head(self.place.known_head(), ways);
            }
            self.read_head(Why::Sweep, ways.reader);
            return true;
        }
        false
    }

    /// Pushes what is at hand, in order. True if something moved.
    fn push(&mut self, next: InboxSeq, ways: &mut Ways<'_>) -> bool {
        let mut batch = Batch::starting_at(next);
        let mut moved = false;
        while self.place.known_head() > self.place.sent() {
            if !ways.outbound.has_room() || !self.place.has_room() {
                self.place.fall_behind();
                metrics::fell_behind();
                // The head tells the client that more is there than will be pushed.
                batch.write_with_head(self.place.known_head(), ways);
                self.look_at = None;
                return true;
            }
            let Some(delivery) = ways.mailbox.take(self.place.sent().next()) else {
                self.look_at.get_or_insert(ways.now + self.settings.hint_grace);
                break;
            };
            self.look_at = None;
            moved = true;
            if self.knows_from_answer(&delivery) {
                batch.write(ways);
                self.place.skipping(delivery.inbox_seq);
                batch = Batch::starting_at(delivery.inbox_seq.next());
                continue;
            }
            let encoded = events::encoded(&delivery);
            if !batch.fits(&encoded) {
                batch.write(ways);
                batch = Batch::starting_at(delivery.inbox_seq);
            }
            self.place.sending(&delivery);
            batch.add(encoded);
        }
        batch.write(ways);
        moved
    }

    /// A message or read position the client itself caused, and whose answer has gone out before.
    fn knows_from_answer(&mut self, delivery: &Delivery) -> bool {
        while self.answered.front().is_some_and(|seq| *seq < delivery.inbox_seq) {
            self.answered.pop_front();
        }
        matches!(delivery.event, Event::Message(_) | Event::ReadSync { .. })
            && self.answered.front() == Some(&delivery.inbox_seq)
    }

    fn read_page(&mut self, why: Why, after: InboxSeq, entries: usize, reader: &Reader) {
        let reader = reader.clone();
        let deadline = self.settings.request_deadline;
        let read = async move {
            let page = tokio::time::timeout(deadline, reader.read_inbox(after, entries)).await;
            page.unwrap_or_else(|_| Err(Refusal::new(ErrorCode::TimedOut))).map(Read::Page)
        };
        self.reading = Some(Reading { why, result: Box::pin(read) });
    }

    fn read_head(&mut self, why: Why, reader: &Reader) {
        let reader = reader.clone();
        let deadline = self.settings.request_deadline;
        let read = async move {
            let head = tokio::time::timeout(deadline, reader.sweep()).await;
            head.unwrap_or_else(|_| Err(Refusal::new(ErrorCode::TimedOut))).map(Read::Head)
        };
        self.reading = Some(Reading { why, result: Box::pin(read) });
    }

    fn drive_reading(&mut self, cx: &mut Context<'_>, ways: &mut Ways<'_>) -> Result<bool, Stop> {
        let Some(reading) = &mut self.reading else {
            return Ok(false);
        };
        let Poll::Ready(result) = reading.result.as_mut().poll(cx) else {
            return Ok(false);
        };
        let why = reading.why;
        self.reading = None;
        match (why, result.map_err(CloseReason::from)?) {
            (Why::Asked(after) | Why::Missing(after), Read::Page(page)) => {
                self.opening = false;
                self.use_page(why, after, &page, ways)?;
            }
            (Why::Unheard(ack), Read::Head(head)) => self.use_head(ack, head, ways),
            (_, Read::Head(head)) => self.place.heard_of(head),
            (_, Read::Page(_)) => {}
        }
        Ok(true)
    }

    fn use_page(
        &mut self,
        why: Why,
        after: InboxSeq,
        page: &Page,
        ways: &mut Ways<'_>,
    ) -> Result<(), Stop> {
        let asked = matches!(why, Why::Asked(_));
        let overtaken = matches!(self.place.step(), Step::Page { .. });
        let found_meanwhile = !asked && (!self.place.is_live() || after != self.place.sent());
        if overtaken || found_meanwhile {
            return Ok(());
        }
        self.place.heard_of(page.bounds.head);
        if page.bounds.floor > after || (!page.deliveries.is_empty() && page.first > after.next()) {
            self.reset(page.bounds.head, None, ways);
            return Ok(());
        }
        if page.deliveries.is_empty() && page.bounds.head > after {
            let detail = format!("inbox entry {} cannot be read", after.next());
            return Err(Stop::Close(CloseReason::because(ErrorCode::Internal, detail)));
        }
        let mut batch = Batch::starting_at(after.next());
        for delivery in &page.deliveries {
            let encoded = events::encoded(delivery);
            if !batch.fits(&encoded) {
                break;
            }
            self.place.sending(delivery);
            batch.add(encoded);
        }
        if asked {
            batch.write_with_head(self.place.known_head(), ways);
            self.place.page_sent();
        } else {
            batch.write(ways);
        }
        Ok(())
    }

    /// The log has been asked about an acknowledgement above everything heard of.
    fn use_head(&mut self, ack: v1::Ack, head: InboxSeq, ways: &mut Ways<'_>) {
        self.place.heard_of(head);
        if InboxSeq(ack.inbox_seq) <= self.place.known_head() {
            self.handle_ack(ack, ways);
            return;
        }
        tracing::error!(
            user = %ways.reader.caller().user(), acked = ack.inbox_seq, head = head.0,
            "LOG_BEHIND_CLIENT: a device has stored more than the log holds, data was lost"
        );
        metrics::log_behind_client();
        self.reset(head, Some(ErrorCode::LogBehindClient), ways);
    }

    fn reset(&mut self, at: InboxSeq, reason: Option<ErrorCode>, ways: &mut Ways<'_>) {
        self.place.reset(at);
        self.look_at = None;
        self.answered.clear();
        let reset = replies::sync_reset(at, &self.opened, reason);
        ways.wire.sync_reset(&reset, &mut ways.outbound.frames);
    }
}

/// Signals go out only when there is room; what waits longer than the mailbox holds is dropped there (G15).
fn push_signals(ways: &mut Ways<'_>) -> bool {
    if !ways.outbound.has_room() {
        return false;
    }
    let signals = ways.mailbox.take_signals();
    for signal in &signals {
        ways.wire.signal(&signals::to_client(signal), &mut ways.outbound.frames);
    }
    !signals.is_empty()
}

/// Consecutive events for one frame.
struct Batch {
    first: InboxSeq,
    events: Vec<Bytes>,
    bytes: usize,
}

impl Batch {
    const fn starting_at(first: InboxSeq) -> Self {
        Self { first, events: Vec::new(), bytes: 0 }
    }

    fn fits(&self, event: &Bytes) -> bool {
        self.events.is_empty() || self.bytes + event.len() <= PAGE_MAX_BYTES
    }

    fn add(&mut self, event: Bytes) {
        self.bytes += event.len();
        self.events.push(event);
    }

    /// Writes the events, if any.
    fn write(&self, ways: &mut Ways<'_>) {
        if !self.events.is_empty() {
            let out = &mut ways.outbound.frames;
            ways.wire.event_batch(self.first, self.events.iter(), None, out);
        }
    }

    /// Writes the events and where the inbox ends, also when there are no events.
    fn write_with_head(&self, head: InboxSeq, ways: &mut Ways<'_>) {
        let out = &mut ways.outbound.frames;
        ways.wire.event_batch(self.first, self.events.iter(), Some(head), out);
    }
}
