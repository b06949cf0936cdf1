//! The task of one connection attempt: opens the link, then carries bytes both ways until either side ends.

use anser_client::io::{self, Attempt};
use anser_types::Refusal;
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::endpoint::Endpoint;
use crate::transports::{Dialer, LinkReader, LinkWriter, refusal_in};

/// Pieces of bytes on their way to the writer; a full queue makes the driver keep them.
const OUTGOING: usize = 64;
/// Time for the last bytes and the goodbye of a connection that is given up.
const CLOSE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(2);

/// What a connection tells the driver.
#[derive(Debug)]
pub(super) enum ConnectionEvent {
    /// By the other way that is named, or by the one that was asked for.
    Opened(Option<io::Endpoint>),
    Failed(Refusal),
    Bytes(Bytes),
    Closed(String),
}

/// The driver's end of a connection. Dropping it sends what was handed over and closes the link.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) attempt: Attempt,
    pub(super) outgoing: mpsc::Sender<Bytes>,
    /// Dropped with it, which the task notices also while a write hangs on a dead link.
    _held: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Connection {
    /// Starts the attempt: this way, and the others beside it when it takes long.
    pub(super) fn start(
        attempt: Attempt,
        endpoint: io::Endpoint,
        others: Vec<io::Endpoint>,
        dialer: Dialer,
        events: mpsc::Sender<(Attempt, ConnectionEvent)>,
    ) -> Self {
        let (outgoing, queue) = mpsc::channel(OUTGOING);
        let (held, given_up) = oneshot::channel();
        let driver = Driver { events, outgoing: queue, given_up };
        let ways = std::iter::once(endpoint).chain(others).collect();
        let task = tokio::spawn(run(attempt, ways, dialer, driver));
        Self { attempt, outgoing, _held: held, task }
    }

    /// Gives it up; the task ends once the goodbye has arrived, or its time is over.
    pub(super) fn leave(self) -> JoinHandle<()> {
        self.task
    }
}

/// The task's end of a connection.
struct Driver {
    events: mpsc::Sender<(Attempt, ConnectionEvent)>,
    outgoing: mpsc::Receiver<Bytes>,
    /// Ends when the driver gives the connection up.
    given_up: oneshot::Receiver<()>,
}

async fn run(attempt: Attempt, mut ways: Vec<io::Endpoint>, dialer: Dialer, mut driver: Driver) {
    let endpoints: Vec<Endpoint> = ways.iter().map(Endpoint::from_core).collect();
    let opened = tokio::select! {
        biased;
        _ = &mut driver.given_up => return,
        opened = dialer.open_first(&endpoints) => opened,
    };
    let last = match opened {
        Err(refusal) => ConnectionEvent::Failed(refusal),
        Ok((which, link)) => {
            let opened = ConnectionEvent::Opened((which > 0).then(|| ways.swap_remove(which)));
            if driver.events.send((attempt, opened)).await.is_err() {
                return;
            }
            match carry(link.reader, link.writer, attempt, &mut driver).await {
                Some(ended) => ended,
                None => return,
            }
        }
    };
    // Without a driver nobody needs to know.
    drop(driver.events.send((attempt, last)).await);
}

/// Carries bytes until the connection ends (the last event says why) or the driver gives it up (`None`).
async fn carry(
    mut reader: LinkReader,
    mut writer: LinkWriter,
    attempt: Attempt,
    driver: &mut Driver,
) -> Option<ConnectionEvent> {
    let Driver { events, outgoing, given_up } = driver;
    let ended = {
        let writing = async {
            while let Some(bytes) = outgoing.recv().await {
                if let Err(error) = writer.write(bytes).await {
                    return Some(error.to_string());
                }
            }
            None
        };
        let giving_up = async {
            // Ends by the sender's drop; nothing is ever sent.
            drop(given_up.await);
            tokio::time::sleep(CLOSE_TIMEOUT).await;
        };
        let unwritten = tokio::select! {
            biased;
            unwritten = writing => unwritten,
            ended = read(&mut reader, attempt, events) => return close(writer, Some(ended)).await,
            () = giving_up => return None,
        };
        match unwritten {
            // Why the server takes no more may still be on its way.
            Some(error) => {
                let last_words = read(&mut reader, attempt, events);
                match tokio::time::timeout(CLOSE_TIMEOUT, last_words).await {
                    Ok(refused @ ConnectionEvent::Failed(_)) => Some(refused),
                    _ => Some(ConnectionEvent::Closed(error)),
                }
            }
            None => None,
        }
    };
    close(writer, ended).await
}

async fn close(mut writer: LinkWriter, ended: Option<ConnectionEvent>) -> Option<ConnectionEvent> {
    if tokio::time::timeout(CLOSE_TIMEOUT, writer.close()).await.is_err() {
        tracing::debug!("the connection did not close in time and is dropped");
    }
    ended
}

/// Reads until the connection ends, and says why it did.
async fn read(
    reader: &mut LinkReader,
    attempt: Attempt,
    events: &mpsc::Sender<(Attempt, ConnectionEvent)>,
) -> ConnectionEvent {
    let closed = |why: &str| ConnectionEvent::Closed(why.to_owned());
    loop {
        match reader.read().await {
            Ok(Some(bytes)) => {
                if events.send((attempt, ConnectionEvent::Bytes(bytes))).await.is_err() {
                    return closed("the client is closed");
                }
            }
            Ok(None) => return closed("the server closed the connection"),
            Err(error) => {
                return match refusal_in(&error) {
                    Some(refusal) => ConnectionEvent::Failed(refusal),
                    None => ConnectionEvent::Closed(error.to_string()),
                };
            }
        }
    }
}
