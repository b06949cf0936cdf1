//! Work beside the pushes of followed channels: letting go of reactions that were held, and comparing the logs with what
//! the followers were told, so that not even a lost last hint stays lost. One read per channel, however many follow it.

use std::sync::Arc;
use std::time::Duration;

use anser_backend::Conversations;
use tokio_util::sync::CancellationToken;

use crate::fanout::feeds::Feeds;
use crate::fanout::route::Wakes;
use crate::trim::{ticked, ticks};

/// Sweeps again and again until stopped.
pub(crate) async fn sweep_channels(
    conversations: Arc<dyn Conversations>,
    feeds: Arc<Feeds>,
    every: Duration,
    stop: CancellationToken,
) {
    let mut ticks = ticks(every);
    while ticked(&mut ticks, &stop).await {
        let mut wakes = Wakes::default();
        for (id, told) in feeds.told() {
            match conversations.heads(id).await {
                Ok(heads) if heads != told => feeds.found(id, heads, &mut wakes),
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "followed channels were not compared with their logs");
                    break;
                }
            }
        }
        wakes.wake_all();
    }
}

/// Lets go of held reactions beat by beat as long as somebody reacts, until stopped. Without reactions it sleeps.
pub(crate) async fn pace_reactions(feeds: Arc<Feeds>, beat: Duration, stop: CancellationToken) {
    while stop.run_until_cancelled(feeds.reacted()).await.is_some() {
        let mut ticks = ticks(beat);
        // The first tick of a timer is now.
        ticks.reset();
        while ticked(&mut ticks, &stop).await {
            let mut wakes = Wakes::default();
            let goes_on = feeds.beat(&mut wakes);
            wakes.wake_all();
            if !goes_on {
                break;
            }
        }
    }
}
