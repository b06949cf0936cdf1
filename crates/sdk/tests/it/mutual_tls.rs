//! Both sides show a certificate (requirement K1): over every transport with TLS, and HTTP.

use std::sync::Arc;

use anser_gateway::ListenerKind;
use anser_sdk::http::{AccountClient, HttpConnection};
use anser_sdk::types::ErrorCode;
use anser_sdk::{Client, ClientCertificate, Endpoint, Error, SecretString, TlsTerms, Trust};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use tempfile::tempdir;

use crate::world::{Certificate, World, soon};

const WITH_TLS: [ListenerKind; 3] = [ListenerKind::Tls, ListenerKind::Quic, ListenerKind::Https];

/// Signs the certificates of clients.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate and its key, PEM.
    fn client(&self) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["phone-1".to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    /// A server that lets in only its clients.
    fn guards(&self) -> World {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        World::with_certificate(Certificate::asking(verifier))
    }
}

/// Alice's client over this transport, with this certificate and key.
async fn connect(
    world: &World,
    kind: ListenerKind,
    shown: Option<&(String, String)>,
) -> Result<Client, Error> {
    let store = tempdir().unwrap();
    let mut builder = world.builder(kind, store.path());
    if let Some((chain, key)) = shown {
        builder = builder.client_certificate(chain.as_bytes(), key.as_bytes())?;
    }
    let client = builder.login_with(world.devices("alice")).await?;
    soon(client.wait_synced()).await?;
    Ok(client)
}

#[tokio::test]
async fn requirement_k1_a_client_shows_its_certificate_over_every_transport() {
    let authority = Authority::new();
    let world = authority.guards();
    let shown = authority.client();
    for kind in WITH_TLS {
        connect(&world, kind, Some(&shown)).await.unwrap();
    }
}

#[tokio::test]
async fn requirement_k1_a_client_without_a_certificate_is_told_that_one_is_asked_for() {
    let world = Authority::new().guards();
    for kind in WITH_TLS {
        let error = connect(&world, kind, None).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::ClientCertificateRefused, "{kind:?}: {error}");
        assert!(error.to_string().contains("asks for a client certificate"), "{kind:?}: {error}");
    }
}

#[tokio::test]
async fn requirement_k1_a_certificate_of_another_authority_is_refused() {
    let world = Authority::new().guards();
    let shown = Authority::new().client();
    for kind in WITH_TLS {
        let error = connect(&world, kind, Some(&shown)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::ClientCertificateRefused, "{kind:?}: {error}");
    }
}

#[tokio::test]
async fn requirement_k1_http_shows_the_same_certificate() {
    let authority = Authority::new();
    let world = authority.guards();
    let base = format!("https://{}", world.address(ListenerKind::Https));
    let (chain, key) = authority.client();
    let shown = ClientCertificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
    for (certificate, expected) in
        [(Some(shown), ErrorCode::TokenInvalid), (None, ErrorCode::ClientCertificateRefused)]
    {
        let terms = TlsTerms { trust: Trust::Pinned(vec![world.pin()]), certificate };
        let connection = HttpConnection::new(&base, &terms, false).unwrap();
        let token = SecretString::from("no token");
        let refusal = AccountClient::new(connection).renew(&token).await.unwrap_err();
        assert_eq!(refusal.code, expected, "{}", refusal.detail);
    }
}

#[tokio::test]
async fn a_certificate_and_a_key_that_do_not_belong_together_are_refused_at_once() {
    let authority = Authority::new();
    let ((chain, _), (_, key)) = (authority.client(), authority.client());
    let endpoint: Endpoint = "tls://chat.example:7411".parse().unwrap();
    for (chain, key) in [(&chain, &key), (&key, &key), (&chain, &chain)] {
        let builder = Client::builder().endpoint(endpoint.clone());
        let refusal = builder.client_certificate(chain.as_bytes(), key.as_bytes()).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::ConfigInvalid, "{}", refusal.detail);
    }
}
