//! What a first start makes, with which rights, and that a second one touches nothing.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anser_server::api_key;
use anser_server::certificate::{self, Terms};
use anser_server::config::Config;
use anser_server::failure::{Failure, of_problems};
use anser_server::first_start::{Made, prepare};
use anser_server::secret_file;
use anser_types::ErrorCode;

use crate::place::{Counting, NOW, Place, Standing};

fn start(place: &Place) -> Result<Vec<Made>, Failure> {
    let config = place.load().map_err(|problems| of_problems(&problems))?.config;
    prepare(&place.data_dir, &config, Some("chat-box"), &Standing, &Counting::default())
}

fn terms(place: &Place) -> Terms {
    Terms::of(&place.load().unwrap().config, &place.data_dir)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn contents(root: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|e| (e.file_name().into_string().unwrap(), fs::read(e.path()).unwrap()))
        .collect()
}

#[test]
fn everything_is_made_for_the_owner_alone() {
    let place = Place::new();
    let made = start(&place).unwrap();
    assert_eq!(made.len(), 6, "{made:?}");
    assert_eq!(mode(place.root()), 0o700);
    let root = place.root();
    assert_eq!(mode(&root.join("api-key")), 0o600);
    assert_eq!(mode(&root.join("key.pem")), 0o600);
    assert_eq!(mode(&root.join("quic-key")), 0o600);
    let names: Vec<_> = contents(root).into_keys().collect();
    assert_eq!(names, ["anser.toml", "api-key", "cert.pem", "key.pem", "quic-key"]);
    assert_eq!(api_key::read_hashes(&root.join("api-key")).unwrap().len(), 1);
}

#[test]
fn a_second_start_makes_nothing_and_changes_nothing() {
    let place = Place::new();
    start(&place).unwrap();
    let before = contents(place.root());
    assert_eq!(start(&place).unwrap(), []);
    assert_eq!(contents(place.root()), before);
}

#[test]
fn only_what_is_missing_is_made_again() {
    let place = Place::new();
    start(&place).unwrap();
    let before = contents(place.root());
    fs::remove_file(place.root().join("anser.toml")).unwrap();
    let made = start(&place).unwrap();
    assert_eq!(made.len(), 1);
    assert!(made[0].path.ends_with("anser.toml"));
    assert_eq!(contents(place.root()), before);
}

#[test]
fn the_configuration_that_is_made_says_the_defaults() {
    let place = Place::new();
    start(&place).unwrap();
    assert_eq!(place.load().unwrap().config, Config::default());
}

#[test]
fn an_operators_own_files_are_kept() {
    let place = Place::new();
    place.write_config("[accounts]\nregistration = false\n");
    fs::write(place.root().join("api-key"), "# mine\nmine-0123456789abcdef0123456789abcdef\n")
        .unwrap();
    start(&place).unwrap();
    assert!(!place.load().unwrap().config.accounts.registration);
    let kept = fs::read_to_string(place.root().join("api-key")).unwrap();
    assert!(kept.contains("mine-0123"));
}

#[test]
fn half_a_certificate_is_refused_rather_than_replaced() {
    let place = Place::new();
    start(&place).unwrap();
    fs::remove_file(place.root().join("key.pem")).unwrap();
    let failure = start(&place).unwrap_err();
    assert_eq!(failure.code, ErrorCode::ConfigInvalid);
    assert!(failure.detail.contains("key.pem is not"), "{}", failure.detail);
}

#[test]
fn nothing_is_made_outside_the_data_directory() {
    let place = Place::new();
    place.write_config("[tls]\ncertificate = \"/nowhere/cert.pem\"\nkey = \"/nowhere/key.pem\"\n");
    let failure = start(&place).unwrap_err();
    assert_eq!(failure.code, ErrorCode::ConfigInvalid);
    assert!(failure.detail.contains("/nowhere/cert.pem"), "{}", failure.detail);
}

