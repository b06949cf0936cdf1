//! Certificates are replaced while people talk.

use std::fs;

use anser_sdk::transports::Dialer;
use anser_sdk::types::ErrorCode;
use anser_sdk::{CertificatePin, Endpoint, Trust};
use rustix::process::Signal;

use crate::acme::until;
use crate::people::device;
use crate::program::{Home, Server};

const WITH_TLS: [(&str, &str); 3] = [("tls", "tls"), ("quic", "quic"), ("wss", "https")];

fn pin(server: &Server) -> CertificatePin {
    server.announcement()["certificate_sha256"].as_str().unwrap().parse().unwrap()
}

fn endpoint(server: &Server, scheme: &str, kind: &str) -> Endpoint {
    format!("{scheme}://{}", server.address(kind)).parse().unwrap()
}

/// Whether newcomers over every transport are shown this certificate.
async fn shows(server: &Server, pin: CertificatePin) -> bool {
    let dialer = Dialer::new(&Trust::Pinned(vec![pin]), false).unwrap();
    let mut shown = Vec::new();
    for (scheme, kind) in WITH_TLS {
        let opened = dialer.open(&endpoint(server, scheme, kind)).await;
        if let Err(refusal) = &opened {
            assert_eq!(refusal.code, ErrorCode::CertificateRefused, "{}", refusal.detail);
        }
        shown.push(opened.is_ok());
    }
    assert!(shown.iter().all(|one| *one == shown[0]), "{shown:?}");
    shown[0]
}

#[tokio::test]
async fn requirement_k1_a_new_certificate_is_shown_to_newcomers_and_disturbs_nobody() {
    let home = Home::new();
    let mut server = home.serve();
    let bob = device(&server, "bob").await.user;
    let old = pin(&server);
    // Each talks over a link of the old certificate.
    let mut people = Vec::new();
    for (scheme, kind) in WITH_TLS {
        let client = anser_sdk::Client::builder()
            .endpoint(endpoint(&server, scheme, kind))
            .http(format!("http://{}", server.address("http")))
            .trust(Trust::Pinned(vec![old]))
            .store_directory(home.path().join(scheme))
            .login_as(device(&server, scheme).await)
            .await
            .unwrap();
        client.wait_connected().await.unwrap();
        people.push(client);
    }
    let other = Home::new();
    assert!(other.run(&["init"]).status.success());
    for file in ["key.pem", "cert.pem"] {
        fs::copy(other.data_dir().join(file), home.data_dir().join(file)).unwrap();
    }
    server.signal(Signal::HUP);
    assert!(server.hear("reloaded"), "{}", home.log());
    let new = pin(&server);
    assert!(shows(&server, new).await && !shows(&server, old).await);
    for client in &people {
        // A link that had ended could not be opened again: the old certificate is not shown any more.
        client.send_text(bob.clone(), "still here").await.unwrap();
    }

    fs::write(home.data_dir().join("cert.pem"), "broken").unwrap();
    server.signal(Signal::HUP);
    until("the refusal", || home.log().contains("the old certificate stays in use"));
    assert!(shows(&server, new).await);
}
