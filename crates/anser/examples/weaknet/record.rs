//! What was said, accepted and heard, and the judge of it: every accepted message arrives exactly once and in order at
//! everybody it was for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anser_types::{ConversationId, LocalNo, MessageId, Seq};

/// A message among the people of a profile. Its id alone is unique among those of one sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub by: usize,
    pub id: MessageId,
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "message {} of {}", self.id, self.by)
    }
}

/// A message that somebody composed.
#[derive(Clone, Debug)]
pub struct Said {
    pub key: Key,
    pub to: Vec<usize>,
    pub conversation: ConversationId,
    /// When the app called "send".
    pub at: Duration,
    /// Counted in the delivery delays: not one of those with which everything begins.
    pub counts: bool,
}

/// A message that somebody's app was told of.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    pub key: Key,
    pub receiver: usize,
    pub conversation: ConversationId,
    pub seq: Seq,
    pub at: Duration,
}

/// Everything that happened among the people of a profile.
#[derive(Debug, Default)]
pub struct Record {
    pub said: Vec<Said>,
    pub accepted: BTreeMap<Key, Seq>,
    /// In the order in which each receiver was told.
    pub heard: Vec<Heard>,
    /// Shown as failed for a time and sent again by its user: it may stand behind what was said later.
    pub sent_again: BTreeSet<Key>,
    /// Who was offline by their own will, from when to when.
    pub away: Vec<(usize, Duration, Duration)>,
}

impl Record {
    /// Everything said was accepted and everybody it was for was told.
    pub fn is_complete(&self) -> bool {
        let heard: BTreeSet<_> =
            self.heard.iter().map(|heard| (heard.receiver, heard.key)).collect();
        self.said.iter().all(|said| {
            self.accepted.contains_key(&said.key)
                && said.to.iter().all(|receiver| heard.contains(&(*receiver, said.key)))
        })
    }

    /// What was accepted for somebody and has not reached them.
    pub fn missed_by(&self, receiver: usize) -> Vec<Key> {
        let theirs = self.said.iter().filter(|said| said.to.contains(&receiver));
        let accepted = theirs.map(|said| said.key).filter(|key| self.accepted.contains_key(key));
        accepted.filter(|key| !self.has_heard(receiver, key)).collect()
    }

    fn has_heard(&self, receiver: usize, key: &Key) -> bool {
        self.heard.iter().any(|heard| (heard.receiver, heard.key) == (receiver, *key))
    }

    /// Whether all of these have reached somebody.
    pub fn has_heard_all(&self, receiver: usize, of: &[Key]) -> bool {
        of.iter().all(|key| self.has_heard(receiver, key))
    }

    /// How long each message took to each receiver, where neither end was offline by their own will meanwhile.
    pub fn delays(&self) -> Vec<Duration> {
        let said: BTreeMap<_, _> = self.said.iter().map(|said| (said.key, said)).collect();
        let mut delays = Vec::new();
        for heard in &self.heard {
            let Some(said) = said.get(&heard.key).filter(|said| said.counts) else { continue };
            let willed = self.away.iter().any(|(who, from, to)| {
                [said.key.by, heard.receiver].contains(who) && *from <= heard.at && *to >= said.at
            });
            if !willed {
                delays.push(heard.at.saturating_sub(said.at));
            }
        }
        delays
    }

