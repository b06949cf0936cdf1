//! The order messages are shown in.

use anser_client::order::{CONTEXT_SEQS, REACH_SEQS, Slot, display_order};
use anser_types::{DeviceNo, LocalNo, MessageId, Seq};
use proptest::prelude::*;

use crate::host::user;

fn slot(seq: u64, sender: &str, device: u64, local_no: u64) -> Slot {
    let id = MessageId { device: DeviceNo(device), local_no: LocalNo(local_no) };
    Slot { seq: Seq(seq), sender: user(sender), id }
}

fn shown(window: &[Slot]) -> Vec<Slot> {
    display_order(window).into_iter().map(|i| window[i].clone()).collect()
}

#[test]
fn requirement_b2_a_retried_message_is_shown_where_its_sender_wrote_it() {
    // Alice wrote A, B, C; B was retried and arrived last. Bob's message keeps its place.
    let window = [
        slot(1, "alice", 1, 1),
        slot(2, "alice", 1, 3),
        slot(3, "bob", 1, 1),
        slot(4, "alice", 1, 2),
    ];
    let order: Vec<_> =
        shown(&window).iter().map(|s| (s.sender.to_string(), s.id.local_no.0)).collect();
    let wanted = [("alice", 1), ("alice", 2), ("bob", 1), ("alice", 3)];
    assert_eq!(order, wanted.map(|(who, no)| (who.to_owned(), no)));
}

#[test]
fn requirement_b3_devices_of_one_user_do_not_mix() {
    let window = [slot(1, "alice", 1, 9), slot(2, "alice", 2, 1), slot(3, "alice", 1, 8)];
    let order: Vec<_> = shown(&window).iter().map(|s| (s.id.device.0, s.id.local_no.0)).collect();
    assert_eq!(order, [(1, 8), (2, 1), (1, 9)]);
}

#[test]
fn a_message_from_long_ago_stays_where_the_server_has_it() {
    let mut window: Vec<_> = (1..=10).map(|i| slot(i, "alice", 1, 10 + i)).collect();
    window.extend((11..=200).map(|i| slot(i, "bob", 1, i)));
    window.push(slot(201, "alice", 1, 1));
    assert_eq!(shown(&window), window);
}

#[test]
fn a_mixed_up_stretch_beyond_reach_stays_where_the_server_has_it() {
    let numbers = [(1, 50), (40, 90), (60, 10), (100, 45)];
    let window: Vec<_> = numbers.iter().map(|(seq, no)| slot(*seq, "alice", 1, *no)).collect();
    assert_eq!(shown(&window), window);
    // Without the message that chains the two halves each is put right.
    let numbers = [(1, 50), (60, 10), (100, 95), (164, 94)];
    let window: Vec<_> = numbers.iter().map(|(seq, no)| slot(*seq, "alice", 1, *no)).collect();
    let order: Vec<_> = shown(&window).iter().map(|slot| slot.id.local_no.0).collect();
    assert_eq!(order, [10, 50, 94, 95]);
}

/// Messages of a few devices, mostly in order, some delayed a little, few by far.
fn conversations() -> impl Strategy<Value = Vec<Slot>> {
    let message = (0..3_u64, prop_oneof![8 => 0..3_u64, 2 => 0..40_u64, 1 => 0..300_u64]);
    proptest::collection::vec(message, 1..400).prop_map(|drawn| {
        let mut composed = [0_u64; 3];
        drawn
            .into_iter()
            .zip(1..)
            .map(|((device, delay), seq)| {
                let i = usize::try_from(device).unwrap();
                composed[i] += 1;
                // Counters differ by device; a delayed message carries an earlier one.
                slot(
                    seq,
                    "alice",
                    device,
                    1_000 * (1_000 + composed[i] - delay.min(composed[i])) + seq,
                )
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn requirement_b3_the_order_is_a_permutation_within_each_device(window in conversations()) {
        let shown = shown(&window);
        for (place, slot) in shown.iter().enumerate() {
            prop_assert_eq!(slot.id.device, window[place].id.device, "other slots are untouched");
            prop_assert!(slot.seq.0.abs_diff(window[place].seq.0) <= REACH_SEQS);
        }
        let mut seqs: Vec<_> = shown.iter().map(|s| s.seq).collect();
        seqs.sort_unstable();
        prop_assert_eq!(seqs, window.iter().map(|s| s.seq).collect::<Vec<_>>());
    }

    #[test]
    fn ordering_what_is_ordered_changes_nothing(window in conversations()) {
        let once = shown(&window);
        prop_assert_eq!(shown(&once), once);
    }

    #[test]
    fn requirement_b3_readers_of_overlapping_windows_agree(
        all in conversations(), cut in 0..400_usize, length in 0..400_usize,
    ) {
        let from = cut.min(all.len());
        let to = (from + length).min(all.len());
        let whole = shown(&all);
        let part = shown(&all[from..to]);
        let context = usize::try_from(CONTEXT_SEQS).unwrap();
        // At the ends of the conversation there is nothing more to see, so no context is needed.
        let first = if from == 0 { 0 } else { from + context };
        let last = if to == all.len() { to } else { to.saturating_sub(context) };
        for place in first..last.max(first) {
            prop_assert_eq!(&whole[place], &part[place - from]);
        }
    }

    #[test]
    fn requirement_b5_no_clock_takes_part(window in conversations()) {
        // A slot carries no time at all; the order is the same whatever the clocks said.
        let mut mixed = window.clone();
        mixed.reverse();
        prop_assert_eq!(shown(&mixed), shown(&window));
    }
}
