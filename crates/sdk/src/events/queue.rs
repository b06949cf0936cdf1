//! Between driver and stream: events that are not kept wait in a bounded queue, kept ones are a number to read up to.
//!
//! Policy when full: the oldest event that is not kept is dropped and counted. Kept events never wait in memory.

use std::collections::VecDeque;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::event::Event;
use crate::store::ArrivalNo;

/// Events that wait for a slow app; beyond it the oldest are dropped and `Lagged` says how many.
const WAITING_MAX: usize = 1_024;

/// Hidden messages told by one event; a rebuild may give many.
const HIDDEN_TOGETHER_MAX: usize = 256;

/// What the stream should do next.
pub(super) enum Next {
    /// Give this event.
    Event(Box<Event>),
    /// Read kept events up to here from the store first.
    Read(ArrivalNo),
    /// Wait until something changes.
    Wait,
    /// The client is closed and everything was given.
    End,
}

struct State {
    /// Each with the newest kept event at its time: those before it are given before it.
    waiting: VecDeque<(ArrivalNo, Event)>,
    dropped: u64,
    newest: ArrivalNo,
    /// What the app has confirmed, and what of it the store was told.
    confirmed: ArrivalNo,
    confirmed_stored: ArrivalNo,
    closed: bool,
}

impl State {
    /// Messages hidden one after the other are one event while it waits. Gives back what has to wait by itself.
    fn join(&mut self, event: Event) -> Option<Event> {
        let Event::MessagesHidden { conversation, seqs } = event else { return Some(event) };
        match self.waiting.back_mut() {
            Some((after, Event::MessagesHidden { conversation: of, seqs: waiting }))
                if *of == conversation
                    && *after == self.newest
                    && waiting.len() < HIDDEN_TOGETHER_MAX =>
            {
                waiting.extend(seqs);
                None
            }
            _ => Some(Event::MessagesHidden { conversation, seqs }),
        }
    }
}

/// The queue; shared by the driver (writes) and the stream (reads).
pub(crate) struct EventQueue {
    state: Mutex<State>,
    /// For the stream: something came.
    came: Notify,
    /// For the driver: something was confirmed.
    confirmed: Notify,
}

impl EventQueue {
    pub(crate) fn new(newest: ArrivalNo) -> Self {
        let state = State {
            waiting: VecDeque::new(),
            dropped: 0,
            newest,
            confirmed: ArrivalNo::default(),
            confirmed_stored: ArrivalNo::default(),
            closed: false,
        };
        Self { state: Mutex::new(state), came: Notify::new(), confirmed: Notify::new() }
    }

    /// Takes an event that is not kept.
    pub(crate) fn push(&self, event: Event) {
        let mut state = self.state.lock();
        let Some(event) = state.join(event) else { return };
        if state.waiting.len() >= WAITING_MAX {
            state.waiting.pop_front();
            state.dropped += 1;
        }
        let newest = state.newest;
        state.waiting.push_back((newest, event));
        drop(state);
        self.came.notify_one();
    }

    /// Kept events up to here are in the store.
    pub(crate) fn raise(&self, newest: ArrivalNo) {
        let mut state = self.state.lock();
        if newest > state.newest {
            state.newest = newest;
            drop(state);
            self.came.notify_one();
        }
    }

    /// No more events come.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.came.notify_one();
    }

    pub(super) fn next(&self, given: ArrivalNo) -> Next {
        let mut state = self.state.lock();
        if state.dropped > 0 {
            let dropped = std::mem::take(&mut state.dropped);
            return Next::Event(Box::new(Event::Lagged { dropped }));
        }
        match state.waiting.front() {
            Some((after, _)) if *after > given => Next::Read(*after),
            Some(_) => match state.waiting.pop_front() {
                Some((_, event)) => Next::Event(Box::new(event)),
                None => Next::Wait,
            },
            None if state.newest > given => Next::Read(state.newest),
            None if state.closed => Next::End,
            None => Next::Wait,
        }
    }

    pub(super) async fn came(&self) {
        self.came.notified().await;
    }

    /// The app has this one and all before it.
    pub(crate) fn confirm(&self, up_to: ArrivalNo) {
        let mut state = self.state.lock();
        if up_to > state.confirmed {
            state.confirmed = up_to;
            drop(state);
            self.confirmed.notify_one();
        }
    }

    /// Where a new stream begins.
    pub(super) fn resume_after(&self) -> ArrivalNo {
        self.state.lock().confirmed
    }

    /// Waits until the app confirmed something.
    pub(crate) async fn confirmed(&self) {
        self.confirmed.notified().await;
    }

    /// The confirmation the store should be told, if it does not know it yet.
    pub(crate) fn confirmation(&self) -> Option<ArrivalNo> {
        let state = self.state.lock();
        (state.confirmed > state.confirmed_stored).then_some(state.confirmed)
    }

    /// The store knows this confirmation.
    pub(crate) fn confirmation_stored(&self, up_to: ArrivalNo) {
        let mut state = self.state.lock();
        state.confirmed_stored = state.confirmed_stored.max(up_to);
        state.confirmed = state.confirmed.max(up_to);
    }
}

impl std::fmt::Debug for EventQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EventQueue")
    }
}
