//! A certificate's name that nobody can take: its SHA-256.

use std::fmt;
use std::str::FromStr;

use anser_types::{ErrorCode, Refusal};
use sha2::{Digest, Sha256};

/// SHA-256 of a certificate's DER bytes, written as 64 hexadecimal digits (colons are ignored).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CertificatePin(pub [u8; 32]);

impl CertificatePin {
    /// The pin of this certificate (DER).
    #[must_use]
    pub fn of(certificate_der: &[u8]) -> Self {
        Self(Sha256::digest(certificate_der).into())
    }
}

impl fmt::Display for CertificatePin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for CertificatePin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificatePin({self})")
    }
}

impl FromStr for CertificatePin {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let digits: String = text.chars().filter(|c| *c != ':').collect();
        let mut pin = [0; 32];
        hex::decode_to_slice(&digits, &mut pin).map_err(|_| {
            Refusal::because(
                ErrorCode::ConfigInvalid,
                format!(
                    "'{text}' is no certificate pin: write the 64 hexadecimal digits of its SHA-256"
                ),
            )
        })?;
        Ok(Self(pin))
    }
}
