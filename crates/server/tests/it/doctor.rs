//! The doctor sees what is wrong and says how to put it right.

use std::fs::{self, Permissions};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;

use anser_server::doctor::{Finding, Verdict, examine};
use anser_server::first_start::prepare;

use crate::place::{Counting, NOW, Place, Standing};

const ANY_PORT: &str = "[listen]\ntcp = \"127.0.0.1:0\"\ntls = \"127.0.0.1:0\"\n\
    quic = \"127.0.0.1:0\"\nhttp = \"off\"\nhttps = \"off\"\n";

fn prepared() -> Place {
    let place = Place::new();
    place.write_config(ANY_PORT);
    // The directory was made by the test, with whatever rights new directories get.
    fs::set_permissions(place.root(), Permissions::from_mode(0o700)).unwrap();
    let config = place.load().unwrap().config;
    prepare(&place.data_dir, &config, None, &Standing, &Counting::default()).unwrap();
    place
}

fn finding(place: &Place, check: &str) -> Finding {
    examine(&place.setup(), &Standing).into_iter().find(|f| f.check == check).unwrap()
}

#[test]
fn a_prepared_directory_is_healthy() {
    let place = prepared();
    // The files of the test are younger than the standing clock, hence the clock is not looked at here.
    let bad: Vec<_> = examine(&place.setup(), &anser_server::machine::SystemClock)
        .into_iter()
        .filter(|f| f.verdict == Verdict::Fail)
        .collect();
    assert_eq!(bad, []);
    assert!(!place.root().join("doctor.scratch").exists());
}

#[test]
fn a_directory_that_was_never_made_asks_for_init() {
    let place = Place::new();
    let found = finding(&place, "data directory");
    assert_eq!(found.verdict, Verdict::Fail);
    assert!(found.fix.unwrap().contains("anser init"));
    assert!(!place.root().exists(), "looking makes nothing");
}

#[test]
fn secrets_that_others_may_read_are_named() {
    let place = prepared();
    for name in ["api-key", "key.pem", "quic-key"] {
        fs::set_permissions(place.root().join(name), Permissions::from_mode(0o644)).unwrap();
    }
    fs::set_permissions(place.root(), Permissions::from_mode(0o755)).unwrap();
    for check in ["data directory", "API key", "key of QUIC", "certificate"] {
        let found = finding(&place, check);
        assert_eq!(found.verdict, Verdict::Warn, "{found}");
        assert!(found.fix.unwrap().contains("chmod"));
    }
}

#[test]
fn a_certificate_that_ended_is_named() {
    let place = prepared();
    #[derive(Debug)]
    struct Later;
    impl anser_types::Clock for Later {
        fn now(&self) -> anser_types::UnixMs {
            NOW.offset_by(20 * 365 * 24 * 3600 * 1000)
        }
    }
    let findings = examine(&place.setup(), &Later);
    let found = findings.iter().find(|f| f.check == "certificate").unwrap();
    assert_eq!(found.verdict, Verdict::Fail);
    assert!(found.found.starts_with("ended"), "{found}");
}

#[test]
fn a_taken_port_is_named() {
    let place = prepared();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    place.write_config(&ANY_PORT.replace("tcp = \"127.0.0.1:0\"", &format!("tcp = \"{address}\"")));
    let found = finding(&place, "listeners");
    assert_eq!(found.verdict, Verdict::Fail);
    assert!(found.found.contains(&address.to_string()), "{found}");
}

#[test]
fn a_taken_port_for_quic_is_named() {
    let place = prepared();
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let taken_port = format!("quic = \"{address}\"");
    place.write_config(&ANY_PORT.replace("quic = \"127.0.0.1:0\"", &taken_port));
    let findings = examine(&place.setup(), &anser_server::machine::SystemClock);
    let found = findings.iter().find(|f| f.verdict == Verdict::Fail).unwrap();
    assert!(found.found.contains(&format!("quic {address}")), "{found}");
}

#[test]
fn a_clock_that_was_set_back_is_seen() {
    let place = prepared();
    #[derive(Debug)]
    struct Early;
    impl anser_types::Clock for Early {
        fn now(&self) -> anser_types::UnixMs {
            anser_types::UnixMs(0)
        }
    }
    let findings = examine(&place.setup(), &Early);
    let found = findings.iter().find(|f| f.check == "clock").unwrap();
    assert_eq!(found.verdict, Verdict::Fail);
}

#[test]
fn a_damaged_store_is_seen() {
    let place = prepared();
    fs::create_dir(place.data_dir.store()).unwrap();
    fs::write(place.data_dir.store().join("format"), "anser-store 1\nnonsense\n").unwrap();
    let found = finding(&place, "store");
    assert_eq!(found.verdict, Verdict::Fail, "{found}");
}
