//! The relay of a phone's datagrams. What becomes of them is decided by the models of [`Datagrams`] and [`Translator`];
//! here are the sockets: one that the phone speaks to, and one for each address that the server has seen.

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use super::datagrams::{Datagram, Datagrams};
use super::link::Shared;
use super::translator::Translator;
use super::weather::{Way, Weather};

/// More than any datagram on loopback whose sender looks for the size of the path.
const BUFFER_BYTES: usize = 2_048;
/// From the server and not looked at; the sockets' own queues hold the rest.
const ARRIVING: usize = 64;
/// Hosts that the server may see, 127.0.0.1 and so on; more are the first ones again.
const HOSTS: usize = 250;

/// What the relay woke up for.
enum Woken {
    Time,
    Phone(io::Result<(usize, SocketAddr)>),
    Server(usize, Bytes),
}

/// Carries datagrams for as long as the link is there.
pub(super) async fn relay(inside: UdpSocket, seed: u64, shared: Arc<Shared>) {
    let (arrived, mut arriving) = mpsc::channel(ARRIVING);
    let mut street = Street {
        inside,
        shared,
        datagrams: Datagrams::new(seed),
        translator: Translator::default(),
        outside: Vec::new(),
        arrived,
        reading: JoinSet::new(),
        begun: BTreeSet::new(),
    };
    loop {
        if let Err(error) = street.carry(&mut arriving).await {
            // 127.0.0.2 and so on are addresses of this machine on Linux; elsewhere they have to be added.
            eprintln!("a link has failed and carries nothing any more: {error}");
            return;
        }
    }
}

/// A phone's way to the server.
struct Street {
    inside: UdpSocket,
    shared: Arc<Shared>,
    datagrams: Datagrams,
    translator: Translator,
    /// By the translator's numbers.
    outside: Vec<Arc<UdpSocket>>,
    arrived: mpsc::Sender<(usize, Bytes)>,
    reading: JoinSet<()>,
    /// The names of QUIC connections that the phone has begun.
    begun: BTreeSet<Vec<u8>>,
}

impl Street {
    /// Delivers what is there, waits for the next thing, and takes it.
    async fn carry(&mut self, arriving: &mut mpsc::Receiver<(usize, Bytes)>) -> io::Result<()> {
        let (now, weather) = (self.shared.now(), self.shared.weather.borrow().clone());
        while let Some((way, datagram)) = self.datagrams.pop(now, &weather) {
            match way {
                Way::Up => self.reach_server(datagram, &weather).await?,
                Way::Down => self.reach_phone(datagram).await?,
            }
        }
        let (next, mut buffer) = (self.datagrams.next(), [0; BUFFER_BYTES]);
        let woken = tokio::select! {
            biased;
            () = sleep_until(self.shared.began + next.unwrap_or_default()), if next.is_some() => Woken::Time,
            said = self.inside.recv_from(&mut buffer) => Woken::Phone(said),
            // The street holds a sender.
            Some((number, bytes)) = arriving.recv() => Woken::Server(number, bytes),
        };
        match woken {
            Woken::Time => {}
            Woken::Phone(said) => {
                let (length, phone) = said?;
                self.phone_said(Bytes::copy_from_slice(&buffer[..length]), phone);
            }
            Woken::Server(number, bytes) => self.server_said(number, bytes),
        }
        Ok(())
    }

    fn phone_said(&mut self, bytes: Bytes, phone: SocketAddr) {
        let (now, weather) = (self.shared.now(), self.shared.weather.borrow().clone());
        let mut state = self.shared.state.lock();
        if begins(&bytes).is_some_and(|name| self.begun.insert(name.to_vec())) {
            state.meter.connection(now);
        }
        state.meter.packet(now, Way::Up, bytes.len());
        let sent = Datagram { phone, bytes };
        // Who sent it finds out by itself.
        let _lost = self.datagrams.push(now, Way::Up, sent, &weather, &mut state.wires);
    }

    /// What has come through the air goes through the translator, and on.
    async fn reach_server(&mut self, datagram: Datagram, weather: &Weather) -> io::Result<()> {
        let (now, Datagram { phone, bytes }) = (self.shared.now(), datagram);
        let number = self.translator.outward(now, phone, &weather.timetable);
        if number == self.outside.len() {
            let host =
                u8::try_from(self.translator.host(number) % HOSTS).map_err(io::Error::other)?;
            let socket = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 1 + host), 0)).await?;
            let socket = Arc::new(socket);
            self.reading.spawn(read(Arc::clone(&socket), number, self.arrived.clone()));
            self.outside.push(socket);
        }
        self.outside[number].send_to(&bytes, self.shared.upstream).await?;
        Ok(())
    }

    fn server_said(&mut self, number: usize, bytes: Bytes) {
        let (now, weather) = (self.shared.now(), self.shared.weather.borrow().clone());
        if let Some(phone) = self.translator.inward(now, number, &weather.timetable) {
            let (sent, mut state) = (Datagram { phone, bytes }, self.shared.state.lock());
            let _lost = self.datagrams.push(now, Way::Down, sent, &weather, &mut state.wires);
        }
    }

    async fn reach_phone(&mut self, Datagram { phone, bytes }: Datagram) -> io::Result<()> {
        let now = self.shared.now();
        self.shared.state.lock().meter.packet(now, Way::Down, bytes.len());
        self.shared.heard.send_replace(now);
        // A socket that the phone has closed takes nothing, which only its address would say.
        let _closed = self.inside.send_to(&bytes, phone).await;
        Ok(())
    }
}

/// What the server says to one address.
async fn read(from: Arc<UdpSocket>, number: usize, arrived: mpsc::Sender<(usize, Bytes)>) {
    let mut buffer = [0; BUFFER_BYTES];
    while let Ok((length, _)) = from.recv_from(&mut buffer).await {
        if arrived.send((number, Bytes::copy_from_slice(&buffer[..length]))).await.is_err() {
            return;
        }
    }
}

/// How the connection is called at the phone whose handshake this packet belongs to, if it is the first of one (RFC 9000,
/// section 17.2.2; the second bit may say anything).
fn begins(packet: &[u8]) -> Option<&[u8]> {
    const LONG_INITIAL: u8 = 0x80;
    let (first, rest) = packet.split_first()?;
    if first & 0xb0 != LONG_INITIAL {
        return None;
    }
    let (length, rest) = rest.get(size_of::<u32>()..)?.split_first()?;
    let (length, rest) = rest.get(usize::from(*length)..)?.split_first()?;
    rest.get(..usize::from(*length))
}

#[cfg(test)]
#[path = "packets_tests.rs"]
mod tests;
