//! Bugs of what users wish for themselves: what they put away, whom they block, what they show, whom they follow.

use std::sync::Arc;

use anser_backend::{Boxed, Conversations, Lists, MemoryBackend, PageLimit, Roster, StoreError};
use anser_client::io::AppEvent;
use anser_client::records::Record;
use anser_service::Ports;
use anser_sim::bend::{BendLists, BendReads, BentLists};
use anser_sim::checker::Kind;
use anser_sim::seams::{Seams, plain_ports};
use anser_sim::store::DeviceStore;
use anser_sim::world::World;
use anser_types::{
    Change, Command, ContactAct, ConversationId, Item, ItemKey, Presence, Seq, SetOptions,
    SetSettings, Target,
};
use anyhow::{Context, Result};

use super::reads::Reads;
use super::{Bug, two_people, usual};

/// The first user's other device in the usual setup.
const DESKTOP: usize = 4;

async fn does(world: &World, device: usize, command: Command) -> Result<()> {
    world.devices[device].compose(command).await.context("the device is off")??;
    world.rest(5_000).await;
    Ok(())
}

/// A bend of the lists alone, made anew for every process.
struct OfLists<B>(fn() -> B);

impl<B: BendLists + 'static> Seams for OfLists<B> {
    fn ports(&self, backend: &MemoryBackend) -> Ports {
        let ports = plain_ports(backend);
        let lists = Arc::new(BentLists { inner: ports.lists, bend: Arc::new((self.0)()) });
        Ports { lists, ..ports }
    }
}

/// Nobody asks which messages somebody has removed for themselves.
struct RemovedUnasked;

impl BendLists for RemovedUnasked {
    fn items<'a>(
        &'a self,
        inner: &'a dyn Lists,
        id: ConversationId,
        (prefix, after): (ItemKey, ItemKey),
        limit: PageLimit,
    ) -> Boxed<'a, Result<Vec<Arc<Change>>, StoreError>> {
        Box::pin(async move {
            let mut items = inner.items(id, prefix, after, limit).await?;
            items.retain(|change| !matches!(change.item(), Some(Item::Hidden { .. })));
            Ok(items)
        })
    }
}

pub const REMOVED_STILL_GIVEN: Bug = Bug {
    name: "history without a look at what was removed",
    promise: "G12",
    seam: "lists",
    workload: "a message is removed for oneself",
    verdict: Kind::NotPutAway,
    seams: || Arc::new(OfLists(|| RemovedUnasked)),
    setup: usual,
    script: |world| {
        Box::pin(async move {
            for text in ["one", "two", "three"] {
                world.tell(0, 1, text).await?;
            }
            world.rest(5_000).await;
            let at = Target::User(world.users[0].clone());
            does(world, 1, Command::Hide { at, seqs: vec![Seq(2)] }).await
        })
    },
};

/// A device forgets all its lists when a rebuild begins to give them again.
struct ForgetsAll;

impl Seams for ForgetsAll {
    fn stores(&self, store: &mut DeviceStore, records: &[Record]) {
        if records.contains(&Record::ItemsForgotten) {
            store.forget_put_away();
        }
        store.apply(records);
    }
}

pub const SHOWN_MEANWHILE: Bug = Bug {
    name: "lists forgotten before a rebuild gives them again",
    promise: "G12",
    seam: "device store",
    workload: "a conversation is cleared; a device that knows it is away for long, and its rebuild takes several pages",
    verdict: Kind::NotPutAway,
    seams: || Arc::new(ForgetsAll),
    setup: |setup| {
        setup.service.inbox_keep = 12;
        setup.service.trim_every_ms = 2_000;
        setup.page_entries = 2;
    },
    script: |world| {
        Box::pin(async move {
            let of = |user: usize| Target::User(world.users[user].clone());
            for user in 1..4 {
                let remark = ContactAct::Remark(format!("the {user}. friend"));
                let user = world.users[user].clone();
                does(world, 0, Command::Contact { user, act: remark }).await?;
            }
            for text in ["one", "two", "three"] {
                world.tell(0, 1, text).await?;
            }
            world.rest(5_000).await;
            let set = SetOptions { cleared_up_to: Some(Seq(2)), ..SetOptions::default() };
            does(world, 0, Command::SetOptions { at: of(1), set }).await?;
            world.devices[DESKTOP].kill_within(true).await;
            for n in 0..30 {
                world.tell(0, 2, &format!("message {n}")).await?;
            }
            world.rest(30_000).await;
            world.devices[DESKTOP].switch_on();
            world.rest(10_000).await;
            Ok(())
        })
    },
};

