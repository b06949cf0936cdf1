//! The doors: accepts connections while there are places, and says goodbye to all of them when the server drains.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anser_service::{Service, Turns};
use anser_types::ErrorCode;
use rustls::server::Acceptor;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{GatewayConfig, ListenerConfig, ListenerKind, TlsSource};
use crate::conn::{self, Settings, Stream};
use crate::http;
use crate::metrics;
use crate::places::{Full, Place, Places, Room};
use crate::quic;

/// Connections the system may hold before they are accepted: a storm of reconnects must not be dropped.
const BACKLOG: u32 = 4_096;
/// Pause when the system has no more open files: accepting again at once would only burn the processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Refusals that are said politely at once; beyond, a connection is dropped without a word.
const POLITE_REFUSALS: usize = 64;
/// TLS handshakes that are answered before everybody else has their turn: each costs about half a millisecond of one
/// processor.
const TLS_IN_A_ROUND: usize = 1;
/// How often rate limits forget addresses and metrics are tidied.
const TIDY_EVERY: Duration = Duration::from_secs(60);

/// Why a gateway cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// An address cannot be taken.
    #[error("cannot listen on {address} ({}): {error}", kind.name())]
    Address {
        /// Which.
        address: SocketAddr,
        /// For what.
        kind: ListenerKind,
        /// What the system says.
        error: io::Error,
    },
    /// A listener needs a certificate and there is none.
    #[error("{} on {address} needs a certificate and a key", kind.name())]
    NoCertificate {
        /// Which.
        address: SocketAddr,
        /// For what.
        kind: ListenerKind,
    },
}

/// What every connection may need.
pub(crate) struct House {
    pub(crate) service: Arc<Service>,
    pub(crate) connection: Arc<Settings>,
    pub(crate) tracker: TaskTracker,
    /// Cut when the time for draining is over.
    pub(crate) cut: CancellationToken,
    /// No new connections or requests.
    pub(crate) stop: CancellationToken,
    pub(crate) places: Arc<Places>,
    pub(crate) polite: Arc<Semaphore>,
    /// Turns for handshakes of QUIC.
    pub(crate) handshakes: Arc<Semaphore>,
    /// Turns for handshakes of TLS over TCP.
    tls_turns: Turns,
    tls: Option<TlsSource>,
    router: axum::Router,
}

/// A gateway that listens. Dropping it closes every door and cuts every connection; see [`Gateway::drain`].
#[must_use = "dropping a gateway closes it"]
pub struct Gateway {
    addresses: Vec<(ListenerKind, SocketAddr)>,
    house: Arc<House>,
}

impl Gateway {
    /// Listens on everything the config names, or on nothing. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`ListenError`] names the first listener that cannot be opened.
    pub fn start(config: GatewayConfig, service: Arc<Service>) -> Result<Self, ListenError> {
        let listeners = config
            .listeners
            .iter()
            .map(|listener| open(*listener, &config))
            .collect::<Result<Vec<_>, _>>()?;
        let connection = Arc::new(config.connection);
        let proxies = Arc::new(config.proxies);
        let tracker = TaskTracker::new();
        let cut = CancellationToken::new();
        let stop = CancellationToken::new();
        let api = http::Api::new(
            Arc::clone(&service),
            Arc::clone(&connection),
            http::Doors { tracker: tracker.clone(), cut: cut.clone() },
            http::Manners {
                proxies: Arc::clone(&proxies),
                origins: Arc::new(config.origins),
                sign_ins_per_minute: config.sign_ins_per_minute,
                registrations_per_hour: config.registrations_per_hour,
                metrics: config.metrics,
                backups: config.backups,
            },
        );
        let house = Arc::new(House {
            service,
            connection,
            places: Places::new(Room {
                all: config.connections,
                per_address: config.connections_per_address,
                per_minute: config.connections_per_minute,
                loopback_is_exempt: config.loopback_is_exempt,
                proxies,
            }),
            polite: Arc::new(Semaphore::new(POLITE_REFUSALS)),
            handshakes: Arc::new(Semaphore::new(quic::HANDSHAKES)),
            tls_turns: Turns::new(TLS_IN_A_ROUND),
            tls: config.tls,
            router: http::router(Arc::clone(&api)),
            tracker,
            cut,
            stop,
        });
        let mut addresses = Vec::with_capacity(listeners.len());
        for (kind, address, listener) in listeners {
            addresses.push((kind, address));
            let house = Arc::clone(&house);
            match listener {
                Listener::Tcp(listener) => {
                    house.tracker.clone().spawn(accept(listener, kind, house));
                }
                Listener::Quic(door) => {
                    house.tracker.clone().spawn(quic::accept(door, house));
                }
            }
        }
        house.tracker.spawn(tidy(api, Arc::clone(&house.places), house.stop.clone()));
        Ok(Self { addresses, house })
    }

