//! Opening a session: who it is, that they are let in, and in which order things must happen for nothing to be lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anser_backend::Token;
use anser_types::{ErrorCode, Refusal, UserNo};
use tokio::sync::MutexGuard;

use crate::api::{Arrival, Caller, Hello, Opened, Start};
use crate::fanout::mailbox::{Mailbox, Slot};
use crate::service::Service;
use crate::session::{Registration, Session};
use crate::stripes::Stripes;
use crate::sync::reset;
use crate::{metrics, receipts};

const DOORS: usize = 256;

/// One door per group of users: sessions of one user are opened and ended one after the other, so that the newest of
/// two that come at the same time is the one that stays.
pub(crate) struct Doors {
    doors: Stripes,
    revocations: AtomicU64,
}

impl Doors {
    pub(crate) fn new() -> Self {
        Self { doors: Stripes::new(DOORS), revocations: AtomicU64::new(0) }
    }

    /// Waits for one's turn.
    pub(crate) async fn enter(&self, user: UserNo) -> MutexGuard<'_, ()> {
        self.doors.enter(user.0).await
    }

    /// A token that was good before this may not be any more.
    pub(crate) fn note_revocation(&self) {
        self.revocations.fetch_add(1, Ordering::AcqRel);
    }

    fn revocations(&self) -> u64 {
        self.revocations.load(Ordering::Acquire)
    }
}

impl Service {
    /// A connection came. Take it before anything is read from the connection.
    #[must_use]
    pub fn arrival(&self) -> Arrival {
        self.registry().arrival()
    }

    /// Opens a session for a device. On return the device's earlier session is fenced and ended, the mailbox hears
    /// of everything above `opened().inbox_head`, and nothing lies between the two.
    ///
    /// # Errors
    /// `Draining`, `TooManyConnections`, `Overloaded` (with when to come back), `TokenInvalid`, `TokenExpired`, or what
    /// the store says.
    pub async fn open_session(
        self: &Arc<Self>,
        hello: Hello,
    ) -> Result<(Session, Mailbox), Refusal> {
        self.may_open()?;
        let _inside = self.admission().enter().await?;
        let seen = self.doors().revocations();
        let mut token = of_device(self.valid_token(&hello.token).await?, &hello)?;
        let user = token.device.user;
        let door = self.doors().enter(user).await;
        if self.doors().revocations() != seen {
            token = of_device(self.still_valid(&hello.token).await?, &hello)?;
        }
        self.settle_token(&hello.token).await?;
        let slot = Arc::new(Slot::new(self.settings().mailbox_events));
        let registration = Registration::new(
            (Arc::clone(self.registry()), Arc::clone(self.feeds())),
            user,
            token.device.device,
            token.class,
            Arc::clone(&slot),
        );
        // Registered first, and only then is anything read: what is committed from here on reaches the mailbox.
        self.may_open()?;
        let found = self
            .ledger()
            .open_session(token.device)
            .await
            .map_err(|error| self.store_refusal(&error))?;
        slot.raise_head(found.inbox.head);
        let device = token.device.device;
        let class = (token.class, self.settings().sessions_per_class.of(token.class));
        self.registry().supersede(user, registration.id(), device, class, hello.arrived);
        drop(door);
        self.board().appeared(&token.user_id);
        let log_epoch = self.ledger().status().log_epoch;
        let start = reset::start(&hello, log_epoch, found.inbox);
        self.report(&token, &hello, start);
        let caller = Caller {
            user_no: user,
            user: token.user_id,
            device: token.device.device,
            class: token.class,
            epoch: found.epoch,
        };
        if let Start::FromCursor(cursor) = start {
            receipts::restore(self, &caller, found.cursor.max(found.inbox.floor), cursor).await;
        }
        let opened = Opened {
            epoch: found.epoch,
            log_epoch,
            last_command_no: found.last_command_no,
            inbox_head: found.inbox.head,
            now: self.clock().now(),
            start,
        };
        let mailbox = Mailbox::new(Arc::clone(&slot));
        Ok((Session::new(Arc::clone(self), caller, opened, slot, registration), mailbox))
    }

    fn may_open(&self) -> Result<(), Refusal> {
        if let Some(detail) = self.failure() {
            return Err(Refusal::because(ErrorCode::StoreFailed, detail));
        }
        if self.is_draining() {
            return Err(Refusal::new(ErrorCode::Draining).retry_after(2_000));
        }
        if self.registry().sessions() > self.settings().sessions {
            return Err(Refusal::new(ErrorCode::TooManyConnections).retry_after(5_000));
        }
        Ok(())
    }

    fn report(&self, token: &Token, hello: &Hello, start: Start) {
        if let Start::Reset { at, reason: Some(ErrorCode::LogBehindClient) } = start {
            metrics::log_behind_client();
            tracing::error!(
                user = %token.user_id,
                device = %token.device.device,
                cursor = %hello.inbox_cursor,
                head = %at,
                missing = hello.inbox_cursor.0 - at.0,
                "a client has seen more than the log holds: entries were lost"
            );
        }
    }
}

fn of_device(token: Token, hello: &Hello) -> Result<Token, Refusal> {
    if token.device.device == hello.device {
        Ok(token)
    } else {
        let detail = "the token belongs to another device";
        Err(Refusal::because(ErrorCode::TokenInvalid, detail))
    }
}
