//! Where the server is found, and where its clients keep their stores.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anser_cli::identity::Purpose;
use anser_cli::place::{Place, ServerUrl, Wanted, client_dir, store_directory};
use anser_sdk::Trust;
use anser_types::ErrorCode;
use tempfile::TempDir;

use crate::support::user;

const PIN: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn environment(pairs: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> + use<> {
    let pairs: BTreeMap<String, String> =
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    move |name| pairs.get(name).cloned()
}

/// A data directory as a running server leaves it.
fn server() -> TempDir {
    let dir = TempDir::new().unwrap();
    let key = dir.path().join("api-key");
    fs::write(&key, "# the key of this server\nanser_secret\n").unwrap();
    let file = format!(
        r#"{{"tcp":"127.0.0.1:7410","tls":"127.0.0.1:7411","http":"127.0.0.1:7480","https":"127.0.0.1:7443",
            "certificate_sha256":"{PIN}","api_key_file":{key:?},"pid":1}}"#
    );
    fs::write(dir.path().join("server.json"), file).unwrap();
    dir
}

fn in_dir(dir: &Path) -> Wanted {
    Wanted { data_dir: Some(dir.to_owned()), ..Wanted::default() }
}

#[test]
fn the_server_of_this_machine_is_found_with_its_key_and_certificate() {
    let dir = server();
    let place = Place::find(&in_dir(dir.path()), &environment(&[])).unwrap();
    assert_eq!(place.session.to_string(), "tcp://127.0.0.1:7410");
    assert_eq!(place.http, "http://127.0.0.1:7480");
    assert!(matches!(&place.tls.trust, Trust::Pinned(pins) if pins[0].to_string() == PIN));
    assert!(place.api_key.is_some());
    assert!(place.directory.starts_with("local-"));
    // The default place, by the environment.
    let root = TempDir::new().unwrap();
    fs::create_dir_all(root.path().join("anser")).unwrap();
    fs::rename(dir.path(), root.path().join("anser/server")).unwrap();
    let by_home = environment(&[("XDG_DATA_HOME", root.path().to_str().unwrap())]);
    assert!(Place::find(&Wanted::default(), &by_home).is_ok());
}

#[test]
fn a_server_made_anew_is_another_server() {
    let (one, other) = (server(), server());
    fs::write(other.path().join("api-key"), "anser_other\n").unwrap();
    let name =
        |dir: &TempDir| Place::find(&in_dir(dir.path()), &environment(&[])).unwrap().directory;
    assert_ne!(name(&one), name(&other));
    assert_eq!(name(&one), name(&one));
}

#[test]
fn without_a_server_it_is_said_how_to_start_one() {
    let dir = TempDir::new().unwrap();
    let refusal = Place::find(&in_dir(dir.path()), &environment(&[])).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::Unreachable);
    assert!(refusal.detail.contains("anser serve"));
}

#[test]
fn a_server_is_named_by_its_url() {
    let named = |url: &str| {
        let dir = TempDir::new().unwrap();
        let wanted = Wanted { server: Some(url.parse().unwrap()), ..in_dir(dir.path()) };
        Place::find(&wanted, &environment(&[]))
    };
    let place = named("https://chat.example.org:8443").unwrap();
    assert_eq!(place.session.to_string(), "wss://chat.example.org:8443/v1/ws");
    assert_eq!(place.http, "https://chat.example.org:8443");
    assert!(place.api_key.is_none() && matches!(place.tls.trust, Trust::System));
    let place = named("tls://chat.example.org:7411").unwrap();
    assert_eq!(
        (place.session.to_string().as_str(), place.http.as_str()),
        ("tls://chat.example.org:7411", "https://chat.example.org:7443")
    );
    let place = named("quic://chat.example.org").unwrap();
    assert_eq!(
        (place.session.to_string().as_str(), place.http.as_str()),
        ("quic://chat.example.org:7411", "https://chat.example.org:7443")
    );
    assert_eq!(
        named("http://127.0.0.1:7480").unwrap().session.to_string(),
        "ws://127.0.0.1:7480/v1/ws"
    );
    for wrong in ["chat.example.org", "ftp://x", "https://"] {
        let told = wrong.parse::<ServerUrl>().unwrap_err();
        assert!(told.contains("https://host:port"), "{wrong}: {told}");
    }
}

#[test]
fn the_key_of_this_machines_server_goes_to_no_other_server() {
    let dir = server();
    let named = |url: &str| {
        let wanted = Wanted { server: Some(url.parse().unwrap()), ..in_dir(dir.path()) };
        Place::find(&wanted, &environment(&[])).unwrap()
    };
    let same = named("https://127.0.0.1:7443");
    assert!(same.api_key.is_some() && matches!(same.tls.trust, Trust::Pinned(_)));
    assert_eq!(
        same.directory,
        Place::find(&in_dir(dir.path()), &environment(&[])).unwrap().directory
    );
    let other = named("https://127.0.0.1:9443");
    assert!(other.api_key.is_none() && matches!(other.tls.trust, Trust::System));
}

#[test]
fn stores_lie_apart_by_server_user_and_slot() {
    let clients = client_dir(&environment(&[("HOME", "/home/a")])).unwrap();
    assert_eq!(clients, Path::new("/home/a/.local/share/anser/client"));
    let clients =
        client_dir(&environment(&[("ANSER_CLIENT_DIR", "/c"), ("HOME", "/home/a")])).unwrap();
    let place = |name: &str| store_directory(&clients, "local-1", &user(name), "chat");
    assert_eq!(place("alice"), Path::new("/c/local-1/alice/chat"));
    // No name leads anywhere else, and no two names to the same place.
    assert_eq!(place(".."), Path::new("/c/local-1/%2e./chat"));
    assert_eq!(place("小明"), Path::new("/c/local-1/%e5%b0%8f%e6%98%8e/chat"));
    assert_ne!(place("a%2e"), place("a."));
    assert!(client_dir(&environment(&[])).is_err());
}

#[test]
fn the_chat_has_one_store_and_commands_many() {
    assert_eq!(Purpose::Chat.slots(), ["chat"]);
    let slots = Purpose::Command.slots();
    assert_eq!((slots[0].as_str(), slots[1].as_str()), ("cli-0", "cli-1"));
    assert!(slots.len() >= 16);
}
