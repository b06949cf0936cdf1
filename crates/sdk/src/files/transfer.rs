//! The handle of a transfer: how far it is, and what its user wishes.

use std::time::Instant;

use anser_types::{ErrorCode, Refusal};
use tokio::sync::watch;

use crate::client::ConnectionState;
use crate::error::Error;
use crate::http::FileInfo;

/// How far a transfer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferProgress {
    /// Bytes that went over; those on their way count, so a break may take some back. While the state is
    /// [`TransferState::Hashing`]: bytes looked at.
    pub moved: u64,
    /// Bytes there are in all; `None` while that is not known.
    pub total: Option<u64>,
    /// What it is doing.
    pub state: TransferState,
}

/// What a transfer is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransferState {
    /// The file is read here: to ask whether the server has it already, or to check what was fetched.
    Hashing,
    /// Bytes go over.
    Moving,
    /// Its user paused it, or its client was closed.
    Paused,
    /// It could not go on, and tries again by itself.
    Waiting {
        /// When; earlier if the connection comes back.
        retry_at: Instant,
        /// Why.
        reason: Refusal,
    },
    /// It is complete, and its hash is right.
    Done(Box<FileInfo>),
    /// It has ended without being complete: refused for good, or cancelled (`FILE_INCOMPLETE`).
    Failed(Refusal),
}

impl TransferState {
    /// Whether nothing comes after it.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Failed(_))
    }
}

/// What the user wishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Go,
    Pause,
    Cancel,
}

/// An upload or a download on its way. It goes on by itself through breaks until it is done, refused for good, or
/// cancelled; also when this handle is dropped, as long as the client is open. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Transfer {
    progress: watch::Receiver<TransferProgress>,
    wish: watch::Sender<Wish>,
}

/// The other side of the handle.
pub(super) struct Reins {
    pub(super) tell: Teller,
    wish: watch::Receiver<Wish>,
    /// Ends with the client.
    link: watch::Receiver<ConnectionState>,
}

/// Tells how far a transfer is.
#[derive(Clone, Debug)]
pub(crate) struct Teller(watch::Sender<TransferProgress>);

impl Transfer {
    pub(super) fn new(total: Option<u64>, link: watch::Receiver<ConnectionState>) -> (Self, Reins) {
        let begin = TransferProgress { moved: 0, total, state: TransferState::Moving };
        let (told, progress) = watch::channel(begin);
        let (wish, wished) = watch::channel(Wish::Go);
        (Self { progress, wish }, Reins { tell: Teller(told), wish: wished, link })
    }

    /// How far it is now.
    #[must_use]
    pub fn progress(&self) -> TransferProgress {
        self.progress.borrow().clone()
    }

    /// How far it is, to be watched.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<TransferProgress> {
        self.progress.clone()
    }

    /// Stops it until [`Self::resume`]. What went over stays.
    pub fn pause(&self) {
        self.wish(Wish::Pause);
    }

    /// Lets it go on after [`Self::pause`]; one that waits tries again at once.
    pub fn resume(&self) {
        self.wish(Wish::Go);
    }

    /// Ends it. What an upload had sent is given up at the server; what a download had fetched is removed.
    pub fn cancel(&self) {
        self.wish(Wish::Cancel);
    }

    /// Waits until it is complete.
    ///
    /// # Errors
    /// Why it ended without being complete: `FILE_INCOMPLETE` when it was cancelled; [`Error::Closed`] when the client was
    /// closed before.
    pub async fn done(&self) -> Result<FileInfo, Error> {
        let mut progress = self.progress.clone();
        let ended = progress.wait_for(|now| now.state.is_final()).await;
        match &ended.map_err(|_| Error::Closed)?.state {
            TransferState::Done(file) => Ok((**file).clone()),
            TransferState::Failed(refusal) => Err(refusal.clone().into()),
            _ => Err(Error::Closed),
        }
    }

    fn wish(&self, wish: Wish) {
        // What was cancelled stays so.
        self.wish.send_modify(|now| {
            if *now != Wish::Cancel {
                *now = wish;
            }
        });
    }
}

impl Reins {
    /// What the user wishes now.
    pub(super) fn wish(&mut self) -> Wish {
        *self.wish.borrow_and_update()
    }

    /// Waits until the user wishes something else, or the same again.
    pub(super) async fn wished(&mut self) {
        if self.wish.changed().await.is_err() {
            // Nobody holds the handle any more: the last wish stands.
            std::future::pending::<()>().await;
        }
    }

    /// The end of the client, and the moment at which it is connected again.
    pub(super) fn link(&self) -> LinkWatch {
        let mut link = self.link.clone();
        // Only what it does from now on.
        link.mark_unchanged();
        LinkWatch(link)
    }
}

/// Waits for what the client's connection does.
#[derive(Clone)]
pub(super) struct LinkWatch(watch::Receiver<ConnectionState>);

impl LinkWatch {
    /// Waits until the client is closed.
    pub(super) async fn closed(&mut self) {
        while self.0.changed().await.is_ok() {}
    }

    /// Waits until a session is opened anew.
    pub(super) async fn reconnected(&mut self) {
        loop {
            if self.0.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            if *self.0.borrow_and_update() == ConnectionState::Connected {
                return;
            }
        }
    }
}

impl Teller {
    pub(super) fn moved(&self, bytes: u64) {
        self.0.send_if_modified(|now| std::mem::replace(&mut now.moved, bytes) != bytes);
    }

    pub(super) fn total(&self, bytes: u64) {
        self.0.send_modify(|now| now.total = Some(bytes));
    }

    pub(super) fn state(&self, state: TransferState) {
        self.0.send_if_modified(|now| {
            let changed = now.state != state;
            now.state = state;
            changed
        });
    }

    pub(super) fn done(&self, file: FileInfo) {
        self.0.send_modify(|now| {
            let all = now.total.unwrap_or(now.moved);
            (now.moved, now.total) = (all, Some(all));
            now.state = TransferState::Done(Box::new(file));
        });
    }
}

pub(super) fn cancelled() -> Refusal {
    Refusal::because(ErrorCode::FileIncomplete, "it was cancelled")
}