/// Nobody remembers who takes nothing from the other one.
struct TakesAll;

impl BendReads for TakesAll {
    fn roster<'a>(
        &'a self,
        inner: &'a dyn Conversations,
        id: ConversationId,
    ) -> Boxed<'a, Result<Option<Arc<Roster>>, StoreError>> {
        Box::pin(async move {
            let Some(roster) = inner.roster(id).await? else { return Ok(None) };
            let mut roster = Roster::clone(&roster);
            roster.members.iter_mut().for_each(|member| member.refuses = false);
            Ok(Some(Arc::new(roster)))
        })
    }
}

pub const HEARD_THOUGH_BLOCKED: Bug = Bug {
    name: "blocks not looked at",
    promise: "G12, G13",
    seam: "reads",
    workload: "somebody is blocked and goes on talking",
    verdict: Kind::HeardThoughBlocked,
    seams: || Arc::new(Reads(|| TakesAll)),
    setup: two_people,
    script: |world| {
        Box::pin(async move {
            world.tell(0, 1, "one").await?;
            world.rest(5_000).await;
            let user = world.users[0].clone();
            does(world, 1, Command::Contact { user, act: ContactAct::Block }).await?;
            world.tell(0, 1, "two").await?;
            world.rest(5_000).await;
            Ok(())
        })
    },
};

/// Everybody's settings are the usual ones.
struct UsualSettings;

impl BendLists for UsualSettings {
    fn item<'a>(
        &'a self,
        inner: &'a dyn Lists,
        id: ConversationId,
        key: ItemKey,
    ) -> Boxed<'a, Result<Option<Arc<Change>>, StoreError>> {
        if key == ItemKey::settings() {
            return Box::pin(async { Ok(None) });
        }
        inner.item(id, key)
    }
}

pub const READ_TOLD: Bug = Bug {
    name: "settings not read after a restart",
    promise: "G14",
    seam: "lists",
    workload: "somebody keeps to themselves how far they have read, the server is restarted, and they read on",
    verdict: Kind::ReadTold,
    seams: || Arc::new(OfLists(|| UsualSettings)),
    setup: two_people,
    script: |world| {
        Box::pin(async move {
            world.tell(0, 1, "one").await?;
            world.rest(5_000).await;
            let set = SetSettings { show_read: Some(false), ..SetSettings::default() };
            does(world, 1, Command::SetSettings(set)).await?;
            world.server.crash_and_restart();
            world.rest(10_000).await;
            let at = Target::User(world.users[0].clone());
            does(world, 1, Command::MarkRead { at, up_to: Seq(1) }).await
        })
    },
};

/// Who goes is told to nobody.
struct GoesUntold;

impl Seams for GoesUntold {
    fn tells(&self, event: &AppEvent) -> bool {
        !matches!(event, AppEvent::PresenceChanged { presence: Presence::Offline { .. }, .. })
    }
}

pub const WENT_UNTOLD: Bug = Bug {
    name: "who went is not told",
    promise: "G15",
    seam: "app",
    workload: "somebody follows another one, who goes",
    verdict: Kind::WrongPresence,
    seams: || Arc::new(GoesUntold),
    setup: two_people,
    script: |world| {
        Box::pin(async move {
            world.devices[0].follow(world.users.clone()).await;
            world.rest(5_000).await;
            world.devices[1].kill_within(true).await;
            world.rest(30_000).await;
            Ok(())
        })
    },
};
