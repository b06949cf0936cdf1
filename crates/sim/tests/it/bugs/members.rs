//! Bugs of membership: rules that decide on who was there before.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anser_backend::{
    Append, Appended, Boxed, Conversations, Ledger, MemoryBackend, Roster, StoreError,
};
use anser_service::Ports;
use anser_sim::bend::{BendLedger, BendReads, BentLedger, BentReads};
use anser_sim::checker::Kind;
use anser_sim::seams::{Seams, plain_ports};
use anser_sim::world::World;
use anser_types::{Command, ConversationId};
use anyhow::{Context, Result};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::reads::Reads;
use super::{Bug, usual};

type Rosters = Mutex<BTreeMap<ConversationId, (Arc<Roster>, Instant)>>;

/// Member lists are believed for a minute, and nobody compares versions.
#[derive(Default)]
struct Stale(Rosters);

impl BendReads for Stale {
    fn roster<'a>(
        &'a self,
        inner: &'a dyn Conversations,
        id: ConversationId,
    ) -> Boxed<'a, Result<Option<Arc<Roster>>, StoreError>> {
        Box::pin(async move {
            let known = self.0.lock().get(&id).cloned();
            if let Some((roster, _)) =
                known.filter(|(_, at)| at.elapsed() < Duration::from_secs(60))
            {
                return Ok(Some(roster));
            }
            let roster = inner.roster(id).await?;
            if let Some(roster) = &roster {
                self.0.lock().insert(id, (Arc::clone(roster), Instant::now()));
            }
            Ok(roster)
        })
    }
}

impl BendLedger for Stale {
    fn append_batch<'a>(
        &'a self,
        inner: &'a dyn Ledger,
        mut batch: Vec<Append>,
    ) -> Boxed<'a, Result<Vec<Appended>, StoreError>> {
        batch.iter_mut().for_each(|append| append.expects.clear());
        inner.append_batch(batch)
    }
}

struct Cached;

impl Seams for Cached {
    fn ports(&self, backend: &MemoryBackend) -> Ports {
        let ports = plain_ports(backend);
        let bend = Arc::new(Stale::default());
        Ports {
            ledger: Arc::new(BentLedger { inner: ports.ledger, bend: Arc::clone(&bend) }),
            conversations: Arc::new(BentReads { inner: ports.conversations, bend }),
            ..ports
        }
    }
}

/// Rows are read as they are, with the members of the first look.
#[derive(Default)]
struct Torn(Mutex<BTreeMap<ConversationId, Arc<Roster>>>);

impl BendReads for Torn {
    fn roster<'a>(
        &'a self,
        inner: &'a dyn Conversations,
        id: ConversationId,
    ) -> Boxed<'a, Result<Option<Arc<Roster>>, StoreError>> {
        Box::pin(async move {
            let Some(now) = inner.roster(id).await? else { return Ok(None) };
            let first = Arc::clone(self.0.lock().entry(id).or_insert_with(|| Arc::clone(&now)));
            let members = first.members.clone();
            Ok(Some(Arc::new(Roster { conversation: now.conversation.clone(), members })))
        })
    }
}

pub async fn by_the_owner(world: &World, command: Command) -> Result<()> {
    world.devices[0].compose(command).await.context("the owner's device is off")??;
    world.rest(5_000).await;
    Ok(())
}

pub const CACHED_TOO_LONG: Bug = Bug {
    name: "membership cached too long",
    promise: "G25",
    seam: "ledger, reads",
    workload: "a member is removed from a group in which people go on talking",
    verdict: Kind::VisibleAfterRemoval,
    seams: || Arc::new(Cached),
    setup: usual,
    script: |world| {
        Box::pin(async move {
            world.tell_all(0, "one").await?;
            world.rest(5_000).await;
            let (conversation, users) = (world.group, vec![world.users[2].clone()]);
            by_the_owner(world, Command::Kick { conversation, users }).await?;
            world.tell_all(0, "two").await?;
            world.rest(5_000).await;
            Ok(())
        })
    },
};

pub const OLD_SNAPSHOT: Bug = Bug {
    name: "member list of an old snapshot",
    promise: "G9",
    seam: "reads",
    workload: "a member comes back into a group in which people go on talking",
    verdict: Kind::Lost,
    seams: || Arc::new(Reads(Torn::default)),
    setup: usual,
    script: |world| {
        Box::pin(async move {
            let (conversation, users) = (world.group, vec![world.users[2].clone()]);
            by_the_owner(world, Command::Kick { conversation, users: users.clone() }).await?;
            world.server.crash_and_restart();
            world.rest(5_000).await;
            world.tell_all(0, "one").await?;
            world.rest(5_000).await;
            by_the_owner(world, Command::Invite { conversation, users }).await?;
            world.tell_all(0, "two").await?;
            world.rest(5_000).await;
            Ok(())
        })
    },
};
