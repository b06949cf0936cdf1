//! Names of this server, as certificates carry them.

use rustls::pki_types::DnsName;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::value::{Setting, Shape};

/// Host names; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Domains(Vec<String>);

impl Domains {
    /// The names, in lower case.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.0
    }
}

impl Setting for Domains {
    const SHAPE: Shape = Shape::Text;

    fn expects() -> String {
        "host names in quotes, separated by commas, such as \"chat.example\", or \"\"".into()
    }
}

impl Serialize for Domains {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.join(", ").serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Domains {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        names
            .map(|name| match DnsName::try_from(name) {
                Ok(_) => Ok(name.to_ascii_lowercase()),
                Err(_) => Err(de::Error::custom(format!("{name:?} is no host name"))),
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}
