//! How many connections there may be: in all, and from one remote address.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use parking_lot::Mutex;

use crate::config::ListenerKind;
use crate::metrics;

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// The server has all the connections it may have.
    Server,
    /// This address has.
    Address,
}

impl Full {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Server => "server_full",
            Self::Address => "address_full",
        }
    }
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// How many places there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// For everybody together.
    pub(crate) all: usize,
    /// For each remote address.
    pub(crate) per_address: usize,
    /// Addresses of this machine are not counted one by one.
    pub(crate) loopback_is_exempt: bool,
}

/// The places of a gateway.
#[derive(Debug)]
pub(crate) struct Places {
    room: Room,
    taken: Mutex<Taken>,
}

/// One place; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    address: Option<IpAddr>,
    kind: ListenerKind,
}

impl Places {
    pub(crate) fn new(room: Room) -> Arc<Self> {
        Arc::new(Self { room, taken: Mutex::default() })
    }

    /// A place for a connection from there.
    pub(crate) fn take(
        self: &Arc<Self>,
        remote: IpAddr,
        kind: ListenerKind,
    ) -> Result<Arc<Place>, Full> {
        let exempt = self.room.loopback_is_exempt && remote.to_canonical().is_loopback();
        let address = (!exempt).then(|| subscriber(remote));
        let mut taken = self.taken.lock();
        if taken.all >= self.room.all {
            return Err(Full::Server);
        }
        if let Some(address) = address {
            let of_address = taken.by_address.entry(address).or_default();
            if *of_address >= self.room.per_address {
                return Err(Full::Address);
            }
            *of_address += 1;
        }
        taken.all += 1;
        metrics::connection_opened(kind);
        Ok(Arc::new(Place { places: Arc::clone(self), address, kind }))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock();
        taken.all = taken.all.saturating_sub(1);
        if let Some(address) = self.address
            && let Some(of_address) = taken.by_address.get_mut(&address)
        {
            *of_address -= 1;
            if *of_address == 0 {
                taken.by_address.remove(&address);
            }
        }
        metrics::connection_closed(self.kind);
    }
}

/// Whoever is behind an address: with IPv6 one subscriber has a whole /64.
pub(crate) fn subscriber(remote: IpAddr) -> IpAddr {
    match remote.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6([a, b, c, d, 0, 0, 0, 0].into())
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}
