//! Which address to try next (requirement E7): those of the servers' list first, then the addresses that the program came
//! with, then the names it came with. Within each the last good one on this network, then those of the same network, then
//! the others: of the list in this user's own order, else at random. What failed goes to the back for a while. Of the
//! transports of one host the best comes first, and the others may be tried beside it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use anser_types::Gateway;
use anser_types::gateway::suits;

use crate::io::{Endpoint, TransportKind};
use crate::rng::Rng;

/// How long an address that failed once is tried last; doubles with each failure in a row, up to the second.
const PENALTY: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(600));

/// The order of what addresses come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Origin {
    /// The servers' list, as long as it is good.
    Listed,
    /// An address that the program came with.
    Address,
    /// A name that it came with: resolving it is one more thing that can fail.
    Name,
    /// A list whose time is over.
    Outdated,
}

#[derive(Debug)]
struct Candidate {
    endpoint: Endpoint,
    /// The program came with it.
    built_in: bool,
    /// It stands in the list; its turn for this user.
    listed: Option<u64>,
    failures: u32,
    penalised_until: Duration,
}

/// The known addresses.
#[derive(Debug)]
pub(crate) struct Endpoints {
    candidates: Vec<Candidate>,
    /// Addresses a server named when it sent us away: tried before all others, once.
    alternatives: Vec<Endpoint>,
    last_good: BTreeMap<String, Endpoint>,
    /// The time of the list is over.
    is_stale: bool,
}

impl Endpoints {
    /// What the program came with and what worked before.
    pub(crate) fn new(built_in: Vec<Endpoint>, last_good: Vec<(String, Endpoint)>) -> Self {
        let mut endpoints = Self {
            candidates: Vec::new(),
            alternatives: Vec::new(),
            last_good: last_good.into_iter().collect(),
            is_stale: false,
        };
        endpoints.set_built_in(built_in);
        endpoints
    }

    /// Replaces what the program came with; what is known of addresses that stay is kept.
    pub(crate) fn set_built_in(&mut self, built_in: Vec<Endpoint>) {
        self.candidates.iter_mut().for_each(|c| c.built_in = false);
        for endpoint in built_in {
            self.candidate(endpoint).built_in = true;
        }
        self.forget_strangers();
    }

    /// Replaces what the servers' list says; what is known of addresses that stay is kept.
    pub(crate) fn set_listed(&mut self, gateways: &[Gateway], user: &str) {
        self.candidates.iter_mut().for_each(|c| c.listed = None);
        for gateway in gateways {
            let turn = gateway.turn_of(user);
            for endpoint in ways_to(gateway) {
                self.candidate(endpoint).listed = Some(turn);
            }
        }
        self.forget_strangers();
        self.is_stale = false;
    }

    /// Whether the time of the list is over: what it says is tried after what the program came with.
    pub(crate) const fn set_stale(&mut self, is_stale: bool) {
        self.is_stale = is_stale;
    }

    /// Whether everything that is known has failed of late.
    pub(crate) fn all_failed(&self, now: Duration) -> bool {
        self.candidates.iter().all(|c| c.penalised_until > now)
    }

    /// The one with this address, made if there is none.
    fn candidate(&mut self, endpoint: Endpoint) -> &mut Candidate {
        let known = self.candidates.iter().position(|c| c.endpoint == endpoint);
        let at = known.unwrap_or(self.candidates.len());
        if known.is_none() {
            self.candidates.push(Candidate::new(endpoint));
        }
        &mut self.candidates[at]
    }

    fn forget_strangers(&mut self) {
        self.candidates.retain(|c| c.built_in || c.listed.is_some());
    }

    /// The server named other addresses (`host:port`), reached as `like` was.
    pub(crate) fn set_alternatives(&mut self, addresses: &[String], like: &Endpoint) {
        self.alternatives = addresses
            .iter()
            .rev()
            .filter_map(|address| {
                let (host, port) = address.rsplit_once(':')?;
                let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
                Some(Endpoint { host, port: port.parse().ok()?, ..like.clone() })
            })
            .collect();
    }

