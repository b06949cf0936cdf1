//! The stream of events: resumes after the last kept event the app has confirmed.

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::Arc;

use super::event::Event;
use super::queue::{EventQueue, Next};
use crate::store::{Arrival, ArrivalNo, Store, StoreError};

/// Kept events read from the store at a time.
const PAGE: u32 = 64;

/// The events of a client, one reader at a time.
///
/// A kept event (message, change, unavailable range) is confirmed by [`Delivery::done`], or when the next event is
/// taken. After a crash the stream goes on after the last confirmed one: an event may come twice, recognisable by its
/// `(conversation, seq)`, and is never lost.
#[derive(Debug)]
pub struct Events {
    queue: Arc<EventQueue>,
    store: Store,
    /// Kept events read from the store and not given yet.
    page: VecDeque<(ArrivalNo, Arrival)>,
    /// The store was looked through up to here.
    looked_at: ArrivalNo,
    /// The last kept event given, to be confirmed when the next is taken.
    given: Option<ArrivalNo>,
}

/// One event. Dereferences to [`Event`].
#[derive(Debug)]
pub struct Delivery {
    event: Event,
    no: Option<ArrivalNo>,
    queue: Arc<EventQueue>,
}

impl Events {
    pub(crate) fn new(queue: Arc<EventQueue>, store: Store) -> Self {
        let confirmed = queue.resume_after();
        Self { queue, store, page: VecDeque::new(), looked_at: confirmed, given: None }
    }

    /// The next event; `None` when the client is closed. Taking it confirms the one before. Cancelling it loses
    /// nothing.
    ///
    /// # Errors
    /// The store failed; the next call tries again.
    pub async fn try_next(&mut self) -> Result<Option<Delivery>, StoreError> {
        if let Some(no) = self.given.take() {
            self.queue.confirm(no);
        }
        loop {
            if let Some((no, arrival)) = self.page.pop_front() {
                self.given = Some(no);
                return Ok(Some(self.delivery(event_of(arrival), Some(no))));
            }
            match self.queue.next(self.looked_at) {
                Next::Event(event) => return Ok(Some(self.delivery(*event, None))),
                Next::Wait => self.queue.came().await,
                Next::End => return Ok(None),
                Next::Read(up_to) => self.read_page(up_to).await?,
            }
        }
    }

    /// As [`Self::try_next`], for programs that end when the store fails: it ends the stream and is logged.
    pub async fn next(&mut self) -> Option<Delivery> {
        match self.try_next().await {
            Ok(delivery) => delivery,
            Err(error) => {
                tracing::error!(%error, "the event stream ends: the local store failed");
                None
            }
        }
    }

    async fn read_page(&mut self, up_to: ArrivalNo) -> Result<(), StoreError> {
        let (page, looked_at) = self.store.arrivals_after(self.looked_at, PAGE).await?;
        if looked_at == self.looked_at {
            // Everything up to there was confirmed in an earlier run, or its object is gone.
            self.looked_at = up_to;
        } else {
            self.looked_at = looked_at;
        }
        self.page.extend(page);
        Ok(())
    }

    fn delivery(&self, event: Event, no: Option<ArrivalNo>) -> Delivery {
        Delivery { event, no, queue: Arc::clone(&self.queue) }
    }
}

impl Delivery {
    /// The app has dealt with this event and all before it: they do not come again. Written with the next
    /// transaction of the store; to answer a message exactly once, use [`Client::reply`](crate::Client::reply).
    pub fn done(self) -> Event {
        if let Some(no) = self.no {
            self.queue.confirm(no);
        }
        self.event
    }

    /// The event.
    #[must_use]
    pub const fn event(&self) -> &Event {
        &self.event
    }

    pub(crate) const fn arrival(&self) -> Option<ArrivalNo> {
        self.no
    }
}

impl Deref for Delivery {
    type Target = Event;

    fn deref(&self) -> &Event {
        &self.event
    }
}

fn event_of(arrival: Arrival) -> Event {
    match arrival {
        Arrival::Message(message) => Event::NewMessage(message),
        Arrival::Change(change) => Event::GroupChanged(change),
        Arrival::Unavailable(range) => Event::Unavailable(range),
        Arrival::Edited(message) => Event::MessageEdited(message),
        Arrival::Revoked(message) => Event::MessageRevoked(message),
        Arrival::Reacted(message) => Event::ReactionChanged(message),
        Arrival::Pinned { conversation, seq, on } => Event::MessagePinned { conversation, seq, on },
    }
}
