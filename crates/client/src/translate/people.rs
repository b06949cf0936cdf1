//! Who is online and who has read: wire ↔ domain.

use anser_proto::v1;
use anser_proto::values::presence::user_presence_of;
use anser_types::{ConversationId, Seq, UserId, UserPresence};
use bytes::Bytes;
use v1::query::Query as Wire;

use crate::queries::Reply;

/// User ids as the wire has them.
pub(crate) fn names<'a>(users: impl IntoIterator<Item = &'a UserId>) -> Vec<String> {
    users.into_iter().map(UserId::to_string).collect()
}

/// Users as somebody named them; what can be no user is left out.
pub(crate) fn users(names: &[String]) -> Vec<UserId> {
    names.iter().filter_map(|name| UserId::new(name).ok()).collect()
}

/// How users are; what can be no user is left out.
pub(crate) fn presences(users: &[v1::UserPresence]) -> Vec<UserPresence> {
    users.iter().filter_map(|user| user_presence_of(user).ok()).collect()
}

/// How users are now.
pub(crate) fn presence_query(of: &[UserId]) -> Wire {
    Wire::Presence(v1::PresenceQuery { users: names(of) })
}

/// Who has read, or has not.
pub(crate) fn readers_query(
    conversation: ConversationId,
    seq: Seq,
    unread: bool,
    after: Option<&UserId>,
    limit: u32,
) -> Wire {
    Wire::Readers(v1::ReadersQuery {
        conversation: Bytes::copy_from_slice(&conversation.0),
        seq: seq.0,
        unread,
        after: after.map(UserId::to_string).unwrap_or_default(),
        limit,
    })
}

/// Who has read.
pub(crate) fn readers(page: &v1::ReadersPage) -> Option<Reply> {
    let users = page.users.iter().map(|name| UserId::new(name).ok()).collect::<Option<_>>()?;
    let next = match page.next.as_str() {
        "" => None,
        next => Some(UserId::new(next).ok()?),
    };
    Some(Reply::Readers { read: page.read, unread: page.unread, users, next })
}
