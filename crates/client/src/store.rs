//! The way to the host's store: records gather while one ticket is outstanding, then leave as one transaction.
//!
//! Whatever must not happen before its records are durable (an event for the app, a command's first byte) waits here.
//! If a ticket fails, entries of the inbox are forgotten (they are pulled again: memory stays bounded) and everything
//! else is kept and tried again.

use std::{sync::Arc, time::Duration};

use anser_types::LocalNo;

use crate::channels::ChannelStored;
use crate::io::{AppEvent, Output, Ticket};
use crate::outbox::Numbering;
use crate::records::{DeviceState, Record};

/// Entries of the inbox that may wait for the store; more are not taken and pulled later.
const PAGE_MAX_ENTRIES: usize = 500;
/// Bytes of content that may wait for the store.
const PAGE_MAX_BYTES: usize = 1024 * 1024;
/// Records waiting for the store beyond which receipts are not taken.
const OWN_SOFT_MAX: usize = 1_024;
/// First and longest pause after a failure.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// What waits for the records around it.
#[derive(Debug)]
pub(crate) enum Then {
    /// Tell the app.
    Tell(AppEvent),
    /// The number that this giving of one gave to the command is durable: it may be transmitted.
    Number(LocalNo, Numbering),
    /// This position of a channel is durable.
    ChannelStored(ChannelStored),
}

#[derive(Debug, Default)]
struct Batch {
    /// Records of the outbox and of what else this device decides.
    own: Vec<Record>,
    own_then: Vec<Then>,
    /// Records of inbox entries and rebuild pages, which can be had again.
    page: Vec<Record>,
    page_then: Vec<Then>,
    page_entries: usize,
    page_bytes: usize,
}

#[derive(Debug)]
struct Outstanding {
    ticket: Ticket,
    records: Arc<Vec<Record>>,
    own_records: usize,
    own_then: Vec<Then>,
    page_then: Vec<Then>,
    state: DeviceState,
}

/// Records on their way to the store.
#[derive(Debug)]
pub(crate) struct Store {
    pending: Batch,
    outstanding: Option<Outstanding>,
    tickets: u64,
    failures: u32,
    retry_at: Option<Duration>,
    /// The row as the store has it.
    confirmed: DeviceState,
}

impl Store {
    /// A store that holds this row.
    pub(crate) fn new(confirmed: DeviceState) -> Self {
        Self {
            pending: Batch::default(),
            outstanding: None,
            tickets: 0,
            failures: 0,
            retry_at: None,
            confirmed,
        }
    }

    /// The row as the store has it.
    pub(crate) const fn confirmed(&self) -> &DeviceState {
        &self.confirmed
    }

    /// Stores this with the next transaction.
    pub(crate) fn put(&mut self, record: Record) {
        self.pending.own.push(record);
    }

    /// Does this after the next transaction.
    pub(crate) fn after(&mut self, then: Then) {
        self.pending.own_then.push(then);
    }

    /// Whether another entry of the inbox may wait here. Not while the store fails: its entries are pulled again.
    pub(crate) fn has_room(&self) -> bool {
        self.retry_at.is_none()
            && self.pending.page_entries < PAGE_MAX_ENTRIES
            && self.pending.page_bytes < PAGE_MAX_BYTES
    }

    /// Whether receipts may wait here as well: they are soft, and nothing else bounds how many come.
    pub(crate) fn takes_receipts(&self) -> bool {
        self.retry_at.is_none() && self.pending.own.len() < OWN_SOFT_MAX
    }

    /// An entry of the inbox with this much content is about to be put.
    pub(crate) const fn begin_entry(&mut self, bytes: usize) {
        self.pending.page_entries += 1;
        self.pending.page_bytes += bytes;
    }

    /// Stores this with the next transaction; it can be had again from the server.
    pub(crate) fn put_page(&mut self, record: Record) {
        self.pending.page.push(record);
    }

    /// Does this after the next transaction, unless that fails.
    pub(crate) fn after_page(&mut self, then: Then) {
        self.pending.page_then.push(then);
    }

    /// Whether what waits leaves with the next call of [`Self::flush`].
    pub(crate) const fn is_free(&self) -> bool {
        self.outstanding.is_none() && self.retry_at.is_none()
    }

    /// Sends what waits, if nothing is outstanding. `state` is the row to store with it, where it changed.
    pub(crate) fn flush(&mut self, state: impl FnOnce() -> DeviceState) -> Option<Output> {
        if !self.is_free() {
            return None;
        }
        let state = state();
        let changed = state != self.confirmed;
        let batch = &self.pending;
        let waits = !batch.own_then.is_empty() || !batch.page_then.is_empty();
        if batch.own.is_empty() && batch.page.is_empty() && !changed && !waits {
            return None;
        }
        let Batch { own: mut records, own_then, page, page_then, .. } =
            std::mem::take(&mut self.pending);
        let own_records = records.len();
        records.extend(page);
        if changed {
            records.push(Record::DeviceState(state.clone()));
        }
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        let records = Arc::new(records);
        let shared = Arc::clone(&records);
        self.outstanding =
            Some(Outstanding { ticket, records, own_records, own_then, page_then, state });
        Some(Output::Persist { ticket, records: shared })
    }

    /// The ticket is durable: gives what waited for it. `None` if it is not the outstanding one.
    pub(crate) fn persisted(&mut self, ticket: Ticket) -> Option<Vec<Then>> {
        let done = self.outstanding.take_if(|o| o.ticket == ticket)?;
        self.confirmed = done.state;
        self.failures = 0;
        let mut then = done.own_then;
        then.extend(done.page_then);
        Some(then)
    }

    /// The ticket was not stored: what cannot be had again waits for the next try, in its old order. Says when that
    /// is; `None` if the ticket is not the outstanding one.
    pub(crate) fn failed(&mut self, ticket: Ticket, now: Duration) -> Option<Duration> {
        let lost = self.outstanding.take_if(|o| o.ticket == ticket)?;
        let later = std::mem::take(&mut self.pending);
        let mut own = lost.records[..lost.own_records].to_vec();
        own.extend(later.own);
        let mut own_then = lost.own_then;
        own_then.extend(later.own_then);
        self.pending = Batch { own, own_then, ..Batch::default() };
        let pause = (RETRY.0 * 2_u32.saturating_pow(self.failures)).min(RETRY.1);
        self.failures = (self.failures + 1).min(16);
        self.retry_at = Some(now + pause);
        Some(pause)
    }

    /// When a failed transaction is tried again.
    pub(crate) const fn retry_at(&self) -> Option<Duration> {
        self.retry_at
    }

    /// Whether the pause after a failure ends now.
    pub(crate) fn resume(&mut self, now: Duration) -> bool {
        self.retry_at.take_if(|at| *at <= now).is_some()
    }
}