    /// What was lost, doubled, reordered or made up; empty when every promise was kept.
    pub fn verdicts(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let said: BTreeMap<_, _> = self.said.iter().map(|said| (said.key, said)).collect();
        let mut arrived = BTreeSet::new();
        let mut heads: BTreeMap<(usize, ConversationId), Seq> = BTreeMap::new();
        let mut newest: BTreeMap<(usize, ConversationId, usize), LocalNo> = BTreeMap::new();
        for Heard { key, receiver, conversation, seq, .. } in &self.heard {
            let Some(said) = said.get(key).filter(|said| said.to.contains(receiver)) else {
                wrong.push(format!("phantom: {receiver} heard {key}, which nobody said to them"));
                continue;
            };
            if !arrived.insert((*receiver, *key)) {
                wrong.push(format!("doubled: {receiver} heard {key} again"));
                continue;
            }
            if said.conversation != *conversation || self.accepted.get(key) != Some(seq) {
                let accepted = self.accepted.get(key);
                wrong.push(format!(
                    "misplaced: {receiver} heard {key} at {seq:?}, not {accepted:?}"
                ));
            }
            let head = heads.entry((*receiver, *conversation)).or_insert(Seq::ZERO);
            if seq <= head {
                wrong.push(format!("reordered: {receiver} heard {key} at {seq:?} after {head:?}"));
            }
            *head = (*head).max(*seq);
            if !self.sent_again.contains(key) {
                let before = newest.insert((*receiver, *conversation, key.by), key.id.local_no);
                if before.is_some_and(|before| before > key.id.local_no) {
                    wrong.push(format!("reordered: {receiver} heard {key} after a later one"));
                }
            }
        }
        for said in &self.said {
            if !self.accepted.contains_key(&said.key) {
                wrong.push(format!("not accepted: {}", said.key));
                continue;
            }
            for receiver in said.to.iter().filter(|to| !arrived.contains(&(**to, said.key))) {
                wrong.push(format!("lost: {receiver} never heard {}", said.key));
            }
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use anser_types::DeviceNo;

    use super::*;

    const HERE: ConversationId = ConversationId([1; 16]);

    fn key(local_no: u64) -> Key {
        Key { by: 0, id: MessageId { device: DeviceNo(1), local_no: LocalNo(local_no) } }
    }

    /// Person 0 said messages 1 to 3 to 1 and 2; these were heard by (receiver, message, seq).
    fn record(heard: &[(usize, u64, u64)]) -> Record {
        let at = Duration::from_secs;
        Record {
            said: (1..=3)
                .map(|n| Said {
                    key: key(n),
                    to: vec![1, 2],
                    conversation: HERE,
                    at: at(n),
                    counts: true,
                })
                .collect(),
            accepted: (1..=3).map(|n| (key(n), Seq(n))).collect(),
            heard: heard
                .iter()
                .map(|&(receiver, n, seq)| Heard {
                    key: key(n),
                    receiver,
                    conversation: HERE,
                    seq: Seq(seq),
                    at: at(n + 1),
                })
                .collect(),
            ..Record::default()
        }
    }

    const ALL: [(usize, u64, u64); 6] =
        [(1, 1, 1), (2, 1, 1), (1, 2, 2), (1, 3, 3), (2, 2, 2), (2, 3, 3)];

    #[test]
    fn each_once_and_in_order_is_as_it_should_be() {
        let record = record(&ALL);
        assert_eq!(record.verdicts(), Vec::<String>::new());
        assert!(record.is_complete());
        assert_eq!(record.delays(), [Duration::from_secs(1); 6]);
    }

    #[test]
    fn whatever_is_wrong_is_named() {
        let verdict = |record: &Record| record.verdicts().join("; ");
        let lost = record(&ALL[..5]);
        assert!(verdict(&lost).starts_with("lost: 2 never heard") && !lost.is_complete());
        let missed = lost.missed_by(2);
        assert_eq!(missed, [key(3)]);
        assert!(lost.missed_by(1).is_empty() && !lost.has_heard_all(2, &missed));
        assert!(record(&ALL).has_heard_all(2, &missed));
        let doubled = record(&[&ALL[..], &[(1, 2, 2)]].concat());
        assert!(verdict(&doubled).starts_with("doubled: 1 heard"));
        let mut turned = ALL;
        turned.swap(4, 5);
        assert!(verdict(&record(&turned)).starts_with("reordered: 2 heard"));
        let phantom = record(&[&ALL[..], &[(0, 9, 4)]].concat());
        assert!(verdict(&phantom).starts_with("phantom: 0 heard"));
        let mut elsewhere = ALL;
        elsewhere[5].2 = 4;
        assert!(verdict(&record(&elsewhere)).starts_with("misplaced: 2 heard"));
        let mut refused = record(&ALL);
        refused.accepted.remove(&key(3));
        assert!(verdict(&refused).contains("not accepted"));
    }

    #[test]
    fn who_is_offline_by_their_own_will_delays_nothing() {
        let mut record = record(&ALL);
        record.away.push((2, Duration::from_millis(3_500), Duration::from_secs(9)));
        assert_eq!(record.delays().len(), 5, "what came to 2 at 4 seconds is left out");
    }
}
