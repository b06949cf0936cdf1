//! Times on the wire.

use anser_proto::time::{
    ANSER_EPOCH_UNIX_MS, from_wire, sent_at, sent_before, server_time, to_wire,
};
use anser_types::UnixMs;
use proptest::prelude::*;

#[test]
fn anser_time_starts_with_2025() {
    assert_eq!(to_wire(UnixMs(ANSER_EPOCH_UNIX_MS)), 0);
    assert_eq!(from_wire(0), UnixMs(1_735_689_600_000));
    assert_eq!(to_wire(UnixMs(1_795_169_730_288)), 59_480_130_288);
}

#[test]
fn a_clock_before_2025_counts_as_its_first_moment() {
    assert_eq!(to_wire(UnixMs(0)), 0);
}

#[test]
fn requirement_b5_clocks_half_an_hour_apart_survive_the_way() {
    let server = UnixMs(1_795_169_730_288);
    for skew_ms in [-1_800_000, 0, 1_800_000] {
        let sender = server.offset_by(skew_ms);
        let delta = sent_before(server, sender);
        assert_eq!(delta, -skew_ms);
        assert_eq!(sent_at(server, delta), sender);
        assert_eq!(server_time(sender, delta), server);
    }
}

proptest! {
    #[test]
    fn every_time_since_2025_comes_back(since in 0..u64::MAX - ANSER_EPOCH_UNIX_MS) {
        let time = UnixMs(ANSER_EPOCH_UNIX_MS + since);
        prop_assert_eq!(from_wire(to_wire(time)), time);
    }

    #[test]
    fn every_pair_of_clocks_comes_back(
        a in 0..u64::MAX - ANSER_EPOCH_UNIX_MS, b in 0..u64::MAX - ANSER_EPOCH_UNIX_MS,
    ) {
        let (server, sender) = (from_wire(a), from_wire(b));
        let delta = sent_before(server, sender);
        prop_assert_eq!(sent_at(server, delta), sender);
        prop_assert_eq!(server_time(sender, delta), server);
    }

    #[test]
    fn no_value_on_the_wire_panics(time in any::<u64>(), delta in any::<i64>()) {
        let shown = [sent_at(from_wire(time), delta), server_time(from_wire(time), delta)];
        prop_assert!(shown.iter().all(|time| *time >= from_wire(0)));
    }
}
