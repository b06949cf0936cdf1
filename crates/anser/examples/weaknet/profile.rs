//! The networks of the lab. Rates, latencies and losses are published presets of tools that emulate networks; latencies
//! that those give as round trips are halved here.

use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::SmallRng;

use super::weather::{Mishap, Shape, Spell, Timetable, Weather};

/// A network that people are on.
#[derive(Debug)]
pub struct Profile {
    /// How it is called on the command line and in file names.
    pub name: &'static str,
    /// What it is, for a table.
    pub about: &'static str,
    up: Shape,
    down: Shape,
    trouble: Trouble,
}

/// What happens on it, beside rate, latency and loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Nothing,
    Tunnels,
    Moves,
    Portals,
    Forgetting,
}

/// As long as a train takes through a long tunnel.
const TUNNEL: Duration = Duration::from_secs(20);
/// As long as it takes to notice a portal and to log in, hurried.
const LOGIN: Duration = Duration::from_secs(12);
/// Translators are told to remember idle connections for two hours (RFC 5382); those of carriers and homes were measured
/// to forget after 4 minutes and more (Wang et al., "An untold story of middleboxes in cellular networks", 2011; Hätönen
/// et al., "An experimental study of home gateway characteristics", 2010). This one is worse than any, so that it
/// happens in a short run: it forgets before the client's heartbeat of 30 s.
const FORGETS_AFTER: Duration = Duration::from_secs(20);
/// So much longer than that people on such a network are silent at a time.
const SILENT_SECS: u64 = 26;
/// And so long they talk in between.
const TALKING_SECS: u64 = 8;

const fn shape(kbit_up: u64, latency_ms: u64, jitter_ms: u64, loss: f64) -> Shape {
    Shape {
        bits_per_second: kbit_up * 1_000,
        latency: Duration::from_millis(latency_ms),
        jitter: Duration::from_millis(jitter_ms),
        loss,
        queue_bytes: 64 * 1024,
    }
}

/// Regular 4G of the browsers' developer tools, 4/3 Mbit/s, with 45 ms to and from a server and 0.2 % loss as Loadero's
/// 4G has them; the network of all profiles on which something else than the network itself is the trouble.
const MOBILE: [Shape; 2] = [shape(3_000, 22, 15, 0.002), shape(4_000, 22, 15, 0.002)];

/// All of them.
pub static PROFILES: [Profile; 8] = [
    Profile {
        name: "wifi",
        about: "good Wi-Fi: 30/15 Mbit/s (the browsers' preset), 20 ms to the server and back",
        up: shape(15_000, 10, 3, 0.0),
        down: shape(30_000, 10, 3, 0.0),
        trouble: Trouble::Nothing,
    },
    Profile {
        name: "lossy-wifi",
        about: "bad Wi-Fi: 2 Mbit/s, 40 ms, up to 40 ms of jitter, 5 % lost (a preset of Loadero)",
        up: shape(2_000, 20, 20, 0.05),
        down: shape(2_000, 20, 20, 0.05),
        trouble: Trouble::Nothing,
    },
    Profile {
        name: "3g",
        about: "3G: 1.6 Mbit/s down, 768 kbit/s up, 300 ms (WebPageTest's preset), 0.5 % lost (Loadero)",
        up: shape(768, 150, 50, 0.005),
        down: shape(1_600, 150, 50, 0.005),
        trouble: Trouble::Nothing,
    },
    Profile {
        name: "2g",
        about: "GPRS: 50/20 kbit/s, 500 ms (the browsers' preset), up to 200 ms of jitter and 1 % lost (Loadero)",
        up: shape(20, 250, 100, 0.01),
        down: shape(50, 250, 100, 0.01),
        trouble: Trouble::Nothing,
    },
    Profile {
        name: "tunnel",
        about: "4G; nothing passes for 20 s and nobody is told, then it passes again",
        up: MOBILE[0],
        down: MOBILE[1],
        trouble: Trouble::Tunnels,
    },
    Profile {
        name: "train",
        about: "4G; another address every 12 to 20 s: connections are reset or go silent, the app is told after 1 to 3 s",
        up: MOBILE[0],
        down: MOBILE[1],
        trouble: Trouble::Moves,
    },
    Profile {
        name: "portal",
        about: "4G, then a Wi-Fi that answers everything with its own page for 12 s, until the user has logged in",
        up: MOBILE[0],
        down: MOBILE[1],
        trouble: Trouble::Portals,
    },
    Profile {
        name: "forgetful-nat",
        about: "4G behind a translator that forgets a connection after 20 s of silence and drops what comes then",
        up: MOBILE[0],
        down: MOBILE[1],
        trouble: Trouble::Forgetting,
    },
];

