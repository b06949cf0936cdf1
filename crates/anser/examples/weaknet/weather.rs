//! What a link does to what passes: how fast, how late, how often lost, and what happens to it when. Values only; all
//! times count from the beginning of the link.

use std::sync::Arc;
use std::time::Duration;

/// A direction, as the phone sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the phone.
    Up,
    /// To the phone.
    Down,
}

impl Way {
    /// Its place in arrays of two.
    pub const fn index(self) -> usize {
        match self {
            Self::Up => 0,
            Self::Down => 1,
        }
    }
}

/// One direction.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub bits_per_second: u64,
    /// The shortest time one way.
    pub latency: Duration,
    /// Up to so much longer, at random.
    pub jitter: Duration,
    /// How probable it is that a packet is lost.
    pub loss: f64,
    /// As much as waits in front of the wire. The sender of a stream must wait then, a datagram is lost.
    pub queue_bytes: usize,
}

impl Shape {
    /// Nothing in the way, the beginning and the end of every run.
    pub const CALM: Self = Self {
        bits_per_second: 1_000_000_000,
        latency: Duration::ZERO,
        jitter: Duration::ZERO,
        loss: 0.0,
        queue_bytes: 1 << 20,
    };

    /// How long these bytes occupy the wire.
    pub fn occupies(&self, bytes: usize) -> Duration {
        Duration::from_secs_f64(bytes as f64 * 8.0 / self.bits_per_second as f64)
    }

    /// How many bytes pass in this time.
    pub fn carries(&self, time: Duration) -> usize {
        let bits = time.as_nanos() * u128::from(self.bits_per_second) / 1_000_000_000;
        usize::try_from(bits / 8).unwrap_or(usize::MAX)
    }
}

/// What happens during a spell of bad luck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// Nothing passes and nobody is told; then it passes again, with the same addresses.
    Tunnel,
    /// Nothing passes, then the phone has another address, and its app is told. Connections from before are dead: the
    /// phone's system resets them at once, or they are silent for ever. The server is never told. Datagrams from and to
    /// sockets from before are lost, silently.
    Move { resets: bool },
    /// Connections from before are silent for ever; new ones are answered by the portal until the user has logged in,
    /// of which the app is told. Datagrams are swallowed, and afterwards those of sockets from before.
    Portal,
}

/// A mishap from one moment to another.
#[derive(Clone, Copy, Debug)]
pub struct Spell {
    pub from: Duration,
    pub to: Duration,
    pub mishap: Mishap,
}

impl Spell {
    fn covers(&self, at: Duration) -> bool {
        (self.from..self.to).contains(&at)
    }
}

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Alive,
    /// Nothing passes any more, and nobody is told.
    Silent,
    /// The phone's end is reset, the server's is silent.
    Reset,
}

/// Everything that is going to happen to a link.
#[derive(Clone, Debug, Default)]
pub struct Timetable {
    pub spells: Vec<Spell>,
    /// The address translator forgets a connection on which nothing passed for so long.
    pub forgets_after: Option<Duration>,
}

impl Timetable {
    /// Whether a packet that is sent now passes.
    pub fn passes(&self, at: Duration) -> bool {
        !self.spells.iter().any(|spell| spell.mishap != Mishap::Portal && spell.covers(at))
    }

    /// Whether a portal answers new connections.
    pub fn portal_answers(&self, at: Duration) -> bool {
        self.spells.iter().any(|spell| spell.mishap == Mishap::Portal && spell.covers(at))
    }

    /// Whether a datagram that is sent now passes.
    pub fn datagrams_pass(&self, at: Duration) -> bool {
        !self.spells.iter().any(|spell| spell.covers(at))
    }

    /// What has ended everything that was opened then.
    pub fn ended(&self, opened: Duration, now: Duration) -> Option<Mishap> {
        let ends = |spell: &&Spell| {
            spell.mishap != Mishap::Tunnel && opened < spell.from && spell.from <= now
        };
        self.spells.iter().find(ends).map(|spell| spell.mishap)
    }

    /// Whether the address translator has forgotten what last carried something then.
    pub fn forgets(&self, carried: Duration, now: Duration) -> bool {
        self.forgets_after.is_some_and(|after| now >= carried + after)
    }

    /// What has become of a connection that was opened then and last carried something then.
    pub fn fate(&self, opened: Duration, carried: Duration, now: Duration) -> Fate {
        match self.ended(opened, now) {
            Some(Mishap::Move { resets: true }) => Fate::Reset,
            Some(_) => Fate::Silent,
            None if self.forgets(carried, now) => Fate::Silent,
            None => Fate::Alive,
        }
    }

    /// When the fate of a connection may be another one than now.
    pub fn next_turn(&self, carried: Duration, now: Duration) -> Option<Duration> {
        let spell = self.spells.iter().map(|spell| spell.from).filter(|from| *from > now).min();
        let forgotten = self.forgets_after.map(|after| carried + after);
        [spell, forgotten].into_iter().flatten().min()
    }
}

/// A link at a time.
#[derive(Clone, Debug)]
pub struct Weather {
    shapes: [Shape; 2],
    pub timetable: Arc<Timetable>,
}

impl Weather {
    pub fn new(up: Shape, down: Shape, timetable: Timetable) -> Self {
        Self { shapes: [up, down], timetable: Arc::new(timetable) }
    }

    /// Nothing in the way.
    pub fn calm() -> Self {
        Self::new(Shape::CALM, Shape::CALM, Timetable::default())
    }

    pub const fn shape(&self, way: Way) -> &Shape {
        &self.shapes[way.index()]
    }

    /// The round trip of a small packet when it is lucky.
    pub fn round_trip(&self) -> Duration {
        self.shapes[0].latency + self.shapes[1].latency
    }

    /// After how long TCP sends a packet again for the first time: the smoothed round trip and four times its variation,
    /// for which Linux takes at least 200 ms (RFC 6298, `tcp_rto_min`).
    pub fn retransmission_timeout(&self) -> Duration {
        let jitter = self.shapes[0].jitter + self.shapes[1].jitter;
        self.round_trip() + jitter / 2 + (jitter * 2).max(Duration::from_millis(200))
    }
}
