//! Bugs of channels: what a device believes to have of one, and who is believed to be in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use anser_backend::{Boxed, Conversations, StoreError, Whom};
use anser_client::io::Identity;
use anser_client::records::Snapshot;
use anser_sim::bend::BendReads;
use anser_sim::checker::Kind;
use anser_sim::seams::Seams;
use anser_sim::world::World;
use anser_types::{Command, ConversationId, Member, Seq, SetGroup, UserNo};
use anyhow::Result;
use parking_lot::Mutex;

use super::members::by_the_owner;
use super::reads::Reads;
use super::{Bug, usual};

async fn make_channel(world: &World) -> Result<()> {
    let set = SetGroup { channel: true, ..SetGroup::default() };
    by_the_owner(world, Command::UpdateGroup { conversation: world.group, set }).await
}

/// A device believes to have stored more of its channels than it has.
struct Ahead;

impl Seams for Ahead {
    fn loads(&self, _device: &Identity, mut stored: Snapshot) -> Snapshot {
        for mark in stored.conversations.iter_mut().filter_map(|mark| mark.channel.as_mut()) {
            mark.position.seq = Seq(mark.position.seq.0 + 2);
        }
        stored
    }
}

pub const POSITION_AHEAD: Bug = Bug {
    name: "a channel's position ahead of its store",
    promise: "G9, G11",
    seam: "device store",
    workload: "a device is away while people talk in a channel, and comes back",
    verdict: Kind::Hole,
    seams: || Arc::new(Ahead),
    setup: usual,
    script: |world| {
        Box::pin(async move {
            make_channel(world).await?;
            world.tell_all(0, "one").await?;
            world.rest(5_000).await;
            world.devices[1].kill_within(true).await;
            for n in 0..5 {
                world.tell_all(0, &format!("while away {n}")).await?;
            }
            world.rest(5_000).await;
            world.devices[1].switch_on();
            world.rest(5_000).await;
            Ok(())
        })
    },
};

/// Members of channels are as they were when they were looked at first.
#[derive(Default)]
struct Remembered(Mutex<BTreeMap<(ConversationId, UserNo), Member>>);

impl BendReads for Remembered {
    fn members<'a>(
        &'a self,
        inner: &'a dyn Conversations,
        id: ConversationId,
        whom: Whom,
    ) -> Boxed<'a, Result<Vec<Member>, StoreError>> {
        Box::pin(async move {
            let found = inner.members(id, whom).await?;
            let mut known = self.0.lock();
            let first = |now: Member| known.entry((id, now.user_no)).or_insert(now).clone();
            Ok(found.into_iter().map(first).collect())
        })
    }
}

pub const OLD_MEMBERS: Bug = Bug {
    name: "members of a channel as they once were",
    promise: "G25",
    seam: "reads",
    workload: "a member is removed from a channel in which people go on talking",
    verdict: Kind::VisibleAfterRemoval,
    seams: || Arc::new(Reads(Remembered::default)),
    setup: usual,
    script: |world| {
        Box::pin(async move {
            make_channel(world).await?;
            world.tell_all(0, "one").await?;
            world.tell_all(2, "from somebody else").await?;
            world.rest(5_000).await;
            let (conversation, users) = (world.group, vec![world.users[2].clone()]);
            by_the_owner(world, Command::Kick { conversation, users }).await?;
            world.tell_all(0, "two").await?;
            world.rest(5_000).await;
            Ok(())
        })
    },
};
