//! The QUIC listener (RFC 9000, 9001): lets connections in that prove where they are, and gives the one stream that the
//! client opens to the same actor as every other transport.
//!
//! The sender of a UDP packet can write any address into it. So a connection takes a place among those of its address
//! only when the address is proven: by the handshake, or, while many handshakes are under way, by a Retry before it
//! (RFC 9000, section 8.1), which costs the server nothing.

mod reset_key;
mod settings;
#[cfg(test)]
mod tests;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use anser_types::ErrorCode;
use quinn::{Connecting, Connection, ConnectionError, Endpoint, Incoming};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

pub use self::reset_key::ResetKey;
use self::settings::Present;
pub(crate) use self::settings::SESSION_WINDOW;
use crate::config::{ListenerKind, TlsSource};
use crate::conn::{self, QuicTransport, Settings};
use crate::listen::House;
use crate::metrics;
use crate::places::{Full, Place};

/// Handshakes under way at once; each costs about a millisecond of one processor. More wait at the client.
pub(crate) const HANDSHAKES: usize = 1_024;
/// Handshakes under way from which on an address must be proven before anything is done for it.
const RETRY_FROM: usize = 64;

/// Pause before a socket that failed is opened again; it grows twofold each time up to the second.
const REOPEN_AFTER: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(5)];

/// A listener.
pub(crate) struct Door {
    present: Present,
    address: SocketAddr,
    /// `None` when its socket has failed.
    endpoint: Option<Endpoint>,
}

/// Opens a listener. Must be called within a tokio runtime.
///
/// # Errors
/// What the system says of the address, or why the certificate does not do for QUIC.
pub(crate) fn listen(
    address: SocketAddr,
    (tls, reset_key): (TlsSource, Option<ResetKey>),
    connection: &Settings,
) -> io::Result<(SocketAddr, Door)> {
    let present = Present::new(tls, reset_key, connection).map_err(io::Error::other)?;
    let endpoint = present.bind(address)?;
    let address = endpoint.local_addr()?;
    Ok((address, Door { present, address, endpoint: Some(endpoint) }))
}

/// Lets connections in until the gateway stops, and stays until those that are in have gone.
pub(crate) async fn accept(mut door: Door, house: Arc<House>) {
    loop {
        let incoming = tokio::select! {
            biased;
            () = house.stop.cancelled() => break,
            incoming = door.next() => incoming,
        };
        door.admit(incoming, &house);
        // In a storm those who are connected have their turn between any two who come.
        tokio::task::yield_now().await;
    }
    if let Some(endpoint) = door.endpoint {
        endpoint.set_server_config(None);
        // Their last words are repeated until they have arrived.
        house.cut.run_until_cancelled(endpoint.wait_idle()).await;
    }
}

impl Door {
    /// The next who comes. A socket that fails is opened again: its connections have ended, new ones are taken. Cancel
    /// safe.
    async fn next(&mut self) -> Incoming {
        loop {
            let Some(endpoint) = &self.endpoint else {
                self.endpoint = Some(self.reopen().await);
                continue;
            };
            if let Some(incoming) = endpoint.accept().await {
                return incoming;
            }
            // The address is free only when nobody has the old socket any more.
            self.endpoint = None;
            metrics::listener_failed(ListenerKind::Quic);
            tracing::error!(address = %self.address, "the socket of the QUIC listener has failed");
        }
    }

    async fn reopen(&self) -> Endpoint {
        let [mut pause, longest] = REOPEN_AFTER;
        loop {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(longest);
            match self.present.bind(self.address) {
                Ok(endpoint) => {
                    tracing::info!(address = %self.address, "the QUIC listener is open again");
                    return endpoint;
                }
                Err(error) => {
                    tracing::error!(
                        address = %self.address, %error, again_in = ?pause,
                        "the QUIC listener cannot be opened again yet"
                    );
                }
            }
        }
    }

    /// Begins a handshake, or not.
    fn admit(&mut self, incoming: Incoming, house: &Arc<House>) {
        let proven = incoming.remote_address_validated();
        let under_way = HANDSHAKES - house.handshakes.available_permits();
        if !proven && under_way >= RETRY_FROM {
            if incoming.retry().is_err() {
                metrics::refused("quic");
            }
            return;
        }
        let Ok(turn) = Arc::clone(&house.handshakes).try_acquire_owned() else {
            // Its client asks again by itself.
            metrics::refused("quic_busy");
            return incoming.ignore();
        };
        let place = match place_of(&incoming, house, proven) {
            Ok(place) => place,
            Err(full) => {
                metrics::refused(full.name());
                return incoming.refuse();
            }
        };
        match incoming.accept_with(self.present.config()) {
            Ok(connecting) => {
                house.tracker.spawn(serve(connecting, place, turn, Arc::clone(house)));
            }
            Err(error) => failed(&error),
        }
    }
}

/// The place of an address that is proven; nothing yet for another one, unless the house is full anyway.
fn place_of(incoming: &Incoming, house: &House, proven: bool) -> Result<Option<Arc<Place>>, Full> {
    if proven {
        let remote = incoming.remote_address().ip();
        return house.places.take(remote, ListenerKind::Quic).map(Some);
    }
    if house.places.all_taken() { Err(Full::Server) } else { Ok(None) }
}

/// Serves one connection. Holds its place until it is over.
async fn serve(
    connecting: Connecting,
    place: Option<Arc<Place>>,
    turn: OwnedSemaphorePermit,
    house: Arc<House>,
) {
    let serving = Box::pin(enter(connecting, place, turn, &house));
    // At the end of draining: nothing that was acknowledged is lost by it.
    house.cut.run_until_cancelled(serving).await;
}

/// Handshake and first stream within the time for a Hello, then the session.
async fn enter(
    connecting: Connecting,
    place: Option<Arc<Place>>,
    turn: OwnedSemaphorePermit,
    house: &House,
) {
    let by = Instant::now() + house.connection.hello_timeout;
    let connection = match timeout_at(by, connecting).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return failed(&error),
        Err(_) => return metrics::refused("quic_timeout"),
    };
    drop(turn);
    let place = match place {
        Some(place) => Ok(place),
        None => house.places.take(connection.remote_address().ip(), ListenerKind::Quic),
    };
    let transport = match timeout_at(by, stream_of(connection)).await {
        Ok(Ok(transport)) => transport,
        Ok(Err(error)) => return failed(&error),
        Err(_) => return metrics::refused("quic_timeout"),
    };
    match place {
        Ok(place) => {
            conn::run(transport, Arc::clone(&house.service), Arc::clone(&house.connection)).await;
            drop(place);
        }
        Err(full) => refuse(transport, full, house).await,
    }
}

/// The stream that the client opens. It is there with its first bytes.
async fn stream_of(connection: Connection) -> Result<QuicTransport, ConnectionError> {
    let (send, receive) = connection.accept_bi().await?;
    Ok(QuicTransport::new(connection, send, receive))
}

fn failed(error: &ConnectionError) {
    tracing::debug!(%error, "a QUIC handshake failed");
    metrics::refused("quic");
}

/// Says that there is no room: after a handshake it costs little more.
async fn refuse(transport: QuicTransport, full: Full, house: &House) {
    metrics::refused(full.name());
    tracing::debug!(reason = full.name(), "a connection is refused");
    if let Ok(_turn) = house.polite.try_acquire() {
        conn::refuse(transport, conn::refusal(ErrorCode::TooManyConnections, &house.connection))
            .await;
    }
}