    /// The address to try now; `None` only if none is known.
    pub(crate) fn choose(
        &mut self,
        network: &str,
        now: Duration,
        rng: &mut Rng,
    ) -> Option<Endpoint> {
        if let Some(endpoint) = self.alternatives.pop() {
            return Some(endpoint);
        }
        let last_good = self.last_good.get(network);
        let rank = |c: &Candidate, dice: u64| {
            let penalty = if c.penalised_until > now { c.penalised_until } else { Duration::ZERO };
            let origin = c.origin(self.is_stale);
            let same = suits(&c.endpoint.network, network);
            let transport = c.endpoint.transport.rank();
            let turn = c.listed.unwrap_or(dice);
            (penalty, origin, Some(&c.endpoint) != last_good, !same, transport, turn)
        };
        let best = self.candidates.iter().map(|c| (rank(c, rng.next()), c)).min_by_key(|(r, _)| *r);
        best.map(|(_, c)| c.endpoint.clone())
    }

    /// The same host by other transports, as private, the best first.
    pub(crate) fn others_of(&self, endpoint: &Endpoint) -> Vec<Endpoint> {
        let known = self.candidates.iter().map(|c| &c.endpoint);
        let mut others: Vec<Endpoint> = known
            .filter(|other| {
                other.host == endpoint.host
                    && other.transport != endpoint.transport
                    && other.transport.is_encrypted() == endpoint.transport.is_encrypted()
            })
            .cloned()
            .collect();
        others.sort_by_key(|other| other.transport.rank());
        others.dedup_by_key(|other| other.transport);
        others
    }

    /// It led to a session. Says whether that is news worth storing.
    pub(crate) fn succeeded(&mut self, endpoint: &Endpoint, network: &str) -> bool {
        if let Some(candidate) = self.candidates.iter_mut().find(|c| c.endpoint == *endpoint) {
            candidate.failures = 0;
            candidate.penalised_until = Duration::ZERO;
        }
        if self.last_good.get(network) == Some(endpoint) {
            return false;
        }
        self.last_good.insert(network.to_owned(), endpoint.clone());
        true
    }

    /// It did not lead to a session, or its session died.
    pub(crate) fn failed(&mut self, endpoint: &Endpoint, now: Duration) {
        if let Some(candidate) = self.candidates.iter_mut().find(|c| c.endpoint == *endpoint) {
            let penalty = (PENALTY.0 * 2_u32.saturating_pow(candidate.failures)).min(PENALTY.1);
            candidate.failures = (candidate.failures + 1).min(16);
            candidate.penalised_until = now + penalty;
        }
    }
}

impl Candidate {
    const fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            built_in: false,
            listed: None,
            failures: 0,
            penalised_until: Duration::ZERO,
        }
    }

    fn origin(&self, is_stale: bool) -> Origin {
        if self.listed.is_some() && !is_stale {
            Origin::Listed
        } else if !self.built_in {
            Origin::Outdated
        } else if self.endpoint.host.parse::<IpAddr>().is_ok() {
            Origin::Address
        } else {
            Origin::Name
        }
    }
}