#[test]
fn without_tls_no_certificate_is_made() {
    let place = Place::new();
    place.write_config("[listen]\ntls = \"off\"\nquic = \"off\"\nhttps = \"off\"\n");
    start(&place).unwrap();
    assert!(!place.root().join("cert.pem").exists());
}

#[test]
fn without_quic_there_is_no_key_of_it() {
    let place = Place::new();
    place.write_config("[listen]\nquic = \"off\"\n");
    start(&place).unwrap();
    assert!(!place.root().join("quic-key").exists());
}

#[test]
fn a_key_of_quic_is_read_as_it_was_written_and_nothing_else_is_one() {
    let place = Place::new();
    start(&place).unwrap();
    let path = place.root().join("quic-key");
    let written = secret_file::from_random(&secret_file::read(&path, "").unwrap());
    assert_eq!(fs::read_to_string(&path).unwrap(), *written);
    for wrong in ["", "00", &"0".repeat(65), &"g".repeat(64)] {
        fs::write(&path, wrong).unwrap();
        let failure = secret_file::read(&path, "remove it").unwrap_err();
        assert_eq!(failure.code, ErrorCode::ConfigInvalid);
        assert!(failure.detail.contains("quic-key"), "{}", failure.detail);
    }
}

#[test]
fn two_servers_never_have_the_same_secrets() {
    let (one, other) = (Place::new(), Place::new());
    let entropy = Counting::default();
    for place in [&one, &other] {
        prepare(&place.data_dir, &Config::default(), None, &Standing, &entropy).unwrap();
    }
    let (one, other) = (contents(one.root()), contents(other.root()));
    for secret in ["api-key", "key.pem", "quic-key"] {
        assert_ne!(one[secret], other[secret]);
    }
}

#[test]
fn the_certificate_names_this_machine_and_works() {
    let place = Place::new();
    start(&place).unwrap();
    let cert = place.root().join("cert.pem");
    let identity = certificate::load(&terms(&place)).unwrap();
    assert!(identity.not_after.since(NOW) > 3600 * 24 * 365 * 1000);
    let pem = fs::read(&cert).unwrap();
    let (_, pem) = x509_parser::pem::parse_x509_pem(&pem).unwrap();
    let parsed = pem.parse_x509().unwrap();
    let names = format!("{:?}", parsed.subject_alternative_name().unwrap().unwrap().value);
    for name in ["localhost", "chat-box"] {
        assert!(names.contains(name), "{names}");
    }
}

#[test]
fn a_certificate_with_another_key_is_refused() {
    let (one, other) = (Place::new(), Place::new());
    start(&one).unwrap();
    start(&other).unwrap();
    let mixed = Terms { key: other.root().join("key.pem"), ..terms(&one) };
    assert_eq!(certificate::load(&mixed).unwrap_err().code, ErrorCode::ConfigInvalid);
    let nobody = Terms { client_authorities: Some(one.root().join("key.pem")), ..terms(&one) };
    assert_eq!(certificate::load(&nobody).unwrap_err().code, ErrorCode::ConfigInvalid);
}

#[test]
fn weak_and_missing_api_keys_are_refused_with_their_line() {
    let place = Place::new();
    place.data_dir.create().unwrap();
    let file = place.root().join("api-key");
    fs::write(&file, "# comment\n\nsecret\n").unwrap();
    let failure = api_key::read_hashes(&file).unwrap_err();
    assert!(failure.detail.contains("line 3"), "{}", failure.detail);
    fs::write(&file, "# only a comment\n").unwrap();
    assert!(api_key::read_hashes(&file).unwrap_err().detail.contains("no key"));
}

#[test]
fn a_crash_while_writing_leaves_no_half_file() {
    let place = Place::new();
    place.data_dir.create().unwrap();
    fs::write(place.root().join("api-key.new"), "ans").unwrap();
    start(&place).unwrap();
    let root = place.root();
    assert!(!root.join("api-key.new").exists());
    assert_eq!(mode(&root.join("api-key")), 0o600);
    assert_eq!(api_key::read_hashes(&root.join("api-key")).unwrap().len(), 1);
}
