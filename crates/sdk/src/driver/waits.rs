//! What the driver waits for, each for ever if there is none.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Work under way that the driver waits for.
pub(super) type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Waits for work.
pub(super) async fn work_of<T>(work: Option<&mut Work<T>>) -> T {
    match work {
        Some(work) => work.await,
        None => std::future::pending().await,
    }
}

/// Waits for room in a connection's queue; a queue that has ended has room for nothing and says nothing.
pub(super) async fn room(outgoing: Option<mpsc::Sender<Bytes>>) {
    match outgoing {
        Some(outgoing) if outgoing.reserve().await.is_ok() => {}
        _ => std::future::pending().await,
    }
}

/// Waits until a moment.
pub(super) async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
