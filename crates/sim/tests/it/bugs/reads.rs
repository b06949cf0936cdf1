//! Bugs of delivery: entries of an inbox that a reader is not given.

use std::sync::Arc;
use std::time::Duration;

use anser_backend::{
    Boxed, Conversations, InboxBounds, InboxPage, MemoryBackend, PageLimit, StoreError,
};
use anser_service::Ports;
use anser_sim::bend::{BendReads, BentReads};
use anser_sim::checker::Kind;
use anser_sim::seams::{Seams, plain_ports};
use anser_types::{ConversationId, Event, InboxSeq, Seq, UserNo};
use anyhow::Result;
use tokio::time::sleep;

use super::{Bug, two_people, usual};

/// A bend of the reads alone, made anew for every process.
pub struct Reads<B>(pub fn() -> B);

impl<B: BendReads + 'static> Seams for Reads<B> {
    fn ports(&self, backend: &MemoryBackend) -> Ports {
        let ports = plain_ports(backend);
        let bend = Arc::new((self.0)());
        let conversations = Arc::new(BentReads { inner: ports.conversations, bend });
        Ports { conversations, ..ports }
    }
}

/// An entry that tells nothing, in place of one that does.
fn nothing(instead_of: &Event) -> Event {
    let conversation = match instead_of {
        Event::Message(message) => message.conversation,
        Event::Change(change) => change.conversation,
        Event::ReadSync { conversation, .. } => *conversation,
        Event::Unavailable(range) => range.conversation,
        Event::Unknown { .. } => ConversationId([0; 16]),
    };
    Event::ReadSync { conversation, up_to: Seq::ZERO }
}

/// Empties every entry with a number that is to be left out.
pub fn leave_out(page: &mut InboxPage, out: impl Fn(InboxSeq, &Event) -> bool) {
    let mut number = page.first;
    for event in &mut page.events {
        if out(number, event) {
            *event = nothing(event);
        }
        number = number.next();
    }
}

struct SkipsDeletions;

impl BendReads for SkipsDeletions {
    fn inbox<'a>(
        &'a self,
        inner: &'a dyn Conversations,
        user: UserNo,
        after: InboxSeq,
        limit: PageLimit,
    ) -> Boxed<'a, Result<InboxPage, StoreError>> {
        Box::pin(async move {
            let mut page = inner.inbox(user, after, limit).await?;
            leave_out(
                &mut page,
                |_, event| matches!(event, Event::Message(message) if message.content.is_none()),
            );
            Ok(page)
        })
    }
}

pub const DELETIONS_SKIPPED: Bug = Bug {
    name: "deletions skipped in sync",
    promise: "G11, G12",
    seam: "reads",
    workload: "a message is emptied while its receiver is away",
    verdict: Kind::Hole,
    seams: || Arc::new(Reads(|| SkipsDeletions)),
    setup: usual,
    script: |world| {
        Box::pin(async move {
            world.devices[1].kill_within(true).await;
            for text in ["one", "two", "three"] {
                world.tell(0, 1, text).await?;
            }
            world.rest(5_000).await;
            let direct = ConversationId::direct(&world.users[0], &world.users[1]);
            anyhow::ensure!(world.server.backend().erase(direct, Seq(2)), "there is no second");
            world.devices[1].switch_on();
            world.rest(5_000).await;
            Ok(())
        })
    },
};

/// Whoever is more than twenty entries behind gets the last ten.
struct DropsOld;

impl BendReads for DropsOld {
    fn inbox<'a>(
        &'a self,
        inner: &'a dyn Conversations,
        user: UserNo,
        after: InboxSeq,
        limit: PageLimit,
    ) -> Boxed<'a, Result<InboxPage, StoreError>> {
        Box::pin(async move {
            let mut page = inner.inbox(user, after, limit).await?;
            let head = page.bounds.head.0;
            if head > after.0 + 20 {
                leave_out(&mut page, |number, _| number.0 + 10 <= head);
            }
            Ok(page)
        })
    }
}

pub const DROP_ON_SLOW_CONSUMER: Bug = Bug {
    name: "drop on slow consumer",
    promise: "G16",
    seam: "reads",
    workload: "sixty messages at once for a device with a small mailbox",
    verdict: Kind::Hole,
    seams: || Arc::new(Reads(|| DropsOld)),
    setup: |setup| {
        setup.service.mailbox_events = 4;
        setup.connection.outbound_max_bytes = 2_048;
    },
    script: |world| {
        Box::pin(async move {
            for n in 0..60 {
                world.tell(0, 1, &format!("message {n}")).await?;
            }
            world.rest(30_000).await;
            Ok(())
        })
    },
};

/// A page is read in two steps; what comes between them falls through.
struct TwoSteps;

impl BendReads for TwoSteps {
    fn inbox<'a>(
        &'a self,
        inner: &'a dyn Conversations,
        user: UserNo,
        after: InboxSeq,
        limit: PageLimit,
    ) -> Boxed<'a, Result<InboxPage, StoreError>> {
        Box::pin(async move {
            let before = inner.inbox_bounds(user).await?.head;
            sleep(Duration::from_millis(100)).await;
            let mut page = inner.inbox(user, after, limit).await?;
            leave_out(&mut page, |number, _| number > before);
            Ok(page)
        })
    }
}

pub const HOLE_AT_HAND_OVER: Bug = Bug {
    name: "hole at the catch-up hand-over",
    promise: "G9",
    seam: "reads",
    workload: "a device comes back in the middle of a lively conversation",
    verdict: Kind::Hole,
    seams: || Arc::new(Reads(|| TwoSteps)),
    setup: usual,
    script: |world| {
        Box::pin(async move {
            world.devices[1].kill_within(true).await;
            for n in 0..100 {
                world.tell(0, 1, &format!("message {n}")).await?;
                world.rest(5).await;
                if n == 30 {
                    world.devices[1].switch_on();
                }
            }
            world.rest(5_000).await;
            world.tell(0, 1, "the last").await?;
            world.rest(5_000).await;
            Ok(())
        })
    },
};

/// The routine comparison with the log's end finds nothing, ever.
struct BlindSweep;

impl BendReads for BlindSweep {
    fn inbox_bounds<'a>(
        &'a self,
        _inner: &'a dyn Conversations,
        _user: UserNo,
    ) -> Boxed<'a, Result<InboxBounds, StoreError>> {
        Box::pin(async { Ok(InboxBounds::default()) })
    }
}

pub const LOST_LAST_HINT: Bug = Bug {
    name: "lost last hint",
    promise: "G9",
    seam: "reads",
    workload: "the hint of the last message of a quiet conversation is lost",
    verdict: Kind::Lost,
    seams: || Arc::new(Reads(|| BlindSweep)),
    setup: two_people,
    script: |world| {
        Box::pin(async move {
            world.tell(0, 1, "one").await?;
            world.rest(5_000).await;
            world.server.hints.lose(100);
            world.tell(0, 1, "the last").await?;
            world.rest(60_000).await;
            Ok(())
        })
    },
};
