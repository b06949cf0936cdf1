//! The content of a measured message: who sent it, which one it is, and when it was meant to be sent.

use bytes::{BufMut, Bytes, BytesMut};

/// Bytes of the stamp; bodies are padded to the size asked for.
pub const STAMP_BYTES: usize = 20;

/// What a measured message carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The sender's index in the fleet.
    pub sender: u32,
    /// The sender's counter, from 1.
    pub counter: u64,
    /// Intended send time in nanoseconds since the fleet's start.
    pub intended_ns: u64,
}

impl Stamp {
    /// The stamp, padded to `size` bytes.
    #[must_use]
    pub fn encode(self, size: usize) -> Bytes {
        let mut body = BytesMut::with_capacity(size.max(STAMP_BYTES));
        body.put_u32(self.sender);
        body.put_u64(self.counter);
        body.put_u64(self.intended_ns);
        body.resize(size.max(STAMP_BYTES), b'.');
        body.freeze()
    }

    /// The stamp of a body, if it has one.
    #[must_use]
    pub fn decode(body: &[u8]) -> Option<Self> {
        let sender = u32::from_be_bytes(body.get(0..4)?.try_into().ok()?);
        let counter = u64::from_be_bytes(body.get(4..12)?.try_into().ok()?);
        let intended_ns = u64::from_be_bytes(body.get(12..20)?.try_into().ok()?);
        Some(Self { sender, counter, intended_ns })
    }
}

/// One receiver's check of one sender's messages: they count 1, 2, 3…
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sequence {
    /// The highest counter seen.
    pub highest: u64,
    /// Messages seen.
    pub seen: u64,
    /// Seen although a higher or the same one had been seen.
    pub repeated_or_late: u64,
}

impl Sequence {
    /// Notes one message.
    pub const fn note(&mut self, counter: u64) {
        self.seen += 1;
        if counter > self.highest {
            self.highest = counter;
        } else {
            self.repeated_or_late += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_survives_padding() {
        let stamp = Stamp { sender: 7, counter: 1 << 40, intended_ns: 99 };
        assert_eq!(Stamp::decode(&stamp.encode(64)), Some(stamp));
        assert_eq!(stamp.encode(64).len(), 64);
        assert_eq!(Stamp::decode(b"short"), None);
    }

    #[test]
    fn a_late_message_is_noticed() {
        let mut sequence = Sequence::default();
        for counter in [1, 2, 4, 3] {
            sequence.note(counter);
        }
        assert_eq!(sequence, Sequence { highest: 4, seen: 4, repeated_or_late: 1 });
    }
}
