//! What people do and when: drawn from the seed before anything begins.

use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::SmallRng;

use crate::profile::Profile;

/// Between two things that one says.
const PAUSE_MS: std::ops::Range<u64> = 2_000..6_000;
/// How long one stays offline by one's own will.
const OFFLINE_MS: std::ops::Range<u64> = 8_000..14_000;
/// Said meanwhile.
const SAID_OFFLINE: u32 = 2;
/// How long the app is in the background.
const BACKGROUND_MS: std::ops::Range<u64> = 10_000..20_000;
/// Of so many things one is said to the group.
const TO_GROUP: f64 = 0.3;

/// Something one does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    SayToFriend,
    SayToGroup,
    GoOffline,
    GoOnline,
    GoToBackground,
    ComeBack,
}

/// What one person does while people talk, in order; the times count from when they begin.
pub fn script(profile: &Profile, talk: Duration, random: &mut SmallRng) -> Vec<(Duration, Act)> {
    let mut acts = Vec::new();
    let mut at = Duration::ZERO;
    loop {
        at += drawn(PAUSE_MS, random);
        if at >= talk {
            break;
        }
        // Drawn in any case: a silence moves nothing that comes after it.
        let act = if random.random_bool(TO_GROUP) { Act::SayToGroup } else { Act::SayToFriend };
        if profile.is_talking(at) {
            acts.push((at, act));
        }
    }
    let lasts = drawn(OFFLINE_MS, random);
    if let Some(from) = somewhere(lasts, talk, random) {
        acts.push((from, Act::GoOffline));
        acts.extend((1..=SAID_OFFLINE).map(|n| (from + lasts * n / 4, Act::SayToFriend)));
        acts.push((from + lasts, Act::GoOnline));
    }
    let lasts = drawn(BACKGROUND_MS, random);
    if let Some(from) = somewhere(lasts, talk, random) {
        acts.extend([(from, Act::GoToBackground), (from + lasts, Act::ComeBack)]);
    }
    acts.sort_by_key(|(at, _)| *at);
    acts
}

fn drawn(ms: std::ops::Range<u64>, random: &mut SmallRng) -> Duration {
    Duration::from_millis(random.random_range(ms))
}

/// A beginning for something that is over before people stop; `None` if there is not so much time.
fn somewhere(lasts: Duration, talk: Duration, random: &mut SmallRng) -> Option<Duration> {
    Some(talk.checked_sub(lasts)?.mul_f64(random.random_range(0.0..0.95)))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn the_same_seed_is_the_same_day_and_everybody_is_back_at_its_end() {
        let talk = Duration::from_secs(60);
        let day = |seed| {
            let mut random = SmallRng::seed_from_u64(seed);
            script(Profile::named("wifi").unwrap(), talk, &mut random)
        };
        assert_eq!(day(1), day(1));
        for acts in (0..50).map(day) {
            assert!(acts.is_sorted_by_key(|(at, _)| *at));
            assert!(acts.iter().all(|(at, _)| *at < talk));
            let last = |one, other| {
                acts.iter().map(|(_, act)| *act).rfind(|act| [one, other].contains(act))
            };
            assert_eq!(last(Act::GoOffline, Act::GoOnline), Some(Act::GoOnline));
            assert_eq!(last(Act::GoToBackground, Act::ComeBack), Some(Act::ComeBack));
        }
    }
}
