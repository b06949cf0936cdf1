//! Interpolation sort (requirements B2, B3): messages of one device in the order they were composed, messages of
//! different devices in the server's order. No clock takes part.
//!
//! Each device keeps the set of slots its messages hold in the server's order and fills them by `local_no`. A message
//! moves at most [`REACH_SEQS`]: only messages this close to each other are compared, and a stretch of mixed-up
//! messages that is longer stays as the server has it. So what a reader sees depends on the neighbourhood alone:
//! readers of overlapping windows agree on every message at least [`CONTEXT_SEQS`] away from the edges of both.

use std::collections::BTreeMap;

use anser_types::{LocalNo, Message, MessageId, Seq, UserId};

/// How far a message may move.
pub const REACH_SEQS: u64 = 64;
/// How much a window must show on either side of what it orders: a stretch, and what it is compared with.
pub const CONTEXT_SEQS: u64 = 2 * REACH_SEQS;

/// What the order of a message depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Its place at the server.
    pub seq: Seq,
    /// Who said it.
    pub sender: UserId,
    /// From which device, and as which of its commands.
    pub id: MessageId,
}

impl From<&Message> for Slot {
    fn from(message: &Message) -> Self {
        Self { seq: message.seq, sender: message.sender.clone(), id: message.id }
    }
}

/// The order to show a window of one conversation in: indices into `window`, which may be in any order itself.
#[must_use]
pub fn display_order(window: &[Slot]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..window.len()).collect();
    order.sort_by_key(|&i| window[i].seq);
    let mut devices: BTreeMap<(&UserId, anser_types::DeviceNo), Vec<usize>> = BTreeMap::new();
    for (place, &i) in order.iter().enumerate() {
        let slot = &window[i];
        devices.entry((&slot.sender, slot.id.device)).or_default().push(place);
    }
    for places in devices.into_values() {
        let held: Vec<(Seq, LocalNo)> = places
            .iter()
            .map(|&place| (window[order[place]].seq, window[order[place]].id.local_no))
            .collect();
        for (from, to) in mixed_stretches(&held) {
            if held[to].0.0 - held[from].0.0 > REACH_SEQS {
                continue;
            }
            let mut messages: Vec<usize> = places[from..=to].iter().map(|&p| order[p]).collect();
            messages.sort_by_key(|&i| window[i].id.local_no);
            for (&place, message) in places[from..=to].iter().zip(messages) {
                order[place] = message;
            }
        }
    }
    order
}

/// Runs `from ..= to` of one device's messages that belong together because pairs within reach are the wrong way round.
fn mixed_stretches(held: &[(Seq, LocalNo)]) -> Vec<(usize, usize)> {
    let mut stretches: Vec<(usize, usize)> = Vec::new();
    for (j, (seq, local_no)) in held.iter().enumerate() {
        let near = held[..j].partition_point(|(earlier, _)| seq.0 - earlier.0 > REACH_SEQS);
        let Some(i) = (near..j).find(|&i| held[i].1 > *local_no) else { continue };
        // Everything from the first message that is overtaken up to here belongs together.
        let mut from = i;
        while let Some(&(earlier, to)) = stretches.last()
            && to >= from
        {
            from = from.min(earlier);
            stretches.pop();
        }
        stretches.push((from, j));
    }
    stretches
}
