//! One connection's session.
#![allow(missing_docs, unused, clippy::todo, clippy::missing_errors_doc)]
use crate::*;
use anser_backend::InboxBounds;
use anser_types::*;
use std::sync::Arc;
#[derive(Clone, Debug)]
pub struct Page {
    pub first: InboxSeq,
    pub deliveries: Vec<Delivery>,
    pub bounds: InboxBounds,
}
/// Dropping it unregisters.
pub struct Session {}
/// Everything of a session but `submit`; cheap to clone.
#[derive(Clone)]
pub struct Reader {}
impl Session {
    pub fn caller(&self) -> &Caller {
        todo!()
    }
    pub fn opened(&self) -> &Opened {
        todo!()
    }
    pub fn reader(&self) -> Reader {
        todo!()
    }
    /// Ends when the rules ran and the append is queued, in order. NOT cancel safe: drop the future only with the session.
    pub async fn submit(&mut self, request: CommandRequest) -> Pending {
        todo!()
    }
    pub async fn query(&self, query: Query) -> Result<Reply, Refusal> {
        todo!()
    }
    pub async fn read_inbox(&self, after: InboxSeq, entries: usize) -> Result<Page, Refusal> {
        todo!()
    }
    pub fn acked(&self, up_to: InboxSeq, delivered: &[(ConversationId, Seq)]) {
        todo!()
    }
    pub fn signal(&self, signal: Signal) {
        todo!()
    }
    /// The sweep: compares the inbox head with the mailbox's and raises it (call every `SWEEP_MS`).
    pub async fn sweep(&self) -> Result<InboxSeq, Refusal> {
        todo!()
    }
}
impl Reader {
    pub fn caller(&self) -> &Caller {
        todo!()
    }
    pub async fn query(&self, query: Query) -> Result<Reply, Refusal> {
        todo!()
    }
    pub async fn read_inbox(&self, after: InboxSeq, entries: usize) -> Result<Page, Refusal> {
        todo!()
    }
    pub fn acked(&self, up_to: InboxSeq, delivered: &[(ConversationId, Seq)]) {
        todo!()
    }
    pub fn signal(&self, signal: Signal) {
        todo!()
    }
    pub async fn sweep(&self) -> Result<InboxSeq, Refusal> {
        todo!()
    }
}
