//! What a random run does, as small numbers that mean something whatever the store holds: shrinking stays easy.

use proptest::collection::vec;
use proptest::prelude::*;

/// One thing that is done to both stores.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A batch of appends.
    Batch(Vec<Act>),
    /// A device opens a new session.
    Session(u8),
    /// Soft positions are noted for a device and its user in a room.
    Note { device: u8, room: u8, up_to: u8 },
    /// The noted positions are written.
    Flush,
    /// Inboxes are trimmed.
    Trim { keep: u8 },
    /// Idempotency keys that were used so many days ago are removed.
    Expire { days: u8 },
    /// The store dies and comes back.
    Kill,
    /// The store stops in order and comes back.
    Reopen,
}

/// One append of a batch. Devices, rooms and people are taken modulo how many there are.
#[derive(Clone, Debug)]
pub(super) struct Act {
    /// How it is numbered.
    pub origin: By,
    /// What it does.
    pub deed: Deed,
    /// Where.
    pub room: u8,
    /// Decided on an old version.
    pub stale: bool,
    /// Milliseconds since the last act; the clock may go back.
    pub later_ms: i16,
}

/// How an act is numbered.
#[derive(Clone, Debug)]
pub(super) enum By {
    /// The device's next command; it confirms all answers but the last few.
    Next { device: u8, unanswered: u8 },
    /// A command executed before, the `back`-th last one of the device, perhaps with other bytes.
    Again { device: u8, back: u8, altered: bool },
    /// A number too high.
    Ahead { device: u8, by: u8 },
    /// The next number in an earlier session.
    Ghost { device: u8 },
    /// An idempotency key, after some days, perhaps with other bytes.
    Key { person: u8, key: u8, days: u8, altered: bool },
    /// The server itself.
    Server,
}

/// What an act does.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    /// Says something (the room is made by whoever comes first).
    Say { length: u8 },
    /// Somebody comes in, or goes if they are there.
    ComeOrGo { person: u8, sees_history: bool },
    /// Rights change.
    Role { person: u8, role: u8 },
    /// Something else is said of a member.
    Mark { person: u8, how: u8 },
    /// An item of the room's lists changes.
    List { person: u8, how: u8 },
    /// Reads up to a part of the room.
    Read { sixteenths: u8 },
    /// Alters a message somewhere in a part of the room.
    Alter { sixteenths: u8, how: u8 },
    /// Is refused.
    Refused,
    /// Says something, comes or goes, and says something again, all in one.
    Mixed { person: u8 },
}

pub(super) fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..=most.max(1))
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => vec(act(), 1..6).prop_map(Step::Batch),
        1 => any::<u8>().prop_map(Step::Session),
        2 => (any::<u8>(), any::<u8>(), any::<u8>())
            .prop_map(|(device, room, up_to)| Step::Note { device, room, up_to }),
        1 => Just(Step::Flush),
        1 => (0..8_u8).prop_map(|keep| Step::Trim { keep }),
        1 => (0..4_u8).prop_map(|days| Step::Expire { days }),
        2 => Just(Step::Kill),
        1 => Just(Step::Reopen),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    (by(), deed(), any::<u8>(), prop::bool::weighted(0.1), -20..200_i16).prop_map(
        |(origin, deed, room, stale, later_ms)| Act { origin, deed, room, stale, later_ms },
    )
}

/// A device; the first two are busy, so that they have something to repeat.
fn device() -> impl Strategy<Value = u8> {
    prop_oneof![4 => 0..2_u8, 1 => any::<u8>()]
}

fn by() -> impl Strategy<Value = By> {
    prop_oneof![
        8 => (device(), 0..12_u8).prop_map(|(device, unanswered)| By::Next { device, unanswered }),
        4 => (device(), 0..6_u8, prop::bool::weighted(0.25))
            .prop_map(|(device, back, altered)| By::Again { device, back, altered }),
        1 => (device(), 1..4_u8).prop_map(|(device, by)| By::Ahead { device, by }),
        1 => device().prop_map(|device| By::Ghost { device }),
        2 => (any::<u8>(), 0..3_u8, 0..3_u8, prop::bool::weighted(0.25))
            .prop_map(|(person, key, days, altered)| By::Key { person, key, days, altered }),
        1 => Just(By::Server),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        8 => any::<u8>().prop_map(|length| Deed::Say { length }),
        3 => (any::<u8>(), any::<bool>())
            .prop_map(|(person, sees_history)| Deed::ComeOrGo { person, sees_history }),
        1 => (any::<u8>(), 0..3_u8).prop_map(|(person, role)| Deed::Role { person, role }),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(person, how)| Deed::Mark { person, how }),
        2 => (any::<u8>(), any::<u8>()).prop_map(|(person, how)| Deed::List { person, how }),
        3 => (0..=16_u8).prop_map(|sixteenths| Deed::Read { sixteenths }),
        4 => (0..=16_u8, any::<u8>()).prop_map(|(sixteenths, how)| Deed::Alter { sixteenths, how }),
        1 => Just(Deed::Refused),
        1 => any::<u8>().prop_map(|person| Deed::Mixed { person }),
    ]
}
