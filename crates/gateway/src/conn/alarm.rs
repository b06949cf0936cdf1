//! The one timer of a connection. Traffic moves deadlines back all the time, so the timer is only touched when a
//! deadline comes *earlier* than it is set for; when it fires too early, it is set anew.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that fires at the earliest deadline or before.
#[derive(Debug)]
pub(super) struct Alarm {
    sleep: Pin<Box<Sleep>>,
    set_for: Option<Instant>,
}

impl Alarm {
    pub(super) fn new(due: Instant) -> Self {
        Self { sleep: Box::pin(sleep_until(due)), set_for: Some(due) }
    }

    /// Whether a deadline may have passed; the caller looks which. `due` is the earliest of them.
    pub(super) fn poll_fired(&mut self, cx: &mut Context<'_>, due: Instant) -> bool {
        if self.set_for.is_none_or(|set_for| due < set_for) {
            self.sleep.as_mut().reset(due);
            self.set_for = Some(due);
        }
        let fired = matches!(self.sleep.as_mut().poll(cx), Poll::Ready(()));
        if fired {
            self.set_for = None;
        }
        fired
    }
}
