//! The task of a transfer: attempts, one after the other, until it is done.

use std::future::Future;
use std::time::Instant;

use anser_types::Refusal;
use tokio::sync::watch;

use super::patience::{Next, Patience};
use super::transfer::{Reins, Teller, Transfer, TransferState, Wish, cancelled};
use crate::client::ConnectionState;
use crate::http::FileInfo;

/// How a transfer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It is complete.
    Done,
    /// It was refused for good.
    Refused,
    /// Its user does not want it any more.
    Cancelled,
}

/// A transfer as its task sees it. An attempt may be dropped at any point: the next one finds out where it goes on.
pub(crate) trait Work: Send + 'static {
    /// Goes on until it is complete, or cannot.
    fn attempt(&mut self, tell: &Teller) -> impl Future<Output = Result<FileInfo, Refusal>> + Send;

    /// Whether the next attempt does what was refused in another way.
    fn mend(&mut self, refusal: &Refusal) -> bool;

    /// How far it is: more than before means that it got on.
    fn position(&self) -> u64;

    /// Removes the traces of what has ended.
    fn settle(&mut self, end: End) -> impl Future<Output = ()> + Send;
}

/// Begins a transfer; it ends with the client whose connection this is.
pub(crate) fn begin(
    work: impl Work,
    total: Option<u64>,
    link: watch::Receiver<ConnectionState>,
) -> Transfer {
    let (transfer, reins) = Transfer::new(total, link);
    tokio::spawn(drive(work, reins));
    transfer
}

async fn drive(mut work: impl Work, mut reins: Reins) {
    let tell = reins.tell.clone();
    let mut closing = reins.link();
    let mut patience = Patience::default();
    let mut best = work.position();
    loop {
        match reins.wish() {
            Wish::Cancel => {
                work.settle(End::Cancelled).await;
                tell.state(TransferState::Failed(cancelled()));
                return;
            }
            Wish::Pause => {
                tell.state(TransferState::Paused);
                tokio::select! {
                    () = reins.wished() => continue,
                    () = closing.closed() => return,
                }
            }
            Wish::Go => {}
        }
        let outcome = tokio::select! {
            biased;
            () = reins.wished() => continue,
            () = closing.closed() => {
                tell.state(TransferState::Paused);
                return;
            }
            outcome = work.attempt(&tell) => outcome,
        };
        if work.position() > best {
            best = work.position();
            patience.got_on();
        }
        let refusal = match outcome {
            Ok(file) => {
                work.settle(End::Done).await;
                tell.done(file);
                return;
            }
            Err(refusal) => refusal,
        };
        let mended = work.mend(&refusal);
        match patience.after(&refusal, mended) {
            Next::Again => tracing::debug!(%refusal, "a transfer begins again where it can"),
            Next::Never => {
                work.settle(End::Refused).await;
                tell.state(TransferState::Failed(refusal));
                return;
            }
            Next::After(pause) => {
                tracing::debug!(%refusal, ?pause, "a transfer waits");
                let retry_at = Instant::now() + pause;
                tell.state(TransferState::Waiting { retry_at, reason: refusal });
                let mut link = reins.link();
                tokio::select! {
                    biased;
                    () = reins.wished() => {}
                    () = closing.closed() => {
                        tell.state(TransferState::Paused);
                        return;
                    }
                    () = link.reconnected() => {}
                    () = tokio::time::sleep(pause) => {}
                }
            }
        }
    }
}
