//! Soft positions: kept in memory, written now and then, restored by the next Hello when a crash loses them.

use std::collections::BTreeMap;

use anser_backend::{DeviceKey, SoftPosition};
use anser_types::{ConversationId, DeviceNo, InboxSeq, Seq, UnixMs, UserNo};

/// Positions that no commit has carried yet.
#[derive(Clone, Debug, Default)]
pub struct Soft {
    cursors: BTreeMap<DeviceKey, InboxSeq>,
    delivered: BTreeMap<(ConversationId, UserNo), Seq>,
    seen: BTreeMap<DeviceKey, UnixMs>,
}

impl Soft {
    /// Notes a position; forward only.
    pub fn note(&mut self, position: SoftPosition) {
        match position {
            SoftPosition::Cursor { device, up_to } => {
                let noted = self.cursors.entry(device).or_default();
                *noted = up_to.max(*noted);
            }
            SoftPosition::Delivered { conversation, user, up_to } => {
                let noted = self.delivered.entry((conversation, user)).or_default();
                *noted = up_to.max(*noted);
            }
            SoftPosition::Seen { device, at } => {
                let noted = self.seen.entry(device).or_default();
                *noted = at.max(*noted);
            }
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.cursors.len() + self.delivered.len() + self.seen.len()
    }

    /// A device's cursor, zero if none is noted.
    pub fn cursor(&self, device: DeviceKey) -> InboxSeq {
        self.cursors.get(&device).copied().unwrap_or_default()
    }

    /// Up to where a user's devices have stored a conversation, zero if nothing is noted.
    pub fn delivered(&self, conversation: ConversationId, user: UserNo) -> Seq {
        self.delivered.get(&(conversation, user)).copied().unwrap_or_default()
    }

    /// When a user's devices were connected last, as far as it is noted.
    pub fn seen(&self, user: UserNo) -> impl Iterator<Item = (DeviceNo, UnixMs)> + '_ {
        let first = DeviceKey { user, device: DeviceNo(0) };
        let last = DeviceKey { user, device: DeviceNo(u64::MAX) };
        self.seen.range(first..=last).map(|(device, at)| (device.device, *at))
    }

    /// The first `limit` positions, which stay noted until [`Soft::forget`].
    pub fn first(&self, limit: usize) -> Vec<SoftPosition> {
        let cursors = self
            .cursors
            .iter()
            .map(|(device, up_to)| SoftPosition::Cursor { device: *device, up_to: *up_to });
        let delivered = self.delivered.iter().map(|((conversation, user), up_to)| {
            let (conversation, user, up_to) = (*conversation, *user, *up_to);
            SoftPosition::Delivered { conversation, user, up_to }
        });
        let seen =
            self.seen.iter().map(|(device, at)| SoftPosition::Seen { device: *device, at: *at });
        cursors.chain(delivered).chain(seen).take(limit).collect()
    }

    /// Forgets what a commit has carried; what moved on since stays.
    pub fn forget(&mut self, carried: &[SoftPosition]) {
        for position in carried {
            match *position {
                SoftPosition::Cursor { device, up_to } => {
                    if self.cursor(device) <= up_to {
                        self.cursors.remove(&device);
                    }
                }
                SoftPosition::Delivered { conversation, user, up_to } => {
                    if self.delivered(conversation, user) <= up_to {
                        self.delivered.remove(&(conversation, user));
                    }
                }
                SoftPosition::Seen { device, at } => {
                    if self.seen.get(&device).is_some_and(|noted| *noted <= at) {
                        self.seen.remove(&device);
                    }
                }
            }
        }
    }
}
