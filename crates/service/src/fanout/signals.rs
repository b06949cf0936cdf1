//! Ephemeral signals: told to the other members who are connected, never stored, never in the way of a message.

use anser_backend::Roster;
use anser_types::{Target, UserId, UserNo};

use crate::api::Signal;
use crate::fanout::registry::Registry;
use crate::fanout::route::{Wakes, present};

/// Whom a signal is about, and where.
pub(crate) struct Subject<'a> {
    /// Row and members.
    pub(crate) roster: &'a Roster,
    /// Inside number.
    pub(crate) no: UserNo,
    /// Public id.
    pub(crate) id: &'a UserId,
}

impl Subject<'_> {
    /// How the others see the place: a direct conversation is named by the one it is about, a group by its id.
    fn seen_by_others(&self) -> (Target, Option<UserId>) {
        let conversation = &self.roster.conversation;
        if conversation.peer_of(self.id).is_some() {
            (Target::User(self.id.clone()), None)
        } else {
            (Target::Conversation(conversation.id), Some(self.id.clone()))
        }
    }
}

/// Queues a signal for every session of every other present member.
pub(crate) fn signal_others(
    about: &Subject<'_>,
    registry: &Registry,
    wakes: &mut Wakes,
    make: impl Fn(Target, Option<UserId>) -> Signal,
) {
    // Who takes nothing from the other one of a direct conversation tells them nothing either.
    if about.roster.members.iter().any(|member| member.refuses) {
        return;
    }
    let mut signal = None;
    for member in present(about.roster).filter(|member| member.user_no != about.no) {
        registry.each(member.user_no, |slot| {
            let signal = signal.get_or_insert_with(|| {
                let (at, who) = about.seen_by_others();
                make(at, who)
            });
            wakes.note(slot, slot.push_signal(signal.clone()));
        });
    }
}
