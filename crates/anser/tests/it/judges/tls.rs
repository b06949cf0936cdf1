//! sslyze looks at the listeners with TLS: which versions and suites they take, and the known faults of TLS.

use std::net::SocketAddr;

use serde_json::Value;

use super::{ask, tell};
use crate::program::Home;

/// What sslyze asks for, and the answer that is right whatever the settings.
const SOUND: &[(&str, &str, bool)] = &[
    ("tls_compression", "supports_compression", false),
    ("tls_1_3_early_data", "supports_early_data", false),
    ("heartbleed", "is_vulnerable_to_heartbleed", false),
    ("openssl_ccs_injection", "is_vulnerable_to_ccs_injection", false),
    ("session_renegotiation", "is_vulnerable_to_client_renegotiation_dos", false),
];
const SCANS: &[&str] = &[
    "--sslv2",
    "--sslv3",
    "--tlsv1",
    "--tlsv1_1",
    "--tlsv1_2",
    "--tlsv1_3",
    "--certinfo",
    "--compression",
    "--early_data",
    "--heartbleed",
    "--openssl_ccs",
    "--reneg",
    "--robot",
];
const VERSIONS: [&str; 6] = ["ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1", "tls_1_2", "tls_1_3"];
const SUITES_13: [&str; 3] =
    ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];
/// The self-signed certificate has an ECDSA key.
const SUITES_12: [&str; 3] = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
];

/// One listener as sslyze saw it.
struct Scan(Value);

impl Scan {
    fn of(address: SocketAddr) -> Self {
        let at = address.to_string();
        let said = ask(&[&["-m", "sslyze", "--json_out=-"], SCANS, &[&at]].concat());
        let json = &said[said.find('{').unwrap()..=said.rfind('}').unwrap()];
        let mut report: Value = serde_json::from_str(json).unwrap();
        let server = report["server_scan_results"][0].take();
        assert_eq!(server["scan_status"], "COMPLETED", "{server}");
        Self(server)
    }

    fn result(&self, scan: &str) -> &Value {
        let found = &self.0["scan_result"][scan];
        assert_eq!(found["status"], "COMPLETED", "{scan}: {found}");
        &found["result"]
    }

    /// The suites that a version is spoken with, in the order of their names; none where it is not spoken.
    fn suites(&self, version: &str) -> Vec<&str> {
        let suites = &self.result(&format!("{version}_cipher_suites"))["accepted_cipher_suites"];
        let names = suites.as_array().unwrap().iter();
        let mut names: Vec<_> =
            names.map(|suite| suite["cipher_suite"]["name"].as_str().unwrap()).collect();
        names.sort_unstable();
        names
    }

    fn certificates(&self) -> Vec<&str> {
        let shown = self.result("certificate_info")["certificate_deployments"].as_array().unwrap();
        shown
            .iter()
            .map(|shown| {
                let chain = &shown["received_certificate_chain"];
                chain[0]["fingerprint_sha256"].as_str().unwrap()
            })
            .collect()
    }

    fn has_no_known_fault(&self) {
        for (scan, question, right) in SOUND {
            assert_eq!(self.result(scan)[question], *right, "{scan}");
        }
        let robot = self.result("robot")["robot_result"].as_str().unwrap();
        assert!(robot.starts_with("NOT_VULNERABLE"), "{robot}");
    }
}

/// The fingerprint is base64 with sslyze, hexadecimal with us.
fn hex_of(base64: &str) -> String {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: String = base64
        .trim_end_matches('=')
        .chars()
        .map(|digit| format!("{:06b}", DIGITS.find(digit).unwrap()))
        .collect();
    let nibbles = bits.as_bytes().chunks(4).take(64);
    nibbles
        .map(|four| {
            let value = u32::from_str_radix(std::str::from_utf8(four).unwrap(), 2).unwrap();
            char::from_digit(value, 16).unwrap()
        })
        .collect()
}

/// Looks at both listeners over TCP, and compares with the versions that are to be spoken.
fn judge(more: &[&str], spoken: &[(&str, &[&str])]) {
    let home = Home::new();
    let server = home.serve_with(more);
    let said = server.announcement();
    let expected = said["certificate_sha256"].as_str().unwrap();
    for kind in ["tls", "https"] {
        let scan = Scan::of(server.address(kind));
        for version in VERSIONS {
            let right = spoken.iter().find(|(spoken, _)| *spoken == version);
            let right = right.map(|(_, suites)| *suites).unwrap_or_default();
            assert_eq!(scan.suites(version), right, "{kind} {version}");
        }
        scan.has_no_known_fault();
        let shown = scan.certificates();
        assert!(shown.iter().all(|base64| hex_of(base64) == expected), "{shown:?} {expected}");
        let suites: Vec<_> = spoken.iter().flat_map(|(_, suites)| *suites).collect();
        tell(&format!(
            "sslyze: {kind} {more:?}: {} and no other; no compression, early data, renegotiation fault, Heartbleed, \
             CCS injection or ROBOT; certificate {}… as announced",
            suites.iter().map(|suite| suite.as_ref()).collect::<Vec<&str>>().join(" "),
            &expected[..8]
        ));
    }
}

#[test]
fn requirement_k1_sslyze_finds_tls_1_3_alone_and_nothing_wrong() {
    judge(&[], &[("tls_1_3", &SUITES_13)]);
}

#[test]
fn requirement_k1_sslyze_finds_only_sound_suites_where_old_clients_are_let_in() {
    judge(&["--set", "tls.min_version=1.2"], &[("tls_1_2", &SUITES_12), ("tls_1_3", &SUITES_13)]);
}
