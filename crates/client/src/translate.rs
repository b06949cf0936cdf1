//! Wire values ↔ domain values. Wire types stop here: nothing behind this file names a protobuf message, except the
//! session that carries them.

mod channels;
mod commands;
mod direct_ids;
pub(crate) mod people;

pub(crate) use channels::{channel_heads, channel_position, numbered_change};
pub(crate) use commands::{body_of_command, command_of_body};
pub(crate) use direct_ids::DirectIds;

use anser_proto::values::{groups, lists, messages};
use anser_proto::{errors, time, v1};
use anser_types::event::UnavailableReason;
use anser_types::{
    Change, ChangeKind, ChangeNo, ConversationId, Cut, DeviceNo, ItemKey, LocalNo, LogEpoch,
    Message, MessageId, Refusal, Role, Seq, Target, Unavailable, UserId, Version,
};
use bytes::Bytes;

use crate::queries::{FoundMessage, MemberState, Query, Receipt, Reply};
use crate::records::{ConversationRow, ConversationState, RowUpdate};

/// What an entry of the inbox says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Entry {
    /// A message; in a direct conversation with the other one's name.
    Message(Message, Option<UserId>),
    /// One's own read position moved.
    ReadSync(ConversationId, Option<UserId>, Seq),
    /// A conversation changed.
    Change(Change),
    /// A range that cannot be given.
    Unavailable(Unavailable),
}

/// A wire error as a refusal. A code newer than this version becomes the one that asks the same of a client, and the
/// detail names it.
pub(crate) fn refusal(error: v1::Error) -> Refusal {
    let code = errors::nearest(error.code);
    let known = u32::from(code.number()) == error.code;
    let detail =
        if known { error.detail } else { format!("error {}: {}", error.code, error.detail) };
    let retry_after_ms = (error.retry_after_ms > 0).then_some(error.retry_after_ms);
    Refusal { code, detail, retry_after_ms }
}

/// Sixteen bytes as a conversation's id.
pub(crate) fn conversation_id(bytes: &[u8]) -> Option<ConversationId> {
    <[u8; 16]>::try_from(bytes).ok().map(ConversationId)
}

fn id_bytes(id: ConversationId) -> Bytes {
    Bytes::copy_from_slice(&id.0)
}

fn user(text: &str) -> Option<UserId> {
    UserId::new(text).ok()
}

/// The name in an optional field: `Some(None)` if it is empty, `None` if it is no valid id.
fn optional_user(text: &str) -> Option<Option<UserId>> {
    if text.is_empty() { Some(None) } else { user(text).map(Some) }
}

fn users(texts: &[String]) -> Option<Vec<UserId>> {
    texts.iter().map(|text| user(text)).collect()
}

/// User ids as the wire has them.
pub(crate) fn texts<'a>(users: impl IntoIterator<Item = &'a UserId>) -> Vec<String> {
    users.into_iter().map(|id| id.as_str().to_owned()).collect()
}

/// The conversation named by a peer or an id, as `me` sees it.
pub(crate) fn place(
    me: &UserId,
    peer: &str,
    conversation: &[u8],
) -> Option<(ConversationId, Option<UserId>)> {
    let peer = optional_user(peer)?;
    match (&peer, conversation.is_empty()) {
        (Some(other), true) => Some((ConversationId::direct(me, other), peer)),
        (_, false) => Some((conversation_id(conversation)?, peer)),
        (None, true) => None,
    }
}

/// A message whose place and sender are known from around it.
fn message_at(
    mut wire: v1::Message,
    conversation: ConversationId,
    sender: UserId,
) -> Option<Message> {
    let server_time = time::from_wire(wire.server_time_ms);
    let altered = match wire.altered.take() {
        Some(altered) => Some(Box::new(messages::read_altered(*altered).ok()?)),
        None => None,
    };
    let content =
        if wire.tombstone { None } else { Some(messages::read_content_of(&mut wire).ok()?) };
    Some(Message {
        conversation,
        seq: Seq(wire.seq),
        sender,
        id: MessageId { device: DeviceNo(wire.device_no), local_no: LocalNo(wire.local_no) },
        sent_at: time::sent_at(server_time, wire.sent_before_ms),
        server_time,
        content,
        altered,
    })
}

