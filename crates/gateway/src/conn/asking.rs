//! The queries of one session: a few run at once, some wait, more are refused.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use anser_service::{Query, Reader, Reply};
use anser_types::{ErrorCode, Refusal};
use futures::StreamExt;
use futures::stream::FuturesUnordered;

type Running = Pin<Box<dyn Future<Output = (u64, Result<Reply, Refusal>)> + Send>>;

/// Pause a client is told to make when it asks too much at once.
const ASK_LATER_MS: u32 = 1_000;

/// Queries on their way.
pub(super) struct Asking {
    running: Option<FuturesUnordered<Running>>,
    waiting: VecDeque<(u64, Query)>,
    at_once: usize,
    waiting_max: usize,
    deadline: Duration,
}

impl Asking {
    pub(super) const fn new(at_once: usize, waiting_max: usize, deadline: Duration) -> Self {
        Self { running: None, waiting: VecDeque::new(), at_once, waiting_max, deadline }
    }

    /// Whether every query has its reply.
    pub(super) fn is_empty(&self) -> bool {
        self.running.is_none() && self.waiting.is_empty()
    }

    /// Takes a query.
    ///
    /// # Errors
    /// Too many wait already.
    pub(super) fn add(&mut self, query_no: u64, query: Query) -> Result<(), Refusal> {
        if self.waiting.len() >= self.waiting_max {
            return Err(Refusal::because(
                ErrorCode::RateLimited,
                format!("more than {} queries wait for their reply", self.waiting_max),
            )
            .retry_after(ASK_LATER_MS));
        }
        self.waiting.push_back((query_no, query));
        Ok(())
    }

    /// The next reply, in the order in which they are ready.
    pub(super) fn poll_reply(
        &mut self,
        cx: &mut Context<'_>,
        reader: &Reader,
    ) -> Option<(u64, Result<Reply, Refusal>)> {
        while self.running.as_ref().map_or(0, FuturesUnordered::len) < self.at_once
            && let Some((query_no, query)) = self.waiting.pop_front()
        {
            let ask = ask(reader.clone(), query_no, query, self.deadline);
            self.running.get_or_insert_default().push(Box::pin(ask));
        }
        let Poll::Ready(next) = self.running.as_mut()?.poll_next_unpin(cx) else {
            return None;
        };
        if next.is_none() {
            // Its memory is given back: most sessions ask seldom.
            self.running = None;
            self.waiting.shrink_to_fit();
        }
        next
    }
}

async fn ask(
    reader: Reader,
    query_no: u64,
    query: Query,
    deadline: Duration,
) -> (u64, Result<Reply, Refusal>) {
    let result = tokio::time::timeout(deadline, reader.query(query)).await;
    (query_no, result.unwrap_or_else(|_| Err(Refusal::new(ErrorCode::TimedOut))))
}