    /// Where it listens, in the order of the config, with the ports that were taken.
    #[must_use]
    pub fn addresses(&self) -> Vec<(ListenerKind, SocketAddr)> {
        self.addresses.clone()
    }

    /// Stops accepting, tells every session to come back later (each at its own time), waits until they have their
    /// answers and are gone, and cuts what is left after the time for draining.
    pub async fn drain(&self) {
        self.house.stop.cancel();
        self.house.service.drain().await;
        self.house.tracker.close();
        let all_gone = self.house.tracker.wait();
        if timeout(self.house.connection.drain, all_gone).await.is_err() {
            tracing::warn!(left = self.house.tracker.len(), "connections are cut after draining");
            self.house.cut.cancel();
            self.house.tracker.wait().await;
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.house.stop.cancel();
        self.house.cut.cancel();
    }
}

/// A listener that is open.
enum Listener {
    Tcp(TcpListener),
    Quic(quic::Door),
}

fn open(
    listener: ListenerConfig,
    config: &GatewayConfig,
) -> Result<(ListenerKind, SocketAddr, Listener), ListenError> {
    let ListenerConfig { address, kind } = listener;
    let opened = match (kind, &config.tls) {
        (ListenerKind::Quic, Some(tls)) => {
            let keys = (Arc::clone(tls), config.reset_key.clone());
            quic::listen(address, keys, &config.connection)
                .map(|(address, door)| (address, Listener::Quic(door)))
        }
        (kind, None) if kind.is_encrypted() => {
            return Err(ListenError::NoCertificate { address, kind });
        }
        _ => listen(address).map(|(address, listener)| (address, Listener::Tcp(listener))),
    };
    let (address, listener) =
        opened.map_err(|error| ListenError::Address { address, kind, error })?;
    Ok((kind, address, listener))
}

fn listen(address: SocketAddr) -> io::Result<(SocketAddr, TcpListener)> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?;
    Ok((listener.local_addr()?, listener))
}

/// Accepts until the gateway stops. A connection without a place is refused, never queued.
async fn accept(listener: TcpListener, kind: ListenerKind, house: Arc<House>) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = house.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, remote) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_one_connections_fault(&error) => continue,
            Err(error) => {
                metrics::listener_failed(kind);
                tracing::error!(%error, kind = kind.name(), "cannot accept connections");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection broke before it began");
            continue;
        }
        match house.places.take(remote.ip(), kind) {
            Ok(place) => {
                let serving = serve(stream, remote.ip(), kind, place, Arc::clone(&house));
                house.tracker.spawn(serving);
            }
            Err(full) => refuse(stream, kind, full, &house),
        }
        // In a storm those who are connected have their turn between any two who come.
        tokio::task::yield_now().await;
    }
}

/// The connection went away while it waited; the next one is not concerned.
fn is_one_connections_fault(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(error.kind(), K::ConnectionAborted | K::ConnectionReset | K::Interrupted)
}

