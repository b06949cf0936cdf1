//! The secret with which QUIC clients of a server that was killed are told so by the next one: 32 random bytes in a file of the
//! owner's alone.

use std::path::Path;

use anser_types::ErrorCode;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// The text of the file, from 32 random bytes.
#[must_use]
pub fn from_random(bits: &[u8; 32]) -> Zeroizing<String> {
    Zeroizing::new(format!("{}\n", *Zeroizing::new(hex::encode(bits))))
}

/// What the file holds.
///
/// # Errors
/// `CONFIG_INVALID` when it cannot be read or is not what a first start wrote.
pub fn read(path: &Path) -> Result<Zeroizing<[u8; 32]>, Failure> {
    let invalid = |what: String| {
        Failure::new(ErrorCode::ConfigInvalid, format!("{}: {what}", path.display()))
            .next("Remove the file: the next start makes a new one.")
    };
    let text = std::fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|error| invalid(format!("the key of QUIC cannot be read: {error}")))?;
    let mut key = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim(), key.as_mut_slice())
        .map_err(|_| invalid("this is not a key of 64 hexadecimal digits".to_owned()))?;
    Ok(key)
}
