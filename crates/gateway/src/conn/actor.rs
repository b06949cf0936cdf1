//! The loop of an open session: hear, answer, deliver, speak.
//!
//! One task, plain fields. Nothing in a turn waits: every step does what it can and says whether something moved, and
//! what was said in one turn leaves in one write. So a consumer that does not read blocks nobody, and while its
//! budget is spent it is not heard either.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use anser_proto::close::CloseReason;
use anser_proto::session::server::{Request, ServerSession};
use anser_proto::v1;
use anser_service::{Answered, Ended, Mailbox, Opened, Reader, Session};
use anser_types::limits::FRAME_MAX_BYTES;
use anser_types::{ErrorCode, InboxSeq, Refusal, SessionEpoch};
use tokio::time::Instant;

use super::alarm::Alarm;
use super::asking::Asking;
use super::following::Following;
use super::inbound::Inbound;
use super::lane::Lane;
use super::outbound::{Outbound, Wrote};
use super::pushing::{Pushing, Ways};
use super::settings::Settings;
use super::transport::Transport;
use crate::translate::{commands, queries, replies, signals};

/// Requests handled before their answers are looked for: keeps a flood from starving them.
const REQUESTS_PER_TURN: usize = 64;
/// Turns of one wake after which is written in any case.
const TURNS_PER_WRITE: usize = 4;

/// Why a connection ends.
#[derive(Debug)]
pub(super) enum Stop {
    /// The client is told.
    Close(CloseReason),
    /// The client left, and everything it is owed has been written.
    Left,
    /// There is nobody to tell.
    Gone,
}

impl From<CloseReason> for Stop {
    fn from(reason: CloseReason) -> Self {
        Self::Close(reason)
    }
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Farewell {
    /// The client was told this.
    Closed(ErrorCode),
    /// The client left by itself, or the connection broke.
    Left,
}

/// A session that ends as soon as what was begun is answered.
struct Leaving {
    /// What the client is told; `None` when it leaves by itself.
    reason: Option<CloseReason>,
    /// At the latest.
    by: Instant,
}

/// Both ends of the wire; outlives the session, to say the last words.
pub(super) struct Link<T> {
    pub(super) transport: T,
    pub(super) inbound: Inbound,
    pub(super) outbound: Outbound,
    pub(super) wire: ServerSession,
}

/// An open session.
pub(super) struct Actor<'a, T> {
    link: &'a mut Link<T>,
    reader: Reader,
    lane: Lane,
    asking: Asking,
    following: Following,
    pushing: Pushing,
    alarm: Alarm,
    settings: Arc<Settings>,
    epoch: SessionEpoch,
    /// The version of the list of servers that the client has.
    list_version: u64,
    /// In the background: silence after which nothing is there any more.
    background: Option<Duration>,
    /// Since when something written or sent waits for the other side.
    owed_since: Option<Instant>,
    leaving: Option<Leaving>,
}

impl<'a, T: Transport> Actor<'a, T> {
    /// Welcomes the client; nothing is written yet.
    pub(super) fn welcome(
        link: &'a mut Link<T>,
        session: Session,
        hello: &v1::Hello,
        settings: Arc<Settings>,
    ) -> Result<Self, Stop> {
        let now = Instant::now();
        let opened: Arc<Opened> = Arc::new(session.opened().clone());
        let welcome = replies::welcome(&opened, session.caller(), settings.gateways.version());
        link.wire.welcome(welcome, &mut link.outbound.frames);
        link.inbound.set_frame_limit(link.wire.frame_limit(), &mut link.transport);
        let want = usize::try_from(hello.want).unwrap_or(usize::MAX);
        let epoch = opened.epoch;
        let pushing =
            Pushing::new(opened, Arc::clone(&settings), want, &link.wire, &mut link.outbound, now);
        // As if it had been said right after Hello: where logs end leaves together with Welcome and the first page.
        let mut following = Following::default();
        following.add(&hello.follow)?;
        let mut actor = Self {
            reader: session.reader(),
            lane: Lane::new(session),
            asking: Asking::new(
                settings.queries_at_once,
                settings.queries_waiting,
                settings.request_deadline,
            ),
            following,
            pushing,
            alarm: Alarm::new(now + settings.half_open),
            epoch,
            list_version: hello.endpoint_list_version,
            background: settings.background_idle(hello.background, hello.silence_ms),
            owed_since: None,
            leaving: None,
            link,
            settings,
        };
        actor.tell_gateways();
        Ok(actor)
    }

