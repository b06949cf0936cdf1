//! Who is here, who watches whom, and of whom there is news. Nothing here waits or reads a store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anser_types::{ErrorCode, Item, Refusal, UserId, UserNo};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::api::{Presence, UserPresence};
use crate::fanout::mailbox::Slot;
use crate::metrics::{self, Lost};

/// A session, by its place in the registry.
pub(crate) type SessionId = u64;

/// How much may be watched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Users one session may watch.
    pub(crate) per_session: usize,
    /// Of all sessions together.
    pub(crate) in_all: usize,
}

/// What is known of a watcher's right to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sees {
    /// It must be looked at: the watch is new, or lists have changed since.
    Unknown,
    Yes,
    No,
}

/// Somebody who watches a user.
#[derive(Debug)]
struct Watcher {
    who: (UserNo, UserId),
    slot: Arc<Slot>,
    sees: Sees,
    /// Raised whenever lists change: what was looked at before counts no more.
    looks: u64,
    /// What they were told last.
    told: Option<Presence>,
}

/// A watched user.
#[derive(Debug, Default)]
struct Watched {
    /// `None` until the teller has looked, and for ids nobody has.
    no: Option<UserNo>,
    watchers: BTreeMap<SessionId, Watcher>,
}

#[derive(Debug, Default)]
struct State {
    /// Users with a session.
    online: BTreeSet<UserNo>,
    /// Users whose last session ended a moment ago: until then they count as here.
    leaving: BTreeMap<UserNo, Instant>,
    due: BTreeSet<(Instant, UserNo)>,
    watched: BTreeMap<UserId, Watched>,
    /// Ids of the watched whose number is known.
    ids: BTreeMap<UserNo, UserId>,
    watching: BTreeMap<SessionId, BTreeSet<UserId>>,
    watches: usize,
    news: BTreeSet<UserId>,
}

/// A watch whose right must be looked at.
#[derive(Clone, Debug)]
pub(crate) struct ToLookAt {
    pub(crate) session: SessionId,
    pub(crate) looks: u64,
    pub(crate) who: (UserNo, UserId),
}

/// A user of whom there is news.
#[derive(Debug)]
pub(crate) struct News {
    pub(crate) user: UserId,
    pub(crate) no: Option<UserNo>,
    pub(crate) here: bool,
    pub(crate) to_look_at: Vec<ToLookAt>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Board {
    state: Mutex<State>,
    changed: Notify,
    grace: Duration,
    bounds: Bounds,
}

impl Board {
    pub(crate) fn new(grace: Duration, bounds: Bounds) -> Self {
        Self { state: Mutex::default(), changed: Notify::new(), grace, bounds }
    }

    /// A user's first session came.
    pub(crate) fn came(&self, user: UserNo) {
        let mut state = self.state.lock();
        state.online.insert(user);
        match state.leaving.remove(&user) {
            // Nobody was told that they had gone.
            Some(until) => drop(state.due.remove(&(until, user))),
            None => self.note(&mut state, user),
        }
    }

    /// A user has opened a session. Of a user who did not exist yet when they were first watched there is news.
    pub(crate) fn appeared(&self, user: &UserId) {
        let mut state = self.state.lock();
        if state.watched.get(user).is_some_and(|watched| watched.no.is_none())
            && state.look_again(user, None)
        {
            self.changed.notify_one();
        }
    }

    /// A user's last session ended: they are gone unless they come back soon.
    pub(crate) fn went(&self, user: UserNo) {
        let mut state = self.state.lock();
        state.online.remove(&user);
        let until = Instant::now() + self.grace;
        if let Some(before) = state.leaving.insert(user, until) {
            state.due.remove(&(before, user));
        }
        let first = state.due.first().is_none_or(|(due, _)| until < *due);
        state.due.insert((until, user));
        if first {
            self.changed.notify_one();
        }
    }

    /// A session ended: it watches nobody any more.
    pub(crate) fn ended(&self, session: SessionId) {
        let mut state = self.state.lock();
        for user in state.watching.remove(&session).unwrap_or_default() {
            state.unwatch(session, &user);
        }
    }

