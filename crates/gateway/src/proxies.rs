//! Reverse proxies: whose word is taken for where a request comes from.
//!
//! Anybody can write anything into `X-Forwarded-For` and `Forwarded`. Only the part that a trusted proxy has written is
//! believed: from the right, as long as the addresses are themselves trusted proxies, up to the first that is not.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;

/// The header in which trusted proxies name whom they speak for. One alone: a proxy passes the other on as it came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxyHeader {
    /// `X-Forwarded-For: client, proxy`.
    #[default]
    XForwardedFor,
    /// `Forwarded: for=client, for=proxy` (RFC 7239).
    Forwarded,
}

/// Addresses whose word is taken. By default nobody's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    trusted: Vec<IpNet>,
    header: ProxyHeader,
}

/// Why a text names no network of proxies.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotProxies {
    /// It is neither an address nor a network.
    #[error("{0:?} is neither an address nor a network")]
    NoNetwork(String),
    /// It holds every address.
    #[error("{0} is everybody: then whoever connects chooses the address that is counted")]
    Everybody(IpNet),
}

impl Proxies {
    /// Takes the word of these addresses and networks, separated by commas.
    ///
    /// # Errors
    /// Which part is no network, or is everybody.
    pub fn new(trusted: &str, header: ProxyHeader) -> Result<Self, NotProxies> {
        let parts = trusted.split(',').map(str::trim).filter(|part| !part.is_empty());
        Ok(Self { trusted: parts.map(network).collect::<Result<_, _>>()?, header })
    }

    /// Whether this address speaks for others.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted.iter().any(|network| network.contains(&address))
    }

    /// Where a request really comes from: `peer` itself, unless it is trusted and says for whom it speaks. What cannot
    /// be read ends the search: the last address that a trusted proxy vouched for counts.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.trusts(client) {
            return client;
        }
        for hop in self.hops(headers).into_iter().rev() {
            let Some(address) = address_of(&hop) else { break };
            client = address;
            if !self.trusts(client) {
                break;
            }
        }
        client
    }

    /// As which server a request asks for this one: the value of `Host`, and before it what a trusted proxy says that it
    /// was asked for (`X-Forwarded-Host`, or `host=` in `Forwarded`).
    #[must_use]
    pub fn hosts(&self, peer: IpAddr, headers: &HeaderMap) -> Vec<String> {
        let value = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::to_owned);
        let said = if self.trusts(peer) {
            match self.header {
                ProxyHeader::XForwardedFor => value(HeaderName::from_static("x-forwarded-host")),
                ProxyHeader::Forwarded => {
                    value(header::FORWARDED).map(|text| said_as("host", &text))
                }
            }
        } else {
            None
        };
        said.into_iter().chain(value(header::HOST)).collect()
    }

    /// The addresses as they were written, the nearest last.
    fn hops(&self, headers: &HeaderMap) -> Vec<String> {
        let name = match self.header {
            ProxyHeader::XForwardedFor => HeaderName::from_static("x-forwarded-for"),
            ProxyHeader::Forwarded => header::FORWARDED,
        };
        let mut hops = Vec::new();
        for value in headers.get_all(name) {
            // What is no text stands for a hop that cannot be read.
            let text = String::from_utf8_lossy(value.as_bytes());
            for element in outside_quotes(&text, ',') {
                hops.push(match self.header {
                    ProxyHeader::XForwardedFor => element.trim().to_owned(),
                    ProxyHeader::Forwarded => said_as("for", &element),
                });
            }
        }
        hops
    }
}

fn network(text: &str) -> Result<IpNet, NotProxies> {
    let network = IpNet::from_str(text)
        .or_else(|_| IpAddr::from_str(text).map(|address| IpNet::from(address.to_canonical())))
        .map_err(|_| NotProxies::NoNetwork(text.to_owned()))?;
    if network.prefix_len() == 0 { Err(NotProxies::Everybody(network)) } else { Ok(network) }
}

/// The value of `name=` in one element of `Forwarded`; empty if there is none.
fn said_as(wanted: &str, element: &str) -> String {
    let pairs = outside_quotes(element, ';');
    let value = pairs.iter().filter_map(|pair| pair.split_once('=')).find_map(|(name, value)| {
        name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim().trim_matches('"').to_owned())
    });
    value.unwrap_or_default()
}

