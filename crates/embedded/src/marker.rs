//! The thread that notes the last durable commit every second and at the end.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anser_backend::StoreError;
use parking_lot::{Condvar, Mutex};

use crate::core::Core;
use crate::log::DurableMark;

const INTERVAL: Duration = Duration::from_secs(1);

/// See the module. Dropping it notes the last commit once more.
#[derive(Debug)]
pub struct Marker {
    ended: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Marker {
    /// Starts the thread.
    pub fn start(core: Arc<Core>, mut mark: DurableMark) -> std::io::Result<Self> {
        let ended = Arc::new((Mutex::new(false), Condvar::new()));
        let shared = Arc::clone(&ended);
        let run = move || {
            let (flag, changed) = &*shared;
            let mut ended = flag.lock();
            loop {
                // Ended before it began, on a busy machine: the last commit is noted all the same.
                if !*ended {
                    changed.wait_for(&mut ended, INTERVAL);
                }
                if let Err(error) = mark.write(core.durable()) {
                    // The log itself may still be sound, but a disk that failed once is not trusted again (G20).
                    tracing::error!(%error, "the last durable commit could not be noted; the store stops");
                    let text = format!("the last durable commit could not be noted: {error}");
                    core.poison(StoreError::Failed(text));
                    return;
                }
                if *ended {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("anser-marker".into()).spawn(run)?;
        Ok(Self { ended, thread: Some(thread) })
    }
}

impl Drop for Marker {
    fn drop(&mut self) {
        *self.ended.0.lock() = true;
        self.ended.1.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that notes the last commit panicked");
        }
    }
}
