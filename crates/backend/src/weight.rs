//! What entries weigh in a page: the bytes that vary, roughly. Every backend fills its pages by these.

use anser_types::{Alteration, Change, ChangeKind, Content, Event, Message, UserId};

/// A message.
#[must_use]
pub fn of_message(message: &Message) -> usize {
    let reactions = message.altered.as_ref().map_or(0, |altered| {
        altered.reactions.iter().map(|one| one.emoji.len() + names(&one.users)).sum()
    });
    message.content.as_ref().map_or(0, of_content) + reactions
}

/// A change.
#[must_use]
pub fn of_change(change: &Change) -> usize {
    of_change_kind(&change.kind)
}

/// A change that has no number yet.
#[must_use]
pub fn of_change_kind(kind: &ChangeKind) -> usize {
    match kind {
        ChangeKind::GroupCreated { title, members: users }
        | ChangeKind::MembersJoined { title, users } => title.len() + names(users),
        ChangeKind::MembersRemoved { users } => names(users),
        ChangeKind::MessageAltered { alteration: Alteration::Edit(content), .. } => {
            of_content(content)
        }
        ChangeKind::MemberLeft { .. } | ChangeKind::MessageAltered { .. } => 0,
        ChangeKind::Unknown { raw, .. } => raw.len(),
    }
}

/// An entry of an inbox.
#[must_use]
pub fn of_event(event: &Event) -> usize {
    match event {
        Event::Message(message) => of_message(message),
        Event::Change(change) => of_change(change),
        Event::ReadSync { .. } | Event::Unavailable(_) => 0,
        Event::Unknown { raw, .. } => raw.len(),
    }
}

fn of_content(content: &Content) -> usize {
    content.body.len()
}

fn names(users: &[UserId]) -> usize {
    users.iter().map(|user| user.as_str().len()).sum()
}
