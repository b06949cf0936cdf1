//! Certificates: the self-signed one of a first start, loading for TLS, fingerprint, expiry.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anser_types::{ErrorCode, UnixMs};
use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::acme;
use crate::config::{Config, MinVersion, Tls};
use crate::data_dir::DataDir;
use crate::failure::Failure;

/// Clients recognise the self-signed certificate by its fingerprint, so it may last; a client's clock may be wrong
/// by as much as the margin before its birth.
const LIFE: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
const MARGIN: Duration = Duration::from_secs(24 * 3600);

/// A certificate and its key as PEM texts.
pub struct MadeCertificate {
    /// The certificate.
    pub certificate: String,
    /// The private key.
    pub key: Zeroizing<String>,
}

/// Makes a self-signed certificate for this machine: localhost, its loopback addresses and its name.
///
/// # Errors
/// `INTERNAL` when the name cannot stand in a certificate or no key can be made.
pub fn self_signed(host: Option<&str>, now: UnixMs) -> Result<MadeCertificate, Failure> {
    let failed = |error: rcgen::Error| {
        Failure::new(ErrorCode::Internal, format!("no certificate could be made: {error}"))
    };
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    names.extend(host.map(str::to_owned));
    let mut params = CertificateParams::new(names).map_err(failed)?;
    params.distinguished_name.push(DnType::CommonName, "Anser server (self-signed)");
    let birth = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_millis(now.0);
    params.not_before = birth - MARGIN;
    params.not_after = birth + LIFE;
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = params.self_signed(&key).map_err(failed)?;
    Ok(MadeCertificate { certificate: certificate.pem(), key: Zeroizing::new(key.serialize_pem()) })
}

/// What the server shows in TLS handshakes.
#[derive(Debug)]
pub struct Identity {
    /// Ready for the listeners, which add what they speak (ALPN).
    pub tls: Arc<ServerConfig>,
    /// SHA-256 of the server's own certificate, as clients pin it.
    pub sha256: [u8; 32],
    /// When it ends.
    pub not_after: UnixMs,
}

/// The files and rules of TLS, as the settings name them.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The chain, the server's own first.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The oldest version that is spoken.
    pub min_version: MinVersion,
    /// Who signs the certificates that clients must show; nobody is asked for one without it.
    pub client_authorities: Option<PathBuf>,
}

impl Terms {
    /// What the settings say, in this data directory.
    #[must_use]
    pub fn of(config: &Config, data_dir: &DataDir) -> Self {
        let Tls { certificate, key, min_version, client_authorities, .. } = &config.tls;
        let authorities = Some(client_authorities).filter(|file| !file.is_empty());
        // Certificate and key lie in one file.
        let fetched = acme::Terms::of(config, data_dir)
            .map(|terms| terms.certificate)
            .filter(|file| file.exists());
        Self {
            certificate: fetched.clone().unwrap_or_else(|| data_dir.resolve(certificate)),
            key: fetched.unwrap_or_else(|| data_dir.resolve(key)),
            min_version: *min_version,
            client_authorities: authorities.map(|file| data_dir.resolve(file)),
        }
    }
}

/// Loads and checks certificate chain, key and the authorities of clients.
///
/// # Errors
/// `CONFIG_INVALID` names the file that is wrong and how.
pub fn load(terms: &Terms) -> Result<Identity, Failure> {
    let Terms { certificate, key, .. } = terms;
    let chain = read_chain(certificate)?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| {
        invalid(key, &format!("the private key cannot be read: {error}"))
            .next("Write one PRIVATE KEY block in PEM form into it.")
    })?;
    let own = chain.first().ok_or_else(|| invalid(certificate, "there is no certificate in it"))?;
    let sha256 = Sha256::digest(own).into();
    let not_after = ends_at(own).map_err(|what| invalid(certificate, &what))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let clients = clients(terms.client_authorities.as_deref(), &provider)?;
    let mut tls = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions(terms.min_version))
        .map_err(|error| Failure::new(ErrorCode::Internal, format!("TLS: {error}")))?
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, private)
        .map_err(|error| {
            invalid(certificate, &format!("does not work with {}: {error}", key.display()))
                .next("Replace both files with a certificate and the key it was made for.")
        })?;
    // Requirement E8: a client that was here comes back with one round trip less, whatever the number of clients.
    tls.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()
        .map_err(|error| Failure::new(ErrorCode::Internal, format!("TLS tickets: {error}")))?;
    Ok(Identity { tls: Arc::new(tls), sha256, not_after })
}

fn versions(oldest: MinVersion) -> &'static [&'static SupportedProtocolVersion] {
    static NEWEST_FIRST: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
    match oldest {
        MinVersion::Tls12 => &NEWEST_FIRST,
        MinVersion::Tls13 => &NEWEST_FIRST[..1],
    }
}

/// Who must show a certificate: nobody, or everybody one of these authorities'.
fn clients(
    authorities: Option<&Path>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, Failure> {
    let Some(path) = authorities else { return Ok(WebPkiClientVerifier::no_client_auth()) };
    let mut roots = RootCertStore::empty();
    for authority in read_chain(path)? {
        roots
            .add(authority)
            .map_err(|error| invalid(path, &format!("this is no authority: {error}")))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| invalid(path, &format!("it names no authority for clients: {error}")))
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| invalid(path, &format!("the certificate cannot be read: {error}")))
}

fn ends_at(certificate: &CertificateDer<'_>) -> Result<UnixMs, String> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate)
        .map_err(|error| format!("this is no certificate: {error}"))?;
    let seconds = parsed.validity().not_after.timestamp();
    Ok(UnixMs(u64::try_from(seconds).unwrap_or(0).saturating_mul(1000)))
}

fn invalid(path: &Path, what: &str) -> Failure {
    Failure::new(ErrorCode::ConfigInvalid, format!("{}: {what}", path.display()))
        .next("Write CERTIFICATE blocks in PEM form into it, the server's own first.")
}
