//! On which terms a client speaks TLS: whose certificates it accepts, and which one it shows itself.

use std::fmt;
use std::sync::Arc;

use anser_types::{ErrorCode, Refusal};
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use crate::trust::Trust;

/// Trust, and a certificate of one's own where the server asks for one. The same for every transport and HTTP.
#[derive(Clone, Debug, Default)]
pub struct TlsTerms {
    /// Which server certificates are accepted.
    pub trust: Trust,
    /// What is shown to servers that ask; they refuse clients that have nothing to show.
    pub certificate: Option<ClientCertificate>,
}

impl TlsTerms {
    /// The rustls settings for these terms, offering `alpn` (none when empty).
    ///
    /// # Errors
    /// See [`Trust::tls_config`].
    pub fn config(&self, alpn: &[&[u8]]) -> Result<ClientConfig, Refusal> {
        let mut config = self.trust.tls_config(alpn)?;
        if let Some(ClientCertificate(shown)) = &self.certificate {
            config.client_auth_cert_resolver = Arc::clone(shown) as _;
        }
        Ok(config)
    }
}

impl From<&Trust> for TlsTerms {
    fn from(trust: &Trust) -> Self {
        Self { trust: trust.clone(), certificate: None }
    }
}

impl From<&Self> for TlsTerms {
    fn from(terms: &Self) -> Self {
        terms.clone()
    }
}

/// The certificate that a client shows, with its key; cheap to clone.
#[derive(Clone)]
pub struct ClientCertificate(Arc<SingleCertAndKey>);

impl ClientCertificate {
    /// Takes the chain, the client's own certificate first, and its private key, both PEM.
    ///
    /// # Errors
    /// `CONFIG_INVALID` when one of them cannot be read, or they do not belong together.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, Refusal> {
        let invalid = |why: String| Refusal::because(ErrorCode::ConfigInvalid, why);
        let chain = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| invalid(format!("the client certificate is no PEM: {error}")))?;
        if chain.is_empty() {
            return Err(invalid("the PEM text holds no client certificate".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|error| invalid(format!("the client's private key is no PEM: {error}")))?;
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let both = CertifiedKey::from_der(chain, key, &provider).map_err(|error| {
            invalid(format!("client certificate and private key do not work together: {error}"))
        })?;
        Ok(Self(Arc::new(both.into())))
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCertificate")
    }
}
