//! Web pages of other servers that may use this one.

use anser_gateway::Origins;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::value::{Setting, Shape};

/// Origins of web pages; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebOrigins {
    text: String,
    origins: Origins,
}

impl WebOrigins {
    /// What the gateway asks.
    #[must_use]
    pub const fn get(&self) -> &Origins {
        &self.origins
    }
}

impl Setting for WebOrigins {
    const SHAPE: Shape = Shape::Text;

    fn expects() -> String {
        "origins in quotes, separated by commas, such as \"https://app.example\", or \"*\", or \"\""
            .into()
    }
}

impl Serialize for WebOrigins {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for WebOrigins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let origins = Origins::new(&text).map_err(de::Error::custom)?;
        Ok(Self { text, origins })
    }
}
