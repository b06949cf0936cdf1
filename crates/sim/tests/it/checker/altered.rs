//! Evidence changed in domain words.

use anser_sim::checker::{Evidence, History, Stored, UnreadReading, What};

use super::{direct, user};

/// Alterations in domain words.
pub trait Altered {
    fn read_history(&mut self);
    fn count_unread(&mut self, alice: u64, bob: u64);
    fn forget(&mut self, journal: usize, what: &What);
    fn replace(&mut self, journal: usize, what: &What, by: What);
    fn messages(&mut self) -> &mut Vec<Stored>;
}

impl Altered for Evidence {
    /// Both read everything by the history query.
    fn read_history(&mut self) {
        let history = |reader| History {
            reader: user(reader),
            conversation: direct(),
            messages: self.store[0].messages.clone(),
            unavailable: Vec::new(),
            put_away: Vec::new(),
        };
        self.histories = vec![history("alice"), history("bob")];
    }

    fn count_unread(&mut self, alice: u64, bob: u64) {
        let reading = |id, count| UnreadReading { user: user(id), conversation: direct(), count };
        self.unread = vec![reading("alice", alice), reading("bob", bob)];
    }

    fn forget(&mut self, journal: usize, what: &What) {
        self.journals[journal].entries.retain(|entry| entry.what != *what);
    }

    fn replace(&mut self, journal: usize, what: &What, by: What) {
        let entries = &mut self.journals[journal].entries;
        entries.iter_mut().find(|entry| entry.what == *what).unwrap().what = by;
    }

    fn messages(&mut self) -> &mut Vec<Stored> {
        &mut self.store[0].messages
    }
}