/// Splits at `separator`, but not within quotes. (Addresses hold no escaped quotes.)
fn outside_quotes(text: &str, separator: char) -> Vec<String> {
    let mut quoted = false;
    text.split(|c: char| {
        quoted ^= c == '"';
        c == separator && !quoted
    })
    .map(str::to_owned)
    .collect()
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:4711`.
fn address_of(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    let address = IpAddr::from_str(bare)
        .or_else(|_| SocketAddr::from_str(hop).map(|address| address.ip()))
        .ok()?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(name: &'static str, values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    fn client(proxies: &Proxies, peer: &str, headers: &HeaderMap) -> String {
        proxies.client(peer.parse().unwrap(), headers).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed_and_only_as_far_as_they_go() {
        let proxies =
            Proxies::new("127.0.0.1, 10.0.0.0/8,2001:db8:1::/48", ProxyHeader::XForwardedFor)
                .unwrap();
        for (peer, said, expected) in [
            // Nobody vouches for what a stranger says.
            ("203.0.113.9", &["198.51.100.1"][..], "203.0.113.9"),
            ("127.0.0.1", &[][..], "127.0.0.1"),
            ("127.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("::ffff:127.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            // The client itself wrote the left part.
            ("127.0.0.1", &["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
            ("127.0.0.1", &["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
            ("127.0.0.1", &["1.1.1.1, 198.51.100.1, 10.1.2.3"], "198.51.100.1"),
            ("127.0.0.1", &["198.51.100.1, 2001:db8:1::5, 10.1.2.3:9000"], "198.51.100.1"),
            ("10.0.0.1", &["[2001:db8:2::7]:443"], "2001:db8:2::7"),
            ("10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1"),
            // All of them trusted: the first is the client.
            ("127.0.0.1", &["10.9.9.9, 10.1.2.3"], "10.9.9.9"),
            // What cannot be read ends the search.
            ("127.0.0.1", &["198.51.100.1, unknown"], "127.0.0.1"),
            ("127.0.0.1", &["198.51.100.1, , 10.1.2.3"], "10.1.2.3"),
        ] {
            let headers = headers("x-forwarded-for", said);
            assert_eq!(client(&proxies, peer, &headers), expected, "{peer} says {said:?}");
        }
        let other = headers("forwarded", &["for=198.51.100.1"]);
        assert_eq!(client(&proxies, "127.0.0.1", &other), "127.0.0.1", "one header alone counts");
    }

    #[test]
    fn the_standard_header_is_understood() {
        let proxies = Proxies::new("127.0.0.1,192.0.2.0/24", ProxyHeader::Forwarded).unwrap();
        for (said, expected) in [
            ("for=198.51.100.1", "198.51.100.1"),
            ("proto=https;For=\"[2001:db8::17]:4711\";by=203.0.113.43", "2001:db8::17"),
            ("for=1.1.1.1, for=198.51.100.1;host=\"a,b\", for=192.0.2.60", "198.51.100.1"),
            ("for=198.51.100.1, for=_hidden", "127.0.0.1"),
            ("for=198.51.100.1, proto=https", "127.0.0.1"),
        ] {
            let headers = headers("forwarded", &[said]);
            assert_eq!(client(&proxies, "127.0.0.1", &headers), expected, "{said}");
        }
    }

    #[test]
    fn networks_are_checked_and_nobody_is_trusted_by_default() {
        assert_eq!(Proxies::new(" ", ProxyHeader::default()), Ok(Proxies::default()));
        assert!(!Proxies::default().trusts(IpAddr::from([127, 0, 0, 1])));
        for wrong in ["localhost", "10.0.0.0/33", "10.0.0.1:80"] {
            let refused = Proxies::new(wrong, ProxyHeader::default());
            assert_eq!(refused, Err(NotProxies::NoNetwork(wrong.to_owned())));
        }
        for everybody in ["0.0.0.0/0", "::/0"] {
            let refused = Proxies::new(everybody, ProxyHeader::default());
            assert!(matches!(refused, Err(NotProxies::Everybody(_))), "{refused:?}");
        }
    }
}
