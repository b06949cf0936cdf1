//! The servers' public addresses, as clients are told them, and how clients are spread over them (requirement J3).

/// One server that clients may connect to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gateway {
    /// An address or a name, an IPv6 address without brackets.
    pub host: String,
    /// Port of TLS over TCP.
    pub tls: Option<u16>,
    /// Port of QUIC (UDP).
    pub quic: Option<u16>,
    /// Port of HTTPS, and of WebSocket on it.
    pub https: Option<u16>,
    /// The network it is best reached from (`mobile:<operator>`, `wifi:<name>`, `mobile`, `wifi`); empty for any.
    pub network: String,
    /// Its share of the users, compared with the others'; 0 takes none as long as there are others.
    pub weight: u32,
}

impl Gateway {
    /// Whether it is the one for devices on this network.
    #[must_use]
    pub fn is_for(&self, network: &str) -> bool {
        suits(&self.network, network)
    }

    /// Where it stands for this user: the smallest comes first. The same everywhere, so all devices of a user meet at one
    /// server; and when a server comes or goes, only its own users move (rendezvous hashing with weights: Thaler and
    /// Ravishankar 1998; Schindelhauer and Schomaker 2005).
    #[must_use]
    pub fn turn_of(&self, user: &str) -> u64 {
        let chance = fraction(hash(&[user.as_bytes(), self.host.as_bytes()]));
        // Of positive numbers the bits are in the order of the numbers.
        (-chance.ln() / f64::from(self.weight)).to_bits()
    }
}

/// Whether what is best reached from one network (its name, or its kind: `mobile`, `wifi`) suits a device on another.
#[must_use]
pub fn suits(best: &str, network: &str) -> bool {
    let kind = network.split(':').next().unwrap_or_default();
    !best.is_empty() && (best == network || best == kind)
}

/// Puts those for this network first, and within both parts each user's own order.
pub fn rank(gateways: &mut [Gateway], network: &str, user: &str) {
    gateways.sort_by_cached_key(|gateway| (!gateway.is_for(network), gateway.turn_of(user)));
}

/// FNV-1a over the parts, each with its length, and the finalizer of SplitMix64: spread well, not secret.
fn hash(parts: &[&[u8]]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in parts {
        for byte in (part.len() as u64).to_le_bytes().iter().chain(*part) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// In (0, 1).
fn fraction(hash: u64) -> f64 {
    let [a, b, c, d, ..] = hash.to_be_bytes();
    (f64::from(u32::from_be_bytes([a, b, c, d])) + 0.5) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(host: &str, weight: u32) -> Gateway {
        Gateway { host: host.to_owned(), tls: Some(7411), weight, ..Gateway::default() }
    }

    fn first(gateways: &[Gateway], user: usize) -> String {
        let mut gateways = gateways.to_vec();
        rank(&mut gateways, "", &format!("user-{user}"));
        gateways[0].host.clone()
    }

    #[test]
    fn users_are_spread_by_weight_and_only_those_of_a_server_that_goes_move() {
        let all = [named("a", 1), named("b", 1), named("c", 2), named("d", 0)];
        let before: Vec<String> = (0..4000).map(|user| first(&all, user)).collect();
        for (host, share) in [("a", 1000_usize), ("b", 1000), ("c", 2000), ("d", 0)] {
            let users = before.iter().filter(|at| *at == host).count();
            assert!(users.abs_diff(share) <= share / 8, "{host} has {users}");
        }
        for (user, at) in before.iter().enumerate() {
            let now = first(&all[1..], user);
            assert!(at == "a" || now == *at, "user {user} moved from {at} to {now}");
        }
    }

    #[test]
    fn those_for_the_network_come_first() {
        let mut gateways = vec![named("any", 100), named("mine", 1), named("wifi", 1)];
        gateways[1].network = "mobile:cmcc".into();
        gateways[2].network = "wifi".into();
        for (network, expected) in [("mobile:cmcc", "mine"), ("wifi:home", "wifi")] {
            rank(&mut gateways, network, "alice");
            assert_eq!(gateways[0].host, expected);
        }
        assert!(gateways.iter().all(|gateway| !gateway.is_for("")));
    }
}
