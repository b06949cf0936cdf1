//! Turns for work that comes in heaps: ten thousand connections that break in one moment, or whose handshakes begin in one.
//! Done as it comes, the heap would stand before everybody else's next step.

use tokio::sync::Semaphore;
use tokio::task::yield_now;

/// So many pieces of one kind of work are done before everybody else has their turn again.
#[derive(Debug)]
pub struct Turns(Semaphore);

impl Turns {
    /// So many pieces in one round of the runtime.
    #[must_use]
    pub const fn new(in_a_round: usize) -> Self {
        Self(Semaphore::const_new(in_a_round))
    }

    /// Waits for one's turn, in the order in which it was asked for. What is done from here to the next wait is the
    /// piece of work. Cancel safe.
    pub async fn wait(&self) {
        // Never closed. Given back only after the round: who waits behind would else come in the same one.
        let _place = self.0.acquire().await;
        yield_now().await;
    }
}
