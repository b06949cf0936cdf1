//! What a server refuses to do, each with a code, a reason and a next step.

use std::net::TcpListener;

use anser_types::exit;

use crate::http::get;
use crate::program::{Home, text};

#[test]
fn a_second_server_on_one_directory_is_refused_and_the_first_serves_on() {
    let home = Home::new();
    let first = home.serve();
    let before = first.announcement();
    let second = home.run(&[
        "serve",
        "--tcp",
        "127.0.0.1:0",
        "--tls",
        "off",
        "--quic",
        "off",
        "--http",
        "off",
        "--https",
        "off",
    ]);
    assert_eq!(second.status.code(), Some(exit::STORE.into()), "{}", text(&second.stderr));
    let told = text(&second.stderr);
    assert!(told.contains("STORE_IN_USE") && told.contains("next:"), "{told}");
    assert_eq!(first.announcement(), before);
    assert_eq!(get(&first, "/readyz").status, 200);
}

#[test]
fn guarantee_g27_a_plain_listener_beyond_this_machine_is_refused() {
    let home = Home::new();
    let refused = home.run(&["serve", "--tcp", "0.0.0.0:0"]);
    assert_eq!(refused.status.code(), Some(exit::CONFIG.into()));
    let told = text(&refused.stderr);
    assert!(
        told.contains("CONFIG_INVALID") && told.contains("listen.tls = \"0.0.0.0:0\""),
        "{told}"
    );
    assert!(!home.data_dir().exists(), "a refused start makes nothing");
}

#[test]
fn a_taken_port_is_named() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = home.run(&[
        "serve", "--tcp", &address, "--tls", "off", "--quic", "off", "--http", "off", "--https",
        "off",
    ]);
    assert_eq!(refused.status.code(), Some(exit::LISTEN.into()), "{}", text(&refused.stderr));
    let told = text(&refused.stderr);
    assert!(told.contains("LISTEN_FAILED") && told.contains(&address), "{told}");
}

#[test]
fn a_mistake_in_the_file_is_named_by_line() {
    let home = Home::new();
    assert!(home.run(&["init"]).status.success());
    let file = home.data_dir().join("anser.toml");
    std::fs::write(&file, "[listen]\ntpc = \"127.0.0.1:1\"\n").unwrap();
    for words in [&["serve"][..], &["config", "check"], &["doctor"], &["dump"]] {
        let refused = home.run(words);
        assert_eq!(refused.status.code(), Some(exit::CONFIG.into()), "{words:?}");
        let told = text(&refused.stderr);
        assert!(told.contains("line 2") && told.contains("write listen.tcp"), "{told}");
    }
    let refused = home.run(&["serve", "--json"]);
    let told: serde_json::Value = serde_json::from_slice(&refused.stderr).unwrap();
    assert_eq!(told["error"]["code"], "CONFIG_INVALID");
    assert!(told["error"]["next_step"].is_string());
}

#[test]
fn a_log_level_that_cannot_be_read_is_refused() {
    let home = Home::new();
    let refused = home.run(&["serve", "--log-level", "info,[["]);
    assert_eq!(refused.status.code(), Some(exit::CONFIG.into()), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("log.level"));
}

#[test]
fn a_damaged_store_is_not_served() {
    let home = Home::new();
    assert!(home.run(&["init"]).status.success());
    let store = home.data_dir().join("store");
    std::fs::create_dir(&store).unwrap();
    std::fs::write(store.join("format"), "anser-store 1\nnonsense\n").unwrap();
    let refused = home.run(&[
        "serve",
        "--tcp",
        "127.0.0.1:0",
        "--tls",
        "off",
        "--quic",
        "off",
        "--http",
        "off",
        "--https",
        "off",
    ]);
    assert_eq!(refused.status.code(), Some(exit::STORE.into()), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("STORE_DAMAGED"));
}