    /// Gives the list of servers to a client that has another one.
    fn tell_gateways(&mut self) {
        if self.settings.gateways.version() == self.list_version {
            return;
        }
        if let Some(list) = self.settings.gateways.now() {
            self.list_version = list.version;
            self.link.wire.endpoint_list(&list.signed, &mut self.link.outbound.frames);
        }
    }

    /// Serves the session until it ends.
    pub(super) async fn serve(mut self, mailbox: &Mailbox) -> Stop {
        let stop = loop {
            tokio::select! {
                biased;
                // Looked at first, so that what comes during the turn wakes the next one.
                () = mailbox.changed() => {}
                stop = poll_fn(|cx| self.poll_turn(cx, mailbox)) => break stop,
            }
        };
        if let Stop::Gone = stop {
            self.reader.depart().await;
        }
        stop
    }

    fn poll_turn(&mut self, cx: &mut Context<'_>, mailbox: &Mailbox) -> Poll<Stop> {
        for round in 1_usize.. {
            // What one wake causes leaves in one write, but a flood must not hold its own answers back.
            let speak_anyway = round.is_multiple_of(TURNS_PER_WRITE);
            match self.turn(cx, mailbox, speak_anyway) {
                Ok(true) => {}
                Ok(false) => break,
                Err(stop) => return Poll::Ready(stop),
            }
        }
        Poll::Pending
    }

    /// One turn; true if something moved, so that another may find work.
    fn turn(
        &mut self,
        cx: &mut Context<'_>,
        mailbox: &Mailbox,
        speak_anyway: bool,
    ) -> Result<bool, Stop> {
        let now = Instant::now();
        self.obey(mailbox.ended(), now)?;
        let mut moved = self.hear(cx, mailbox, now)?;
        moved |= self.answer(cx)?;
        moved |= self.deliver(cx, mailbox, now)?;
        if moved && !speak_anyway {
            return Ok(true);
        }
        moved |= self.speak(cx, now)?;
        moved |= self.watch(cx, now)?;
        self.leave_when_done(now)?;
        Ok(moved)
    }

    /// The service ends the session: at once, or, when the server drains, once everything begun is answered.
    fn obey(&mut self, ended: Option<Ended>, now: Instant) -> Result<(), Stop> {
        let Some(ended) = ended else {
            return Ok(());
        };
        let mut reason = CloseReason::from(Refusal::from(ended));
        if reason.code != ErrorCode::Draining {
            return Err(Stop::Close(reason));
        }
        if self.leaving.as_ref().is_none_or(|leaving| leaving.reason.is_none()) {
            reason.retry_after_ms = Some(self.spread_ms());
            self.link.wire.drain();
            self.leaving = Some(Leaving { reason: Some(reason), by: now + self.settings.drain });
        }
        Ok(())
    }

    /// A pause that differs between sessions, so that they do not all come back at once: consecutive epochs are spread
    /// evenly by the golden ratio.
    fn spread_ms(&self) -> u32 {
        let share = self.epoch.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let range = u64::try_from(self.settings.drain.as_millis()).unwrap_or(u64::from(u32::MAX));
        let base = u64::from(CloseReason::because(ErrorCode::Draining, "").advice().retry_after_ms);
        u32::try_from(base + ((share * range.min(u64::from(u32::MAX))) >> 32)).unwrap_or(u32::MAX)
    }

