//! Which server certificates are accepted: those of the system's authorities, of one's own authority, or exactly
//! one certificate named by its SHA-256 ("pinning"). One setting serves TLS sessions, WebSockets and HTTP.

use std::sync::Arc;

use anser_trust::{CertificatePin, pinned_config};
use anser_types::{ErrorCode, Refusal};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

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
                return pinned_config(pins.clone(), alpn)
                    .map_err(|error| unusable(format!("TLS cannot be set up: {error}")));
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