/// A message of a page, where the sender is always named; `around` is the page's conversation.
pub(crate) fn page_message(
    me: &UserId,
    wire: v1::Message,
    around: Option<ConversationId>,
) -> Option<Message> {
    let conversation = match around {
        Some(id) => id,
        None => place(me, &wire.peer, &wire.conversation)?.0,
    };
    let sender = user(if wire.sender.is_empty() { &wire.peer } else { &wire.sender })?;
    message_at(wire, conversation, sender)
}

/// An entry of the inbox. `None` if it names a kind, or holds a value, that this version does not understand.
pub(crate) fn entry(me: &UserId, direct: &mut DirectIds, event: v1::Event) -> Option<Entry> {
    use v1::event::Event;
    Some(match event.event? {
        Event::Direct(wire) => {
            let peer = user(&wire.peer)?;
            let conversation = direct.of(me, &peer);
            Entry::Message(message_at(wire, conversation, peer.clone())?, Some(peer))
        }
        Event::OwnDirect(wire) => {
            let peer = user(&wire.peer)?;
            let conversation = direct.of(me, &peer);
            Entry::Message(message_at(wire, conversation, me.clone())?, Some(peer))
        }
        Event::Group(wire) => {
            let conversation = conversation_id(&wire.conversation)?;
            let sender = user(&wire.sender)?;
            Entry::Message(message_at(wire, conversation, sender)?, None)
        }
        Event::ReadSync(sync) => {
            let (conversation, peer) = place(me, &sync.peer, &sync.conversation)?;
            Entry::ReadSync(conversation, peer, Seq(sync.up_to_seq))
        }
        Event::Change(wire) => Entry::Change(change(wire)?),
        Event::Unavailable(wire) => Entry::Unavailable(unavailable(me, &wire, None)?),
    })
}

/// A conversation's change. `None` if its kind is not known.
pub(crate) fn change(mut wire: v1::Change) -> Option<Change> {
    let kind = change_kind(wire.kind.take()?)?;
    change_of(&wire, kind)
}

fn change_kind(kind: v1::change::Kind) -> Option<ChangeKind> {
    use v1::change::Kind;
    Some(match kind {
        Kind::GroupCreated(made) => {
            ChangeKind::GroupCreated { title: made.title, members: users(&made.members)? }
        }
        Kind::MembersJoined(joined) => {
            let (title, channel) = (joined.title, joined.channel);
            ChangeKind::MembersJoined { title, users: users(&joined.users)?, channel }
        }
        Kind::MemberLeft(left) => {
            ChangeKind::MemberLeft { new_owner: optional_user(&left.new_owner)? }
        }
        Kind::MembersRemoved(removed) => {
            ChangeKind::MembersRemoved { users: users(&removed.users)? }
        }
        Kind::MessageAltered(altered) => ChangeKind::MessageAltered {
            seq: Seq(altered.seq),
            alteration: messages::read_alteration(altered.alteration?).ok()??,
        },
        Kind::GroupUpdated(set) => ChangeKind::GroupUpdated(groups::read_set_group(set).ok()?),
        Kind::MemberAltered(altered) => {
            let (user, act) = groups::read_member_altered(altered).ok()??;
            ChangeKind::MemberAltered { user, act }
        }
        Kind::GroupDismissed(v1::GroupDismissed {}) => ChangeKind::GroupDismissed,
        Kind::Contact(contact) => ChangeKind::Item(lists::read_contact(contact).ok()?),
        Kind::Options(options) => ChangeKind::Item(lists::read_options(options).ok()?),
        Kind::Settings(settings) => ChangeKind::Item(lists::read_settings(settings).ok()?),
        Kind::Hidden(hidden) => ChangeKind::Item(lists::read_hidden(&hidden).ok()?),
        Kind::JoinRequest(request) => ChangeKind::Item(lists::read_join_request(request).ok()?),
    })
}

/// The change of this kind at the place that `wire` names.
fn change_of(wire: &v1::Change, kind: ChangeKind) -> Option<Change> {
    Some(Change {
        conversation: conversation_id(&wire.conversation)?,
        change_no: ChangeNo(wire.change_no),
        after_seq: Seq(wire.after_seq),
        version: Version(wire.version),
        actor: user(&wire.actor)?,
        at: time::from_wire(wire.at_ms),
        kind,
    })
}

