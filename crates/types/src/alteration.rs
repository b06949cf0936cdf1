//! What changes make of a message after it was said: edits, revocations, reactions.
//!
//! The ledger applies an alteration to the stored message in the commit that numbers its change; a client applies the
//! same alteration to its copy. Both use [`Message::alter`], so both hold the same message after the same changes.

use crate::id::UserId;
use crate::message::{Content, Message};
use crate::number::ChangeNo;
use crate::time::UnixMs;

/// What somebody does to a message that was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alteration {
    /// The sender replaces its content.
    Edit(Content),
    /// It is taken back for everybody: its content, and that of its edits, is gone.
    Revoke,
    /// A reaction of the actor is added or taken away.
    React {
        /// An emoji or another short text.
        emoji: String,
        /// Added, or taken away.
        on: bool,
    },
    /// It is pinned to the conversation, or unpinned.
    Pin {
        /// Pinned, or unpinned.
        on: bool,
    },
    /// An edit of a message that was taken back since: there is nothing left to tell of it.
    Gone,
    /// Its receiver has read it, and it burns: at this time at the latest everybody forgets it. Only ever told.
    Burn(UnixMs),
    /// Its time was over, and its content is gone; told to nobody who did not ask, as everybody forgets by themselves.
    Expire,
}

impl Alteration {
    /// Whether it leaves nothing of what was said.
    #[must_use]
    pub const fn erases(&self) -> bool {
        matches!(self, Self::Revoke | Self::Expire)
    }
}

/// What changes have made of a message since it was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Altered {
    /// The last change that altered it: an older one, heard again, changes nothing.
    pub by: ChangeNo,
    /// How often its content was replaced.
    pub edits: u32,
    /// When it was replaced last.
    pub edited_at: Option<UnixMs>,
    /// Who took it back; its content is gone then.
    pub revoked_by: Option<UserId>,
    /// Reactions, in the order of their first use; none without users.
    pub reactions: Vec<Reaction>,
}

/// A content a message had before it was edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edition {
    /// The change that replaced it: whoever saw nothing after an earlier change saw this content.
    pub until: ChangeNo,
    /// When it was written.
    pub since: UnixMs,
    /// The content.
    pub content: Content,
}

/// One reaction and everybody who used it, in the order in which they did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// An emoji or another short text.
    pub emoji: String,
    /// Who; never empty, nobody twice.
    pub users: Vec<UserId>,
}

impl Reaction {
    /// What a field of the wire costs beside its bytes.
    const FIELD_BYTES: usize = 2;

    fn bytes(&self) -> usize {
        let users: usize =
            self.users.iter().map(|user| user.as_str().len() + Self::FIELD_BYTES).sum();
        self.emoji.len() + Self::FIELD_BYTES + users
    }
}

impl Altered {
    /// Whether this user has used this reaction.
    #[must_use]
    pub fn has_reaction(&self, emoji: &str, user: &UserId) -> bool {
        self.reactions.iter().any(|one| one.emoji == emoji && one.users.contains(user))
    }

    /// What the reactions take in a message: emoji and names, each with what a field of the wire costs.
    #[must_use]
    pub fn reactions_bytes(&self) -> usize {
        self.reactions.iter().map(Reaction::bytes).sum()
    }

    fn react(&mut self, actor: &UserId, emoji: &str, on: bool) {
        let place = self.reactions.iter().position(|one| one.emoji == emoji);
        match (place, on) {
            (Some(place), true) if !self.reactions[place].users.contains(actor) => {
                self.reactions[place].users.push(actor.clone());
            }
            (None, true) => {
                let users = vec![actor.clone()];
                self.reactions.push(Reaction { emoji: emoji.to_owned(), users });
            }
            (Some(place), false) => {
                self.reactions[place].users.retain(|user| user != actor);
                if self.reactions[place].users.is_empty() {
                    self.reactions.remove(place);
                }
            }
            _ => {}
        }
    }
}

impl Message {
    /// Makes of the message what the change `by` says. Changes must come in their order; one that is not newer than
    /// the last one applied changes nothing, so hearing a change twice is harmless. Returns whether it was newer.
    pub fn alter(
        &mut self,
        by: ChangeNo,
        at: UnixMs,
        actor: &UserId,
        alteration: &Alteration,
    ) -> bool {
        let altered = self.altered.get_or_insert_default();
        if by <= altered.by {
            return false;
        }
        altered.by = by;
        match alteration {
            Alteration::Edit(content) if self.content.is_some() => {
                altered.edited_at = Some(at);
                altered.edits = altered.edits.saturating_add(1);
                let (expires_at, burn_after_ms) = times(self.content.as_ref());
                self.content = Some(Content { expires_at, burn_after_ms, ..content.clone() });
            }
            Alteration::Revoke if self.content.is_some() => {
                // Nothing is left to tell of its edits: whoever hears of them later hears that they are gone.
                self.content = None;
                **altered = Altered { by, revoked_by: Some(actor.clone()), ..Altered::default() };
            }
            Alteration::React { emoji, on } if self.content.is_some() => {
                altered.react(actor, emoji, *on);
            }
            Alteration::Expire if self.content.is_some() => {
                self.content = None;
                **altered = Altered { by, ..Altered::default() };
            }
            Alteration::Burn(at) => {
                if let Some(content) = &mut self.content {
                    let earlier = content.expires_at.filter(|expires_at| expires_at < at);
                    content.expires_at = Some(earlier.unwrap_or(*at));
                }
            }
            // What is gone stays gone; pins belong to the conversation.
            Alteration::Edit(_)
            | Alteration::Revoke
            | Alteration::React { .. }
            | Alteration::Pin { .. }
            | Alteration::Expire
            | Alteration::Gone => {}
        }
        true
    }

