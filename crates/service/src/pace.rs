//! How fast people may do what touches others: speak in a group, write to strangers, report; and what becomes of those
//! who go on regardless.
//!
//! Counted in memory of this node: a restart forgets it, and so does a table that has grown too large. Nobody is ever
//! refused longer than was said.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use anser_backend::DeviceKey;
use anser_types::{ConversationId, ErrorCode, Refusal, UserNo, limits};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::directory::View;
use crate::messages::request::{Actor, Work};
use crate::rate::Bucket;
use crate::rules::No;
use crate::service::Service;
use crate::sessionless::{Allowance, NO_DEVICE};
use crate::settings::Settings;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// Whom somebody has begun to write to, remembered so that a second try counts nothing.
const STRANGERS_REMEMBERED: usize = 256;

/// All that is counted.
#[derive(Debug)]
pub(crate) struct Paces {
    groups: Table<ConversationId, Bucket>,
    strangers: Table<UserNo, Strangers>,
    reports: Table<UserNo, Bucket>,
    requests: Table<UserNo, Bucket>,
    pub(crate) penalties: Penalties<DeviceKey>,
    group_rate: (u32, u32),
    stranger_rate: (u32, u32),
    report_rate: u32,
    request_rate: (u32, u32),
}

/// A table that does not grow for ever.
#[derive(Debug)]
pub(crate) struct Table<K, V>(Mutex<HashMap<K, V>>);

impl<K: Eq + Hash, V> Table<K, V> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    /// Alters an entry, if there is one.
    pub(crate) fn alter(&self, key: &K, act: impl FnOnce(&mut V)) {
        if let Some(value) = self.0.lock().get_mut(key) {
            act(value);
        }
    }

    /// Forgets an entry.
    pub(crate) fn remove(&self, key: &K) {
        self.0.lock().remove(key);
    }

    /// Does something with an entry. A full table first loses those that say nothing any more, or else everything.
    pub(crate) fn with<T>(
        &self,
        key: K,
        fresh: impl FnOnce() -> V,
        says_nothing: impl Fn(&mut V) -> bool,
        act: impl FnOnce(&mut V) -> T,
    ) -> T {
        let mut table = self.0.lock();
        if table.len() >= limits::PACED_MAX && !table.contains_key(&key) {
            table.retain(|_, value| !says_nothing(value));
            if table.len() >= limits::PACED_MAX {
                table.clear();
            }
        }
        act(table.entry(key).or_insert_with(fresh))
    }
}

/// Strangers somebody began to write to.
#[derive(Debug)]
struct Strangers {
    hour: Bucket,
    day: Bucket,
    counted: VecDeque<UserNo>,
}

impl Strangers {
    fn meet(&mut self, stranger: UserNo) -> Result<(), Duration> {
        if self.counted.contains(&stranger) {
            return Ok(());
        }
        let wait = self.hour.wait().max(self.day.wait());
        if !wait.is_zero() {
            return Err(wait);
        }
        self.hour.take()?;
        self.day.take()?;
        if self.counted.len() >= STRANGERS_REMEMBERED {
            self.counted.pop_front();
        }
        self.counted.push_back(stranger);
        Ok(())
    }
}

impl Paces {
    pub(crate) fn of(settings: &Settings) -> Self {
        Self {
            groups: Table::new(),
            strangers: Table::new(),
            reports: Table::new(),
            requests: Table::new(),
            penalties: Penalties::default(),
            group_rate: (settings.group_messages_per_second, settings.group_messages_burst),
            stranger_rate: (settings.strangers_per_hour, settings.strangers_per_day),
            report_rate: settings.reports_per_day,
            request_rate: (settings.commands_per_second, settings.commands_burst),
        }
    }

    /// What is decided before the rules, once for each command. App servers answer for themselves.
    pub(crate) async fn admit(service: &Service, actor: &Actor, work: &Work) -> Result<(), No> {
        let paces = service.paces();
        if actor.device == NO_DEVICE {
            return Ok(());
        }
        match work {
            Work::Send { to: anser_types::Target::Conversation(id), .. } if !id.is_direct() => {
                // Only who is in it uses up what it may take.
                let roster = service.directory().roster(*id, &[actor.no], View::Cached).await?;
                let member = roster.as_ref().and_then(|roster| roster.member(actor.no));
                if member.is_some_and(anser_types::Member::is_present) {
                    paces.say_in(*id)?;
                }
                Ok(())
            }
            Work::Report { .. } => paces.report(actor.no),
            _ => Ok(()),
        }
    }

    fn say_in(&self, group: ConversationId) -> Result<(), No> {
        let (per_second, burst) = self.group_rate;
        let fresh = || Bucket::new(per_second, burst);
        let taken = self.groups.with(group, fresh, Bucket::is_full, Bucket::take);
        taken.map_err(|wait| too_fast(ErrorCode::GroupFlooded, wait))
    }

