//! Which server certificates are accepted: those of the system's authorities, of one's own authority, or exactly
//! one certificate named by its SHA-256 ("pinning"). One setting serves TLS sessions, WebSockets and HTTP.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use anser_types::{ErrorCode, Refusal};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore,
    SignatureScheme,
};
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

/// Which server certificates are accepted.
#[derive(Clone, Debug, Default)]
pub enum Trust {
    /// Those that the operating system's certificate authorities vouch for, for the right host name.
    #[default]
    System,
    /// Exactly these certificates, whatever name or authority they carry. Right for a server that made its own.
    Pinned(Vec<CertificatePin>),
    /// Those that these authorities (DER) vouch for, for the right host name.
    Authorities(Vec<CertificateDer<'static>>),
}

impl Trust {
    /// Trusts the authorities of a PEM text.
    ///
    /// # Errors
    /// `CONFIG_INVALID` when it holds no certificate.
    pub fn authorities_from_pem(pem: &[u8]) -> Result<Self, Refusal> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        match read {
            Ok(certificates) if !certificates.is_empty() => Ok(Self::Authorities(certificates)),
            Ok(_) => {
                Err(Refusal::because(ErrorCode::ConfigInvalid, "the PEM text holds no certificate"))
            }
            Err(error) => Err(Refusal::because(
                ErrorCode::ConfigInvalid,
                format!("the PEM text is not valid: {error}"),
            )),
        }
    }

    /// The rustls settings for this trust, offering `alpn` (none when empty).
    ///
    /// # Errors
    /// `CONFIG_INVALID` when the system's authorities cannot be loaded or one's own are not usable.
    pub fn tls_config(&self, alpn: &[&[u8]]) -> Result<ClientConfig, Refusal> {
        let unusable = |what: String| Refusal::because(ErrorCode::ConfigInvalid, what);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(format!("TLS cannot be set up: {error}")))?;
        let builder = match self {
            Self::System => {
                let verifier =
                    rustls_platform_verifier::Verifier::new(provider).map_err(|error| {
                        unusable(format!(
                            "the system's certificate authorities cannot be loaded: {error}"
                        ))
                    })?;
                builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
            }
            Self::Pinned(pins) => {
                builder.dangerous().with_custom_certificate_verifier(Arc::new(PinVerifier {
                    pins: pins.clone(),
                    provider,
                }))
            }
            Self::Authorities(certificates) => {
                let mut roots = RootCertStore::empty();
                for certificate in certificates {
                    roots.add(certificate.clone()).map_err(|error| {
                        unusable(format!("a certificate authority is not usable: {error}"))
                    })?;
                }
                builder.with_root_certificates(roots)
            }
        };
        let mut config = builder.with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Ok(config)
    }
}

/// Looks for a refused certificate in an error and everything that caused it.
///
/// The way down to rustls differs between plain TLS (`io::Error`) and the HTTP client (several layers).
#[must_use]
pub(crate) fn refused_certificate(error: &(dyn std::error::Error + 'static)) -> Option<Refusal> {
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

/// The certificate shown is none of those expected.
#[derive(Debug, thiserror::Error)]
#[error("the server shows the certificate {shown}, expected is {expected}")]
struct PinMismatch {
    shown: CertificatePin,
    expected: String,
}

/// Accepts exactly the pinned certificates and checks that the server holds the key.
#[derive(Debug)]
struct PinVerifier {
    pins: Vec<CertificatePin>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let shown = CertificatePin::of(end_entity);
        if self.pins.contains(&shown) {
            return Ok(ServerCertVerified::assertion());
        }
        let expected = self.pins.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
        Err(CertificateError::Other(OtherError(Arc::new(PinMismatch { shown, expected }))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
