//! Bugs of forgetting: what must go stays, what may stay goes.

use std::sync::Arc;

use anser_backend::{
    Append, Appended, Boxed, Conversations, InboxPage, Ledger, MemoryBackend, PageLimit, Record,
    StoreError,
};
use anser_service::Ports;
use anser_sim::bend::{BendLedger, BendReads, BentLedger};
use anser_sim::checker::Kind;
use anser_sim::seams::{Seams, plain_ports};
use anser_sim::world::World;
use anser_types::{
    Alteration, ChangeKind, Clock as _, Command, Content, ConversationId, Event, InboxSeq, Seq,
    Target, UnixMs, UserNo,
};
use anyhow::{Context, Result};

use super::reads::{Reads, leave_out};
use super::{Bug, two_people};

async fn says(world: &World, content: Content) -> Result<()> {
    let to = Target::User(world.users[1].clone());
    let command = Command::SendMessage { to, content };
    world.devices[0].compose(command).await.context("the device is off")??;
    Ok(())
}

fn for_ten_seconds(world: &World) -> Content {
    let expires_at = Some(UnixMs(world.server.clock.now().0 + 10_000));
    Content { expires_at, ..Content::text("for ten seconds") }
}

/// Nobody looks for messages whose time is over.
struct NothingIsOver;

impl BendReads for NothingIsOver {
    fn expiring<'a>(
        &'a self,
        _inner: &'a dyn Conversations,
        _until: UnixMs,
        _limit: usize,
    ) -> Boxed<'a, Result<Vec<(ConversationId, Seq)>, StoreError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

pub const NOTHING_ERASED: Bug = Bug {
    name: "nothing erased whose time is over",
    promise: "G12",
    seam: "reads",
    workload: "a message expires",
    verdict: Kind::NotForgotten,
    seams: || Arc::new(Reads(|| NothingIsOver)),
    setup: two_people,
    script: |world| {
        Box::pin(async move {
            says(world, for_ten_seconds(world)).await?;
            world.rest(60_000).await;
            Ok(())
        })
    },
};

/// Pages of an inbox leave out what begins to burn.
struct BurnsUnheard;

impl BendReads for BurnsUnheard {
    fn inbox<'a>(
        &'a self,
        inner: &'a dyn Conversations,
        user: UserNo,
        after: InboxSeq,
        limit: PageLimit,
    ) -> Boxed<'a, Result<InboxPage, StoreError>> {
        Box::pin(async move {
            let mut page = inner.inbox(user, after, limit).await?;
            let burns = |event: &Event| {
                matches!(event, Event::Change(change) if matches!(change.kind,
                    ChangeKind::MessageAltered { alteration: Alteration::Burn(_), .. }))
            };
            leave_out(&mut page, |_, event| burns(event));
            Ok(page)
        })
    }
}

pub const BURNS_AT_ONE_END: Bug = Bug {
    name: "what burns goes from one end only",
    promise: "G12",
    seam: "reads",
    workload: "a message that burns is read while its sender is away",
    verdict: Kind::NotForgotten,
    seams: || Arc::new(Reads(|| BurnsUnheard)),
    setup: two_people,
    script: |world| {
        Box::pin(async move {
            says(world, Content { burn_after_ms: Some(2_000), ..Content::text("fuse") }).await?;
            world.rest(5_000).await;
            world.devices[0].kill_within(true).await;
            let at = Target::User(world.users[0].clone());
            let read = Command::MarkRead { at, up_to: Seq(1) };
            world.devices[1].compose(read).await.context("the device is off")??;
            world.rest(60_000).await;
            world.devices[0].switch_on();
            world.rest(5_000).await;
            Ok(())
        })
    },
};

/// Whatever is erased takes the next message with it.
struct TakesTheNext;

impl BendLedger for TakesTheNext {
    fn append_batch<'a>(
        &'a self,
        inner: &'a dyn Ledger,
        mut batch: Vec<Append>,
    ) -> Boxed<'a, Result<Vec<Appended>, StoreError>> {
        for append in &mut batch {
            for record in &mut append.records {
                if let Record::Change {
                    kind: ChangeKind::MessageAltered { seq, alteration: Alteration::Expire },
                    ..
                } = record
                {
                    *seq = seq.next();
                }
            }
        }
        inner.append_batch(batch)
    }
}

struct ErasesTheNext;

impl Seams for ErasesTheNext {
    fn ports(&self, backend: &MemoryBackend) -> Ports {
        let ports = plain_ports(backend);
        let bend = Arc::new(TakesTheNext);
        Ports { ledger: Arc::new(BentLedger { inner: ports.ledger, bend }), ..ports }
    }
}

pub const ERASED_EARLY: Bug = Bug {
    name: "another message erased than the one whose time is over",
    promise: "G1, G12",
    seam: "ledger",
    workload: "a message expires, and the next one does not",
    verdict: Kind::ForgottenEarly,
    seams: || Arc::new(ErasesTheNext),
    setup: two_people,
    script: |world| {
        Box::pin(async move {
            says(world, for_ten_seconds(world)).await?;
            world.tell(0, 1, "for ever").await?;
            world.rest(60_000).await;
            Ok(())
        })
    },
};