/// A range that cannot be given. A reason newer than this version counts as damage.
pub(crate) fn unavailable(
    me: &UserId,
    wire: &v1::Unavailable,
    around: Option<ConversationId>,
) -> Option<Unavailable> {
    let conversation = match around {
        Some(id) => id,
        None => place(me, &wire.peer, &wire.conversation)?.0,
    };
    let reason = match wire.reason {
        1 => UnavailableReason::Expired,
        3 => UnavailableReason::NotVisible,
        4 => UnavailableReason::PutAway,
        _ => UnavailableReason::Damaged,
    };
    Some(Unavailable { conversation, from: Seq(wire.from_seq), to: Seq(wire.to_seq), reason })
}

const fn cut(wire: &v1::LogCut) -> Cut {
    Cut { epoch: LogEpoch(wire.log_epoch), head: Seq(wire.head) }
}

/// A full row of the conversation list.
pub(crate) fn full_row(me: &UserId, wire: v1::ConversationState) -> Option<ConversationRow> {
    let (conversation, peer) = place(me, &wire.peer, &wire.conversation)?;
    let last_message = match wire.last_message {
        Some(message) => Some(page_message(me, message, Some(conversation))?),
        None => None,
    };
    let state = ConversationState {
        group: peer
            .is_none()
            .then(|| groups::read_group(wire.title, wire.group.unwrap_or_default())),
        version: Version(wire.version),
        head: Seq(wire.head),
        change_head: ChangeNo(wire.change_head),
        read_up_to: Seq(wire.read_up_to),
        unread: wire.unread,
        mentioned: Seq(wire.mentioned_seq),
        pinned: wire.pinned.into_iter().map(Seq).collect(),
        last_message,
        last_at: if wire.last_at_ms == 0 {
            anser_types::UnixMs(0)
        } else {
            time::from_wire(wire.last_at_ms)
        },
        peer_delivered: Seq(wire.peer_delivered_up_to),
        peer_read: Seq(wire.peer_read_up_to),
        member: wire.member,
        members: wire.members,
        role: Role::from_code(u8::try_from(wire.role).unwrap_or(u8::MAX)),
        cuts: wire.cuts.iter().map(cut).collect(),
        log_epoch: LogEpoch::ZERO,
    };
    Some(ConversationRow { conversation, peer, update: RowUpdate::Full(Box::new(state)) })
}

/// A member of a list.
pub(crate) fn member(wire: &v1::MemberState) -> Option<MemberState> {
    Some(MemberState {
        user: user(&wire.user)?,
        role: Role::from_code(u8::try_from(wire.role).unwrap_or(u8::MAX)),
        read_up_to: Seq(wire.read_up_to),
        alias: wire.alias.clone(),
        muted_until: time::from_wire(wire.muted_until_ms),
    })
}

/// How far the others of a conversation are.
pub(crate) fn receipt(me: &UserId, wire: &v1::Receipt) -> Option<Receipt> {
    let (conversation, peer) = place(me, &wire.peer, &wire.conversation)?;
    Some(Receipt {
        conversation,
        peer,
        delivered: Seq(wire.delivered_up_to),
        read: Seq(wire.read_up_to),
        members: wire.members.iter().filter_map(member).collect(),
    })
}

