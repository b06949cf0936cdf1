//! Who waits for what: composed commands until they are stored or executed, messages until they are sent, queries
//! until they are answered.

use std::collections::BTreeMap;

use anser_client::io::{QueryNo, Ticket};
use anser_client::queries::Reply;
use anser_client::records::Record;
use anser_types::{Done, ErrorCode, LocalNo, MessageId, Refusal};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::requests::Composed;
use crate::error::Error;
use crate::store::ArrivalNo;

/// A message that is not in the store yet.
#[derive(Debug)]
struct Unstored {
    confirm: Option<ArrivalNo>,
    /// When its caller is told that it was not stored.
    deadline: Instant,
    reply: Option<oneshot::Sender<Result<MessageId, Error>>>,
}

/// Everybody who waits. Bounded by the outbox and by the callers, each of which waits for one thing.
#[derive(Debug, Default)]
pub(super) struct Completions {
    unstored: BTreeMap<LocalNo, Unstored>,
    /// Of the outstanding ticket: messages that are durable when it is.
    storing: Vec<MessageId>,
    executed: BTreeMap<LocalNo, oneshot::Sender<Result<Done, Error>>>,
    /// By compose counter: a message keeps it when a new device has to send it.
    sent: BTreeMap<LocalNo, Vec<oneshot::Sender<Result<(), Refusal>>>>,
    queries: BTreeMap<QueryNo, oneshot::Sender<Result<Reply, Refusal>>>,
}

/// Answers somebody who may have stopped waiting, which is theirs to decide.
pub(super) fn answer<T>(waiting: oneshot::Sender<T>, value: T) {
    drop(waiting.send(value));
}

impl Completions {
    /// A command was taken by the core.
    pub(super) fn composed(
        &mut self,
        local_no: LocalNo,
        confirm: Option<ArrivalNo>,
        deadline: Instant,
        reply: Composed,
    ) {
        match reply {
            Composed::Stored(reply) => {
                let unstored = Unstored { confirm, deadline, reply: Some(reply) };
                self.unstored.insert(local_no, unstored);
            }
            Composed::Executed(reply) => {
                self.executed.insert(local_no, reply);
            }
            Composed::Taken(reply) => answer(reply, Ok(local_no)),
        }
    }

    /// A ticket leaves for the store. Gives the confirmation that belongs into its transaction.
    pub(super) fn persisting(&mut self, _ticket: Ticket, records: &[Record]) -> Option<ArrivalNo> {
        self.storing.clear();
        let mut confirm = None;
        for record in records {
            if let Record::OutboxPut(item) = record
                && let Some(unstored) = self.unstored.get(&item.id.local_no)
            {
                confirm = confirm.max(unstored.confirm);
                self.storing.push(item.id);
            }
        }
        confirm
    }

    /// The outstanding ticket is durable.
    pub(super) fn persisted(&mut self) {
        for id in std::mem::take(&mut self.storing) {
            let unstored = self.unstored.remove(&id.local_no);
            if let Some(reply) = unstored.and_then(|unstored| unstored.reply) {
                answer(reply, Ok(id));
            }
        }
    }

    /// The outstanding ticket was not stored: its messages come again with a later one.
    pub(super) fn persist_failed(&mut self) {
        self.storing.clear();
    }

    /// When the first caller has waited long enough for its message to be stored; what is composed later is due later.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.waiting().next().map(|(_, unstored)| unstored.deadline)
    }

    /// The messages whose callers have waited long enough.
    pub(super) fn overdue(&self, now: Instant) -> Vec<LocalNo> {
        self.waiting().filter(|(_, waiting)| waiting.deadline <= now).map(|(no, _)| *no).collect()
    }

    /// Messages that are not stored and not being written right now: of those it is known in a moment.
    fn waiting(&self) -> impl Iterator<Item = (&LocalNo, &Unstored)> {
        let being_written = |no: &LocalNo| self.storing.iter().any(|id| id.local_no == *no);
        self.unstored.iter().filter(move |(no, _)| !being_written(no))
    }

    /// A message was taken back before it was stored.
    pub(super) fn taken_back(&mut self, local_no: LocalNo, why: Refusal) {
        let unstored = self.unstored.remove(&local_no);
        self.settled(local_no, &Err(why.clone()));
        if let Some(reply) = unstored.and_then(|unstored| unstored.reply) {
            answer(reply, Err(Error::Refused(why)));
        }
    }

    /// The user deleted a message before it was sent.
    pub(super) fn deleted(&mut self, local_no: LocalNo) {
        self.unstored.remove(&local_no);
        let deleted = Refusal::because(ErrorCode::TargetMissing, "the message was deleted");
        self.settled(local_no, &Err(deleted));
    }

    /// A command other than a message has ended.
    pub(super) fn executed(&mut self, local_no: LocalNo, outcome: &Result<Done, Refusal>) {
        if let Some(reply) = self.executed.remove(&local_no) {
            answer(reply, outcome.clone().map_err(Error::from));
        }
    }

    /// Somebody wants to know when this message is sent.
    pub(super) fn watch(&mut self, local_no: LocalNo, reply: oneshot::Sender<Result<(), Refusal>>) {
        let watching = self.sent.entry(local_no).or_default();
        // Those who stopped waiting make room.
        watching.retain(|reply| !reply.is_closed());
        watching.push(reply);
    }

    /// A message is sent or has failed.
    pub(super) fn settled(&mut self, local_no: LocalNo, how: &Result<(), Refusal>) {
        for reply in self.sent.remove(&local_no).unwrap_or_default() {
            answer(reply, how.clone());
        }
    }

    /// A query was taken by the core.
    pub(super) fn asked(
        &mut self,
        query_no: QueryNo,
        reply: oneshot::Sender<Result<Reply, Refusal>>,
    ) {
        self.queries.insert(query_no, reply);
    }

    /// A query has ended.
    pub(super) fn answered(&mut self, query_no: QueryNo, result: Result<Reply, Refusal>) {
        if let Some(reply) = self.queries.remove(&query_no) {
            answer(reply, result);
        }
    }
}