    fn hear(
        &mut self,
        cx: &mut Context<'_>,
        mailbox: &Mailbox,
        now: Instant,
    ) -> Result<bool, Stop> {
        let mut moved = false;
        for _ in 0..REQUESTS_PER_TURN {
            if !self.link.outbound.has_room() {
                break;
            }
            let Link { transport, inbound, wire, .. } = &mut *self.link;
            match inbound.poll_request(cx, transport, wire) {
                Poll::Ready(request) => self.handle(request?, mailbox, now)?,
                Poll::Pending => break,
            }
            moved = true;
        }
        Ok(moved)
    }

    fn handle(&mut self, request: Request, mailbox: &Mailbox, now: Instant) -> Result<(), Stop> {
        let Link { wire, outbound, .. } = &mut *self.link;
        match request {
            Request::Command(received) => {
                let request = commands::command(received.command, received.hash);
                self.lane.add(request, now + self.settings.request_deadline)?;
            }
            Request::Ack(ack) => {
                let mut ways = Ways { mailbox, reader: &self.reader, wire, outbound, now };
                self.pushing.handle_ack(ack, &mut ways);
                self.owed_since = None;
            }
            Request::Ping(ping) => {
                let head = self.pushing.head_for_pong(InboxSeq(ping.inbox_head));
                wire.pong(head, &mut outbound.frames);
                self.tell_gateways();
            }
            Request::Query(v1::Query { query_no, query }) => {
                let added =
                    queries::query(query).and_then(|query| self.asking.add(query_no, query));
                if let Err(refusal) = added {
                    wire.reply(&replies::reply(query_no, Err(refusal)), &mut outbound.frames);
                }
            }
            Request::Signal(signal) => self.hear_signal(signal),
            Request::Foreground(foreground) => {
                let v1::Foreground { background, silence_ms } = foreground;
                self.background = self.settings.background_idle(background, silence_ms);
            }
            Request::Close => {
                let by = now + self.settings.drain;
                self.leaving.get_or_insert(Leaving { reason: None, by });
            }
            Request::Follow(follow) => self.following.add(&follow.channels)?,
            Request::Hello(_) | Request::Ignored => {}
        }
        Ok(())
    }

    fn hear_signal(&mut self, signal: v1::Signal) {
        let named = match &signal.signal {
            Some(v1::signal::Signal::Watch(watch)) => watch.users.clone(),
            _ => Vec::new(),
        };
        match signals::from_client(signal) {
            Ok(Some(signal)) => self.reader.signal(signal),
            Ok(None) => {}
            Err(refusal) if !named.is_empty() => {
                let refused = signals::watch_refused(named, &refusal);
                self.link.wire.signal(&refused, &mut self.link.outbound.frames);
            }
            // A signal may be lost; there is no answer that could carry the refusal.
            Err(refusal) => tracing::debug!(%refusal, "a signal that cannot be read"),
        }
    }

    /// Commands and queries: handed in, and their answers written.
    fn answer(&mut self, cx: &mut Context<'_>) -> Result<bool, Stop> {
        let mut moved = self.lane.poll_submit(cx);
        let Link { wire, outbound, .. } = &mut *self.link;
        while let Some((asked, answered)) = self.lane.poll_answer(cx) {
            moved = true;
            let ack = replies::command_ack(asked, &answered);
            wire.command_ack(&ack, &mut outbound.frames);
            self.pushing.note_answered(InboxSeq(ack.inbox_seq));
            if let Some(reason) = replaced(&answered) {
                return Err(Stop::Close(reason));
            }
        }
        while outbound.has_room()
            && let Some((query_no, result)) = self.asking.poll_reply(cx, &self.reader)
        {
            moved = true;
            write_reply(wire, outbound, query_no, &replies::reply(query_no, result));
        }
        Ok(moved)
    }

