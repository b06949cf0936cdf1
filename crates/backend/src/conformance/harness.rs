//! What the suite needs from a backend: its ports, a kill, and a way to wait for a future.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use crate::Boxed;
use crate::accounts::Accounts;
use crate::files::Files;
use crate::ledger::Ledger;
use crate::memory::MemoryBackend;
use crate::reads::{Conversations, Inspect, Lists};

/// Every port of one store.
#[derive(Clone)]
pub struct Ports {
    /// The writer.
    pub ledger: Arc<dyn Ledger>,
    /// What rules and pages read.
    pub conversations: Arc<dyn Conversations>,
    /// The lists kept beside conversations.
    pub lists: Arc<dyn Lists>,
    /// Users and tokens.
    pub accounts: Arc<dyn Accounts>,
    /// What is known of files.
    pub files: Arc<dyn Files>,
    /// The raw store.
    pub inspect: Arc<dyn Inspect>,
}

impl Ports {
    /// The ports of a store that implements them all.
    pub fn of<S>(store: S) -> Self
    where
        S: Ledger + Conversations + Lists + Accounts + Files + Inspect + 'static,
    {
        let store = Arc::new(store);
        Self {
            ledger: Arc::clone(&store) as Arc<dyn Ledger>,
            conversations: Arc::clone(&store) as Arc<dyn Conversations>,
            lists: Arc::clone(&store) as Arc<dyn Lists>,
            accounts: Arc::clone(&store) as Arc<dyn Accounts>,
            files: Arc::clone(&store) as Arc<dyn Files>,
            inspect: store,
        }
    }
}

/// One store under test. The suite holds no [`Ports`] while it calls `kill` or `reopen`.
pub trait Harness {
    /// The ports of the running store.
    fn ports(&self) -> Ports;

    /// Ends the store without any farewell (no flush, no shutdown) and opens it again.
    fn kill(&mut self);

    /// Ends the store in order and opens it again.
    fn reopen(&mut self);

    /// Waits for a port's future. Stores whose futures need a runtime bring it here.
    fn block_on<T>(&self, future: Boxed<'_, T>) -> T {
        block_on(future)
    }
}

/// The reference itself under test.
#[derive(Debug, Default)]
pub struct MemoryHarness(MemoryBackend);

impl Harness for MemoryHarness {
    fn ports(&self) -> Ports {
        Ports::of(self.0.clone())
    }

    fn kill(&mut self) {
        self.0.crash();
        self.0 = self.0.reopen();
    }

    fn reopen(&mut self) {
        self.0 = self.0.reopen();
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Drives a future on the calling thread, which sleeps while there is nothing to do.
pub fn block_on<T>(mut future: Boxed<'_, T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}
