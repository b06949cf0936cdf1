//! How many connections there may be: in all, and from one remote address.

use std::num::NonZeroU32;
use std::{collections::HashMap, fmt, net::IpAddr, sync::Arc};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use parking_lot::Mutex;

use crate::config::ListenerKind;
use crate::metrics;
use crate::proxies::Proxies;

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// The server has all the connections it may have.
    Server,
    /// This address has.
    Address,
    /// Too many have come from this address in a short time.
    TooFast,
}

impl Full {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Server => "server_full",
            Self::Address => "address_full",
            Self::TooFast => "address_too_fast",
        }
    }
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// How many places there are.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    /// For everybody together.
    pub(crate) all: usize,
    /// For each remote address.
    pub(crate) per_address: usize,
    /// New ones per minute, for each remote address.
    pub(crate) per_minute: u32,
    /// Addresses of this machine are not counted one by one.
    pub(crate) loopback_is_exempt: bool,
    /// Nor are those that speak for others.
    pub(crate) proxies: Arc<Proxies>,
}

/// The places of a gateway.
pub(crate) struct Places {
    room: Room,
    pace: DefaultKeyedRateLimiter<IpAddr>,
    taken: Mutex<Taken>,
}

impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Places").field("room", &self.room).finish_non_exhaustive()
    }
}

/// One place; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    of_address: Option<OfAddress>,
    kind: ListenerKind,
}

/// One of the places of an address; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct OfAddress {
    places: Arc<Places>,
    address: IpAddr,
}

impl Places {
    pub(crate) fn new(room: Room) -> Arc<Self> {
        let per_minute = NonZeroU32::new(room.per_minute).unwrap_or(NonZeroU32::MIN);
        let pace = RateLimiter::keyed(Quota::per_minute(per_minute));
        Arc::new(Self { room, pace, taken: Mutex::default() })
    }

    /// Forgets addresses that have been quiet.
    pub(crate) fn tidy(&self) {
        self.pace.retain_recent();
        self.pace.shrink_to_fit();
    }

    /// Whether nobody gets in any more, from wherever.
    pub(crate) fn all_taken(&self) -> bool {
        self.taken.lock().all >= self.room.all
    }

    /// A place for a connection from there.
    pub(crate) fn take(
        self: &Arc<Self>,
        remote: IpAddr,
        kind: ListenerKind,
    ) -> Result<Arc<Place>, Full> {
        let mut taken = self.taken.lock();
        if taken.all >= self.room.all {
            return Err(Full::Server);
        }
        let of_address = self.take_of_address(&mut taken, remote)?;
        taken.all += 1;
        metrics::connection_opened(kind);
        Ok(Arc::new(Place { places: Arc::clone(self), of_address, kind }))
    }

    fn take_of_address(
        self: &Arc<Self>,
        taken: &mut Taken,
        remote: IpAddr,
    ) -> Result<Option<OfAddress>, Full> {
        let of_this_machine = self.room.loopback_is_exempt && remote.to_canonical().is_loopback();
        if of_this_machine || self.room.proxies.trusts(remote) {
            return Ok(None);
        }
        let address = subscriber(remote);
        let there = taken.by_address.get(&address).copied().unwrap_or(0);
        if there >= self.room.per_address {
            return Err(Full::Address);
        }
        if self.pace.check_key(&address).is_err() {
            return Err(Full::TooFast);
        }
        taken.by_address.insert(address, there + 1);
        Ok(Some(OfAddress { places: Arc::clone(self), address }))
    }
}

impl Place {
    /// Counts a connection that stays for the client behind it as well, if that is somebody else: who comes through a
    /// proxy takes no more places than who comes directly.
    pub(crate) fn also_for(&self, client: IpAddr) -> Result<Option<OfAddress>, Full> {
        if self.of_address.as_ref().is_some_and(|own| own.address == subscriber(client)) {
            return Ok(None);
        }
        let mut taken = self.places.taken.lock();
        self.places.take_of_address(&mut taken, client)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock();
        taken.all = taken.all.saturating_sub(1);
        metrics::connection_closed(self.kind);
    }
}

impl Drop for OfAddress {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock();
        if let Some(of_address) = taken.by_address.get_mut(&self.address) {
            *of_address -= 1;
            if *of_address == 0 {
                taken.by_address.remove(&self.address);
            }
        }
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
