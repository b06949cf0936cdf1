//! After the commit: answers who waited, puts deliveries into mailboxes, and wakes each session once per batch.

use std::sync::Arc;

use anser_backend::{Appended, Assigned, SearchIndex, StoreError};
use anser_types::{ChangeKind, ErrorCode, Item, Outcome, Refusal};
use tokio::sync::{mpsc, oneshot, watch};

use crate::api::Ended;
use crate::directory::Directory;
use crate::fanout::feeds::Feeds;
use crate::fanout::registry::Registry;
use crate::fanout::route::{Among, Route, Wakes};
use crate::lane::Lane;
use crate::metrics;

/// How a job ended: what the ledger says, or why it was never tried.
#[derive(Debug)]
pub(crate) enum Ending {
    /// The ledger's word; durable. With it: no device of any other member is connected (messages only).
    Ledger(Appended, bool),
    /// Not written.
    Refused(Refusal),
}

#[derive(Debug)]
enum AskerKind {
    Lane(Arc<Lane>, u64),
    Waiter(oneshot::Sender<Ending>),
}

/// Who waits for a job. If it is dropped without an answer, the waiter hears so.
#[derive(Debug)]
pub(crate) struct Asker(Option<AskerKind>);

impl Asker {
    /// A command of a session.
    pub(crate) const fn lane(lane: Arc<Lane>, ticket: u64) -> Self {
        Self(Some(AskerKind::Lane(lane, ticket)))
    }

    /// Somebody who awaits exactly this result.
    pub(crate) const fn waiter(sender: oneshot::Sender<Ending>) -> Self {
        Self(Some(AskerKind::Waiter(sender)))
    }

    /// Tells the waiter that the job was not written.
    pub(crate) fn refuse(mut self, refusal: Refusal) {
        self.tell(Ending::Refused(refusal), None);
    }

    fn tell(&mut self, ending: Ending, wakes: Option<&mut Vec<Arc<Lane>>>) {
        match self.0.take() {
            Some(AskerKind::Lane(lane, ticket)) => {
                let news = lane.settle(ticket, ending);
                match wakes {
                    Some(wakes) if news => wakes.push(lane),
                    Some(_) => {}
                    None => lane.wake(),
                }
            }
            Some(AskerKind::Waiter(sender)) => {
                // The waiter may have gone away; the append stands either way.
                drop(sender.send(ending));
            }
            None => {}
        }
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        if self.0.is_some() {
            tracing::warn!("a command leaves the writer without an answer");
        }
        self.tell(Ending::Refused(Refusal::new(ErrorCode::Internal)), None);
    }
}

/// What is kept of a job while its append is at the store.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) route: Route,
    pub(crate) asker: Asker,
}

/// A batch that the store has decided.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) results: Result<Vec<Appended>, StoreError>,
    pub(crate) waiting: Vec<Waiting>,
}

/// Tells everybody, batch by batch, in the order of the commits.
pub(crate) struct Publisher {
    registry: Arc<Registry>,
    feeds: Arc<Feeds>,
    directory: Arc<Directory>,
    decided: mpsc::Receiver<Done>,
    failed: watch::Sender<Option<String>>,
    slots: Wakes,
    lanes: Vec<Arc<Lane>>,
    search: Option<Arc<dyn SearchIndex>>,
}

impl Publisher {
    pub(crate) fn new(
        registry: Arc<Registry>,
        feeds: Arc<Feeds>,
        directory: Arc<Directory>,
        decided: mpsc::Receiver<Done>,
        failed: watch::Sender<Option<String>>,
    ) -> Self {
        let (slots, lanes) = (Wakes::default(), Vec::new());
        Self { registry, feeds, directory, decided, failed, slots, lanes, search: None }
    }

    /// Tells an index of every commit.
    pub(crate) fn hinting(self, search: Option<Arc<dyn SearchIndex>>) -> Self {
        Self { search, ..self }
    }

    /// Runs until the writer has ended.
    pub(crate) async fn run(mut self) {
        while let Some(done) = self.decided.recv().await {
            match done.results {
                Ok(results) if results.len() == done.waiting.len() => {
                    self.publish(results, done.waiting);
                }
                Ok(results) => {
                    let (got, asked) = (results.len(), done.waiting.len());
                    tracing::error!(got, asked, "the store answered another number of appends");
                    self.refuse_all(done.waiting, &Refusal::new(ErrorCode::Internal));
                }
                Err(error) => self.fail(&error, done.waiting),
            }
            // Who waits for an answer goes before those who are told, of whom there may be thousands.
            self.lanes.drain(..).for_each(|lane| lane.wake());
            self.slots.wake_all();
        }
    }

