//! The task of one connection attempt: opens the link, then carries bytes both ways until either side ends.

use anser_client::io::Attempt;
use anser_types::Refusal;
use bytes::Bytes;
use tokio::sync::mpsc;

use crate::endpoint::Endpoint;
use crate::transports::{Dialer, LinkReader, LinkWriter};

/// Pieces of bytes on their way to the writer; a full queue makes the driver keep them.
const OUTGOING: usize = 64;
/// Time for the last bytes and the goodbye of a connection that is given up.
const CLOSE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(2);

/// What a connection tells the driver.
#[derive(Debug)]
pub(super) enum ConnectionEvent {
    Opened,
    Failed(Refusal),
    Bytes(Bytes),
    Closed(String),
}

/// The driver's end of a connection. Dropping it sends what was handed over and closes the link.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) attempt: Attempt,
    pub(super) outgoing: mpsc::Sender<Bytes>,
}

impl Connection {
    /// Starts the attempt.
    pub(super) fn start(
        attempt: Attempt,
        endpoint: Endpoint,
        dialer: Dialer,
        events: mpsc::Sender<(Attempt, ConnectionEvent)>,
    ) -> Self {
        let (outgoing, queue) = mpsc::channel(OUTGOING);
        tokio::spawn(run(attempt, endpoint, dialer, events, queue));
        Self { attempt, outgoing }
    }
}

async fn run(
    attempt: Attempt,
    endpoint: Endpoint,
    dialer: Dialer,
    events: mpsc::Sender<(Attempt, ConnectionEvent)>,
    mut outgoing: mpsc::Receiver<Bytes>,
) {
    let opened = tokio::select! {
        biased;
        // Nothing is sent before the link is open: whatever comes here is the end of the attempt.
        _ = outgoing.recv() => return,
        opened = dialer.open(&endpoint) => opened,
    };
    let last = match opened {
        Err(refusal) => ConnectionEvent::Failed(refusal),
        Ok(link) => {
            if events.send((attempt, ConnectionEvent::Opened)).await.is_err() {
                return;
            }
            match carry(link.reader, link.writer, attempt, &events, &mut outgoing).await {
                Some(why) => ConnectionEvent::Closed(why),
                None => return,
            }
        }
    };
    // Without a driver nobody needs to know.
    drop(events.send((attempt, last)).await);
}

/// Carries bytes until the connection ends (says why) or the driver gives it up (`None`).
async fn carry(
    mut reader: LinkReader,
    mut writer: LinkWriter,
    attempt: Attempt,
    events: &mpsc::Sender<(Attempt, ConnectionEvent)>,
    outgoing: &mut mpsc::Receiver<Bytes>,
) -> Option<String> {
    let ended = {
        let writing = async {
            while let Some(bytes) = outgoing.recv().await {
                if let Err(error) = writer.write(bytes).await {
                    return Some(error.to_string());
                }
            }
            None
        };
        let reading = async {
            loop {
                match reader.read().await {
                    Ok(Some(bytes)) => {
                        let event = (attempt, ConnectionEvent::Bytes(bytes));
                        if events.send(event).await.is_err() {
                            return "the client is closed".to_owned();
                        }
                    }
                    Ok(None) => return "the server closed the connection".to_owned(),
                    Err(error) => return error.to_string(),
                }
            }
        };
        tokio::select! {
            biased;
            ended = writing => ended,
            why = reading => Some(why),
        }
    };
    if tokio::time::timeout(CLOSE_TIMEOUT, writer.close()).await.is_err() {
        tracing::debug!("the connection did not close in time and is dropped");
    }
    ended
}
