//! The app server's API keys: made at random, kept in a file of the owner's alone, held in memory only as hashes.

use std::path::Path;

use anser_types::ErrorCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// Every key begins so: people and secret scanners recognise it.
const PREFIX: &str = "anser_";

/// Shorter keys could be guessed; a generated one has 49 characters.
const KEY_MIN_CHARS: usize = 32;

/// A new key from 256 random bits.
#[must_use]
pub fn from_random(bits: &[u8; 32]) -> Zeroizing<String> {
    let mut key = Zeroizing::new(String::from(PREFIX));
    URL_SAFE_NO_PAD.encode_string(bits, &mut key);
    key
}

/// The SHA-256 of every key in the file: one key per line, `#` begins a comment line.
///
/// # Errors
/// `CONFIG_INVALID` names the file and the line.
pub fn read_hashes(path: &Path) -> Result<Vec<[u8; 32]>, Failure> {
    let invalid = |what: String| {
        Failure::new(ErrorCode::ConfigInvalid, format!("{}: {what}", path.display()))
            .next("Remove the file: the next start makes a new key.")
    };
    let text = std::fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|error| invalid(format!("the API keys cannot be read: {error}")))?;
    let mut hashes = Vec::new();
    for (line_no, line) in (1..).zip(text.lines()) {
        let key = line.trim();
        if key.is_empty() || key.starts_with('#') {
            continue;
        }
        if key.len() < KEY_MIN_CHARS {
            return Err(invalid(format!(
                "line {line_no} has fewer than {KEY_MIN_CHARS} characters, so it could be guessed"
            )));
        }
        hashes.push(Sha256::digest(key.as_bytes()).into());
    }
    if hashes.is_empty() { Err(invalid("there is no key in it".into())) } else { Ok(hashes) }
}
