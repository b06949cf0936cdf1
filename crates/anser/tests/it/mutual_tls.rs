//! A server that lets in only clients whose certificate one of its authorities has signed.

use std::fs;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustix::process::Signal;

use crate::program::{Home, Server, text};

/// Writes an authority's certificate, and the certificate and key of a client that it has signed.
fn write_authority(into: &Path, name: &str) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let client = CertificateParams::new(vec!["alice".to_owned()]).unwrap();
    let client = client.signed_by(&key, &authority).unwrap();
    for (part, pem) in
        [("authority", authority.pem()), ("cert", client.pem()), ("key", key.serialize_pem())]
    {
        fs::write(into.join(format!("{name}-{part}.pem")), pem).unwrap();
    }
}

/// Alice sends over this transport with the certificate of this name; what she is told, and the exit status.
fn send(home: &Home, server: &Server, kind: &str, certificate: Option<&str>) -> (i32, String) {
    let url = format!("{kind}://{}", server.address(kind));
    let mut words = vec!["send", "--as", "alice", "alice", "hi", "--server", &url];
    let file = |part| home.path().join(format!("{}-{part}.pem", certificate.unwrap_or_default()));
    let (chain, key) = (file("cert"), file("key"));
    if certificate.is_some() {
        let files =
            ["--client-cert", chain.to_str().unwrap(), "--client-key", key.to_str().unwrap()];
        words.extend(files);
    }
    let output = home.run(&words);
    (output.status.code().unwrap(), text(&output.stderr))
}

#[test]
fn requirement_k1_only_clients_with_a_certificate_of_the_authority_are_let_in() {
    let home = Home::new();
    write_authority(home.path(), "ours");
    write_authority(home.path(), "theirs");
    let authorities = home.path().join("authorities.pem");
    fs::copy(home.path().join("ours-authority.pem"), &authorities).unwrap();
    let setting = format!("tls.client_authorities={}", authorities.display());
    let mut server = home.serve_with(&["--set", &setting]);
    for kind in ["tls", "quic", "https"] {
        let (status, told) = send(&home, &server, kind, Some("ours"));
        assert_eq!(status, 0, "{kind}: {told}");
        for stranger in [None, Some("theirs")] {
            let (status, told) = send(&home, &server, kind, stranger);
            assert_eq!(status, 4, "{kind} {stranger:?}: {told}");
            assert!(told.contains("CLIENT_CERTIFICATE_REFUSED"), "{kind} {stranger:?}: {told}");
            assert!(told.contains("--client-cert"), "{kind} {stranger:?}: {told}");
        }
    }
    // Another authority is taken with the next SIGHUP; a file that holds none is not.
    fs::copy(home.path().join("theirs-authority.pem"), &authorities).unwrap();
    server.signal(Signal::HUP);
    assert!(server.hear("reloaded"), "{}", home.log());
    assert_eq!(send(&home, &server, "tls", Some("theirs")).0, 0);
    assert_eq!(send(&home, &server, "tls", Some("ours")).0, 4);
    fs::write(&authorities, "").unwrap();
    server.signal(Signal::HUP);
    assert_eq!(send(&home, &server, "tls", Some("theirs")).0, 0);
}