/// A query for the wire.
pub(crate) fn query(query: Query) -> v1::query::Query {
    use v1::query::Query as Wire;
    match query {
        Query::History { of, after, before, limit, oldest_first } => {
            let of = match of {
                Target::User(id) => v1::history_query::Of::User(id.as_str().to_owned()),
                Target::Conversation(id) => v1::history_query::Of::Conversation(id_bytes(id)),
            };
            let (after_seq, before_seq) = (after.0, before.0);
            Wire::History(v1::HistoryQuery {
                after_seq,
                before_seq,
                limit,
                oldest_first,
                of: Some(of),
            })
        }
        Query::Conversations { after, limit } => {
            let after = after.map_or_else(Bytes::new, id_bytes);
            Wire::Conversations(v1::ConversationsQuery { after, limit })
        }
        Query::Members { conversation, known, after, limit } => {
            let (conversation, known_version) = (id_bytes(conversation), known.0);
            let after = after.map(|user| user.to_string()).unwrap_or_default();
            Wire::Members(v1::MembersQuery { conversation, known_version, after, limit })
        }
        Query::Receipts { of } => {
            let mut receipts = v1::ReceiptsQuery::default();
            for target in of {
                match target {
                    Target::User(id) => receipts.peers.push(id.as_str().to_owned()),
                    Target::Conversation(id) => receipts.conversations.push(id_bytes(id)),
                }
            }
            Wire::Receipts(receipts)
        }
        Query::Editions { of, seq } => Wire::Editions(v1::EditionsQuery {
            of: Some(match of {
                Target::User(id) => v1::editions_query::Of::User(id.as_str().to_owned()),
                Target::Conversation(id) => v1::editions_query::Of::Conversation(id_bytes(id)),
            }),
            seq: seq.0,
        }),
        Query::Items { conversation, prefix, after, limit } => Wire::Items(v1::ItemsQuery {
            conversation: conversation.map_or_else(Bytes::new, id_bytes),
            prefix: prefix.0.into(),
            after: after.0.into(),
            limit,
        }),
        Query::Changes { conversation, after, limit } => Wire::Changes(v1::ChangesQuery {
            conversation: id_bytes(conversation),
            after_change_no: after.0,
            limit,
        }),
        Query::Presence { of } => people::presence_query(&of),
        Query::Readers { conversation, seq, unread, after, limit } => {
            people::readers_query(conversation, seq, unread, after.as_ref(), limit)
        }
        Query::Search { text, of, before, limit } => Wire::Search(v1::SearchQuery {
            text,
            of: of.map(|of| match of {
                Target::User(id) => v1::search_query::Of::User(id.as_str().to_owned()),
                Target::Conversation(id) => v1::search_query::Of::Conversation(id_bytes(id)),
            }),
            before,
            limit,
        }),
    }
}

/// The reply to a query of the host. `None` if it cannot be read.
pub(crate) fn reply(me: &UserId, reply: v1::reply::Reply) -> Option<Reply> {
    use v1::reply::Reply as Wire;
    Some(match reply {
        Wire::History(page) => {
            let conversation = conversation_id(&page.conversation)?;
            let around = Some(conversation);
            Reply::History {
                conversation,
                messages: page
                    .messages
                    .into_iter()
                    .map(|message| page_message(me, message, around))
                    .collect::<Option<_>>()?,
                unavailable: page
                    .unavailable
                    .iter()
                    .map(|gap| unavailable(me, gap, around))
                    .collect::<Option<_>>()?,
                head: Seq(page.head),
                more: page.more,
            }
        }
        Wire::Conversations(page) => Reply::Conversations {
            page: page
                .conversations
                .into_iter()
                .map(|row| full_row(me, row))
                .collect::<Option<_>>()?,
            more: page.more,
        },
        Wire::Members(page) => {
            let members = page.members.iter().map(member).collect::<Option<Vec<_>>>()?;
            let members = (!page.unchanged).then_some(members);
            Reply::Members { version: Version(page.version), members, more: page.more }
        }
        Wire::Receipts(page) => Reply::Receipts(
            page.receipts.iter().map(|wire| receipt(me, wire)).collect::<Option<_>>()?,
        ),
        Wire::Editions(page) => Reply::Editions(
            page.editions
                .into_iter()
                .map(|one| messages::read_edition(one).ok())
                .collect::<Option<_>>()?,
        ),
        Wire::Items(page) => Reply::Items {
            items: page.items.into_iter().filter_map(change).collect(),
            next: (!page.next.is_empty()).then(|| ItemKey(page.next.to_vec())),
        },
        Wire::Changes(page) => Reply::Changes {
            changes: page.changes.into_iter().map(change).collect::<Option<_>>()?,
            more: page.more,
        },
        Wire::Presence(page) => Reply::Presence(people::presences(&page.users)),
        Wire::Readers(page) => people::readers(&page)?,
        Wire::Search(page) => Reply::Search {
            found: page
                .messages
                .into_iter()
                .map(|message| found(me, message))
                .collect::<Option<_>>()?,
            next: page.next,
            complete: page.complete,
        },
        Wire::SyncPage(_) | Wire::Error(_) => return None,
    })
}

/// A message that names its place and its sender.
fn found(me: &UserId, wire: v1::Message) -> Option<FoundMessage> {
    let (conversation, peer) = place(me, &wire.peer, &wire.conversation)?;
    Some(FoundMessage { message: page_message(me, wire, Some(conversation))?, peer })
}
