//! Who follows which channel here, and up to where the followers of each were told.
//!
//! A follower is taken in before its membership is looked at and hears nothing until that was found good: so a removal
//! is either seen by the look or takes the follower out, and who is no member never hears a word. As with mailboxes, a
//! hint that gets lost loses nothing: [`Feeds::told`] is compared with the log again and again.
//!
//! Reactions come by the thousand and nobody waits for one. The first goes out at once; those that follow within a beat
//! are held and go out together, so that a session is woken once per beat and not once per reaction. Whatever else is said
//! in the channel lets go of them first: the order of the log stays.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anser_backend::Heads;
use anser_types::{Alteration, ChangeKind, ConversationId, Event, UserNo, limits};
use parking_lot::Mutex;
use tokio::sync::Notify;

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
    /// Reactions that wait for the beat; at most `HELD_REACTIONS`.
    held: Vec<ChannelDelivery>,
}

impl Feed {
    fn tell(&self, delivery: &ChannelDelivery, wakes: &mut Wakes) {
        for follower in self.followers.values().filter(|follower| follower.hears) {
            wakes.note(&follower.slot, follower.slot.push_channel(delivery.clone()));
        }
    }

    /// Tells what is held. False if nothing is.
    fn let_go(&mut self, wakes: &mut Wakes) -> bool {
        let held = std::mem::take(&mut self.held);
        held.iter().for_each(|delivery| self.tell(delivery, wakes));
        !held.is_empty()
    }
}

#[derive(Debug, Default)]
struct State {
    // Ordered maps: everybody is told in the same order in every run of the simulator.
    feeds: BTreeMap<ConversationId, Feed>,
    sessions: BTreeMap<u64, BTreeSet<ConversationId>>,
    /// Where a reaction went out or was held since the last beat.
    reacting: BTreeSet<ConversationId>,
}

/// The followed channels of this process.
#[derive(Debug, Default)]
pub(crate) struct Feeds {
    state: Mutex<State>,
    /// Somebody reacts: beats are needed.
    reacted: Notify,
}

impl Feeds {
    /// Takes a session in, which hears nothing yet. Without effect if it is there already, or if it follows
    /// `CHANNELS_PER_SESSION` others.
    pub(crate) fn join(&self, session: u64, user: UserNo, slot: &Arc<Slot>, id: ConversationId) {
        let mut state = self.state.lock();
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
        let mut state = self.state.lock();
        let feed = state.feeds.get_mut(&id);
        let follower = feed.and_then(|feed| feed.followers.get_mut(&session));
        follower.map(|follower| follower.hears = true).is_some()
    }

    /// A session that hears already was told where the log ends. Nobody else may have missed anything below only if it
    /// is the only one.
    pub(crate) fn begins_at(&self, session: u64, id: ConversationId, heads: Heads) {
        if let Some(feed) = self.state.lock().feeds.get_mut(&id)
            && feed.followers.keys().all(|other| *other == session)
        {
            feed.told = raised(feed.told, heads);
        }
    }

    /// Takes a session out of one channel.
    pub(crate) fn leave(&self, session: u64, id: ConversationId) {
        let mut state = self.state.lock();
        if let Some(followed) = state.sessions.get_mut(&session) {
            followed.remove(&id);
        }
        state.take_out(id, |other, _| other == session);
    }

    /// Takes a session out of everything.
    pub(crate) fn leave_all(&self, session: u64) {
        let mut state = self.state.lock();
        for id in state.sessions.remove(&session).unwrap_or_default() {
            state.take_out(id, |other, _| other == session);
        }
    }

    /// Tells everybody who follows, at once or, if it is one of many reactions, by the next [`Feeds::beat`]. Wakes nobody
    /// by itself.
    pub(crate) fn publish(&self, delivery: ChannelDelivery, wakes: &mut Wakes) {
        let mut state = self.state.lock();
        let id = delivery.conversation;
        let State { feeds, reacting, .. } = &mut *state;
        let Some(feed) = feeds.get_mut(&id) else { return };
        feed.told = raised(feed.told, delivery.at);
        if is_reaction(&delivery.event) {
            if !reacting.insert(id) && feed.held.len() < limits::HELD_REACTIONS {
                return feed.held.push(delivery);
            }
            self.reacted.notify_one();
        }
        feed.let_go(wakes);
        feed.tell(&delivery, wakes);
    }

    /// Resolves when somebody has reacted in a followed channel since the last beat found it quiet.
    pub(crate) async fn reacted(&self) {
        self.reacted.notified().await;
    }

    /// Lets go of what is held. False if nothing was: no more beats are needed until [`Feeds::reacted`].
    pub(crate) fn beat(&self, wakes: &mut Wakes) -> bool {
        let mut state = self.state.lock();
        let State { feeds, reacting, .. } = &mut *state;
        reacting.retain(|id| feeds.get_mut(id).is_some_and(|feed| feed.let_go(wakes)));
        !reacting.is_empty()
    }

    /// The memberships of these users have ended (`None`: everybody's): their sessions hear nothing newer, but that.
    pub(crate) fn ended(&self, id: ConversationId, users: Option<&[UserNo]>, wakes: &mut Wakes) {
        let gone = |follower: &Follower| users.is_none_or(|users| users.contains(&follower.user));
        let mut state = self.state.lock();
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
        self.state.lock().feeds.iter().map(|(id, feed)| (*id, feed.told)).collect()
    }

    /// The log goes up to here: followers who were not told of all of it are told where it ends.
    pub(crate) fn found(&self, id: ConversationId, heads: Heads, wakes: &mut Wakes) {
        let mut state = self.state.lock();
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

fn is_reaction(event: &Event) -> bool {
    let Event::Change(change) = event else { return false };
    matches!(change.kind, ChangeKind::MessageAltered { alteration: Alteration::React { .. }, .. })
}

/// The larger of each.
pub(crate) fn raised(one: Heads, other: Heads) -> Heads {
    Heads { seq: one.seq.max(other.seq), change_no: one.change_no.max(other.change_no) }
}