    fn deliver(
        &mut self,
        cx: &mut Context<'_>,
        mailbox: &Mailbox,
        now: Instant,
    ) -> Result<bool, Stop> {
        let Link { wire, outbound, .. } = &mut *self.link;
        let mut ways = Ways { mailbox, reader: &self.reader, wire, outbound, now };
        let moved = self.following.drive(cx, self.settings.request_deadline, &mut ways)?;
        Ok(self.pushing.drive(cx, &mut ways)? | moved)
    }

    fn speak(&mut self, cx: &mut Context<'_>, now: Instant) -> Result<bool, Stop> {
        if self.pushing.is_opening() {
            return Ok(false);
        }
        let Link { transport, inbound, outbound, .. } = &mut *self.link;
        let had_room = outbound.has_room();
        let wrote = outbound.poll_write(cx, transport).map_err(|_| Stop::Gone)?;
        if wrote == Wrote::Unblocked {
            inbound.note_life(now);
        }
        if self.pushing.is_outstanding() || !outbound.is_empty() {
            self.owed_since.get_or_insert(now);
        } else {
            self.owed_since = None;
        }
        // Room that came back lets reading and delivery go on.
        Ok(!had_room && outbound.has_room())
    }

    /// Deadlines.
    fn watch(&mut self, cx: &mut Context<'_>, now: Instant) -> Result<bool, Stop> {
        let silent_at = self.silent_at();
        let mut due = silent_at.min(self.pushing.due());
        if let Some(deadline) = self.lane.deadline() {
            due = due.min(deadline);
        }
        if let Some(leaving) = &self.leaving {
            due = due.min(leaving.by);
        }
        if !self.alarm.poll_fired(cx, due) {
            return Ok(false);
        }
        if silent_at <= now {
            return Err(Stop::Close(CloseReason::because(ErrorCode::Silent, "")));
        }
        while let Some((asked, refusal)) = self.lane.overdue(now)? {
            let ack = replies::refused(asked.command_no, &refusal);
            self.link.wire.command_ack(&ack, &mut self.link.outbound.frames);
        }
        self.lane.shrink();
        self.link.outbound.shrink();
        Ok(true)
    }

    /// When silence means that the connection is dead.
    fn silent_at(&self) -> Instant {
        let heard_at = self.link.inbound.heard_at();
        match (self.background, self.owed_since) {
            (None, _) => heard_at + self.settings.half_open,
            // A background client may have been silent for long: what it owes counts from when it was sent.
            (Some(_), Some(since)) => heard_at.max(since) + self.settings.half_open,
            (Some(idle), None) => heard_at + idle,
        }
    }

    fn leave_when_done(&mut self, now: Instant) -> Result<(), Stop> {
        let Some(leaving) = &self.leaving else {
            return Ok(());
        };
        let done = self.lane.is_empty() && self.asking.is_empty();
        if !done && now < leaving.by {
            return Ok(());
        }
        match self.leaving.take().and_then(|leaving| leaving.reason) {
            Some(reason) => Err(Stop::Close(reason)),
            None => Err(Stop::Left),
        }
    }
}

/// A newer session exists, says the answer to a command: this one must not go on.
fn replaced(answered: &Answered) -> Option<CloseReason> {
    let Answered::Refused { refusal, .. } = answered else { return None };
    (refusal.code == ErrorCode::Replaced).then(|| refusal.clone().into())
}

/// Writes a reply, or says that it is larger than a frame may be.
fn write_reply(wire: &ServerSession, outbound: &mut Outbound, query_no: u64, reply: &v1::Reply) {
    let before = outbound.frames.len();
    wire.reply(reply, &mut outbound.frames);
    if outbound.frames.len() - before > FRAME_MAX_BYTES {
        outbound.frames.truncate(before);
        let detail = "the reply would be larger than a frame: ask for fewer entries";
        let refusal = Refusal::because(ErrorCode::InvalidArgument, detail);
        wire.reply(&replies::reply(query_no, Err(refusal)), &mut outbound.frames);
    }
}