    fn publish(&mut self, results: Vec<Appended>, waiting: Vec<Waiting>) {
        self.hint(&results, &waiting);
        let mut messages = 0;
        for (appended, Waiting { route, mut asker }) in results.into_iter().zip(waiting) {
            let mut offline = false;
            if let Appended::Committed(committed) = &appended {
                let refused = committed
                    .answer
                    .as_ref()
                    .is_some_and(|answer| matches!(answer.outcome, Outcome::Refused(_)));
                if !refused {
                    messages += u64::from(route.is_message());
                    self.learn(&route, &committed.assigned);
                    let shows_read = self.directory.shows_read();
                    let among = Among { registry: &self.registry, feeds: &self.feeds, shows_read };
                    offline = route.fan_out(committed, &among, &mut self.slots);
                }
            }
            asker.tell(Ending::Ledger(appended, offline), Some(&mut self.lanes));
        }
        if messages > 0 {
            metrics::messages_accepted(messages);
        }
    }

    /// Before anybody hears of the commits: whoever searches after an answer is told of an index that is behind.
    fn hint(&self, results: &[Appended], waiting: &[Waiting]) {
        let Some(search) = &self.search else { return };
        let mut committed = Vec::new();
        for (appended, waiting) in results.iter().zip(waiting) {
            if matches!(appended, Appended::Committed(_)) {
                waiting.route.note_grown(&mut committed);
            }
        }
        if !committed.is_empty() {
            search.committed(&committed);
        }
    }

    /// Keeps the cache of member lists, and who follows which channel, behind the log by no more than this instant.
    fn learn(&mut self, route: &Route, assigned: &[Assigned]) {
        match route {
            // A direct conversation was made by its first message.
            Route::Message { roster, .. } if assigned.len() > 1 => {
                self.directory.rosters().put(roster);
            }
            Route::Changes { rows, told, .. } => {
                for (conversation, version) in rows {
                    self.directory.rosters().raise(*conversation, *version);
                }
                for told in told {
                    if let (ChangeKind::Item(Item::Settings(settings)), Some((owner, _))) =
                        (&told.kind, told.audience.first())
                    {
                        self.directory.shows_read().changed(*owner, settings.show_read);
                    }
                    if let Some(gone) = told.gone() {
                        self.feeds.ended(told.conversation, Some(&gone), &mut self.slots);
                    }
                }
            }
            Route::Nobody | Route::Message { .. } | Route::Channel { .. } | Route::Read { .. } => {}
        }
    }

    fn fail(&mut self, error: &StoreError, waiting: Vec<Waiting>) {
        let refusal = refusal_of(error);
        self.refuse_all(waiting, &refusal);
        if !matches!(error, StoreError::Full(_)) {
            self.failed.send_replace(Some(error.to_string()));
            let ended = Ended::because(ErrorCode::StoreFailed, error.to_string());
            self.registry.end_all(&ended);
        }
    }

    fn refuse_all(&mut self, waiting: Vec<Waiting>, refusal: &Refusal) {
        for mut one in waiting {
            one.asker.tell(Ending::Refused(refusal.clone()), Some(&mut self.lanes));
        }
    }
}

/// The honest refusal for a failed read or account write; logged here, once.
pub(crate) fn store_refusal(error: &StoreError) -> Refusal {
    tracing::error!(%error, "the store refused");
    refusal_of(error)
}

/// The honest refusal for a store that could not do what it was asked.
pub(crate) fn refusal_of(error: &StoreError) -> Refusal {
    match error {
        StoreError::Full(detail) => {
            Refusal::because(ErrorCode::StorageFull, detail.clone()).retry_after(5_000)
        }
        StoreError::Failed(detail) => Refusal::because(ErrorCode::StoreFailed, detail.clone()),
        StoreError::Damaged(detail) => Refusal::because(ErrorCode::StoreDamaged, detail.clone()),
        StoreError::Closed => Refusal::because(ErrorCode::StoreFailed, "the store is closed"),
    }
}
