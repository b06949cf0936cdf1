//! What nobody needs goes: uploads to which nothing comes any more, files that no message holds, bytes that no file has.

use std::sync::Weak;
use std::time::Duration;

use anser_types::{Refusal, UnixMs};
use tokio_util::sync::CancellationToken;

use super::{Filing, store_refusal};
use crate::metrics;
use crate::service::Service;
use crate::trim::{ClockWatch, ticked, ticks};

/// Files and contents that go in one step.
const TOGETHER: usize = 100;

/// Looks again and again. While the clock is not believed nothing goes.
pub(crate) async fn run(service: Weak<Service>, every: Duration, stop: CancellationToken) {
    let mut ticks = ticks(every);
    let mut watch = None;
    while ticked(&mut ticks, &stop).await {
        let Some(service) = service.upgrade() else { return };
        let now = service.clock().now();
        let watch = watch.get_or_insert_with(|| ClockWatch::new(now));
        let Some(now) = watch.if_believed(now) else { continue };
        if let Err(refusal) = service.collect_files(now).await {
            tracing::warn!(%refusal, "files that nobody needs were not removed");
        }
    }
}

impl Service {
    /// Removes what nobody needs at this time: old uploads, files that no message has held for long, bytes that no file has.
    /// Done again and again by itself.
    ///
    /// # Errors
    /// What the store or the place of files says; the next time goes on.
    pub async fn collect_files(&self, now: UnixMs) -> Result<(), Refusal> {
        collect(self.filing()?, now).await
    }
}

async fn collect(filing: &Filing, now: UnixMs) -> Result<(), Refusal> {
    let before = |keep_ms: u64| UnixMs(now.0.saturating_sub(keep_ms));
    for id in filing.unfinished().await?.old(before(filing.settings.upload_keep_ms)) {
        filing.give_up(id).await?;
        metrics::uploads_given_up(1);
    }
    let until = before(filing.settings.unheld_keep_ms);
    loop {
        let unheld = filing.known.unheld(until, TOGETHER).await;
        let unheld = unheld.map_err(store_refusal)?;
        let all = unheld.len() < TOGETHER;
        if !unheld.is_empty() {
            let removed = filing.known.remove_files(unheld, until).await;
            metrics::files_removed(removed.map_err(store_refusal)?);
        }
        if all {
            break;
        }
    }
    filing.remove_doomed().await
}

impl Filing {
    async fn remove_doomed(&self) -> Result<(), Refusal> {
        loop {
            let doomed = self.known.doomed(TOGETHER).await.map_err(store_refusal)?;
            let all = doomed.len() < TOGETHER;
            for sha256 in doomed {
                self.remove_bytes(sha256).await?;
            }
            if all {
                return Ok(());
            }
        }
    }
}