    /// When the content it has now was written.
    #[must_use]
    pub fn content_since(&self) -> UnixMs {
        let edited_at = self.altered.as_ref().and_then(|altered| altered.edited_at);
        edited_at.unwrap_or(self.server_time)
    }

    /// The last change that altered it; zero if none did.
    #[must_use]
    pub fn altered_by(&self) -> ChangeNo {
        self.altered.as_ref().map(|altered| altered.by).unwrap_or_default()
    }
}

/// When a content is forgotten: no edit alters that.
fn times(content: Option<&Content>) -> (Option<UnixMs>, Option<u32>) {
    content.map_or((None, None), |content| (content.expires_at, content.burn_after_ms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ConversationId, DeviceNo, MessageId};
    use crate::number::{LocalNo, Seq};

    fn said(text: &str) -> Message {
        Message {
            conversation: ConversationId([0; 16]),
            seq: Seq(1),
            sender: user("alice"),
            id: MessageId { device: DeviceNo(1), local_no: LocalNo(1) },
            sent_at: UnixMs(1),
            server_time: UnixMs(2),
            content: Some(Content::text(text)),
            altered: None,
        }
    }

    fn user(id: &str) -> UserId {
        UserId::new(id).unwrap()
    }

    fn react(emoji: &str, on: bool) -> Alteration {
        Alteration::React { emoji: emoji.to_owned(), on }
    }

    #[test]
    fn an_older_change_heard_again_changes_nothing() {
        let (mut message, alice) = (said("one"), user("alice"));
        let edit = |text: &str| Alteration::Edit(Content::text(text));
        assert!(message.alter(ChangeNo(3), UnixMs(5), &alice, &edit("two")));
        assert!(message.alter(ChangeNo(4), UnixMs(6), &alice, &edit("three")));
        assert!(!message.alter(ChangeNo(3), UnixMs(5), &alice, &edit("two")));
        assert_eq!(message.content, Some(Content::text("three")));
        let altered = message.altered.unwrap();
        assert_eq!((altered.edits, altered.edited_at), (2, Some(UnixMs(6))));
    }

    #[test]
    fn what_was_taken_back_stays_gone() {
        let mut message = said("one");
        assert!(message.alter(ChangeNo(1), UnixMs(3), &user("bob"), &react("👍", true)));
        assert!(message.alter(ChangeNo(2), UnixMs(4), &user("alice"), &Alteration::Revoke));
        let edit = Alteration::Edit(Content::text("two"));
        assert!(message.alter(ChangeNo(3), UnixMs(5), &user("alice"), &edit));
        assert!(message.alter(ChangeNo(4), UnixMs(6), &user("bob"), &react("👍", true)));
        assert_eq!(message.content, None);
        let altered = message.altered.unwrap();
        assert_eq!(altered.revoked_by, Some(user("alice")));
        assert!(altered.reactions.is_empty() && altered.edited_at.is_none());
    }

    /// Found by seed 1 of the simulation.
    #[test]
    fn whoever_hears_of_an_edit_only_when_it_is_gone_shows_the_same_in_the_end() {
        let (mut heard, mut late, alice) = (said("one"), said("one"), user("alice"));
        let edit = Alteration::Edit(Content::text("two"));
        heard.alter(ChangeNo(1), UnixMs(3), &alice, &edit);
        late.alter(ChangeNo(1), UnixMs(3), &alice, &Alteration::Gone);
        for message in [&mut heard, &mut late] {
            message.alter(ChangeNo(2), UnixMs(4), &alice, &Alteration::Revoke);
        }
        assert_eq!(heard, late);
    }

    #[test]
    fn a_reaction_counts_each_user_once_and_goes_with_its_last() {
        let mut message = said("one");
        let steps = [("bob", "👍", true), ("bob", "👍", true), ("carol", "👍", true)];
        for (no, (who, emoji, on)) in steps.into_iter().enumerate() {
            let by = ChangeNo(no as u64 + 1);
            message.alter(by, UnixMs(3), &user(who), &react(emoji, on));
        }
        let users = vec![user("bob"), user("carol")];
        let expected = vec![Reaction { emoji: "👍".to_owned(), users }];
        assert_eq!(message.altered.as_ref().unwrap().reactions, expected);
        message.alter(ChangeNo(7), UnixMs(4), &user("bob"), &react("👍", false));
        message.alter(ChangeNo(8), UnixMs(4), &user("carol"), &react("👍", false));
        assert!(message.altered.unwrap().reactions.is_empty());
    }

    #[test]
    fn a_message_burns_at_the_earliest_time_and_no_edit_puts_it_off() {
        let (mut message, bob) = (said("one"), user("bob"));
        message.alter(ChangeNo(1), UnixMs(3), &bob, &Alteration::Burn(UnixMs(90)));
        message.alter(ChangeNo(2), UnixMs(4), &bob, &Alteration::Burn(UnixMs(95)));
        let edit = Alteration::Edit(Content::text("two"));
        message.alter(ChangeNo(3), UnixMs(5), &user("alice"), &edit);
        assert!(!message.is_over(UnixMs(89)) && message.is_over(UnixMs(90)));
        message.alter(ChangeNo(4), UnixMs(91), &bob, &Alteration::Expire);
        let altered = message.altered.clone().unwrap();
        assert_eq!((message.content, altered.by, altered.edits), (None, ChangeNo(4), 0));
    }
}
