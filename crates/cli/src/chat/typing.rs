//! Who types where, and when to tell others that the user does. Both are only hints: they may be lost and end by
//! themselves.

use std::collections::BTreeMap;
use std::time::Duration;

use anser_types::{ConversationId, UserId};

/// How long somebody counts as typing without being heard of again.
const SHOWN_FOR: Duration = Duration::from_secs(6);
/// How often others are told while the user goes on typing.
const TOLD_EVERY: Duration = Duration::from_secs(3);
/// People remembered as typing at once; more are not shown.
const SHOWN_MAX: usize = 64;

/// Typing of others and of the user.
#[derive(Clone, Debug, Default)]
pub struct Typing {
    others: BTreeMap<(ConversationId, UserId), Duration>,
    told: Option<(ConversationId, Duration)>,
}

impl Typing {
    /// Somebody types, or stopped.
    pub fn heard(&mut self, at: ConversationId, who: UserId, stopped: bool, now: Duration) {
        if stopped {
            self.others.remove(&(at, who));
        } else if self.others.len() < SHOWN_MAX || self.others.contains_key(&(at, who.clone())) {
            self.others.insert((at, who), now + SHOWN_FOR);
        }
    }

    /// Forgets those who were not heard of for a while.
    pub fn expire(&mut self, now: Duration) {
        self.others.retain(|_, until| *until > now);
    }

    /// Who types in a conversation.
    #[must_use]
    pub fn in_conversation(&self, at: ConversationId) -> Vec<&UserId> {
        self.others.keys().filter(|(place, _)| *place == at).map(|(_, who)| who).collect()
    }

    /// The user changed the text of a message: whether others should be told now.
    pub fn typed(&mut self, at: ConversationId, now: Duration) -> bool {
        let recently =
            self.told.is_some_and(|(place, when)| place == at && now < when + TOLD_EVERY);
        if !recently {
            self.told = Some((at, now));
        }
        !recently
    }

    /// The text was sent or is empty: where others should be told that typing stopped, if they were told of it.
    pub fn stopped(&mut self) -> Option<ConversationId> {
        self.told.take().map(|(place, _)| place)
    }
}
