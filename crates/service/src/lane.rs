//! One session's lane: keeps its commands in order and holds their answers until they are taken.
//!
//! Consecutive messages of a device share batches; every other command has the lane for itself. When the store says
//! that a conversation changed while a command was decided, its rules run again, and the commands behind it, which the
//! store could not take out of order, follow it: the client sees none of this.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use anser_types::{CommandNo, Refusal};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::api::Answered;
use crate::messages::request::{Actor, Request};
use crate::metrics;
use crate::service::Service;
use crate::verdict::verdict;
use crate::writer::publish::Ending;

/// Where a command stands.
#[derive(Debug)]
enum Phase {
    /// With the writer.
    InFlight,
    /// Its rules must run again.
    Again,
    /// Answered, not taken yet.
    Answered(Answered),
    /// Answered, and nobody waits any more.
    Taken,
}

#[derive(Debug)]
struct Flight {
    request: Arc<Request>,
    phase: Phase,
    stale: u8,
    waker: Option<Waker>,
    abandoned: bool,
}

#[derive(Debug, Default)]
struct State {
    /// Ticket of the first flight.
    first: u64,
    flights: VecDeque<Flight>,
    /// Flights in [`Phase::InFlight`] or [`Phase::Again`].
    unanswered: usize,
    in_flight: usize,
    running_again: bool,
    /// Something was settled since the last wake.
    dirty: bool,
}

/// See the module's text.
pub(crate) struct Lane {
    pub(crate) actor: Actor,
    service: Weak<Service>,
    state: Mutex<State>,
    answered: Notify,
}

impl std::fmt::Debug for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lane").field("actor", &self.actor).finish_non_exhaustive()
    }
}

/// A command whose rules run again.
pub(crate) struct Next {
    pub(crate) ticket: u64,
    pub(crate) request: Arc<Request>,
}

/// See [`Lane::turn`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Everything before has been answered.
    Now,
    /// Something before must run again first.
    AfterEarlier,
    /// Something is still with the writer; the last of it starts another run.
    Later,
}

impl Lane {
    pub(crate) fn new(actor: Actor, service: Weak<Service>) -> Self {
        Self { actor, service, state: Mutex::default(), answered: Notify::new() }
    }

    /// Waits until fewer than `below` commands are without an answer and none of them has the lane for itself. One
    /// caller at a time (the session).
    pub(crate) async fn wait_below(&self, below: usize) {
        loop {
            {
                let state = self.state.lock();
                if state.unanswered < below && state.is_open() {
                    return;
                }
            }
            self.answered.notified().await;
        }
    }

    /// Whether nothing waits for an answer.
    pub(crate) fn is_settled(&self) -> bool {
        self.state.lock().unanswered == 0
    }

    /// Takes in a command that goes to the writer next.
    pub(crate) fn enter(self: &Arc<Self>, request: Arc<Request>) -> (u64, Pending) {
        let mut state = self.state.lock();
        state.flights.push_back(Flight {
            request,
            phase: Phase::InFlight,
            stale: 0,
            waker: None,
            abandoned: false,
        });
        state.unanswered += 1;
        state.in_flight += 1;
        let ticket = state.first + state.flights.len() as u64 - 1;
        (ticket, Pending(Waits::InLane(Arc::clone(self), ticket)))
    }

    /// Notes how a command ended. Returns true if this is the first news since
    /// the last [`Lane::wake`].
    pub(crate) fn settle(self: &Arc<Self>, ticket: u64, ending: Ending) -> bool {
        let mut state = self.state.lock();
        let Some(index) = state.index(ticket) else {
            return false;
        };
        let earlier_waits = state.flights.iter().take(index).any(Flight::is_unanswered);
        state.in_flight -= 1;
        let flight = &mut state.flights[index];
        match verdict(flight.request.command_no, ending, earlier_waits, &mut flight.stale) {
            None => flight.phase = Phase::Again,
            Some(answered) => {
                if let Answered::Refused { refusal, .. } = &answered {
                    metrics::refused(refusal.code);
                }
                flight.phase =
                    if flight.abandoned { Phase::Taken } else { Phase::Answered(answered) };
                state.unanswered -= 1;
                state.drop_taken();
            }
        }
        let news = !std::mem::replace(&mut state.dirty, true);
        if state.must_run_again() {
            state.running_again = true;
            drop(state);
            self.run_again();
        }
        news
    }

    /// Wakes the session and everybody whose answer is there.
    pub(crate) fn wake(&self) {
        let wakers: Vec<Waker> = {
            let mut state = self.state.lock();
            state.dirty = false;
            let answered = state.flights.iter_mut().filter(|flight| !flight.is_unanswered());
            answered.filter_map(|flight| flight.waker.take()).collect()
        };
        self.answered.notify_one();
        wakers.into_iter().for_each(Waker::wake);
    }