    /// A request of a user without a session, and what is left of what they may.
    pub(crate) fn request(&self, by: UserNo) -> (Allowance, Result<(), Duration>) {
        let (per_second, burst) = self.request_rate;
        let fresh = || Bucket::new(per_second, burst);
        let window_s = burst.div_ceil(per_second.max(1)).max(1);
        self.requests.with(by, fresh, Bucket::is_full, |bucket| {
            let taken = bucket.take();
            (Allowance { burst, window_s, left: bucket.left(), wait_s: 0 }, taken)
        })
    }

    fn report(&self, by: UserNo) -> Result<(), No> {
        let fresh = || Bucket::over(self.report_rate, DAY);
        let taken = self.reports.with(by, fresh, Bucket::is_full, Bucket::take);
        taken.map_err(|wait| too_fast(ErrorCode::TooManyReports, wait))
    }

    /// Somebody begins to have to do with somebody they are nothing to. Doing so again counts nothing. App servers answer
    /// for themselves.
    pub(crate) fn meet(&self, actor: &Actor, stranger: UserNo) -> Result<(), No> {
        if actor.device == NO_DEVICE {
            return Ok(());
        }
        let (per_hour, per_day) = self.stranger_rate;
        let fresh = || Strangers {
            hour: Bucket::over(per_hour, HOUR),
            day: Bucket::over(per_day, DAY),
            counted: VecDeque::new(),
        };
        let quiet = |strangers: &mut Strangers| strangers.day.is_full();
        let met = self.strangers.with(actor.no, fresh, quiet, |strangers| strangers.meet(stranger));
        met.map_err(|wait| too_fast(ErrorCode::TooManyStrangers, wait))
    }
}

/// For good, with the time after which the user may try again: it is about one group or about people, not about the
/// whole device.
fn too_fast(code: ErrorCode, wait: Duration) -> No {
    No::Final(Refusal::new(code).retry_after(as_ms(wait)), Vec::new())
}

/// A wait as it is told: in milliseconds, never too short.
pub(crate) fn as_ms(wait: Duration) -> u32 {
    u32::try_from(wait.as_millis()).unwrap_or(u32::MAX).saturating_add(1)
}

/// What becomes of those who go on while they were told to wait: their waits grow, each twice the one before, up to
/// `PENALTY_MAX_MS`, and shrink again by one step for every `PENALTY_DECAY_MS` in which they keep to it. Whoever waits as
/// told, with what was on its way, never has one.
#[derive(Debug)]
pub struct Penalties<K>(Table<K, Penalty>);

#[derive(Debug)]
struct Penalty {
    until: Instant,
    level: u32,
    /// How often somebody has come in this wait.
    came: usize,
}

impl Penalty {
    fn decayed(&self, now: Instant) -> u32 {
        let kept_to_it = now.saturating_duration_since(self.until).as_millis();
        let steps = kept_to_it / u128::from(limits::PENALTY_DECAY_MS);
        self.level.saturating_sub(u32::try_from(steps).unwrap_or(u32::MAX))
    }
}

impl<K: Eq + Hash> Default for Penalties<K> {
    fn default() -> Self {
        Self(Table::new())
    }
}

impl<K: Eq + Hash + Copy> Penalties<K> {
    /// Whether somebody still has to wait. Coming anyway counts against them.
    ///
    /// # Errors
    /// How long, in milliseconds.
    pub fn admits(&self, who: K) -> Result<(), u32> {
        let now = Instant::now();
        let mut table = self.0.0.lock();
        let Some(penalty) = table.get_mut(&who) else { return Ok(()) };
        if now >= penalty.until {
            if penalty.decayed(now) == 0 {
                table.remove(&who);
            }
            return Ok(());
        }
        penalty.came += 1;
        if penalty.came > limits::COMMANDS_IN_FLIGHT {
            penalty.came = 0;
            penalty.level += 1;
            penalty.until = penalty.until.max(now + wait_of(penalty.level));
        }
        Err(as_ms(penalty.until - now))
    }

    /// Somebody is too fast and would have to wait so long; how long they are told to, in milliseconds.
    pub fn refused(&self, who: K, wait: Duration) -> u32 {
        let now = Instant::now();
        let fresh = || Penalty { until: now, level: 0, came: 0 };
        let over = |penalty: &mut Penalty| now >= penalty.until && penalty.decayed(now) == 0;
        self.0.with(who, fresh, over, |penalty| {
            penalty.level = penalty.decayed(now);
            penalty.came = 0;
            let wait = wait.max(wait_of(penalty.level));
            penalty.until = now + wait;
            as_ms(wait)
        })
    }
}

fn wait_of(level: u32) -> Duration {
    let Some(doublings) = level.checked_sub(1) else { return Duration::ZERO };
    let ms = limits::PENALTY_FIRST_MS.saturating_mul(1 << doublings.min(16));
    Duration::from_millis(ms.min(limits::PENALTY_MAX_MS))
}