impl Profile {
    /// The profile of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PROFILES.iter().find(|profile| profile.name == name)
    }

    /// What a phone's link does from `begin` on; spells of trouble begin and end within `talk` after it.
    pub fn weather(&self, begin: Duration, talk: Duration, random: &mut SmallRng) -> Weather {
        let forgets_after = (self.trouble == Trouble::Forgetting).then_some(FORGETS_AFTER);
        let spells = self.spells(begin, begin + talk, random);
        Weather::new(self.up, self.down, Timetable { spells, forgets_after })
    }

    /// The same link without jitter and losses, on which this happens.
    pub fn steady(&self, timetable: Timetable) -> Weather {
        let steady = |shape| Shape { jitter: Duration::ZERO, loss: 0.0, ..shape };
        Weather::new(steady(self.up), steady(self.down), timetable)
    }

    fn spells(&self, begin: Duration, end: Duration, random: &mut SmallRng) -> Vec<Spell> {
        let mut spells = Vec::new();
        let mut from = begin;
        loop {
            let mut within = |least: u64, most: u64| {
                Duration::from_millis(random.random_range(least * 1_000..most * 1_000))
            };
            let (after, lasts) = match self.trouble {
                Trouble::Nothing | Trouble::Forgetting => return spells,
                Trouble::Tunnels => (within(8, 20), TUNNEL),
                Trouble::Moves => (within(12, 20), within(1, 3)),
                Trouble::Portals => (within(8, 25), LOGIN),
            };
            let mishap = match self.trouble {
                Trouble::Moves => Mishap::Move { resets: random.random_bool(0.5) },
                Trouble::Portals => Mishap::Portal,
                _ => Mishap::Tunnel,
            };
            from += after;
            let to = from + lasts;
            if to >= end {
                return spells;
            }
            spells.push(Spell { from, to, mishap });
            from = to;
        }
    }

    /// Whether people talk so long after the beginning; on some networks what hurts is a silence of everybody.
    pub fn is_talking(&self, at: Duration) -> bool {
        self.trouble != Trouble::Forgetting
            || at.as_secs() % (TALKING_SECS + SILENT_SECS) < TALKING_SECS
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn trouble_comes_and_is_over_while_people_talk() {
        let (begin, talk) = (Duration::from_secs(5), Duration::from_secs(90));
        for profile in &PROFILES {
            let mut random = SmallRng::seed_from_u64(3);
            let timetable = profile.weather(begin, talk, &mut random).timetable;
            let spells = &timetable.spells;
            let quiet = matches!(profile.trouble, Trouble::Nothing | Trouble::Forgetting);
            assert_eq!(spells.is_empty(), quiet, "{}", profile.name);
            assert!(spells.iter().all(|spell| spell.from > begin && spell.to < begin + talk));
            assert!(spells.is_sorted_by(|one, other| one.to < other.from));
        }
    }

    #[test]
    fn silences_are_longer_than_the_translator_remembers() {
        assert!(Duration::from_secs(SILENT_SECS) > FORGETS_AFTER);
        let nat = Profile::named("forgetful-nat").unwrap();
        assert!(nat.is_talking(Duration::from_secs(7)) && !nat.is_talking(Duration::from_secs(8)));
    }
}