/// The endpoints of a server of the list.
fn ways_to(gateway: &Gateway) -> impl Iterator<Item = Endpoint> {
    let ways = [
        (TransportKind::Quic, gateway.quic),
        (TransportKind::Tls, gateway.tls),
        (TransportKind::Wss, gateway.https),
    ];
    ways.into_iter().filter_map(|(transport, port)| {
        let (host, network) = (gateway.host.clone(), gateway.network.clone());
        Some(Endpoint { transport, host, port: port?, network })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::TransportKind;

    fn at(host: &str, network: &str) -> Endpoint {
        let (transport, network) = (TransportKind::Tls, network.to_owned());
        Endpoint { transport, host: host.to_owned(), port: 7411, network }
    }

    #[test]
    fn the_last_good_address_comes_first_and_the_domain_last() {
        let mut rng = Rng::new(5);
        let good = at("10.0.0.3", "");
        let domain = at("chat.example.org", "");
        let list = vec![at("10.0.0.1", ""), domain, at("10.0.0.2", "wifi:home"), good.clone()];
        let last_good = vec![("wifi:home".to_owned(), good.clone())];
        let mut endpoints = Endpoints::new(list, last_good);
        let mut order = Vec::new();
        for _ in 0..4 {
            let next = endpoints.choose("wifi:home", Duration::ZERO, &mut rng).unwrap();
            endpoints.failed(&next, Duration::ZERO);
            order.push(next.host);
        }
        assert_eq!(order, ["10.0.0.3", "10.0.0.2", "10.0.0.1", "chat.example.org"]);
        // All are penalised alike: the rank among them is as before. Later the penalty has decayed.
        let later = Duration::from_secs(31);
        assert_eq!(endpoints.choose("wifi:home", later, &mut rng), Some(good));
    }

    #[test]
    fn a_penalty_grows_with_failures_and_ends_with_success() {
        let mut rng = Rng::new(5);
        let (a, b) = (at("a", ""), at("b", ""));
        let mut endpoints = Endpoints::new(vec![a.clone(), b.clone()], Vec::new());
        endpoints.failed(&a, Duration::ZERO);
        endpoints.failed(&a, Duration::ZERO);
        for second in 0..60 {
            let chosen = endpoints.choose("", Duration::from_secs(second), &mut rng);
            assert_eq!(chosen, Some(b.clone()));
        }
        assert!(endpoints.succeeded(&a, ""));
        assert!(!endpoints.succeeded(&a, ""), "known already");
        assert_eq!(endpoints.choose("", Duration::ZERO, &mut rng), Some(a));
    }

    #[test]
    fn the_list_comes_first_until_its_time_is_over() {
        let mut rng = Rng::new(5);
        let built_in = at("10.0.0.1", "");
        let mut endpoints = Endpoints::new(vec![built_in.clone()], Vec::new());
        let listed = Gateway {
            host: "chat.example.org".to_owned(),
            tls: Some(7411),
            quic: Some(7411),
            weight: 1,
            ..Gateway::default()
        };
        endpoints.set_listed(std::slice::from_ref(&listed), "alice");
        let first = endpoints.choose("", Duration::ZERO, &mut rng).unwrap();
        assert_eq!(
            (first.host.as_str(), first.transport),
            ("chat.example.org", TransportKind::Quic)
        );
        assert_eq!(endpoints.others_of(&first).len(), 1, "TLS beside it");
        endpoints.set_stale(true);
        assert_eq!(endpoints.choose("", Duration::ZERO, &mut rng), Some(built_in.clone()));
        endpoints.failed(&built_in, Duration::ZERO);
        assert!(!endpoints.all_failed(Duration::ZERO), "the old list is better than nothing");
        endpoints.set_listed(&[], "alice");
        assert!(endpoints.all_failed(Duration::ZERO));
        assert_eq!(endpoints.choose("", Duration::ZERO, &mut rng), Some(built_in));
    }

    #[test]
    fn alternatives_named_by_a_server_are_tried_once_in_order() {
        let mut rng = Rng::new(5);
        let home = at("home", "");
        let mut endpoints = Endpoints::new(vec![home.clone()], Vec::new());
        endpoints
            .set_alternatives(&["[::1]:1".to_owned(), "b:2".to_owned(), "bad".to_owned()], &home);
        let mut next = || endpoints.choose("", Duration::ZERO, &mut rng).unwrap().host;
        assert_eq!([next(), next(), next()], ["::1", "b", "home"]);
    }
}
