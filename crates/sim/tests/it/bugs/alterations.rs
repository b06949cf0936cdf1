//! Bugs of alterations: done twice, not heard of, taken back in name only.

use std::collections::BTreeMap;
use std::sync::Arc;

use anser_backend::{Boxed, Conversations, InboxPage, Order, PageLimit, StoreError};
use anser_sim::bend::BendReads;
use anser_sim::checker::Kind;
use anser_sim::disk::Mishap;
use anser_sim::world::World;
use anser_types::{
    Alteration, ChangeKind, Command, Content, ConversationId, Event, InboxSeq, Message, Seq,
    Target, UserNo,
};
use anyhow::{Context, Result};
use parking_lot::Mutex;

use super::reads::{Reads, leave_out};
use super::repetition::Forgetting;
use super::{Bug, two_people, usual};

/// The first user's other device in the usual setup.
const DESKTOP: usize = 4;

/// The first user's device alters the first message of the conversation with the second.
async fn alter(world: &World, device: usize, alteration: Alteration) -> Result<()> {
    let at = Target::User(world.users[1].clone());
    let command = Command::Alter { at, seq: Seq(1), of: None, alteration };
    world.devices[device].compose(command).await.context("the device is off")??;
    Ok(())
}

fn edit(text: &str) -> Alteration {
    Alteration::Edit(Content::text(text))
}

pub const ALTERED_TWICE: Bug = Bug {
    name: "alterations done again when they come again",
    promise: "G3, G12",
    seam: "ledger",
    workload: "the answer to an edit is lost; its author edits on another device, then the first one asks again",
    verdict: Kind::Duplicate,
    seams: || Forgetting::seams(false),
    setup: usual,
    script: |world| {
        Box::pin(async move {
            world.tell(0, 1, "one").await?;
            world.rest(5_000).await;
            world.server.disk.go_wrong_in(1, Mishap::Dies { kept: true });
            alter(world, 0, edit("two")).await?;
            world.rest(1_000).await;
            world.devices[0].plug.set_pulled(true);
            world.server.crash_and_restart();
            world.rest(10_000).await;
            alter(world, DESKTOP, edit("three")).await?;
            world.rest(10_000).await;
            world.devices[0].plug.set_pulled(false);
            world.rest(30_000).await;
            Ok(())
        })
    },
};

/// Pages of an inbox leave out what altered messages.
struct SkipsAlterations;

impl BendReads for SkipsAlterations {
    fn inbox<'a>(
        &'a self,
        inner: &'a dyn Conversations,
        user: UserNo,
        after: InboxSeq,
        limit: PageLimit,
    ) -> Boxed<'a, Result<InboxPage, StoreError>> {
        Box::pin(async move {
            let mut page = inner.inbox(user, after, limit).await?;
            let alters = |event: &Event| {
                matches!(event, Event::Change(change)
                    if matches!(change.kind, ChangeKind::MessageAltered { .. }))
            };
            leave_out(&mut page, |_, event| alters(event));
            Ok(page)
        })
    }
}

pub const ALTERATIONS_SKIPPED: Bug = Bug {
    name: "alterations skipped in sync",
    promise: "G12",
    seam: "reads",
    workload: "a message is edited while somebody who has it is away",
    verdict: Kind::WrongState,
    seams: || Arc::new(Reads(|| SkipsAlterations)),
    setup: two_people,
    script: |world| {
        Box::pin(async move {
            world.tell(0, 1, "one").await?;
            world.rest(5_000).await;
            world.devices[1].kill_within(true).await;
            alter(world, 0, edit("two")).await?;
            world.rest(5_000).await;
            world.devices[1].switch_on();
            world.rest(5_000).await;
            Ok(())
        })
    },
};

/// Messages are cached as they were read first, and nobody tells the cache.
#[derive(Default)]
struct StaleCache(Mutex<BTreeMap<(ConversationId, Seq), Arc<Message>>>);

impl BendReads for StaleCache {
    fn messages<'a>(
        &'a self,
        inner: &'a dyn Conversations,
        id: ConversationId,
        (after, up_to): (Seq, Seq),
        order: Order,
        limit: PageLimit,
    ) -> Boxed<'a, Result<Vec<Arc<Message>>, StoreError>> {
        Box::pin(async move {
            let read = inner.messages(id, after, up_to, order, limit).await?;
            let mut cached = self.0.lock();
            let first = |message: Arc<Message>| {
                Arc::clone(cached.entry((id, message.seq)).or_insert(message))
            };
            Ok(read.into_iter().map(first).collect())
        })
    }
}

pub const STILL_GIVEN: Bug = Bug {
    name: "history from a cache that alterations pass by",
    promise: "G12, G13",
    seam: "reads",
    workload: "a message is edited, then taken back",
    verdict: Kind::NotTakenBack,
    seams: || Arc::new(Reads(StaleCache::default)),
    setup: two_people,
    script: |world| {
        Box::pin(async move {
            world.tell(0, 1, "one").await?;
            world.rest(5_000).await;
            alter(world, 0, edit("two")).await?;
            world.rest(5_000).await;
            alter(world, 0, Alteration::Revoke).await?;
            world.rest(5_000).await;
            Ok(())
        })
    },
};
