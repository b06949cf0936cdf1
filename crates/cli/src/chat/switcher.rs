//! `Ctrl+K`: find a conversation by a few letters of its name, or begin one.

use anser_sdk::store::Conversation;
use anser_types::{Target, UserId};

use super::model::Model;

/// The switcher while it is open.
#[derive(Clone, Debug, Default)]
pub struct Switcher {
    /// What was typed.
    pub filter: String,
    /// Which of the found ones is chosen.
    pub chosen: usize,
}

/// Something the switcher offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offer {
    /// A conversation of the list.
    Known {
        /// How to address it.
        target: Target,
        /// What it is called.
        name: String,
        /// Unread messages.
        unread: u64,
    },
    /// Somebody to begin with.
    New(UserId),
}

impl Offer {
    /// Where it leads.
    #[must_use]
    pub fn target(&self) -> Target {
        match self {
            Self::Known { target, .. } => target.clone(),
            Self::New(user) => Target::User(user.clone()),
        }
    }
}

impl Switcher {
    /// What fits the filter: names that begin with it first, then names that hold its letters in order. A valid user
    /// id that is no known name can be written to.
    #[must_use]
    pub fn offers(&self, conversations: &[Conversation]) -> Vec<Offer> {
        let filter = self.filter.trim();
        let mut found: Vec<(u8, Offer)> = conversations
            .iter()
            .filter_map(|row| {
                let name = row.name();
                let rank = rank(&name, filter)?;
                let target = Model::target_of(row);
                Some((rank, Offer::Known { target, name, unread: row.unread }))
            })
            .collect();
        found.sort_by_key(|(rank, _)| *rank);
        let mut offers: Vec<Offer> = found.into_iter().map(|(_, offer)| offer).collect();
        let is_known = conversations
            .iter()
            .any(|row| row.peer.as_ref().is_some_and(|peer| peer.as_str() == filter));
        if let Ok(user) = UserId::new(filter)
            && !is_known
        {
            offers.push(Offer::New(user));
        }
        offers
    }

    /// Moves the choice by one, around the ends.
    pub const fn step(&mut self, forward: bool, offers: usize) {
        if offers > 0 {
            let by = if forward { 1 } else { offers - 1 };
            self.chosen = (self.chosen + by) % offers;
        }
    }
}

/// 0: begins with it; 1: holds it; 2: holds its letters in order; `None`: does not fit.
fn rank(name: &str, filter: &str) -> Option<u8> {
    let (name, filter) = (name.to_lowercase(), filter.to_lowercase());
    if name.starts_with(&filter) {
        return Some(0);
    }
    if name.contains(&filter) {
        return Some(1);
    }
    let mut letters = name.chars();
    filter.chars().all(|wanted| letters.any(|letter| letter == wanted)).then_some(2)
}
