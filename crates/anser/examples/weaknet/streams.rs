//! The relay of a phone's TCP connections. What happens when is decided by the model of [`Flow`]; here are the sockets.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use rand::rngs::SmallRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use super::flow::{Arrival, Flow, SEGMENT_BYTES};
use super::link::Shared;
use super::weather::{Fate, Way};

/// What a captive portal says to whoever speaks to anybody.
const PORTAL_SAYS: &[u8] = b"HTTP/1.1 302 Found\r\nLocation: http://portal.example/login\r\n\
    Content-Length: 0\r\nConnection: close\r\n\r\n";
/// Bytes of the answer of a portal that speaks something else.
const PORTAL_NOISE_BYTES: usize = 200;

/// Takes the phone's connections for as long as the link is there.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    // A listener on loopback that fails has been taken away.
    while let Ok((phone, _)) = listener.accept().await {
        connections.spawn(connection(phone, Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}

/// A connection, to its end. Whoever fails on either side ends it on both, as a reset does.
async fn connection(phone: TcpStream, shared: Arc<Shared>) {
    let now = shared.now();
    let seed = {
        let mut state = shared.state.lock();
        state.meter.connection(now);
        state.random.next_u64()
    };
    let is_portals = shared.weather.borrow().timetable.portal_answers(now);
    let _ended = if is_portals {
        answer_as_portal(phone, seed, &shared).await
    } else {
        carry(phone, seed, &shared).await
    };
}

/// Hears something, answers with nonsense, closes.
async fn answer_as_portal(mut phone: TcpStream, seed: u64, shared: &Shared) -> std::io::Result<()> {
    let mut said = vec![0; SEGMENT_BYTES];
    let read = phone.read(&mut said).await?;
    shared.state.lock().meter.packet(shared.now(), Way::Up, read);
    let mut random = SmallRng::seed_from_u64(seed);
    let mut answer = PORTAL_SAYS.to_vec();
    if random.random_bool(0.5) {
        answer = vec![0; PORTAL_NOISE_BYTES];
        random.fill_bytes(&mut answer);
    }
    shared.state.lock().meter.packet(shared.now(), Way::Down, answer.len());
    phone.write_all(&answer).await?;
    phone.shutdown().await
}

/// A connection's ends, and which of them still speaks.
struct Ends {
    from: [OwnedReadHalf; 2],
    to: [OwnedWriteHalf; 2],
    speaks: [bool; 2],
}

/// What the relay woke up for.
enum Woken {
    Time,
    Weather,
    Said(Way, std::io::Result<Arrival>),
}

async fn carry(phone: TcpStream, seed: u64, shared: &Shared) -> std::io::Result<()> {
    let mut changes = shared.weather.subscribe();
    let mut weather = changes.borrow_and_update().clone();
    let mut flow = Flow::new(shared.now(), seed, &weather);
    let server = TcpStream::connect(shared.upstream).await?;
    for stream in [&phone, &server] {
        stream.set_nodelay(true)?;
    }
    let (from_phone, to_phone) = phone.into_split();
    let (from_server, to_server) = server.into_split();
    let mut ends =
        Ends { from: [from_phone, from_server], to: [to_server, to_phone], speaks: [true; 2] };
    let mut open = 2;
    while open > 0 {
        let now = shared.now();
        match flow.fate(now, &weather) {
            Fate::Alive => {}
            Fate::Silent => return fall_silent(ends, shared).await,
            Fate::Reset => return reset(ends).await,
        }
        while let Some((way, arrived)) = flow.pop(now) {
            match arrived {
                Arrival::Chunk(bytes) => deliver(&mut ends, way, &bytes, shared).await?,
                Arrival::End => {
                    ends.to[way.index()].shutdown().await?;
                    open -= 1;
                }
            }
        }
        let next = flow.next(now, &weather);
        let takes = [Way::Up, Way::Down]
            .map(|way| ends.speaks[way.index()] && flow.has_room(way, &weather));
        let [from_phone, from_server] = &mut ends.from;
        let woken = tokio::select! {
            biased;
            () = sleep_until(shared.began + next.unwrap_or_default()), if next.is_some() => Woken::Time,
            // The link holds the sender; when it goes, so does this task.
            Ok(()) = changes.changed() => Woken::Weather,
            said = read(from_phone), if takes[0] => Woken::Said(Way::Up, said),
            said = read(from_server), if takes[1] => Woken::Said(Way::Down, said),
        };
        match woken {
            Woken::Time => {}
            Woken::Weather => weather = changes.borrow_and_update().clone(),
            Woken::Said(way, said) => {
                let (said, now) = (said?, shared.now());
                if said == Arrival::End && !flow.is_open(now) {
                    // Whoever gives up before the handshake is done has never reached the server.
                    return Ok(());
                }
                ends.speaks[way.index()] = said != Arrival::End;
                let mut state = shared.state.lock();
                if let (Way::Up, Arrival::Chunk(bytes)) = (way, &said) {
                    state.meter.packet(now, way, bytes.len());
                }
                // Said too late: its fate is looked at before anything is delivered.
                if flow.fate(now, &weather) == Fate::Alive {
                    flow.push(now, way, said, &weather, &mut state.wires);
                }
            }
        }
    }
    Ok(())
}

/// The next bytes, at most a segment of them, or the end.
async fn read(from: &mut OwnedReadHalf) -> std::io::Result<Arrival> {
    let mut bytes = BytesMut::with_capacity(SEGMENT_BYTES);
    let read = (&mut *from).take(SEGMENT_BYTES as u64).read_buf(&mut bytes).await?;
    Ok(if read == 0 { Arrival::End } else { Arrival::Chunk(bytes.freeze()) })
}

async fn deliver(ends: &mut Ends, way: Way, bytes: &Bytes, shared: &Shared) -> std::io::Result<()> {
    if way == Way::Down {
        let now = shared.now();
        shared.state.lock().meter.packet(now, way, bytes.len());
        shared.heard.send_replace(now);
    }
    ends.to[way.index()].write_all(bytes).await
}

/// Takes what either end says and passes nothing on, until each has given up by itself.
async fn fall_silent(ends: Ends, shared: &Shared) -> std::io::Result<()> {
    let Ends { from: [mut from_phone, mut from_server], to: [to_server, to_phone], .. } = ends;
    let phone = async move {
        while let Ok(Arrival::Chunk(bytes)) = read(&mut from_phone).await {
            shared.state.lock().meter.packet(shared.now(), Way::Up, bytes.len());
        }
        drop(to_phone);
    };
    let server = async move {
        while let Ok(Arrival::Chunk(_)) = read(&mut from_server).await {}
        drop(to_server);
    };
    tokio::join!(phone, server);
    Ok(())
}

/// The phone is told at once; the server is not.
async fn reset(ends: Ends) -> std::io::Result<()> {
    let Ends { from: [from_phone, mut from_server], to: [to_server, to_phone], .. } = ends;
    // Put together again: half of it would say goodbye first.
    let phone = from_phone.reunite(to_phone).map_err(std::io::Error::other)?;
    phone.set_zero_linger()?;
    drop(phone);
    while let Ok(Arrival::Chunk(_)) = read(&mut from_server).await {}
    drop(to_server);
    Ok(())
}

#[cfg(test)]
#[path = "streams_tests.rs"]
mod tests;
