//! 64-bit numbers in JSON, as decimal strings: JavaScript's numbers lose digits beyond 2^53.

use serde::{Deserialize, Deserializer};

/// For `#[serde(deserialize_with = …)]`.
pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| serde::de::Error::custom(format!("'{text}' is no decimal number")))
}
