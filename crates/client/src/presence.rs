//! Whom the app follows: said to every session anew, and told when something changes.
//!
//! A follow lives in a session of the server's. The core remembers it, so that the app says it once.

use std::collections::BTreeMap;
use std::time::Duration;

use anser_proto::v1;
use anser_types::limits::PRESENCE_PER_SESSION;
use anser_types::{ErrorCode, Presence, Refusal, UserId, UserPresence};

use crate::core::Core;
use crate::io::{AppEvent, Now};
use crate::translate::{self, people};

/// Pause before users whom the server had no room for are named again, if it did not say.
const AGAIN_AFTER: Duration = Duration::from_secs(30);

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Follows {
    /// With what was told of each last.
    users: BTreeMap<UserId, Option<Presence>>,
    /// When those are named again of whom nothing is known.
    again_at: Option<Duration>,
}

impl Follows {
    /// There is no session any more, and with it nobody is followed until the next.
    pub(crate) fn link_lost(&mut self) {
        self.again_at = None;
    }

    /// When something is due.
    pub(crate) const fn next_timer(&self) -> Option<Duration> {
        self.again_at
    }
}

impl Core {
    /// Follows users, now and in every later session. How each is comes as [`AppEvent::PresenceChanged`] and again
    /// whenever it changes; who is followed already is told again.
    ///
    /// # Errors
    /// `LIMIT_REACHED`: more than [`PRESENCE_PER_SESSION`] would be followed; then nothing changes.
    pub fn follow(&mut self, users: &[UserId], now: Now) -> Result<(), Refusal> {
        let new: std::collections::BTreeSet<&UserId> =
            users.iter().filter(|user| !self.follows.users.contains_key(*user)).collect();
        if self.follows.users.len() + new.len() > PRESENCE_PER_SESSION {
            let detail = format!("at most {PRESENCE_PER_SESSION} users are followed at a time");
            return Err(Refusal::because(ErrorCode::LimitReached, detail));
        }
        for user in users {
            self.follows.users.insert(user.clone(), None);
        }
        self.say_watch(translate::texts(users), now);
        self.settle_down(now);
        Ok(())
    }

    /// Follows these users no more.
    pub fn unfollow(&mut self, users: &[UserId], now: Now) {
        let gone: Vec<&UserId> =
            users.iter().filter(|user| self.follows.users.remove(*user).is_some()).collect();
        if !gone.is_empty() {
            let unwatch = v1::signal::Signal::Unwatch(v1::Watch { users: translate::texts(gone) });
            let signal = v1::Signal { signal: Some(unwatch) };
            self.say(now, |session, out| session.signal(&signal, out));
        }
        self.settle_down(now);
    }

    /// A session is open: it is told of all who are followed.
    pub(crate) fn follow_again(&mut self, now: Now) {
        let names = translate::texts(self.follows.users.keys());
        self.say_watch(names, now);
    }

    fn say_watch(&mut self, users: Vec<String>, now: Now) {
        if users.is_empty() {
            return;
        }
        let signal = v1::Signal { signal: Some(v1::signal::Signal::Watch(v1::Watch { users })) };
        self.say(now, |session, out| session.signal(&signal, out));
    }

    /// How users are. The app hears what is new.
    pub(crate) fn presence_came(&mut self, presence: &v1::Presence) {
        for UserPresence { user, presence } in people::presences(&presence.users) {
            let Some(told) = self.follows.users.get_mut(&user) else { continue };
            if *told != Some(presence) {
                *told = Some(presence);
                self.tell(AppEvent::PresenceChanged { user, presence });
            }
        }
    }

    /// The server does not follow some of them: later, if that may help, else never.
    pub(crate) fn watch_refused(&mut self, refused: v1::WatchRefused, now: Now) {
        let reason = translate::refusal(refused.error.unwrap_or_default());
        let users = people::known_users(&refused.users);
        if reason.code.retryable() {
            let pause = reason.retry_after_ms.map_or(AGAIN_AFTER, |ms| {
                Duration::from_millis(u64::from(ms)).max(Duration::from_secs(1))
            });
            self.follows.again_at = Some(now.mono + pause);
            for user in users {
                if let Some(told) = self.follows.users.get_mut(&user) {
                    *told = None;
                }
            }
            return;
        }
        for user in &users {
            self.follows.users.remove(user);
        }
        self.tell(AppEvent::PresenceRefused { users, reason });
    }

    pub(crate) fn presence_time_passed(&mut self, now: Now) {
        if self.follows.again_at.is_some_and(|at| at <= now.mono) {
            self.follows.again_at = None;
            let unknown = self.follows.users.iter().filter(|(_, told)| told.is_none());
            let names = translate::texts(unknown.map(|(user, _)| user));
            self.say_watch(names, now);
        }
    }
}