    fn run_again(self: &Arc<Self>) {
        let Some(service) = self.service.upgrade() else {
            return;
        };
        metrics::rules_again();
        let lane = Arc::clone(self);
        service.spawn(crate::messages::again::run(Arc::clone(&service), lane));
    }

    /// The first command whose rules must run again; `None` ends the run.
    pub(crate) fn next_again(&self) -> Option<Next> {
        let mut state = self.state.lock();
        let found = state.flights.iter().position(|f| matches!(f.phase, Phase::Again));
        let Some(index) = found else {
            state.running_again = false;
            return None;
        };
        let flight = &state.flights[index];
        Some(Next { ticket: state.first + index as u64, request: Arc::clone(&flight.request) })
    }

    /// The command goes to the writer once more.
    pub(crate) fn fly_again(&self, ticket: u64) {
        let mut state = self.state.lock();
        if let Some(index) = state.index(ticket) {
            state.flights[index].phase = Phase::InFlight;
            state.in_flight += 1;
        }
    }

    /// Whether a "no" to this command may be final: only when everything before it has been answered.
    pub(crate) fn turn(&self, ticket: u64) -> Turn {
        let mut state = self.state.lock();
        let index = state.index(ticket).unwrap_or(0);
        if state.in_flight > 0 {
            state.running_again = false;
            Turn::Later
        } else if state.flights.iter().take(index).any(Flight::is_unanswered) {
            Turn::AfterEarlier
        } else {
            Turn::Now
        }
    }

    fn abandon(&self, ticket: u64) {
        let mut state = self.state.lock();
        if let Some(index) = state.index(ticket) {
            let flight = &mut state.flights[index];
            flight.abandoned = true;
            flight.waker = None;
            if !flight.is_unanswered() {
                flight.phase = Phase::Taken;
            }
            state.drop_taken();
        }
    }

    fn poll(&self, ticket: u64, cx: &Context<'_>) -> Poll<Answered> {
        let mut state = self.state.lock();
        let Some(index) = state.index(ticket) else {
            return Poll::Pending;
        };
        let flight = &mut state.flights[index];
        match std::mem::replace(&mut flight.phase, Phase::Taken) {
            Phase::Answered(answered) => {
                state.drop_taken();
                Poll::Ready(answered)
            }
            other => {
                flight.phase = other;
                if flight.waker.as_ref().is_none_or(|waker| !waker.will_wake(cx.waker())) {
                    flight.waker = Some(cx.waker().clone());
                }
                Poll::Pending
            }
        }
    }
}

impl Flight {
    const fn is_unanswered(&self) -> bool {
        matches!(self.phase, Phase::InFlight | Phase::Again)
    }
}

impl State {
    fn index(&self, ticket: u64) -> Option<usize> {
        let index = usize::try_from(ticket.checked_sub(self.first)?).ok()?;
        (index < self.flights.len()).then_some(index)
    }

    /// Whether another message may join those under way: not behind a command that has the lane for itself, and not
    /// behind one whose rules run again.
    fn is_open(&self) -> bool {
        self.flights.iter().all(|flight| match flight.phase {
            Phase::InFlight => flight.request.may_share_a_batch(),
            Phase::Again => false,
            Phase::Answered(_) | Phase::Taken => true,
        })
    }

    fn must_run_again(&self) -> bool {
        self.in_flight == 0
            && !self.running_again
            && self.flights.iter().any(|flight| matches!(flight.phase, Phase::Again))
    }

    fn drop_taken(&mut self) {
        while self.flights.front().is_some_and(|flight| matches!(flight.phase, Phase::Taken)) {
            self.flights.pop_front();
            self.first += 1;
        }
        // A burst must not leave its memory with an idle session.
        if self.flights.is_empty() && self.flights.capacity() > 8 {
            self.flights = VecDeque::new();
        }
    }
}

#[derive(Debug)]
enum Waits {
    Ready(Option<Answered>),
    InLane(Arc<Lane>, u64),
    Done,
}

/// The answer to one command, to come: it ends after the durable commit, never before. Dropping it gives up the
/// answer, not the command.
#[must_use = "the answer must reach the client"]
#[derive(Debug)]
pub struct Pending(Waits);

impl Pending {
    /// A command that was refused before it reached the writer; its number stays free.
    pub(crate) fn refused(command_no: CommandNo, refusal: Refusal) -> Self {
        metrics::refused(refusal.code);
        let answered = Answered::Refused { command_no, refusal, expected: None };
        Self(Waits::Ready(Some(answered)))
    }
}

impl Future for Pending {
    type Output = Answered;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answered> {
        let polled = match &mut self.0 {
            Waits::Ready(answered) => answered.take().map_or(Poll::Pending, Poll::Ready),
            Waits::InLane(lane, ticket) => lane.poll(*ticket, cx),
            Waits::Done => Poll::Pending,
        };
        if polled.is_ready() {
            self.0 = Waits::Done;
        }
        polled
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Waits::InLane(lane, ticket) = &self.0 {
            lane.abandon(*ticket);
        }
    }
}
