//! Which address to try next (requirement E7): the last good one on this network, then the others of the list, those
//! of the same network first and otherwise at random, then the DNS name. What failed goes to the back for a while. Of the
//! transports of one host the best comes first, and the others may be tried beside it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::io::Endpoint;
use crate::rng::Rng;

/// How long an address that failed once is tried last; doubles with each failure in a row, up to the second.
const PENALTY: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(600));

#[derive(Debug)]
struct Candidate {
    endpoint: Endpoint,
    is_domain: bool,
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
}

impl Endpoints {
    /// A list, a domain and what worked before.
    pub(crate) fn new(
        list: Vec<Endpoint>,
        domain: Option<Endpoint>,
        last_good: Vec<(String, Endpoint)>,
    ) -> Self {
        let mut endpoints = Self {
            candidates: Vec::new(),
            alternatives: Vec::new(),
            last_good: last_good.into_iter().collect(),
        };
        endpoints.candidates.extend(domain.map(|endpoint| Candidate::new(endpoint, true)));
        endpoints.set_list(list);
        endpoints
    }

    /// Replaces the list; what is known of addresses that stay is kept.
    pub(crate) fn set_list(&mut self, list: Vec<Endpoint>) {
        self.candidates.retain(|c| c.is_domain || list.contains(&c.endpoint));
        for endpoint in list {
            if !self.candidates.iter().any(|c| c.endpoint == endpoint) {
                self.candidates.push(Candidate::new(endpoint, false));
            }
        }
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
            let same = !network.is_empty() && c.endpoint.network == network;
            let transport = c.endpoint.transport.rank();
            (penalty, c.is_domain, Some(&c.endpoint) != last_good, !same, transport, dice)
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
    const fn new(endpoint: Endpoint, is_domain: bool) -> Self {
        Self { endpoint, is_domain, failures: 0, penalised_until: Duration::ZERO }
    }
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
        let list = vec![at("10.0.0.1", ""), at("10.0.0.2", "wifi:home"), good.clone()];
        let domain = at("chat.example.org", "");
        let last_good = vec![("wifi:home".to_owned(), good.clone())];
        let mut endpoints = Endpoints::new(list, Some(domain), last_good);
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
        let mut endpoints = Endpoints::new(vec![a.clone(), b.clone()], None, Vec::new());
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
    fn alternatives_named_by_a_server_are_tried_once_in_order() {
        let mut rng = Rng::new(5);
        let home = at("home", "");
        let mut endpoints = Endpoints::new(vec![home.clone()], None, Vec::new());
        endpoints
            .set_alternatives(&["[::1]:1".to_owned(), "b:2".to_owned(), "bad".to_owned()], &home);
        let mut next = || endpoints.choose("", Duration::ZERO, &mut rng).unwrap().host;
        assert_eq!([next(), next(), next()], ["::1", "b", "home"]);
    }
}
