//! One owner with a queue of its own: whatever is done to an upload is done by one thread at a time, in the order in which
//! it was asked for.
//!
//! The queue's bound: a writer has at most [`BLOCKS`](crate::BLOCKS) blocks in it and one farewell, everybody else holds a place of a lane while
//! they wait.

use std::collections::VecDeque;
use std::sync::Arc;

use anser_backend::BlobError;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::lanes::{Lane, Turn, closed};

/// Things a thread does for one owner before it looks for others: so many that it need not be woken for each.
const STEPS_PER_TURN: usize = 8;

type Work<B> = Box<dyn FnOnce(&mut B, &Arc<Strand<B>>) + Send>;

/// The owner `B` behind its queue.
pub(crate) struct Strand<B>(Mutex<Inside<B>>);

struct Inside<B> {
    waiting: VecDeque<(Lane, Work<B>)>,
    /// Not here while a thread works with it.
    owner: Option<B>,
    /// It stands in the queue of a lane, or a thread works with it.
    busy: bool,
}

impl<B: Send + 'static> Strand<B> {
    pub fn new(owner: B) -> Arc<Self> {
        let waiting = VecDeque::new();
        Arc::new(Self(Mutex::new(Inside { waiting, owner: Some(owner), busy: false })))
    }

    /// Has something done; never waits.
    pub fn tell(
        self: &Arc<Self>,
        lane: &Lane,
        work: impl FnOnce(&mut B, &Arc<Self>) + Send + 'static,
    ) {
        let mut inside = self.0.lock();
        inside.waiting.push_back((lane.clone(), Box::new(work)));
        if !inside.busy {
            inside.busy = true;
            drop(inside);
            if !lane.push(Arc::clone(self) as Arc<dyn Turn>) {
                self.drop_work();
            }
        }
    }

    /// No thread will do anything any more: whoever waits hears so.
    fn drop_work(&self) {
        let mut inside = self.0.lock();
        inside.busy = false;
        let waiting = std::mem::take(&mut inside.waiting);
        drop(inside);
        // Outside the lock: what is dropped may tell the strand something in its turn.
        drop(waiting);
    }

    /// Has something done and gives the answer; it is done also when nobody waits for the answer any more.
    pub async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        lane: &Lane,
        work: impl FnOnce(&mut B) -> Result<T, BlobError> + Send + 'static,
    ) -> Result<T, BlobError> {
        let _place = lane.place().await?;
        self.tell_and_hear(lane, work).await.map_err(|_| closed())?
    }

    /// The same, unless whoever asked gave up before its turn came.
    pub async fn ask_in_time<T: Send + 'static>(
        self: &Arc<Self>,
        lane: &Lane,
        work: impl FnOnce(&mut B) -> Result<T, BlobError> + Send + 'static,
    ) -> Result<T, BlobError> {
        let _place = lane.place().await?;
        let (answer, asked) = oneshot::channel();
        self.tell(lane, move |owner, _| {
            if !answer.is_closed() {
                answer.send(work(owner)).ok();
            }
        });
        asked.await.map_err(|_| closed())?
    }

    /// Has something done at once, for somebody who asks for one thing at a time, and lets them wait for it.
    pub fn tell_and_hear<T: Send + 'static>(
        self: &Arc<Self>,
        lane: &Lane,
        work: impl FnOnce(&mut B) -> T + Send + 'static,
    ) -> oneshot::Receiver<T> {
        let (answer, asked) = oneshot::channel();
        self.tell(lane, move |owner, _| {
            answer.send(work(owner)).ok();
        });
        asked
    }
}

impl<B: Send + 'static> Strand<B> {
    /// Does one thing; says in which lane the next is to be done.
    fn step(self: &Arc<Self>) -> Option<Lane> {
        let (work, mut owner) = {
            let mut inside = self.0.lock();
            let owner = inside.owner.take()?;
            let Some((_, work)) = inside.waiting.pop_front() else {
                inside.owner = Some(owner);
                inside.busy = false;
                return None;
            };
            (work, owner)
        };
        work(&mut owner, self);
        let mut inside = self.0.lock();
        inside.owner = Some(owner);
        let next = inside.waiting.front().map(|(lane, _)| lane.clone());
        inside.busy = next.is_some();
        next
    }
}

impl<B: Send + 'static> Turn for Strand<B> {
    fn turn(self: Arc<Self>, on: &Lane) {
        for left in (0..STEPS_PER_TURN).rev() {
            match self.step() {
                None => return,
                Some(next) if left > 0 && next.is(on) => {}
                Some(next) => {
                    if !next.push_on(Arc::clone(&self) as Arc<dyn Turn>) {
                        self.drop_work();
                    }
                    return;
                }
            }
        }
    }
}
