//! What a user has put away of a conversation for themselves: everything up to a point, and single messages.

use std::collections::BTreeSet;

use anser_types::Seq;

/// See the module; read by [`Own::put_away`](crate::lists::own::Own::put_away).
#[derive(Debug, Default)]
pub(crate) struct PutAway {
    /// Everything up to here.
    pub(crate) cleared_up_to: Seq,
    hidden: BTreeSet<Seq>,
}

impl PutAway {
    /// Everything up to here.
    pub(crate) const fn below(cleared_up_to: Seq) -> Self {
        Self { cleared_up_to, hidden: BTreeSet::new() }
    }

    /// And this message.
    pub(crate) fn hide(&mut self, seq: Seq) {
        self.hidden.insert(seq);
    }

    /// Whether a message was put away.
    pub(crate) fn holds(&self, seq: Seq) -> bool {
        seq <= self.cleared_up_to || self.hidden.contains(&seq)
    }
}
