//! What a refused certificate looks like from above, and how it is explained.

use anser_types::{ErrorCode, Refusal};
use rustls::{AlertDescription, CertificateError, OtherError};

/// Looks for a refused certificate in an error and everything that caused it.
///
/// The way down to rustls differs between plain TLS (`io::Error`) and the HTTP client (several layers).
#[must_use]
pub fn refused_certificate(error: &(dyn std::error::Error + 'static)) -> Option<Refusal> {
    let mut current = Some(error);
    while let Some(error) = current {
        let inner = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            .map(|inner| inner as &(dyn std::error::Error + 'static));
        for candidate in [Some(error), inner].into_iter().flatten() {
            if let Some(rustls::Error::InvalidCertificate(why)) = candidate.downcast_ref() {
                return Some(Refusal::because(ErrorCode::CertificateRefused, explain(why)));
            }
        }
        current = inner.or_else(|| error.source());
    }
    None
}

/// The same where of rustls' error only the alert to the server (RFC 8446, section 6.2) and the text are left, as in QUIC.
#[must_use]
pub fn refused_by_alert(alert: u8, said: &str) -> Option<Refusal> {
    use AlertDescription as A;
    let why = match A::from(alert) {
        A::UnknownCA => explain(&CertificateError::UnknownIssuer),
        A::BadCertificate
        | A::UnsupportedCertificate
        | A::CertificateRevoked
        | A::CertificateExpired
        | A::CertificateUnknown => {
            said.strip_prefix("invalid peer certificate: ").unwrap_or(said).to_owned()
        }
        _ => return None,
    };
    Some(Refusal::because(ErrorCode::CertificateRefused, why))
}

fn explain(why: &CertificateError) -> String {
    match why {
        CertificateError::Other(OtherError(inner)) => inner.to_string(),
        CertificateError::UnknownIssuer => {
            "no authority this device trusts has signed it (a server that made its own certificate is trusted by \
             its pin)"
                .to_owned()
        }
        other => other.to_string(),
    }
}
