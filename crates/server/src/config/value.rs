//! The types a setting can have. Each says in words what may be written, for error messages and the reference.

use std::fmt;
use std::net::SocketAddr;

use anser_gateway::{NotProxies, Proxies, ProxyHeader};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// How a setting is written in TOML; decides how the text of an environment variable or flag is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `true` or `false`.
    Switch,
    /// A whole number.
    Number,
    /// Text in quotes.
    Text,
}

/// A type usable in the settings table.
pub trait Setting: Serialize + for<'de> Deserialize<'de> {
    /// How it is written.
    const SHAPE: Shape;

    /// What may be written, to follow the words "write".
    fn expects() -> String;
}

impl Setting for bool {
    const SHAPE: Shape = Shape::Switch;

    fn expects() -> String {
        "true or false".into()
    }
}

impl Setting for String {
    const SHAPE: Shape = Shape::Text;

    fn expects() -> String {
        "text in quotes".into()
    }
}

/// A whole number within bounds, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Within<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> Within<MIN, MAX> {
    /// A number known when the program is built; one out of bounds is moved to the nearer bound.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        if number < MIN {
            Self(MIN)
        } else if number > MAX {
            Self(MAX)
        } else {
            Self(number)
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number as a size; bounds in the settings table stay far below a pointer's width.
    #[must_use]
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// The number as 32 bits, saturating.
    #[must_use]
    pub fn as_u32(self) -> u32 {
        u32::try_from(self.0).unwrap_or(u32::MAX)
    }
}

impl<const MIN: u64, const MAX: u64> Setting for Within<MIN, MAX> {
    const SHAPE: Shape = Shape::Number;

    fn expects() -> String {
        format!("a whole number from {MIN} to {MAX}")
    }
}

impl<const MIN: u64, const MAX: u64> Serialize for Within<MIN, MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Within<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = i64::deserialize(deserializer)?;
        match u64::try_from(number) {
            Ok(number) if (MIN..=MAX).contains(&number) => Ok(Self(number)),
            _ => Err(de::Error::custom(format!("{number} is out of bounds"))),
        }
    }
}

/// An address to listen on, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// Do not listen.
    Off,
    /// Listen here; port 0 takes a free one.
    At(SocketAddr),
}

impl ListenAddress {
    /// A port of this machine's own address.
    #[must_use]
    pub const fn loopback(port: u16) -> Self {
        Self::At(SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), port))
    }

    /// The address, if any.
    #[must_use]
    pub const fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Off => None,
            Self::At(address) => Some(address),
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::At(address) => address.fmt(f),
        }
    }
}

impl Setting for ListenAddress {
    const SHAPE: Shape = Shape::Text;

    fn expects() -> String {
        "an address with a port in quotes, such as \"127.0.0.1:7410\" or \"[::1]:7410\", or \"off\""
            .into()
    }
}

impl Serialize for ListenAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ListenAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "off" {
            return Ok(Self::Off);
        }
        text.parse()
            .map(Self::At)
            .map_err(|_| de::Error::custom(format!("{text:?} is not an address with a port")))
    }
}

/// Addresses and networks of reverse proxies; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(String);

impl TrustedProxies {
    /// What the gateway believes when these speak in this header.
    ///
    /// # Errors
    /// As [`Proxies::new`]; a value that was read from a configuration has none.
    pub fn speaking_in(&self, header: ForwardedIn) -> Result<Proxies, NotProxies> {
        let header = match header {
            ForwardedIn::XForwardedFor => ProxyHeader::XForwardedFor,
            ForwardedIn::Forwarded => ProxyHeader::Forwarded,
        };
        Proxies::new(&self.0, header)
    }

    /// Whether none is trusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl Setting for TrustedProxies {
    const SHAPE: Shape = Shape::Text;

    fn expects() -> String {
        "addresses and networks in quotes, separated by commas, such as \"127.0.0.1, 10.0.0.0/8\", or \"\"".into()
    }
}

impl Serialize for TrustedProxies {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TrustedProxies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Proxies::new(&text, ProxyHeader::default()).map_err(de::Error::custom)?;
        Ok(Self(text))
    }
}

/// The header in which trusted proxies name the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedIn {
    /// What most proxies write.
    XForwardedFor,
    /// RFC 7239.
    Forwarded,
}

impl Setting for ForwardedIn {
    const SHAPE: Shape = Shape::Text;

    fn expects() -> String {
        "\"x-forwarded-for\" or \"forwarded\"".into()
    }
}

/// The oldest TLS that is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum MinVersion {
    /// TLS 1.2 (RFC 5246), beside 1.3.
    #[serde(rename = "1.2")]
    Tls12,
    /// TLS 1.3 (RFC 8446) alone.
    #[default]
    #[serde(rename = "1.3")]
    Tls13,
}

impl Setting for MinVersion {
    const SHAPE: Shape = Shape::Text;

    fn expects() -> String {
        "\"1.3\" or \"1.2\"".into()
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// `human` on a terminal, else `json`.
    Auto,
    /// For people.
    Human,
    /// One JSON object per line.
    Json,
}

impl Setting for LogFormat {
    const SHAPE: Shape = Shape::Text;

    fn expects() -> String {
        "\"auto\", \"human\" or \"json\"".into()
    }
}
