//! The networks this device has been on, and the search on the one it is on now.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::nat::{NatKnown, NatSearch, Range};
use crate::records::Record;
use crate::store::Store;

/// A connection that a silence has cost is only put down to the router if the next one is there so soon: else the network
/// itself was gone.
const BACK_WITHIN: Duration = Duration::from_secs(60);

/// What is known of all networks.
#[derive(Debug)]
pub(crate) struct Networks {
    /// The key of the one the device is on; empty if unknown.
    current: String,
    known: BTreeMap<String, NatKnown>,
    search: NatSearch,
    /// When a beat behind a whole interval of silence found the connection dead.
    lost_at: Option<Duration>,
}

impl Networks {
    pub(crate) fn new(network: &str, known: Vec<(String, NatKnown)>) -> Self {
        let known: BTreeMap<_, _> = known.into_iter().collect();
        let search = search_on(network, &known);
        Self { current: network.to_owned(), known, search, lost_at: None }
    }

    /// The key of the network the device is on; empty if unknown.
    pub(crate) fn current(&self) -> &str {
        &self.current
    }

    /// The search on this network.
    pub(crate) const fn search(&self) -> &NatSearch {
        &self.search
    }

    /// The longest silence of this device in the background on this network, in milliseconds.
    pub(crate) fn longest_silence_ms(&self) -> u32 {
        Range::of_network(&self.current).most_ms()
    }

    /// The device is on another network, perhaps. True if it certainly moved, and its address changed: a network that is
    /// not known may be the same one.
    pub(crate) fn changed(&mut self, network: String) -> bool {
        let moved = !network.is_empty() && !self.current.is_empty() && network != self.current;
        self.search = search_on(&network, &self.known);
        self.current = network;
        self.lost_at = None;
        moved
    }

    /// The server suffers no longer silence than this; zero if it does not say.
    pub(crate) fn limit(&mut self, most: Duration) {
        if !most.is_zero() {
            self.search.limit(most);
        }
    }

    /// The interval that is tried held.
    pub(crate) fn held(&mut self, store: &mut Store) {
        self.search.held();
        self.remember(store);
    }

    /// A beat behind the interval that is tried was not answered.
    pub(crate) const fn lost(&mut self, now: Duration) {
        self.lost_at = Some(now);
    }

    /// A session is open.
    pub(crate) fn connected(&mut self, now: Duration, store: &mut Store) {
        if let Some(at) = self.lost_at.take()
            && now.saturating_sub(at) <= BACK_WITHIN
        {
            self.search.failed();
            self.remember(store);
        }
    }

    fn remember(&mut self, store: &mut Store) {
        let known = self.search.known();
        if self.known.insert(self.current.clone(), known) != Some(known) {
            store.put(Record::NatLearned { network: self.current.clone(), known });
        }
    }
}

fn search_on(network: &str, known: &BTreeMap<String, NatKnown>) -> NatSearch {
    NatSearch::new(Range::of_network(network), known.get(network).copied().unwrap_or_default())
}
