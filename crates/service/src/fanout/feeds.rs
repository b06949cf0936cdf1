//! Who follows which channel here, and up to where the followers of each were told.
//!
//! A follower is taken in before its membership is looked at and hears nothing until that was found good: so a removal
//! is either seen by the look or takes the follower out, and who is no member never hears a word. As with mailboxes, a
//! hint that gets lost loses nothing: [`Feeds::told`] is compared with the log again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anser_backend::Heads;
use anser_types::{ConversationId, UserNo, limits};
use parking_lot::Mutex;

use crate::fanout::mailbox::{ChannelDelivery, Slot};
use crate::fanout::route::Wakes;

/// A session in a channel's list.
#[derive(Debug)]
struct Follower {
    user: UserNo,
    slot: Arc<Slot>,
    /// Its membership was found good.
    hears: bool,
}

/// One channel.
#[derive(Debug, Default)]
struct Feed {
    followers: BTreeMap<u64, Follower>,
    /// Its followers were told of everything up to here, as far as anybody here knows.
    told: Heads,
}

#[derive(Debug, Default)]
struct State {
    // Ordered maps: everybody is told in the same order in every run of the simulator.
    feeds: BTreeMap<ConversationId, Feed>,
    sessions: BTreeMap<u64, BTreeSet<ConversationId>>,
}

/// The followed channels of this process.
#[derive(Debug, Default)]
pub(crate) struct Feeds(Mutex<State>);

impl Feeds {
    /// Takes a session in, which hears nothing yet. Without effect if it is there already, or if it follows
    /// `CHANNELS_PER_SESSION` others.
    pub(crate) fn join(&self, session: u64, user: UserNo, slot: &Arc<Slot>, id: ConversationId) {
        let mut state = self.0.lock();
        let followed = state.sessions.entry(session).or_default();
        if followed.contains(&id) || followed.len() >= limits::CHANNELS_PER_SESSION {
            return;
        }
        followed.insert(id);
        let follower = Follower { user, slot: Arc::clone(slot), hears: false };
        state.feeds.entry(id).or_default().followers.insert(session, follower);
    }

    /// Its membership was found good: from here on it hears everything. False if it was taken out meanwhile.
    pub(crate) fn admit(&self, session: u64, id: ConversationId) -> bool {
        let mut state = self.0.lock();
        let feed = state.feeds.get_mut(&id);
        let follower = feed.and_then(|feed| feed.followers.get_mut(&session));
        follower.map(|follower| follower.hears = true).is_some()
    }

    /// A session that hears already was told where the log ends. Nobody else may have missed anything below only if it
    /// is the only one.
    pub(crate) fn begins_at(&self, session: u64, id: ConversationId, heads: Heads) {
        if let Some(feed) = self.0.lock().feeds.get_mut(&id)
            && feed.followers.keys().all(|other| *other == session)
        {
            feed.told = raised(feed.told, heads);
        }
    }

    /// Takes a session out of one channel.
    pub(crate) fn leave(&self, session: u64, id: ConversationId) {
        let mut state = self.0.lock();
        if let Some(followed) = state.sessions.get_mut(&session) {
            followed.remove(&id);
        }
        state.take_out(id, |other, _| other == session);
    }

    /// Takes a session out of everything.
    pub(crate) fn leave_all(&self, session: u64) {
        let mut state = self.0.lock();
        for id in state.sessions.remove(&session).unwrap_or_default() {
            state.take_out(id, |other, _| other == session);
        }
    }

    /// Tells everybody who follows. Wakes nobody by itself.
    pub(crate) fn publish(&self, delivery: &ChannelDelivery, wakes: &mut Wakes) {
        let mut state = self.0.lock();
        let Some(feed) = state.feeds.get_mut(&delivery.conversation) else { return };
        feed.told = raised(feed.told, delivery.at);
        for follower in feed.followers.values().filter(|follower| follower.hears) {
            wakes.note(&follower.slot, follower.slot.push_channel(delivery.clone()));
        }
    }

    /// The memberships of these users have ended (`None`: everybody's): their sessions hear nothing newer, but that.
    pub(crate) fn ended(&self, id: ConversationId, users: Option<&[UserNo]>, wakes: &mut Wakes) {
        let gone = |follower: &Follower| users.is_none_or(|users| users.contains(&follower.user));
        let mut state = self.0.lock();
        let taken = state.take_out(id, |_, follower| gone(follower));
        for (session, follower) in taken {
            if let Some(followed) = state.sessions.get_mut(&session) {
                followed.remove(&id);
            }
            wakes.note(&follower.slot, follower.slot.channel_gone(id));
        }
    }

    /// Every followed channel, and up to where its followers were told.
    pub(crate) fn told(&self) -> Vec<(ConversationId, Heads)> {
        self.0.lock().feeds.iter().map(|(id, feed)| (*id, feed.told)).collect()
    }

    /// The log goes up to here: followers who were not told of all of it are told where it ends.
    pub(crate) fn found(&self, id: ConversationId, heads: Heads, wakes: &mut Wakes) {
        let mut state = self.0.lock();
        let Some(feed) = state.feeds.get_mut(&id) else { return };
        let told = raised(feed.told, heads);
        if std::mem::replace(&mut feed.told, told) == told {
            return;
        }
        for follower in feed.followers.values().filter(|follower| follower.hears) {
            wakes.note(&follower.slot, follower.slot.channel_behind(id, heads));
        }
    }
}

impl State {
    fn take_out(
        &mut self,
        id: ConversationId,
        mut gone: impl FnMut(u64, &Follower) -> bool,
    ) -> Vec<(u64, Follower)> {
        let Some(feed) = self.feeds.get_mut(&id) else { return Vec::new() };
        let taken = feed.followers.extract_if(.., |session, one| gone(*session, one)).collect();
        if feed.followers.is_empty() {
            self.feeds.remove(&id);
        }
        taken
    }
}

/// The larger of each.
pub(crate) fn raised(one: Heads, other: Heads) -> Heads {
    Heads { seq: one.seq.max(other.seq), change_no: one.change_no.max(other.change_no) }
}
