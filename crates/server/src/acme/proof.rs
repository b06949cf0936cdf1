//! The proof that a name is ours (RFC 8737): in handshakes that ask for `acme-tls/1`, a certificate made for it is shown.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use anser_gateway::TlsSource;
use anser_types::ErrorCode;
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::failure::Failure;

/// What the authority offers in its handshakes, and nobody else.
const PROTOCOL: &[u8] = b"acme-tls/1";

/// Proofs that are shown as long as this lives; everybody else is shown the usual certificate.
pub(super) struct Shown {
    source: TlsSource,
    usual: Arc<ServerConfig>,
    present: Arc<ServerConfig>,
    proofs: BTreeMap<String, Arc<CertifiedKey>>,
}

impl Shown {
    pub(super) fn new(source: &TlsSource) -> Self {
        let usual = source.load_full();
        Self {
            source: Arc::clone(source),
            present: Arc::clone(&usual),
            usual,
            proofs: BTreeMap::new(),
        }
    }

    /// Shows the proof for a name: from now on the authority may look.
    ///
    /// # Errors
    /// `INTERNAL` when no certificate can be made for it.
    pub(super) fn add(&mut self, domain: &str, digest: &[u8]) -> Result<(), Failure> {
        let proof = proof(domain, digest).map_err(|what| {
            Failure::new(
                ErrorCode::Internal,
                format!("no proof could be made for {domain}: {what}"),
            )
        })?;
        self.proofs.insert(domain.to_owned(), Arc::new(proof));
        let mut config = ServerConfig::clone(&self.usual);
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        config.cert_resolver = Arc::new(Resolver {
            usual: Arc::clone(&self.usual.cert_resolver),
            proofs: self.proofs.clone(),
        });
        self.replace(Arc::new(config));
        Ok(())
    }

    /// Files that were read again in the meantime win: then this order fails and the next one begins with them.
    fn replace(&mut self, config: Arc<ServerConfig>) {
        self.source.compare_and_swap(&self.present, Arc::clone(&config));
        self.present = config;
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.replace(Arc::clone(&self.usual));
    }
}

fn proof(domain: &str, digest: &[u8]) -> Result<CertifiedKey, String> {
    let mut params = CertificateParams::new(vec![domain.to_owned()]).map_err(|e| e.to_string())?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate().map_err(|error| error.to_string())?;
    let made = params.self_signed(&key).map_err(|error| error.to_string())?;
    let private = PrivateKeyDer::try_from(key.serialize_der()).map_err(str::to_owned)?;
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let key = provider.key_provider.load_private_key(private).map_err(|error| error.to_string())?;
    // Not `from_der`: it refuses the extension, which must be critical, as one that it does not know.
    Ok(CertifiedKey::new(vec![made.der().clone()], key))
}

struct Resolver {
    usual: Arc<dyn ResolvesServerCert>,
    proofs: BTreeMap<String, Arc<CertifiedKey>>,
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if hello.alpn().is_some_and(|mut names| names.any(|name| name == PROTOCOL)) {
            return self.proofs.get(hello.server_name()?).cloned();
        }
        self.usual.resolve(hello)
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("proofs", &self.proofs.keys()).finish_non_exhaustive()
    }
}