    /// Whether a user is online, or was a moment ago.
    pub(crate) fn is_here(&self, user: UserNo) -> bool {
        self.state.lock().is_here(user)
    }

    /// A session wants to be told of users, and at once how they are. Those for which there is no room are given back.
    pub(crate) fn watch(
        &self,
        session: SessionId,
        who: &(UserNo, UserId),
        slot: &Arc<Slot>,
        users: Vec<UserId>,
    ) -> Option<(Vec<UserId>, Refusal)> {
        let mut state = self.state.lock();
        let (mut left_out, mut why) = (Vec::new(), None);
        for user in users {
            if let Some(refusal) = state.room_for(session, &user, self.bounds) {
                left_out.push(user);
                why.get_or_insert(refusal);
                continue;
            }
            let watcher = Watcher {
                who: who.clone(),
                slot: Arc::clone(slot),
                sees: Sees::Unknown,
                looks: 0,
                told: None,
            };
            let watched = state.watched.entry(user.clone()).or_default();
            if watched.watchers.insert(session, watcher).is_none() {
                state.watches += 1;
                metrics::presence_watches(state.watches);
            }
            state.watching.entry(session).or_default().insert(user.clone());
            state.news.insert(user);
        }
        drop(state);
        self.changed.notify_one();
        why.map(|why| (left_out, why))
    }

    /// A session wants to hear of these users no more.
    pub(crate) fn unwatch(&self, session: SessionId, users: &[UserId], slot: &Slot) {
        let mut state = self.state.lock();
        for user in users {
            let Some(watching) = state.watching.get_mut(&session) else { return };
            if !watching.remove(user) {
                continue;
            }
            if watching.is_empty() {
                state.watching.remove(&session);
            }
            state.unwatch(session, user);
            slot.forget_presence(user);
        }
    }

    /// Somebody's lists have changed: who sees them, and whom they see, is looked at again before anybody is told more.
    pub(crate) fn lists_changed(&self, owner: &UserId, item: &Item) {
        let mut state = self.state.lock();
        let noted = match item {
            Item::Settings(_) => state.look_again(owner, None),
            Item::Contact(contact) => {
                // Either of the two may watch the other.
                state.look_again(owner, Some(&contact.user))
                    | state.look_again(&contact.user, Some(owner))
            }
            _ => false,
        };
        if noted {
            self.changed.notify_one();
        }
    }

    /// Ends when there may be news, or somebody is gone for good.
    pub(crate) async fn changed(&self) {
        let due = self.state.lock().due.first().map(|(due, _)| *due);
        match due {
            Some(due) => tokio::select! {
                biased;
                () = self.changed.notified() => {}
                () = tokio::time::sleep_until(due) => {}
            },
            None => self.changed.notified().await,
        }
    }

    /// The next user of whom watchers are to be told.
    pub(crate) fn next(&self) -> Option<News> {
        let mut state = self.state.lock();
        let now = Instant::now();
        while let Some((due, user)) = state.due.first().copied()
            && due <= now
        {
            state.due.remove(&(due, user));
            state.leaving.remove(&user);
            if let Some(id) = state.ids.get(&user).cloned()
                && !state.news.insert(id)
            {
                metrics::signal_dropped(Lost::Replaced);
            }
        }
        let user = state.news.pop_first()?;
        let watched = state.watched.get(&user)?;
        let unknown = watched.watchers.iter().filter(|(_, w)| w.sees == Sees::Unknown);
        let to_look_at = unknown.map(|(session, w)| ToLookAt {
            session: *session,
            looks: w.looks,
            who: w.who.clone(),
        });
        let (no, to_look_at) = (watched.no, to_look_at.collect());
        let here = no.is_some_and(|no| state.is_here(no));
        Some(News { user, no, here, to_look_at })
    }

    /// Whether anything waits to be told.
    pub(crate) fn has_news(&self) -> bool {
        let state = self.state.lock();
        !state.news.is_empty()
    }

