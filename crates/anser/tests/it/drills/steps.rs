//! The steps of the six packets: each of them held back, passed on by half, passed on; and then somebody dies.

use super::proxy::Share;
use super::weather::Packet;

const PACKETS: [(&str, Packet); 6] = [
    ("msg:R", Packet::MessageRequest),
    ("msg:A", Packet::MessageAck),
    ("msg:N", Packet::MessageNotify),
    ("ack:R", Packet::AckRequest),
    ("ack:A", Packet::AckAck),
    ("ack:N", Packet::AckNotify),
];

const SHARES: [(&str, Share); 3] = [
    ("seen and not passed on", Share::Nothing),
    ("passed on by half", Share::Half),
    ("passed on", Share::All),
];

/// One packet at one place.
#[derive(Clone, Copy)]
pub struct Step {
    name: &'static str,
    pub packet: Packet,
    place: &'static str,
    pub share: Share,
}

impl Step {
    /// In words, for the packet after so many of its kind.
    pub fn at(&self, skip: usize) -> String {
        format!("{} no. {} {}", self.name, skip + 1, self.place)
    }
}

/// All 18.
pub fn steps() -> Vec<Step> {
    let of = |(name, packet)| SHARES.map(|(place, share)| Step { name, packet, place, share });
    PACKETS.into_iter().flat_map(of).collect()
}
