//! What a client asks to read: wire → domain.

use anser_proto::v1;
use anser_service::Query;
use anser_types::limits::{MEMBERS_PER_COMMAND, PAGE_DEFAULT, PAGE_MAX};
use anser_types::{
    ChangeNo, ErrorCode, InboxSeq, ItemKey, LogEpoch, Refusal, Seq, Target, UserId, Version,
};
use bytes::Bytes;
use v1::{history_query::Of, query::Query as Wire};

use super::{conversation, missing, search_place, user, users};

/// A read.
///
/// # Errors
/// `UNSUPPORTED` for a query this version does not know, `INVALID_ARGUMENT` for fields that cannot be read.
pub(crate) fn query(query: Option<Wire>) -> Result<Query, Refusal> {
    Ok(match query.ok_or_else(|| Refusal::new(ErrorCode::Unsupported))? {
        Wire::History(history) => Query::History {
            of: match history.of.ok_or_else(|| missing("of"))? {
                Of::User(peer) => Target::User(user("user", &peer)?),
                Of::Conversation(id) => Target::Conversation(conversation("conversation", &id)?),
            },
            after: Seq(history.after_seq),
            before: Seq(history.before_seq),
            limit: limit(history.limit),
            oldest_first: history.oldest_first,
        },
        Wire::Conversations(list) => {
            Query::Conversations { after: after(&list.after)?, limit: limit(list.limit) }
        }
        Wire::Members(members) => Query::Members {
            conversation: conversation("conversation", &members.conversation)?,
            known: Version(members.known_version),
            after: optional_user("after", &members.after)?,
            limit: limit(members.limit),
        },
        Wire::Receipts(receipts) => Query::Receipts { of: receipt_targets(&receipts)? },
        Wire::SyncPage(page) => Query::SyncPage {
            at: InboxSeq(page.at),
            since: LogEpoch(page.since_log_epoch),
            after: after(&page.after)?,
            limit: limit(page.limit),
            heads_only: page.heads_only,
        },
        Wire::Editions(editions) => Query::Editions {
            of: match editions.of.ok_or_else(|| missing("of"))? {
                v1::editions_query::Of::User(peer) => Target::User(user("user", &peer)?),
                v1::editions_query::Of::Conversation(id) => {
                    Target::Conversation(conversation("conversation", &id)?)
                }
            },
            seq: Seq(editions.seq),
        },
        Wire::Items(items) => Query::Items {
            conversation: after(&items.conversation)?,
            prefix: ItemKey(items.prefix.to_vec()),
            after: ItemKey(items.after.to_vec()),
            limit: limit(items.limit),
        },
        Wire::Changes(changes) => Query::Changes {
            conversation: conversation("conversation", &changes.conversation)?,
            after: ChangeNo(changes.after_change_no),
            limit: limit(changes.limit),
        },
        Wire::Presence(presence) => Query::Presence { of: users("users", &presence.users)? },
        Wire::Readers(readers) => Query::Readers {
            conversation: conversation("conversation", &readers.conversation)?,
            seq: Seq(readers.seq),
            unread: readers.unread,
            after: optional_user("after", &readers.after)?,
            limit: limit(readers.limit),
        },
        Wire::Search(search) => Query::Search {
            of: match search.of {
                None => None,
                Some(v1::search_query::Of::User(peer)) => Some(Target::User(user("user", &peer)?)),
                Some(v1::search_query::Of::Conversation(id)) => {
                    Some(Target::Conversation(conversation("conversation", &id)?))
                }
            },
            before: search_place("before", &search.before)?,
            limit: limit(search.limit),
            text: search.text,
        },
    })
}

fn receipt_targets(receipts: &v1::ReceiptsQuery) -> Result<Vec<Target>, Refusal> {
    let asked = receipts.peers.len() + receipts.conversations.len();
    if asked > MEMBERS_PER_COMMAND {
        return Err(Refusal::because(
            ErrorCode::InvalidArgument,
            format!("{asked} conversations in one query, the limit is {MEMBERS_PER_COMMAND}"),
        ));
    }
    let peers = receipts.peers.iter().map(|peer| user("peers", peer).map(Target::User));
    let groups = receipts
        .conversations
        .iter()
        .map(|id| conversation("conversations", id).map(Target::Conversation));
    peers.chain(groups).collect()
}

fn after(bytes: &Bytes) -> Result<Option<anser_types::ConversationId>, Refusal> {
    if bytes.is_empty() { Ok(None) } else { conversation("after", bytes).map(Some) }
}

fn optional_user(field: &'static str, id: &str) -> Result<Option<UserId>, Refusal> {
    if id.is_empty() { Ok(None) } else { user(field, id).map(Some) }
}

fn limit(wanted: u32) -> usize {
    match usize::try_from(wanted) {
        Ok(0) => PAGE_DEFAULT,
        Ok(wanted) => wanted.min(PAGE_MAX),
        Err(_) => PAGE_MAX,
    }
}
