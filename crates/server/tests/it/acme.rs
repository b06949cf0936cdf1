//! When a certificate by ACME is renewed, and what the settings may say about it. Orders are tested with the program itself.

use anser_server::acme::is_due;
use anser_server::listeners;
use anser_types::{ErrorCode, UnixMs};

use crate::place::Place;

const HOUR: u64 = 3600 * 1000;
const DAY: u64 = 24 * HOUR;

#[test]
fn requirement_k1_a_certificate_is_renewed_before_two_thirds_of_its_life_are_over() {
    let birth = 1_700_000_000_000;
    for (life, good_until) in [
        (90 * DAY, 60 * DAY - HOUR),
        (6 * DAY, 4 * DAY - HOUR),
        (6 * HOUR, 3 * HOUR),
        (HOUR, HOUR / 2),
    ] {
        let due = |age: u64| is_due(UnixMs(birth), UnixMs(birth + life), UnixMs(birth + age));
        assert!(!due(good_until - 1) && due(good_until), "{life}");
        assert!(due(life * 2 / 3) && due(life) && due(2 * life), "{life}");
    }
}

#[test]
fn names_need_the_listener_at_which_they_are_proved() {
    let place = Place::new();
    place.write_config("[listen]\nhttps = \"off\"\n[tls]\nacme_domains = \"chat.example\"\n");
    let failure = listeners::from_config(&place.load().unwrap().config).unwrap_err();
    assert_eq!(failure.code, ErrorCode::ConfigInvalid);
    assert!(failure.next_step.contains("listen.https"), "{}", failure.next_step);
}

#[test]
fn what_is_no_host_name_origin_or_version_is_refused_with_what_to_write() {
    let place = Place::new();
    for (line, instead) in [
        ("[tls]\nacme_domains = \"*.chat.example\"\n", "host names"),
        ("[tls]\nacme_domains = \"https://chat.example\"\n", "host names"),
        ("[tls]\nmin_version = \"1.1\"\n", "\"1.3\" or \"1.2\""),
        ("[listen]\norigins = \"app.example\"\n", "origins"),
        ("[listen]\norigins = \"https://app.example/\"\n", "origins"),
    ] {
        place.write_config(line);
        let problems = place.load().unwrap_err();
        assert!(problems[0].instead.contains(instead), "{line} {problems:?}");
    }
}