    /// The number behind a watched id.
    pub(crate) fn resolve(&self, user: &UserId, no: UserNo) -> bool {
        let mut state = self.state.lock();
        if let Some(watched) = state.watched.get_mut(user) {
            watched.no = Some(no);
            state.ids.insert(no, user.clone());
        }
        state.is_here(no)
    }

    /// What looking has shown; what changed meanwhile is looked at again.
    pub(crate) fn looked(&self, user: &UserId, at: &ToLookAt, sees: bool) {
        let mut state = self.state.lock();
        let watched = state.watched.get_mut(user);
        if let Some(watcher) = watched.and_then(|watched| watched.watchers.get_mut(&at.session))
            && watcher.looks == at.looks
        {
            watcher.sees = if sees { Sees::Yes } else { Sees::No };
        }
    }

    /// Tells who watches how the user is, unless they know. Who may not see is told nothing, but once that it is unknown
    /// if nothing was said yet. Returns the mailboxes to wake.
    pub(crate) fn tell(&self, user: &UserId, offline: Presence) -> Vec<Arc<Slot>> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let Some(watched) = state.watched.get(user) else { return Vec::new() };
        let here = watched.no.is_some_and(|no| state.is_here(no));
        let now = match (here, offline) {
            (true, _) => Presence::Online,
            (false, offline) => offline,
        };
        let Some(watched) = state.watched.get_mut(user) else { return Vec::new() };
        let mut wakes = Vec::new();
        for watcher in watched.watchers.values_mut() {
            let presence = match (watcher.sees, watcher.told) {
                (Sees::Yes, told) if told != Some(now) => now,
                (Sees::No, None) => Presence::Unknown,
                _ => continue,
            };
            watcher.told = Some(presence);
            if watcher.slot.push_presence(UserPresence { user: user.clone(), presence }) {
                wakes.push(Arc::clone(&watcher.slot));
            }
        }
        wakes
    }

    fn note(&self, state: &mut State, user: UserNo) {
        if let Some(id) = state.ids.get(&user).cloned() {
            if !state.news.insert(id) {
                metrics::signal_dropped(Lost::Replaced);
            }
            self.changed.notify_one();
        }
    }
}

impl State {
    fn is_here(&self, user: UserNo) -> bool {
        self.online.contains(&user) || self.leaving.contains_key(&user)
    }

    fn room_for(&self, session: SessionId, user: &UserId, bounds: Bounds) -> Option<Refusal> {
        let watching = self.watching.get(&session);
        if watching.is_some_and(|watching| watching.contains(user)) {
            return None;
        }
        if watching.map_or(0, BTreeSet::len) >= bounds.per_session {
            let detail = format!("one session follows at most {} users", bounds.per_session);
            return Some(Refusal::because(ErrorCode::LimitReached, detail));
        }
        if self.watches >= bounds.in_all {
            let detail = "the server follows as many users as it has room for";
            return Some(Refusal::because(ErrorCode::Overloaded, detail).retry_after(30_000));
        }
        None
    }

    fn unwatch(&mut self, session: SessionId, user: &UserId) {
        let Some(watched) = self.watched.get_mut(user) else { return };
        if watched.watchers.remove(&session).is_some() {
            self.watches -= 1;
            metrics::presence_watches(self.watches);
        }
        if watched.watchers.is_empty() {
            if let Some(no) = watched.no {
                self.ids.remove(&no);
            }
            self.watched.remove(user);
            self.news.remove(user);
        }
    }

    /// The watches of `watcher` (of everybody, if it is nobody in particular) on a user are looked at again.
    fn look_again(&mut self, user: &UserId, watcher: Option<&UserId>) -> bool {
        let Some(watched) = self.watched.get_mut(user) else { return false };
        let mut noted = false;
        for one in watched.watchers.values_mut() {
            if watcher.is_none_or(|watcher| one.who.1 == *watcher) {
                one.sees = Sees::Unknown;
                one.looks += 1;
                noted = true;
            }
        }
        if noted {
            self.news.insert(user.clone());
        }
        noted
    }
}