/// Serves one connection. Holds its place until it is over.
async fn serve(
    stream: TcpStream,
    remote: IpAddr,
    kind: ListenerKind,
    place: Arc<Place>,
    house: Arc<House>,
) {
    tokio::select! {
        biased;
        // At the end of draining: nothing that was acknowledged is lost by it.
        () = house.cut.cancelled() => {}
        // The plain session stands in the task itself, which is all that an idle connection costs. What is larger (a
        // handshake, TLS, HTTP) has a place of its own, so that nobody else pays for it.
        () = async {
            match kind {
                ListenerKind::Tcp => session(stream, &house).await,
                ListenerKind::Tls => {
                    if let Some(stream) = Box::pin(handshake(stream, kind, &house)).await {
                        session(stream, &house).await;
                    }
                }
                ListenerKind::Http => Box::pin(requests(stream, remote, place, &house)).await,
                ListenerKind::Https => {
                    if let Some(stream) = Box::pin(handshake(stream, kind, &house)).await {
                        Box::pin(requests(stream, remote, place, &house)).await;
                    }
                }
                // Does not come over TCP: see `quic`.
                ListenerKind::Quic => {}
            }
        } => {}
    }
}

async fn session<S>(stream: S, house: &House)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send,
{
    conn::run(Stream(stream), Arc::clone(&house.service), Arc::clone(&house.connection)).await;
}

async fn requests<S>(stream: S, remote: IpAddr, place: Arc<Place>, house: &House)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let guest = http::Guest { peer: remote, place, session: http::Session::default() };
    http::serve(stream, house.router.clone(), guest, &house.stop).await;
}

/// TLS with the certificate of this moment, within the time for a Hello.
async fn handshake(
    stream: TcpStream,
    kind: ListenerKind,
    house: &House,
) -> Option<Box<TlsStream<TcpStream>>> {
    let by = Instant::now() + house.connection.hello_timeout;
    match timeout_at(by, tls(stream, kind, house)).await {
        Ok(Ok(stream)) => stream.map(Box::new),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a TLS handshake failed");
            metrics::refused("tls");
            None
        }
        Err(_) => {
            metrics::refused("tls_timeout");
            None
        }
    }
}

/// Hears what the client offers and answers it when it is its turn, which is what costs. Whoever says nothing keeps
/// nobody waiting, nor does a long way there and back.
async fn tls(
    stream: TcpStream,
    kind: ListenerKind,
    house: &House,
) -> io::Result<Option<TlsStream<TcpStream>>> {
    let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    // Who waits longer would be given up by its client in the middle: none is answered for nobody.
    if timeout(house.connection.hello_timeout / 2, house.tls_turns.wait()).await.is_err() {
        metrics::refused("tls_busy");
        return Ok(None);
    }
    let Some(source) = &house.tls else { return Ok(None) };
    let mut config = rustls::ServerConfig::clone(&*source.load_full());
    // What the certificate's source speaks beside is said over HTTPS alone (RFC 8737: proofs of names).
    if kind != ListenerKind::Https {
        config.alpn_protocols.clear();
    }
    config.alpn_protocols.insert(0, kind.alpn().to_vec());
    let stream = hello.into_stream(Arc::new(config)).await?;
    // Whoever came for a proof has seen it.
    let spoken = stream.get_ref().1.alpn_protocol();
    let comes_in = spoken.is_none_or(|spoken| spoken == kind.alpn());
    Ok(comes_in.then_some(stream))
}

/// Says that there is no room, where that costs little: a TLS handshake for a refusal would not.
fn refuse(stream: TcpStream, kind: ListenerKind, full: Full, house: &House) {
    metrics::refused(full.name());
    tracing::debug!(reason = full.name(), "a connection is refused");
    let words = match kind {
        ListenerKind::Tcp => conn::refusal(ErrorCode::TooManyConnections, &house.connection),
        ListenerKind::Http => http::problem::raw(ErrorCode::TooManyConnections),
        ListenerKind::Tls | ListenerKind::Quic | ListenerKind::Https => return,
    };
    let Ok(turn) = Arc::clone(&house.polite).try_acquire_owned() else {
        return;
    };
    let cut = house.cut.clone();
    house.tracker.spawn(async move {
        cut.run_until_cancelled(conn::refuse(Stream(stream), words)).await;
        drop(turn);
    });
}

/// Keeps what grows with the number of addresses small.
async fn tidy(api: Arc<http::Api>, places: Arc<Places>, stop: CancellationToken) {
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(TIDY_EVERY) => {
                api.tidy();
                places.tidy();
            }
        }
    }
}
