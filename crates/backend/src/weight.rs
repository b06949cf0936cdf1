//! What entries weigh in a page: the bytes that vary, roughly. Every backend fills its pages by these.

use anser_types::report::About;
use anser_types::{
    Alteration, Change, ChangeKind, Content, Event, Item, MemberAct, Message, UserId,
};

/// A message.
#[must_use]
pub fn of_message(message: &Message) -> usize {
    let reactions = message.altered.as_ref().map_or(0, |altered| altered.reactions_bytes());
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
        | ChangeKind::MembersJoined { title, users, .. } => title.len() + names(users),
        ChangeKind::MembersRemoved { users } => names(users),
        ChangeKind::MessageAltered { alteration: Alteration::Edit(content), .. } => {
            of_content(content)
        }
        ChangeKind::GroupUpdated(set) => [&set.title, &set.avatar, &set.announcement]
            .into_iter()
            .flatten()
            .map(String::len)
            .sum(),
        ChangeKind::MemberAltered { user, act } => {
            let alias = if let MemberAct::Alias(alias) = act { alias.len() } else { 0 };
            user.as_str().len() + alias
        }
        ChangeKind::Item(item) => of_item(item),
        ChangeKind::MemberLeft { .. }
        | ChangeKind::MessageAltered { .. }
        | ChangeKind::GroupDismissed => 0,
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

fn of_item(item: &Item) -> usize {
    match item {
        Item::Contact(contact) => {
            contact.user.as_str().len() + contact.remark.len() + contact.greeting.len()
        }
        Item::Options(options) => options.draft.len(),
        Item::JoinRequest(request) => request.user.as_str().len() + request.greeting.len(),
        Item::Report(report) => {
            let copy = match &report.about {
                About::Message { content, .. } => of_content(content),
                About::User(_) | About::Conversation(_) => 0,
            };
            report.text.len() + report.note.len() + copy
        }
        Item::Settings(_) | Item::Hidden { .. } => 0,
    }
}

fn of_content(content: &Content) -> usize {
    content.body.len()
}

fn names(users: &[UserId]) -> usize {
    users.iter().map(|user| user.as_str().len()).sum()
}
