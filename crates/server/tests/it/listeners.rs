//! Nothing leaves the machine without TLS (guarantee G27).

use anser_server::config::{Config, load};
use anser_server::listeners;
use anser_types::ErrorCode;

use crate::place::{Place, pairs};

fn with(flags: &[(&str, &str)]) -> Config {
    let mut layers = Place::new().layers();
    layers.flags = pairs(flags);
    load(&layers).unwrap().config
}

#[test]
fn without_configuration_only_this_machine_is_served() {
    let config = Config::default();
    let listeners = listeners::from_config(&config).unwrap();
    assert_eq!(listeners.len(), 5);
    assert!(listeners.iter().all(|listener| listener.address.ip().is_loopback()));
    assert!(!listeners::beyond_this_machine(&config));
}

#[test]
fn requirement_k1_a_plain_listener_beyond_this_machine_is_refused_with_the_next_step() {
    for (key, address, instead) in [
        ("listen.tcp", "0.0.0.0:7410", "listen.tls = \"0.0.0.0:7410\""),
        ("listen.tcp", "[::]:7410", "listen.tls = \"[::]:7410\""),
        ("listen.http", "192.168.1.5:80", "listen.https = \"192.168.1.5:80\""),
    ] {
        let failure = listeners::from_config(&with(&[(key, address)])).unwrap_err();
        assert_eq!(failure.code, ErrorCode::ConfigInvalid);
        assert!(failure.detail.contains(key), "{}", failure.detail);
        assert!(failure.next_step.contains(instead), "{}", failure.next_step);
    }
}

#[test]
fn with_tls_other_machines_may_be_served() {
    let config = with(&[("listen.tls", "0.0.0.0:7411"), ("listen.https", "[::]:443")]);
    assert_eq!(listeners::from_config(&config).unwrap().len(), 5);
    assert!(listeners::beyond_this_machine(&config));
}

#[test]
fn a_server_that_listens_nowhere_is_refused() {
    let off = ["tcp", "tls", "quic", "http", "https"].map(|name| format!("listen.{name}"));
    let off: Vec<_> = off.iter().map(|key| (key.as_str(), "off")).collect();
    let failure = listeners::from_config(&with(&off)).unwrap_err();
    assert_eq!(failure.code, ErrorCode::ConfigInvalid);
}

#[test]
fn guarantee_g27_a_development_server_starts_only_where_nobody_else_reaches_it() {
    let development = ("accounts.development", "true");
    assert_eq!(listeners::from_config(&with(&[development])).unwrap().len(), 5);
    for (key, value) in [
        ("listen.tls", "0.0.0.0:7411"),
        ("listen.quic", "[::]:7411"),
        ("listen.https", "192.168.1.5:443"),
        ("listen.trusted_proxies", "127.0.0.1"),
    ] {
        let failure = listeners::from_config(&with(&[development, (key, value)])).unwrap_err();
        assert_eq!(failure.code, ErrorCode::ConfigInvalid);
        assert!(failure.detail.contains(key), "{}", failure.detail);
        assert!(failure.next_step.contains("accounts.development"), "{}", failure.next_step);
    }
}
