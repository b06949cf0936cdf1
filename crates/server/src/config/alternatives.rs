//! Other servers of the same installation, named to clients that find no place here.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::value::{Setting, Shape};

/// Addresses of other servers, `host:port` each; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alternatives(Vec<String>);

impl Alternatives {
    /// The addresses, in the order in which they are tried.
    #[must_use]
    pub fn addresses(&self) -> &[String] {
        &self.0
    }
}

impl Setting for Alternatives {
    const SHAPE: Shape = Shape::Text;

    fn expects() -> String {
        "addresses with ports in quotes, separated by commas, such as \"chat2.example:7411\", or \"\"".into()
    }
}

impl Serialize for Alternatives {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.join(", ").serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Alternatives {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let addresses = text.split(',').map(str::trim).filter(|address| !address.is_empty());
        addresses
            .map(|address| match address.rsplit_once(':') {
                Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => {
                    Ok(address.to_owned())
                }
                _ => Err(de::Error::custom(format!("{address:?} is not an address with a port"))),
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}
