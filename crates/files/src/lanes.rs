//! The threads that may wait for a disk, so that no thread of the async runtime ever does.
//!
//! A lane is a queue with its threads. Whoever asks for something waits for a place first, which is given back when that is
//! done, also if nobody waits for it any more: so the queue holds at most [`ASKING_MAX`] of those. Beside them stand the
//! uploads and their hashes, each once at the most, the sync beside writing of each, and the next block of each reader.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::thread;

use anser_backend::BlobError;
use parking_lot::{Condvar, Mutex};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

/// Requests that wait in one lane; the next one waits outside.
const ASKING_MAX: usize = 256;

/// What a thread does next.
pub(crate) trait Turn: Send + Sync {
    /// A piece of work on a thread of this lane; it may wait for the disk.
    fn turn(self: Arc<Self>, on: &Lane);
}

/// A queue and its threads.
#[derive(Clone)]
pub(crate) struct Lane(Arc<Shared>);

struct Shared {
    ready: Mutex<Ready>,
    wake: Condvar,
    places: Arc<Semaphore>,
}

#[derive(Default)]
struct Ready {
    turns: VecDeque<Arc<dyn Turn>>,
    closed: bool,
    /// Threads that have not ended.
    threads: usize,
}

/// What the threads of a lane are like.
pub(crate) struct Threads<'a> {
    pub name: &'a str,
    pub count: usize,
    /// Called by each thread before its first piece of work.
    pub on_start: fn(),
    /// Held by each thread to its end.
    pub alive: &'a mpsc::Sender<()>,
}

impl Lane {
    /// A lane with its threads; they end after [`Lane::close`], when nothing is left to do.
    pub fn start(threads: &Threads<'_>) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            ready: Mutex::default(),
            wake: Condvar::new(),
            places: Arc::new(Semaphore::new(ASKING_MAX)),
        });
        let lane = Self(shared);
        for _ in 0..threads.count.max(1) {
            let (served, alive) = (lane.clone(), threads.alive.clone());
            let on_start = threads.on_start;
            lane.0.ready.lock().threads += 1;
            let started = thread::Builder::new().name(threads.name.to_owned()).spawn(move || {
                on_start();
                while let Some(turn) = served.0.next() {
                    turn.turn(&served);
                }
                drop(alive);
            });
            if let Err(error) = started {
                lane.close();
                return Err(error);
            }
        }
        Ok(lane)
    }

    /// Whether it is the same lane.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Lets the threads end.
    pub fn close(&self) {
        self.0.ready.lock().closed = true;
        self.0.wake.notify_all();
    }

    /// Puts something at the end of the queue; false if the lane is closed.
    #[must_use = "what is not in the queue is never done"]
    pub fn push(&self, turn: Arc<dyn Turn>) -> bool {
        let mut ready = self.0.ready.lock();
        if !ready.closed {
            ready.turns.push_back(turn);
            self.0.wake.notify_one();
        }
        !ready.closed
    }

    /// The same for what a thread goes on with: also while the lane is being closed.
    #[must_use = "what is not in the queue is never done"]
    pub fn push_on(&self, turn: Arc<dyn Turn>) -> bool {
        let mut ready = self.0.ready.lock();
        if ready.threads > 0 {
            ready.turns.push_back(turn);
            self.0.wake.notify_one();
        }
        ready.threads > 0
    }

    /// Waits for a place in the queue; it is given back with the permit.
    async fn place(&self) -> Result<OwnedSemaphorePermit, BlobError> {
        if self.0.ready.lock().closed {
            return Err(closed());
        }
        Arc::clone(&self.0.places).acquire_owned().await.map_err(|_| closed())
    }

    /// Does something on a thread of the lane, also when nobody waits for it any more.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
    ) -> Result<T, BlobError> {
        let place = self.place().await?;
        let work = move || {
            let done = work();
            drop(place);
            done
        };
        self.start_work(work).await.map_err(|_| closed())?
    }

    /// The same for somebody who asks for one thing at a time, and so needs no place.
    pub fn start_work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> oneshot::Receiver<T> {
        let (answer, asked) = oneshot::channel();
        let work = move || {
            // Whoever asked may be gone; what was done is done.
            answer.send(work()).ok();
        };
        // On a closed lane the work is dropped, and whoever waits for it hears so.
        let _queued = self.push(Arc::new(Once(Mutex::new(Some(Box::new(work))))));
        asked
    }
}

impl Shared {
    fn next(&self) -> Option<Arc<dyn Turn>> {
        let mut ready = self.ready.lock();
        loop {
            if let Some(turn) = ready.turns.pop_front() {
                return Some(turn);
            }
            if ready.closed {
                ready.threads -= 1;
                return None;
            }
            self.wake.wait(&mut ready);
        }
    }
}

struct Once(Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl Turn for Once {
    fn turn(self: Arc<Self>, _on: &Lane) {
        let work = self.0.lock().take();
        if let Some(work) = work {
            work();
        }
    }
}

/// The lanes of a store.
pub(crate) struct Lanes {
    /// What arrives is written and made durable.
    pub uploads: Lane,
    /// What arrives is hashed, beside being written.
    pub hashes: Lane,
    /// What is kept is read: never behind a slow fsync.
    pub reads: Lane,
    /// Pictures are decoded: one thread, so one at a time.
    pub looks: Lane,
    ended: tokio::sync::Mutex<mpsc::Receiver<()>>,
}

impl Lanes {
    pub fn start(workers: usize, on_start: fn()) -> io::Result<Self> {
        let (alive, ended) = mpsc::channel(1);
        let lane = |name, count| Lane::start(&Threads { name, count, on_start, alive: &alive });
        Ok(Self {
            uploads: lane("anser-files-in", workers)?,
            hashes: lane("anser-files-sum", workers)?,
            reads: lane("anser-files-out", workers)?,
            looks: lane("anser-files-look", 1)?,
            ended: tokio::sync::Mutex::new(ended),
        })
    }

    pub fn close(&self) {
        for lane in [&self.looks, &self.uploads, &self.hashes, &self.reads] {
            lane.close();
        }
    }

    /// Waits until every thread has ended.
    pub async fn ended(&self) {
        // Nobody ever sends: this ends when the last thread drops its end.
        while self.ended.lock().await.recv().await.is_some() {}
    }
}

pub(crate) fn closed() -> BlobError {
    BlobError::Failed("the files are closed".into())
}
