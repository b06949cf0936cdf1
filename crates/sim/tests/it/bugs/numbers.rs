//! Bugs of numbering: numbers that come from somewhere else than the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use anser_backend::{
    Append, Appended, Assigned, Boxed, Conversations, DeviceKey, InboxBounds, InboxPage, Inspect,
    Ledger, MemoryBackend, PageLimit, Record, SessionOpened, StoreError, TrimPolicy, TrimReport,
};
use anser_service::Ports;
use anser_sim::bend::{BendLedger, BendReads, BentLedger, BentReads};
use anser_sim::checker::Kind;
use anser_sim::seams::{Seams, plain_ports};
use anser_types::{ConversationId, Event, InboxSeq, Outcome, Seq, UserNo};
use anyhow::Result;
use parking_lot::Mutex;

use super::{Bug, two_people, usual};

/// A counter per conversation that also a write moves which the disk then refused.
#[derive(Default)]
struct Counter(Mutex<BTreeMap<ConversationId, u64>>);

impl Counter {
    fn ahead(&self, id: ConversationId) -> u64 {
        self.0.lock().get(&id).copied().unwrap_or_default()
    }

    fn count(&self, batch: &[Append]) {
        for record in batch.iter().flat_map(|append| &append.records) {
            if let Record::Message { conversation, .. } = record {
                *self.0.lock().entry(*conversation).or_default() += 1;
            }
        }
    }

    fn shift(&self, append: &Append, appended: &mut Appended) {
        let Appended::Committed(committed) = appended else { return };
        for (record, assigned) in append.records.iter().zip(&mut committed.assigned) {
            let (Record::Message { conversation, .. }, Assigned::Message { seq, .. }) =
                (record, assigned)
            else {
                continue;
            };
            *seq = Seq(seq.0 + self.ahead(*conversation));
            if let Some(answer) = &mut committed.answer
                && let Outcome::Done(done) = &mut answer.outcome
            {
                done.seq = *seq;
            }
        }
    }
}

impl BendLedger for Counter {
    fn append_batch<'a>(
        &'a self,
        inner: &'a dyn Ledger,
        batch: Vec<Append>,
    ) -> Boxed<'a, Result<Vec<Appended>, StoreError>> {
        Box::pin(async move {
            let mut results = match inner.append_batch(batch.clone()).await {
                Ok(results) => results,
                Err(error) => {
                    self.count(&batch);
                    return Err(error);
                }
            };
            batch.iter().zip(&mut results).for_each(|(append, one)| self.shift(append, one));
            Ok(results)
        })
    }
}

/// Counts from zero in every process.
struct Counting;

impl Seams for Counting {
    fn ports(&self, backend: &MemoryBackend) -> Ports {
        let ports = plain_ports(backend);
        let bent = BentLedger { inner: ports.ledger, bend: Arc::new(Counter::default()) };
        Ports { ledger: Arc::new(bent), ..ports }
    }
}

pub const SEQ_FROM_MEMORY: Bug = Bug {
    name: "seq from a RAM counter",
    promise: "G5",
    seam: "ledger",
    workload: "the disk is full for one message, then there is room again",
    verdict: Kind::DivergingOrder,
    seams: || Arc::new(Counting),
    setup: usual,
    script: |world| {
        Box::pin(async move {
            world.tell(0, 1, "one").await?;
            world.rest(5_000).await;
            world.server.disk.set_full(true);
            world.tell(0, 1, "two").await?;
            world.rest(1_000).await;
            world.server.disk.set_full(false);
            world.rest(30_000).await;
            Ok(())
        })
    },
};

/// An inbox that trims its newest entry too, and begins to count anew when it is empty.
struct FromLastKey {
    backend: MemoryBackend,
    /// How far the true numbers of each inbox are ahead.
    base: Mutex<BTreeMap<UserNo, u64>>,
}

impl FromLastKey {
    fn base(&self, user: UserNo) -> u64 {
        self.base.lock().get(&user).copied().unwrap_or_default()
    }

    fn shown(&self, user: UserNo, number: InboxSeq) -> InboxSeq {
        InboxSeq(number.0.saturating_sub(self.base(user)))
    }

    fn shown_bounds(&self, user: UserNo, bounds: InboxBounds) -> InboxBounds {
        let (floor, head) = (self.shown(user, bounds.floor), self.shown(user, bounds.head));
        InboxBounds { floor, head }
    }

