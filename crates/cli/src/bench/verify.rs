//! Turns what the clients found into counts of what went wrong.

use std::collections::BTreeMap;

use super::client::Outcome;
use super::report::{Report, Verified};

/// Compares what was acknowledged with what each of `receivers` per sender received.
pub fn judge(report: &mut Report, outcomes: &[Outcome], receivers: u64, read_history: bool) {
    let acked: BTreeMap<u32, u64> =
        outcomes.iter().filter(|o| o.acked > 0).map(|o| (o.index, o.acked)).collect();
    let mut seen: BTreeMap<u32, u64> = BTreeMap::new();
    for sequence in outcomes.iter().flat_map(|outcome| &outcome.received) {
        *seen.entry(*sequence.0).or_default() += sequence.1.seen;
        // Counters that came again or late: as many as exceed the distinct ones were doubled, the rest was late.
        let doubled = sequence.1.seen.saturating_sub(sequence.1.highest);
        report.duplicated += doubled;
        report.reordered += sequence.1.repeated_or_late - doubled.min(sequence.1.repeated_or_late);
    }
    for (sender, acked) in &acked {
        let expected = acked * receivers;
        report.lost += expected.saturating_sub(seen.get(sender).copied().unwrap_or_default());
    }
    if read_history {
        let in_history: u64 =
            outcomes.iter().filter_map(|outcome| outcome.in_history.get(&outcome.index)).sum();
        report.verified = Some(Verified { acknowledged: acked.values().sum(), in_history });
    }
}

#[cfg(test)]
mod tests {
    use super::super::body::Sequence;
    use super::*;

    fn sender(acked: u64) -> Outcome {
        Outcome { index: 0, acked, in_history: BTreeMap::from([(0, acked)]), ..Outcome::default() }
    }

    fn receiver(counters: &[u64]) -> Outcome {
        let mut sequence = Sequence::default();
        counters.iter().for_each(|counter| sequence.note(*counter));
        Outcome { index: 1, received: BTreeMap::from([(0, sequence)]), ..Outcome::default() }
    }

    fn verdict(acked: u64, counters: &[u64]) -> (u64, u64, u64) {
        let mut report = Report::default();
        judge(&mut report, &[sender(acked), receiver(counters)], 1, true);
        (report.lost, report.duplicated, report.reordered)
    }

    #[test]
    fn each_fault_is_counted_as_what_it_is() {
        assert_eq!(verdict(3, &[1, 2, 3]), (0, 0, 0));
        assert_eq!(verdict(3, &[1, 2]), (1, 0, 0));
        assert_eq!(verdict(3, &[1, 2, 3, 3]), (0, 1, 0));
        assert_eq!(verdict(3, &[1, 3, 2]), (0, 0, 1));
    }
}
