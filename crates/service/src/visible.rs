//! What a member may see: the one place that decides it, for history, lists, changes, members and replies.
//!
//! Inbox pages need no second look: an entry is written only for those who are members in the same commit.

use std::sync::Arc;

use anser_backend::Heads;
use anser_types::{
    Alteration, Change, ChangeKind, ChangeNo, Edition, Member, Message, Seq, UnixMs,
};

/// Whether a message exists and lies inside a period of membership.
pub(crate) fn message(member: &Member, heads: Heads, seq: Seq) -> bool {
    seq > Seq::ZERO && seq <= heads.seq && member.sees_message(seq)
}

/// The last message the member may see; zero if there is none.
pub(crate) fn last_message(member: &Member, heads: Heads) -> Seq {
    member
        .periods
        .iter()
        .rev()
        .find_map(|period| {
            let last = period.until.map_or(heads.seq, |(seq, _)| seq.min(heads.seq));
            (last > period.after_seq).then_some(last)
        })
        .unwrap_or(Seq::ZERO)
}

/// The last change the member may see; zero if there is none.
pub(crate) fn last_change(member: &Member, heads: Heads) -> ChangeNo {
    member
        .periods
        .iter()
        .rev()
        .find_map(|period| {
            let last = period.until.map_or(heads.change_no, |(_, no)| no.min(heads.change_no));
            (last > period.after_change).then_some(last)
        })
        .unwrap_or(ChangeNo::ZERO)
}

/// The last change a former member could see, of whatever message of theirs; `None` for whoever is there.
pub(crate) fn last_alteration(member: &Member) -> Option<ChangeNo> {
    // Somebody who is in the conversation sees the present state of everything they may see at all, what was said in an
    // earlier stay too: so whoever has left had seen everything up to their last day.
    member.periods.last()?.until.map(|(_, change)| change)
}

/// A message as somebody saw it who left before it was altered last. Which reactions it had by then is not kept; what
/// was taken back since is gone for them too.
pub(crate) fn as_it_was(message: &Message, seen: Option<Edition>) -> Message {
    let content = match (&message.content, seen) {
        (Some(_), Some(edition)) => Some(edition.content),
        (present, _) => present.clone(),
    };
    Message { content, altered: None, ..message.clone() }
}

/// The message, or what is left of it once its time is over.
pub(crate) fn in_time(message: Arc<Message>, now: UnixMs) -> Arc<Message> {
    if message.is_over(now) { Arc::new(message.forgotten()) } else { message }
}

/// The change, or what is left to tell of it: an edit keeps the time of its message.
pub(crate) fn change_in_time(change: Arc<Change>, now: UnixMs) -> Arc<Change> {
    match &change.kind {
        ChangeKind::MessageAltered { seq, alteration: Alteration::Edit(content) }
            if content.expires_at.is_some_and(|at| at <= now) =>
        {
            let kind = ChangeKind::MessageAltered { seq: *seq, alteration: Alteration::Gone };
            Arc::new(Change { kind, ..change.as_ref().clone() })
        }
        _ => change,
    }
}

/// A stretch `(after, up_to]` of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) after: Seq,
    pub(crate) up_to: Seq,
    /// The member may see it.
    pub(crate) visible: bool,
}

/// Cuts `(after, up_to]` into visible and hidden stretches, ascending and without gaps. Nothing above the last
/// visible message is named: what happened after a removal is nobody's business.
pub(crate) fn stretches(member: &Member, heads: Heads, after: Seq, up_to: Seq) -> Vec<Stretch> {
    let end = up_to.min(last_message(member, heads));
    let mut spans: Vec<(Seq, Seq)> = member
        .periods
        .iter()
        .map(|p| (p.after_seq, p.until.map_or(heads.seq, |(seq, _)| seq)))
        .collect();
    spans.sort_unstable();
    let mut cut = Vec::new();
    let mut at = after;
    for (from, to) in spans {
        let (from, to) = (from.max(at), to.min(end));
        if to <= from {
            continue;
        }
        if from > at {
            cut.push(Stretch { after: at, up_to: from, visible: false });
        }
        cut.push(Stretch { after: from, up_to: to, visible: true });
        at = to;
    }
    if at < end {
        cut.push(Stretch { after: at, up_to: end, visible: false });
    }
    cut
}

#[cfg(test)]
mod tests {
    use anser_types::{Period, Role, UserId, UserNo};
    use proptest::prelude::*;

    use super::*;

    fn member(periods: Vec<Period>) -> Member {
        let user = UserId::new("alice").unwrap();
        Member::plain(UserNo(1), user, Role::Member, periods)
    }

    fn period(after: u64, until: Option<u64>) -> Period {
        Period {
            after_seq: Seq(after),
            after_change: ChangeNo(after),
            until: until.map(|u| (Seq(u), ChangeNo(u))),
        }
    }

    proptest! {
        #[test]
        fn stretches_agree_with_membership(
            cuts in proptest::collection::vec(1u64..40, 1..6),
            lasting: bool,
            head in 1u64..60,
            after in 0u64..50,
            up_to in 0u64..60,
        ) {
            let mut bounds: Vec<u64> = cuts;
            bounds.sort_unstable();
            let mut periods: Vec<Period> =
                bounds.chunks_exact(2).map(|w| period(w[0].min(head), Some(w[1].min(head)))).collect();
            if lasting || periods.is_empty() {
                periods.push(period(bounds.last().copied().unwrap_or(0).min(head), None));
            }
            let member = member(periods);
            let heads = Heads { seq: Seq(head), change_no: ChangeNo(head) };
            let end = Seq(up_to).min(last_message(&member, heads));
            let cut = stretches(&member, heads, Seq(after), Seq(up_to));
            let mut at = Seq(after);
            for stretch in &cut {
                prop_assert_eq!(stretch.after, at);
                for seq in stretch.after.0 + 1..=stretch.up_to.0 {
                    prop_assert_eq!(stretch.visible, message(&member, heads, Seq(seq)));
                }
                at = stretch.up_to;
            }
            prop_assert!(at >= end.min(at) && (cut.is_empty() || at == end));
        }
    }
}
