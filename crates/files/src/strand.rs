//! One owner with a queue of its own: whatever is done to an upload is done by one thread at a time, in the order in
//! which it was asked for.
//!
//! The queue's bound: whoever asks is told [`BlobError::Busy`] where [`WAITING_MAX`] things wait already. Beyond that
//! stands only what a writer that got its turn brings: at most [`BLOCKS`](crate::BLOCKS) blocks, its end, and a farewell;
//! and, before the hash of an upload, a mark of each writer.

use std::collections::VecDeque;
use std::sync::Arc;

use anser_backend::BlobError;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;

use crate::lanes::{Lane, Turn, closed};

/// Things a thread does for one owner before it looks for others: so many that it need not be woken for each.
const STEPS_PER_TURN: usize = 8;

/// Things that may wait for one owner before whoever asks for one more is sent away: what a writer has there, and a
/// few people who ask. What waits stays until its turn comes, also when nobody waits for the answer any more.
const WAITING_MAX: usize = 32;
const _: () = assert!(WAITING_MAX > 2 * (crate::BLOCKS + 2), "a writer leaves room for the next");

type Work<B> = Box<dyn FnOnce(&mut B) + Send>;

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
    pub fn tell(self: &Arc<Self>, lane: &Lane, work: impl FnOnce(&mut B) + Send + 'static) {
        self.put(self.0.lock(), lane, work);
    }

    /// Has something done, unless too much waits already.
    fn try_tell(
        self: &Arc<Self>,
        lane: &Lane,
        work: impl FnOnce(&mut B) + Send + 'static,
    ) -> Result<(), BlobError> {
        let inside = self.0.lock();
        if inside.waiting.len() >= WAITING_MAX {
            return Err(BlobError::Busy);
        }
        self.put(inside, lane, work);
        Ok(())
    }

    fn put(
        self: &Arc<Self>,
        mut inside: MutexGuard<'_, Inside<B>>,
        lane: &Lane,
        work: impl FnOnce(&mut B) + Send + 'static,
    ) {
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

    /// Has something done and gives the answer; it is done also when nobody waits for the answer any more. Fails with
    /// [`BlobError::Busy`] if too much waits already.
    pub async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        lane: &Lane,
        work: impl FnOnce(&mut B) -> Result<T, BlobError> + Send + 'static,
    ) -> Result<T, BlobError> {
        let (answer, asked) = oneshot::channel();
        self.try_tell(lane, move |owner| {
            answer.send(work(owner)).ok();
        })?;
        asked.await.map_err(|_| closed())?
    }

    /// The same, unless whoever asked gave up before its turn came.
    pub async fn ask_in_time<T: Send + 'static>(
        self: &Arc<Self>,
        lane: &Lane,
        work: impl FnOnce(&mut B) -> Result<T, BlobError> + Send + 'static,
    ) -> Result<T, BlobError> {
        let (answer, asked) = oneshot::channel();
        self.try_tell(lane, move |owner| {
            if !answer.is_closed() {
                answer.send(work(owner)).ok();
            }
        })?;
        asked.await.map_err(|_| closed())?
    }

    /// Has something done at once, for somebody who asks for one thing at a time, and lets them wait for it.
    pub fn tell_and_hear<T: Send + 'static>(
        self: &Arc<Self>,
        lane: &Lane,
        work: impl FnOnce(&mut B) -> T + Send + 'static,
    ) -> oneshot::Receiver<T> {
        let (answer, asked) = oneshot::channel();
        self.tell(lane, move |owner| {
            answer.send(work(owner)).ok();
        });
        asked
    }

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
        work(&mut owner);
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