    /// Inboxes of which only an entry is left that is as old as what was trimmed are empty now.
    async fn empty(&self, policy: TrimPolicy) -> Result<(), StoreError> {
        for user in self.backend.user_nos(UserNo(0), 100).await? {
            let limit = PageLimit { entries: 1, bytes: 1 };
            let bounds = self.backend.inbox_bounds(user).await?;
            let page = self.backend.inbox(user, bounds.floor, limit).await?;
            let at = match page.events.first() {
                Some(Event::Message(message)) => message.server_time,
                Some(Event::Change(change)) => change.at,
                _ => continue,
            };
            let too_old = at.0 + policy.keep_ms < policy.now.0;
            if too_old && bounds.floor.next() == bounds.head {
                self.base.lock().insert(user, bounds.head.0);
            }
        }
        Ok(())
    }
}

impl BendLedger for FromLastKey {
    fn append_batch<'a>(
        &'a self,
        inner: &'a dyn Ledger,
        batch: Vec<Append>,
    ) -> Boxed<'a, Result<Vec<Appended>, StoreError>> {
        Box::pin(async move {
            let mut results = inner.append_batch(batch.clone()).await?;
            for (append, result) in batch.iter().zip(&mut results) {
                let Appended::Committed(committed) = result else { continue };
                for (write, number) in append.inbox.iter().zip(&mut committed.inbox) {
                    *number = self.shown(write.user, *number);
                }
                if let (Some((user, _)), Some(answer)) = (append.device(), &mut committed.answer)
                    && let Outcome::Done(done) = &mut answer.outcome
                {
                    done.inbox_seq = self.shown(user, done.inbox_seq);
                }
            }
            Ok(results)
        })
    }

    fn open_session<'a>(
        &'a self,
        inner: &'a dyn Ledger,
        device: DeviceKey,
    ) -> Boxed<'a, Result<SessionOpened, StoreError>> {
        Box::pin(async move {
            let opened = inner.open_session(device).await?;
            let inbox = self.shown_bounds(device.user, opened.inbox);
            Ok(SessionOpened { inbox, ..opened })
        })
    }

    fn trim<'a>(
        &'a self,
        inner: &'a dyn Ledger,
        policy: TrimPolicy,
    ) -> Boxed<'a, Result<TrimReport, StoreError>> {
        Box::pin(async move {
            let report = inner.trim(policy).await?;
            self.empty(policy).await?;
            Ok(report)
        })
    }
}

impl BendReads for FromLastKey {
    fn inbox<'a>(
        &'a self,
        inner: &'a dyn Conversations,
        user: UserNo,
        after: InboxSeq,
        limit: PageLimit,
    ) -> Boxed<'a, Result<InboxPage, StoreError>> {
        Box::pin(async move {
            let after = InboxSeq(after.0 + self.base(user));
            let page = inner.inbox(user, after, limit).await?;
            let (first, bounds) = (self.shown(user, page.first), page.bounds);
            Ok(InboxPage { first, bounds: self.shown_bounds(user, bounds), ..page })
        })
    }

    fn inbox_bounds<'a>(
        &'a self,
        inner: &'a dyn Conversations,
        user: UserNo,
    ) -> Boxed<'a, Result<InboxBounds, StoreError>> {
        Box::pin(async move { Ok(self.shown_bounds(user, inner.inbox_bounds(user).await?)) })
    }
}

struct CountsAnew;

impl Seams for CountsAnew {
    fn ports(&self, backend: &MemoryBackend) -> Ports {
        let ports = plain_ports(backend);
        let base = Mutex::default();
        let bend = Arc::new(FromLastKey { backend: backend.clone(), base });
        Ports {
            ledger: Arc::new(BentLedger { inner: ports.ledger, bend: Arc::clone(&bend) }),
            conversations: Arc::new(BentReads { inner: ports.conversations, bend }),
            ..ports
        }
    }
}

pub const HEAD_FROM_LAST_KEY: Bug = Bug {
    name: "head taken from the last key after a trim",
    promise: "G9",
    seam: "ledger, reads",
    workload: "a device is away while its whole inbox grows old, then as many messages come again",
    verdict: Kind::Lost,
    seams: || Arc::new(CountsAnew),
    setup: |setup| {
        two_people(setup);
        setup.service.inbox_keep_ms = 30_000;
    },
    script: |world| {
        Box::pin(async move {
            for text in ["one", "two", "three"] {
                world.tell(0, 1, text).await?;
            }
            world.rest(5_000).await;
            world.devices[1].kill_within(true).await;
            world.rest(120_000).await;
            // The inbox held the group's beginning too.
            for text in ["four", "five", "six", "seven"] {
                world.tell(0, 1, text).await?;
            }
            world.rest(5_000).await;
            world.devices[1].switch_on();
            world.rest(5_000).await;
            Ok(())
        })
    },
};
