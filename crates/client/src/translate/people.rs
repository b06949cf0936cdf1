//! Who is online and who has read: wire ↔ domain.

use anser_proto::v1;
use anser_proto::values::presence::user_presence_of;
use anser_types::{ConversationId, Seq, UserId, UserPresence};
use v1::query::Query as Wire;

use super::{id_bytes, optional_user, texts, user, users};
use crate::queries::Reply;

/// Users as somebody named them; what can be no user is left out.
pub(crate) fn known_users(names: &[String]) -> Vec<UserId> {
    names.iter().filter_map(|name| user(name)).collect()
}

/// How users are; what can be no user is left out.
pub(crate) fn presences(users: &[v1::UserPresence]) -> Vec<UserPresence> {
    users.iter().filter_map(|user| user_presence_of(user).ok()).collect()
}

/// How users are now.
pub(crate) fn presence_query(of: &[UserId]) -> Wire {
    Wire::Presence(v1::PresenceQuery { users: texts(of) })
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
        conversation: id_bytes(conversation),
        seq: seq.0,
        unread,
        after: after.map(UserId::to_string).unwrap_or_default(),
        limit,
    })
}

/// Who has read.
pub(crate) fn readers(page: &v1::ReadersPage) -> Option<Reply> {
    let (users, next) = (users(&page.users)?, optional_user(&page.next)?);
    Some(Reply::Readers { read: page.read, unread: page.unread, users, next })
}
