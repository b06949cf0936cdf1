//! Bugs of a client: its store and its numbers.

use std::sync::Arc;

use anser_client::io::Identity;
use anser_client::records::{Record, Snapshot};
use anser_sim::checker::Kind;
use anser_sim::seams::Seams;
use anser_types::CommandNo;
use anyhow::bail;

use super::{Bug, two_people};

/// The position is written before what it stands for; a crash comes in between.
struct CursorFirst;

impl Seams for CursorFirst {
    fn torn<'a>(&self, records: &'a [Record]) -> &'a [Record] {
        match records.last() {
            Some(Record::DeviceState(_)) => &records[records.len() - 1..],
            _ => &[],
        }
    }
}

pub const CURSOR_BEFORE_STORE: Bug = Bug {
    name: "cursor advanced before the store",
    promise: "G9, G10",
    seam: "device store",
    workload: "a device dies while it stores a message, then more come",
    verdict: Kind::Hole,
    seams: || Arc::new(CursorFirst),
    setup: two_people,
    script: |world| {
        Box::pin(async move {
            for n in 0..50 {
                world.tell(0, 1, &format!("message {n}")).await?;
                for _ in 0..100 {
                    if world.devices[1].is_storing() {
                        world.devices[1].kill_within(false).await;
                        world.rest(5_000).await;
                        world.devices[1].switch_on();
                        world.tell(0, 1, "the last").await?;
                        world.rest(5_000).await;
                        return Ok(());
                    }
                    world.rest(1).await;
                }
            }
            bail!("no transaction took long enough")
        })
    },
};

/// A store that went back to an old copy simply goes on with the numbers the server expects.
struct Resumes;

impl Seams for Resumes {
    fn loads(&self, _device: &Identity, mut stored: Snapshot) -> Snapshot {
        stored.device.highest_used = CommandNo(1_000_000);
        stored
    }
}

pub const NUMBERS_RESUMED: Bug = Bug {
    name: "numbers resumed after a client-store restore",
    promise: "G3",
    seam: "device store",
    workload: "a device is restored from an old copy in whose outbox stands what was sent since",
    verdict: Kind::Duplicate,
    seams: || Arc::new(Resumes),
    setup: |setup| setup.page_entries = 2,
    script: |world| {
        Box::pin(async move {
            world.tell(0, 1, "one").await?;
            world.rest(5_000).await;
            world.devices[0].plug.set_pulled(true);
            world.tell(0, 1, "two").await?;
            world.rest(1_000).await;
            let copy = world.devices[0].copy_store();
            for n in 0..30 {
                world.tell(1, 0, &format!("message {n}")).await?;
            }
            world.rest(5_000).await;
            world.devices[0].plug.set_pulled(false);
            world.rest(30_000).await;
            world.devices[0].restore(copy).await;
            world.devices[0].switch_on();
            world.rest(60_000).await;
            Ok(())
        })
    },
};
