//! The frame of every command that signs in: open the client, do the work, close it so that the next command finds
//! its store free.

use std::future::Future;
use std::time::Duration;

use anser_sdk::{Client, ConnectionState};
use anser_types::{ErrorCode, Refusal};

use crate::identity::{self, Purpose, Who};

/// Runs `work` with the client of a user, and closes it however that ends.
///
/// # Errors
/// What the sign-in or the work ends with.
pub async fn with_client<T, F>(who: &Who, work: impl FnOnce(Client) -> F) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<T>>,
{
    let place = who.place.find()?;
    let client = identity::open(who, &place, Purpose::Command).await?;
    let result = work(client.clone()).await;
    client.close().await;
    result
}

/// Waits until a session is open.
///
/// # Errors
/// Why there is none: at once when none will come by itself, else after `patience` with the last reason.
pub async fn connected(client: &Client, patience: Duration) -> Result<(), Refusal> {
    match tokio::time::timeout(patience, client.wait_connected()).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(not_in_time(client, patience)),
    }
}

/// Waits until a session is open and everything that was missed is here.
///
/// # Errors
/// As [`connected`].
pub async fn up_to_date(client: &Client, patience: Duration) -> Result<(), Refusal> {
    match tokio::time::timeout(patience, client.wait_synced()).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(not_in_time(client, patience)),
    }
}

fn not_in_time(client: &Client, patience: Duration) -> Refusal {
    let seconds = patience.as_secs();
    match client.state() {
        ConnectionState::Disconnected { reason, .. } => reason,
        _ => Refusal::because(ErrorCode::TimedOut, format!("not within {seconds} s (--timeout)")),
    }
}

/// Seconds on the command line as a duration.
#[must_use]
pub const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
