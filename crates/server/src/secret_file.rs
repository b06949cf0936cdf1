//! Secrets of the server's own: 32 random bytes in a file for its owner alone, as 64 hexadecimal digits.

use std::path::Path;

use anser_service::Entropy;
use anser_types::ErrorCode;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// 32 random bytes, wiped from memory when they are dropped.
#[must_use]
pub fn random_bits(entropy: &dyn Entropy) -> Zeroizing<[u8; 32]> {
    let mut bits = Zeroizing::new([0; 32]);
    entropy.fill(bits.as_mut_slice());
    bits
}

/// The text of the file, from 32 random bytes.
#[must_use]
pub fn from_random(bits: &[u8; 32]) -> Zeroizing<String> {
    Zeroizing::new(format!("{}\n", *Zeroizing::new(hex::encode(bits))))
}

/// What the file holds. `lost` says what to do if that is gone.
///
/// # Errors
/// `CONFIG_INVALID` when it cannot be read or is not what the server wrote.
pub fn read(path: &Path, lost: &'static str) -> Result<Zeroizing<[u8; 32]>, Failure> {
    let invalid = |what: String| {
        Failure::new(ErrorCode::ConfigInvalid, format!("{}: {what}", path.display())).next(lost)
    };
    let text = std::fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|error| invalid(format!("the secret cannot be read: {error}")))?;
    let mut secret = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim(), secret.as_mut_slice())
        .map_err(|_| invalid("this is no secret of 64 hexadecimal digits".to_owned()))?;
    Ok(secret)
}
