//! Which conversations have news: a bounded set between those who commit and the one who indexes.

use std::collections::BTreeSet;
use std::time::Duration;

use anser_types::ConversationId;
use parking_lot::{Condvar, Mutex};

/// Conversations named at once. Beyond it hints are dropped and a sweep over all conversations finds what they meant.
const WAITING_MAX: usize = 16_384;

#[derive(Debug, Default)]
struct State {
    waiting: BTreeSet<ConversationId>,
    /// A hint was dropped, or nothing was looked at yet: every conversation may have news.
    all: bool,
    /// Taken, and not yet in a commit of the index.
    working: bool,
    distrusted: bool,
    stopped: bool,
}

impl State {
    fn is_complete(&self) -> bool {
        self.waiting.is_empty() && !self.all && !self.working
    }
}

/// Hints, and whether the index knows everything they tell of.
#[derive(Debug)]
pub struct Hints {
    state: Mutex<State>,
    news: Condvar,
    /// Everything taken is in the index.
    settled: Condvar,
}

/// What there is to do.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) conversations: BTreeSet<ConversationId>,
    /// Every conversation is to be looked at.
    pub(crate) all: bool,
}

impl Default for Hints {
    fn default() -> Self {
        // Nobody knows yet what an index that is only being opened holds.
        let state = State { all: true, ..State::default() };
        Self { state: Mutex::new(state), news: Condvar::new(), settled: Condvar::new() }
    }
}

impl Hints {
    /// Something was committed in these conversations.
    pub fn committed(&self, conversations: &[ConversationId]) {
        let mut state = self.state.lock();
        for id in conversations {
            if state.waiting.len() >= WAITING_MAX && !state.waiting.contains(id) {
                state.all = true;
            } else {
                state.waiting.insert(*id);
            }
        }
        drop(state);
        self.news.notify_one();
    }

    /// Every conversation may have news.
    pub(crate) fn all(&self) {
        self.state.lock().all = true;
    }

    /// Everything that was committed before this call is in the index.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.state.lock().is_complete()
    }

    /// Waits until everything that was committed before this call is in the index, at most so long, and not beyond the
    /// end. Returns whether it is.
    pub(crate) fn wait_until_complete(&self, at_most: Duration) -> bool {
        let mut state = self.state.lock();
        let waits = |state: &mut State| !state.is_complete() && !state.stopped;
        let _timed_out = self.settled.wait_while_for(&mut state, waits, at_most).timed_out();
        state.is_complete()
    }

    /// Conversations that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.state.lock().waiting.len()
    }

    /// Takes what waits; [`Self::settled`] says that it is done.
    pub(crate) fn take(&self) -> Taken {
        let mut state = self.state.lock();
        let conversations = std::mem::take(&mut state.waiting);
        let all = std::mem::take(&mut state.all);
        state.working |= all || !conversations.is_empty();
        Taken { conversations, all }
    }

    /// What was taken is in the index and can be found.
    pub(crate) fn settled(&self) {
        self.state.lock().working = false;
        self.settled.notify_all();
    }

    /// The index failed a search: it must be looked at.
    pub(crate) fn distrust(&self) {
        self.state.lock().distrusted = true;
        self.news.notify_one();
    }

    /// Whether somebody distrusts the index; asking forgets it.
    pub(crate) fn take_distrust(&self) -> bool {
        std::mem::take(&mut self.state.lock().distrusted)
    }

    /// Ends all waiting.
    pub(crate) fn stop(&self) {
        self.state.lock().stopped = true;
        self.news.notify_all();
        self.settled.notify_all();
    }

    pub(crate) fn stopped(&self) -> bool {
        self.state.lock().stopped
    }

    /// Waits for news, at most so long.
    pub(crate) fn wait_for_news(&self, at_most: Duration) {
        self.wait(at_most, |state| {
            !state.waiting.is_empty() || state.all || state.distrusted || state.stopped
        });
    }

    /// Waits so long, whatever comes; the end alone is heard.
    pub(crate) fn pause(&self, time: Duration) {
        self.wait(time, |state| state.stopped);
    }

    fn wait(&self, at_most: Duration, over: impl Fn(&State) -> bool) {
        let mut state = self.state.lock();
        // Another wake than by time or by what is waited for changes nothing.
        let _timed_out =
            self.news.wait_while_for(&mut state, |state| !over(&*state), at_most).timed_out();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> ConversationId {
        ConversationId((number as u128).to_be_bytes())
    }

    #[test]
    fn only_what_is_settled_is_complete() {
        let hints = Hints::default();
        assert!(!hints.complete());
        assert!(hints.take().all);
        hints.settled();
        assert!(hints.complete());
        hints.committed(&[id(1), id(1)]);
        assert!(!hints.complete());
        assert_eq!(hints.take().conversations.len(), 1);
        assert!(!hints.complete());
        hints.settled();
        assert!(hints.complete());
    }

    #[test]
    fn too_many_hints_become_a_sweep() {
        let hints = Hints::default();
        hints.take();
        let many: Vec<ConversationId> = (0..=WAITING_MAX).map(id).collect();
        hints.committed(&many);
        let taken = hints.take();
        assert_eq!((taken.conversations.len(), taken.all), (WAITING_MAX, true));
    }
}
