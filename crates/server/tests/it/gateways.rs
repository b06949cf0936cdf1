//! The operator's list of servers: signed, numbered, renewed (requirement J3).

use std::sync::atomic::{AtomicU64, Ordering};

use anser_proto::endpoint_list::SignedList;
use anser_server::ErrorCode;
use anser_server::gateways::{load, renew};
use anser_types::{Clock, UnixMs};

use crate::place::{Counting, NOW, Place};

const DAY_MS: u64 = 24 * 3600 * 1000;

#[derive(Debug)]
struct At(AtomicU64);

impl Clock for At {
    fn now(&self) -> UnixMs {
        UnixMs(self.0.load(Ordering::Relaxed))
    }
}

fn place(list: &str) -> Place {
    let place = Place::new();
    place.write_config("[gateways]\nfile = \"gateways.toml\"\n");
    std::fs::write(place.root().join("gateways.toml"), list).unwrap();
    place
}

const ONE: &str = "[[gateway]]\nhost = \"chat1.example\"\ntls = 7411\nquic = 7411\n";

/// What the last list in the data directory says.
fn written(place: &Place) -> SignedList {
    let signed = std::fs::read(place.root().join("endpoint-list.signed")).unwrap();
    SignedList::open(&signed).unwrap()
}

#[test]
fn requirement_j3_a_list_keeps_its_version_until_it_changes_or_half_of_its_time_is_over() {
    let place = place(ONE);
    let (clock, entropy) = (At(AtomicU64::new(NOW.0)), Counting::default());
    let setup = place.setup();
    let first = load(&setup, &clock, &entropy).unwrap().unwrap();
    assert_eq!(first.gateways()[0].host, "chat1.example");
    assert_eq!((written(&place).version, written(&place).ttl_s), (NOW.0, 7 * 24 * 3600));

    // Started again: the same list, by the same key.
    clock.0.store(NOW.0 + DAY_MS, Ordering::Relaxed);
    assert_eq!(load(&setup, &clock, &entropy).unwrap().unwrap(), first);
    // Half of a week is over.
    clock.0.store(NOW.0 + 4 * DAY_MS, Ordering::Relaxed);
    let renewed = renew(&setup, &first, &clock, &entropy).unwrap();
    assert_eq!(renewed.gateways(), first.gateways());
    assert_eq!(written(&place).version, NOW.0 + 4 * DAY_MS);
    // Another list, while the clock has gone back: later all the same.
    clock.0.store(NOW.0, Ordering::Relaxed);
    std::fs::write(place.root().join("gateways.toml"), format!("{ONE}weight = 5\n")).unwrap();
    let key = written(&place).key;
    load(&setup, &clock, &entropy).unwrap();
    assert_eq!((written(&place).version, written(&place).key), (NOW.0 + 4 * DAY_MS + 1, key));
}

#[test]
fn the_key_is_for_its_owner_alone_and_a_broken_one_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = place(ONE);
    let (clock, entropy) = (At(AtomicU64::new(NOW.0)), Counting::default());
    load(&place.setup(), &clock, &entropy).unwrap();
    let key = place.root().join("endpoint-list.key");
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::write(&key, "not a key").unwrap();
    let failure = load(&place.setup(), &clock, &entropy).unwrap_err();
    assert_eq!(failure.code, ErrorCode::ConfigInvalid);
    assert!(failure.detail.contains("endpoint-list.key"), "{}", failure.detail);
}

#[test]
fn a_wrong_list_is_refused_with_the_place_that_is_wrong() {
    let many = ONE.repeat(65);
    for (list, told) in [
        ("[[gateway]]\nhost = \"a b\"\ntls = 1\n", "server 1 (\"a b\"): host"),
        (&format!("{ONE}[[gateway]]\nhost = \"c\"\n"), "server 2 (\"c\"): there is no port"),
        ("[[gateway]]\nhost = \"c\"\ntls = 70000\n", "line 3"),
        ("[[gateway]]\nhost = \"c\"\nport = 7\n", "unknown field `port`"),
        (&many, "at most 64"),
    ] {
        let place = place(list);
        let (clock, entropy) = (At(AtomicU64::new(NOW.0)), Counting::default());
        let failure = load(&place.setup(), &clock, &entropy).unwrap_err();
        assert_eq!(failure.code, ErrorCode::ConfigInvalid);
        assert!(failure.detail.contains(told), "{}", failure.detail);
        assert!(failure.detail.contains("gateways.toml"), "{}", failure.detail);
    }
    let without = Place::new();
    without.write_config("");
    let none = load(&without.setup(), &At(AtomicU64::new(0)), &Counting::default()).unwrap();
    assert!(none.is_none());
}
