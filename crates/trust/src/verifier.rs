//! TLS that accepts exactly the pinned certificates, whatever name or authority they carry.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, SignatureScheme};

use crate::pin::CertificatePin;

/// Settings of a TLS client that accepts these certificates alone and offers `alpn` (none when empty). A server passes
/// only if it shows one of them and holds its key; nothing else of a certificate is looked at.
///
/// # Errors
/// The cryptography cannot be set up.
pub fn pinned_config(
    pins: Vec<CertificatePin>,
    alpn: &[&[u8]],
) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(PinVerifier { pins, provider }))
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Ok(config)
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

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn certificate(key: &KeyPair) -> CertificateDer<'static> {
        let params = CertificateParams::new(vec!["other.example".to_owned()]).unwrap();
        params.self_signed(key).unwrap().der().clone()
    }

    fn verdict(pins: &[CertificatePin], shown: &CertificateDer<'_>) -> Result<(), rustls::Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = PinVerifier { pins: pins.to_vec(), provider };
        let name = ServerName::try_from("chat.example").unwrap();
        verifier.verify_server_cert(shown, &[], &name, &[], UnixTime::now()).map(drop)
    }

    #[test]
    fn exactly_the_pinned_certificates_pass() {
        let key = KeyPair::generate().unwrap();
        let (mine, other) = (certificate(&key), certificate(&KeyPair::generate().unwrap()));
        let pin = CertificatePin::of(&mine);
        assert_eq!(verdict(&[CertificatePin([0; 32]), pin], &mine), Ok(()));
        assert!(verdict(&[], &mine).is_err());
        let refused = verdict(&[pin], &other).unwrap_err();
        let told = crate::refused_certificate(&refused).unwrap();
        assert_eq!(told.code, anser_types::ErrorCode::CertificateRefused);
        assert!(told.detail.contains(&pin.to_string()), "{}", told.detail);
    }
}
