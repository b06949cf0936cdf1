//! Certificate pins: the one verifier of TLS that accepts exactly the certificates that were named, for clients of the
//! SDK and for the operator's commands alike (docs/adr/0003-one-certificate-pinning.md).
//!
//! Pure: it opens no connection and reads no file.

mod pin;
mod refused;
mod verifier;

pub use pin::CertificatePin;
pub use refused::{refused_by_alert, refused_certificate, refused_client_by_alert};
pub use verifier::pinned_config;
