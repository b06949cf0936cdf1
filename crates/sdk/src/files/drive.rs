//! The task of a transfer: attempts, one after the other, until it is done.

use std::future::Future;
use std::time::Instant;

use anser_types::Refusal;
use tokio::sync::watch;

use super::patience::{Next, Patience, says_nothing_of_the_file};
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
    /// Nothing comes of it now, but it may another time.
    Stuck,
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

    /// Removes the traces of what has ended. Only then its end is told: whoever hears of it may begin anew.
    fn settle(self, end: End) -> impl Future<Output = ()> + Send;
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
    let ended = tokio::select! {
        biased;
        ended = run(&mut work, &mut reins) => ended,
        () = closing.closed() => {
            tell.state(TransferState::Paused);
            return;
        }
    };
    match ended {
        Ok(file) => {
            work.settle(End::Done).await;
            tell.done(file);
        }
        Err((end, refusal)) => {
            work.settle(end).await;
            tell.state(TransferState::Failed(refusal));
        }
    }
}

/// Goes on, attempt by attempt, until it is complete or has ended otherwise.
async fn run(work: &mut impl Work, reins: &mut Reins) -> Result<FileInfo, (End, Refusal)> {
    let tell = reins.tell.clone();
    let mut patience = Patience::default();
    let mut best = work.position();
    loop {
        match reins.wish() {
            Wish::Cancel => return Err((End::Cancelled, cancelled())),
            Wish::Pause => {
                tell.state(TransferState::Paused);
                reins.wished().await;
                continue;
            }
            Wish::Go => {}
        }
        let outcome = tokio::select! {
            biased;
            () = reins.wished() => continue,
            outcome = work.attempt(&tell) => outcome,
        };
        if work.position() > best {
            best = work.position();
            patience.got_on();
        }
        let refusal = match outcome {
            Ok(file) => return Ok(file),
            Err(refusal) => refusal,
        };
        let mended = work.mend(&refusal);
        match patience.after(&refusal, mended) {
            Next::Again => tracing::debug!(%refusal, "a transfer begins again where it can"),
            Next::Never if says_nothing_of_the_file(refusal.code) => {
                return Err((End::Stuck, refusal));
            }
            Next::Never => return Err((End::Refused, refusal)),
            Next::After(pause) => {
                tracing::debug!(%refusal, ?pause, "a transfer waits");
                let retry_at = Instant::now() + pause;
                tell.state(TransferState::Waiting { retry_at, reason: refusal });
                let mut link = reins.link();
                tokio::select! {
                    biased;
                    () = reins.wished() => {}
                    () = link.reconnected() => {}
                    () = tokio::time::sleep(pause) => {}
                }
            }
        }
    }
}
