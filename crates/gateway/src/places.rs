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

/// The places of a gateway.
#[derive(Debug)]
pub(crate) struct Places {
    max: usize,
    max_per_address: usize,
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
    pub(crate) fn new(max: usize, max_per_address: usize) -> Arc<Self> {
        Arc::new(Self { max, max_per_address, taken: Mutex::default() })
    }

    /// A place for a connection from there. Addresses of this machine are not counted one by one.
    pub(crate) fn take(
        self: &Arc<Self>,
        remote: IpAddr,
        kind: ListenerKind,
    ) -> Result<Arc<Place>, Full> {
        let address = (!remote.is_loopback()).then(|| subscriber(remote));
        let mut taken = self.taken.lock();
        if taken.all >= self.max {
            return Err(Full::Server);
        }
        if let Some(address) = address {
            let of_address = taken.by_address.entry(address).or_default();
            if *of_address >= self.max_per_address {
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
