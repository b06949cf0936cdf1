//! What a refused certificate looks like from above, on either side, and how it is explained.

use anser_types::{ErrorCode, Refusal};
use rustls::{AlertDescription, CertificateError, OtherError};

/// Looks for a refused certificate in an error and everything that caused it: the server's, refused here
/// (`CERTIFICATE_REFUSED`), or this client's, refused there (`CLIENT_CERTIFICATE_REFUSED`).
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
            match candidate.downcast_ref() {
                Some(rustls::Error::InvalidCertificate(why)) => {
                    return Some(Refusal::because(ErrorCode::CertificateRefused, explain(why)));
                }
                Some(rustls::Error::AlertReceived(alert)) => {
                    return refused_client_by_alert(u8::from(*alert));
                }
                _ => {}
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

/// What the server's alert (RFC 8446, section 6.2) says of the certificate that this client has shown or not.
#[must_use]
pub fn refused_client_by_alert(alert: u8) -> Option<Refusal> {
    use AlertDescription as A;
    let why = match A::from(alert) {
        A::CertificateRequired => {
            "the server asks for a client certificate, and this client has none"
        }
        A::UnknownCA => "no authority that the server trusts has signed this client's certificate",
        A::CertificateExpired => "this client's certificate is not valid at this time",
        A::CertificateRevoked => "this client's certificate was revoked",
        A::AccessDenied => "the server does not let this client's certificate in",
        // The last one: an authority of the same name has not signed it.
        A::BadCertificate | A::UnsupportedCertificate | A::CertificateUnknown | A::DecryptError => {
            "the server cannot use this client's certificate"
        }
        _ => return None,
    };
    Some(Refusal::because(ErrorCode::ClientCertificateRefused, why))
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
