//! A server's life: made from nothing, ready, asked to stop, started again.

use std::os::unix::fs::PermissionsExt as _;

use rustix::process::Signal;

use crate::http::{account, get, request};
use crate::program::Home;

#[test]
fn from_nothing_to_ready_it_makes_what_it_needs_and_says_so() {
    let home = Home::new();
    let server = home.serve();
    let said = server.said();
    for made in ["anser.toml", "api-key", "cert.pem", "key.pem", "quic-key"] {
        assert!(said.contains(made), "{said}");
    }
    for listening in ["tcp", "tls", "quic", "http", "https"] {
        let address = server.address(listening);
        assert!(address.ip().is_loopback() && address.port() != 0);
        assert!(said.contains(&address.to_string()), "{said}");
    }
    assert!(said.contains("open files"), "{said}");
    let mode = home.data_dir().metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert_eq!(server.announcement()["certificate_sha256"].as_str().unwrap().len(), 64);
    assert_eq!(get(&server, "/healthz").status, 200);
    assert_eq!(get(&server, "/readyz").status, 200);
}

#[test]
fn people_register_and_sign_in() {
    let home = Home::new();
    let server = home.serve();
    let registered = account(&server, "register", "alice", "correct horse");
    assert_eq!(registered.status, 201, "{registered:?}");
    assert_eq!(account(&server, "sign-in", "alice", "correct horse").status, 200);
    let refused = account(&server, "sign-in", "alice", "wrong horse");
    assert_eq!(refused.body["code"], "WRONG_CREDENTIALS", "{refused:?}");
}

#[test]
fn metrics_need_the_api_key_and_name_what_is_counted() {
    let home = Home::new();
    let server = home.serve();
    assert_eq!(get(&server, "/metrics").status, 401);
    let key = format!("authorization: Bearer {}\r\n", server.api_key());
    let metrics = request(&server, "GET", "/metrics", &key, "");
    assert_eq!(metrics.status, 200);
    assert!(metrics.text.contains("anser_"), "{}", metrics.text);
}

#[test]
fn sigterm_and_sigint_stop_it_cleanly() {
    for signal in [Signal::TERM, Signal::INT] {
        let home = Home::new();
        let mut server = home.serve();
        server.signal(signal);
        assert!(server.hear("stopped"), "{}\n{}", server.said(), home.log());
        let (status, _) = server.stop();
        assert_eq!(status.code(), Some(0), "{}", home.log());
    }
}

#[test]
fn guarantee_g1_accounts_survive_a_kill_and_a_clean_stop() {
    let home = Home::new();
    let server = home.serve();
    assert_eq!(account(&server, "register", "alice", "correct horse").status, 201);
    server.kill();

    let server = home.serve();
    assert!(!server.said().contains("made  "), "{}", server.said());
    assert_eq!(account(&server, "sign-in", "alice", "correct horse").status, 200);
    let again = account(&server, "register", "alice", "another horse");
    assert_eq!((again.status, &again.body["code"]), (409, &"USER_EXISTS".into()), "{again:?}");
    let (status, _) = server.stop();
    assert_eq!(status.code(), Some(0), "{}", home.log());

    let server = home.serve();
    assert_eq!(account(&server, "sign-in", "alice", "correct horse").status, 200);
}

#[test]
fn sighup_takes_a_new_certificate_without_a_restart() {
    let home = Home::new();
    let mut server = home.serve();
    let before = server.announcement()["certificate_sha256"].clone();
    let other = Home::new();
    assert!(other.run(&["init"]).status.success());
    for file in ["key.pem", "cert.pem"] {
        std::fs::copy(other.data_dir().join(file), home.data_dir().join(file)).unwrap();
    }
    server.signal(Signal::HUP);
    assert!(server.hear("reloaded"), "{}", home.log());
    assert_ne!(server.announcement()["certificate_sha256"], before);
    let (status, _) = server.stop();
    assert_eq!(status.code(), Some(0), "{}", home.log());
}

#[test]
fn a_broken_certificate_leaves_the_old_one_in_use() {
    let home = Home::new();
    let server = home.serve();
    std::fs::write(home.data_dir().join("cert.pem"), "broken").unwrap();
    server.signal(Signal::HUP);
    assert_eq!(get(&server, "/readyz").status, 200);
    let (status, _) = server.stop();
    assert_eq!(status.code(), Some(0), "{}", home.log());
}

#[test]
fn events_are_json_lines_when_asked_for() {
    let home = Home::new();
    let server = home.serve_with(&["--json"]);
    let (status, said) = server.stop();
    assert_eq!(status.code(), Some(0), "{}", home.log());
    let events: Vec<String> = said
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|event| event["event"].as_str().unwrap().to_owned())
        .collect();
    for event in ["made", "listening", "ready", "draining", "stopped"] {
        assert!(events.iter().any(|told| told == event), "{events:?}");
    }
}
