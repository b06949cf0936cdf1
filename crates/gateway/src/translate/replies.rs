//! Answers: domain → wire.

use anser_proto::values::presence::user_presence;
use anser_proto::values::{groups, messages};
use anser_proto::{time, v1};
use anser_service::{Answered, Caller, ConversationState, MemberState, Opened, Receipt, Reply};
use anser_types::{Cut, ErrorCode, InboxSeq, Outcome, Refusal, UnixMs, limits};
use v1::reply::Reply as Wire;

use super::{error, events, id_bytes, search_place_bytes};

/// What the wire needs beside an answer: what the command carried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// Its number.
    pub(crate) command_no: u64,
    /// The sender's clock; the answer's time is given as a difference to it.
    pub(crate) sent_at: UnixMs,
    /// The client cannot know the conversation's id before the answer (a new group).
    pub(crate) names_conversation: bool,
}

/// What a session is told first. The session half fills in version and compression.
#[must_use]
pub(crate) fn welcome(opened: &Opened, caller: &Caller, endpoint_list_version: u64) -> v1::Welcome {
    v1::Welcome {
        version: 0,
        server_time_unix_ms: opened.now.0,
        user: caller.user().to_string(),
        session_epoch: opened.epoch.0,
        log_epoch: opened.log_epoch.0,
        last_command_no: opened.last_command_no.0,
        inbox_head: opened.inbox_head.0,
        limits: Some(session_limits()),
        endpoint_list_version,
        compression: 0,
        capabilities: Vec::new(),
        server: concat!("anser/", env!("CARGO_PKG_VERSION")).to_owned(),
    }
}

fn session_limits() -> v1::Limits {
    v1::Limits {
        frame_bytes: bounded(limits::FRAME_MAX_BYTES),
        content_bytes: bounded(limits::CONTENT_MAX_BYTES),
        commands_in_flight: bounded(limits::COMMANDS_IN_FLIGHT),
        page_entries: bounded(limits::PAGE_MAX),
        heartbeat_ms: bounded(limits::HEARTBEAT_MS),
        heartbeat_min_ms: bounded(limits::HEARTBEAT_RANGE_MS.0),
        heartbeat_max_ms: bounded(limits::HEARTBEAT_RANGE_MS.1),
        group_members: bounded(limits::INBOX_FANOUT_MAX),
    }
}

fn bounded(value: impl TryInto<u32>) -> u32 {
    value.try_into().unwrap_or(u32::MAX)
}

/// Voids the client's cursor.
#[must_use]
pub(crate) fn sync_reset(
    at: InboxSeq,
    opened: &Opened,
    reason: Option<ErrorCode>,
) -> v1::SyncReset {
    v1::SyncReset {
        at: at.0,
        log_epoch: opened.log_epoch.0,
        reason: reason.map_or(0, |code| u32::from(code.number())),
    }
}

/// The answer to a command.
#[must_use]
pub(crate) fn command_ack(asked: Asked, answered: &Answered) -> v1::CommandAck {
    match answered {
        Answered::Final { answer, duplicate, stored_offline } => match &answer.outcome {
            Outcome::Done(done) => v1::CommandAck {
                command_no: asked.command_no,
                seq: done.seq.0,
                inbox_seq: done.inbox_seq.0,
                sent_before_ms: time::sent_before(done.at, asked.sent_at),
                stored_offline: *stored_offline,
                duplicate: *duplicate,
                change_no: done.change_no.0,
                conversation: done
                    .conversation
                    .filter(|_| asked.names_conversation)
                    .map(id_bytes)
                    .unwrap_or_default(),
                error: None,
            },
            Outcome::Refused(refusal) => {
                v1::CommandAck { duplicate: *duplicate, ..refused(asked.command_no, refusal) }
            }
        },
        Answered::Refused { refusal, expected, .. } => {
            let mut ack = refused(asked.command_no, refusal);
            if let (Some(error), Some(expected)) = (&mut ack.error, expected) {
                error.expected_command_no = expected.0;
            }
            ack
        }
    }
}

/// An honest no to a command.
#[must_use]
pub(crate) fn refused(command_no: u64, refusal: &Refusal) -> v1::CommandAck {
    v1::CommandAck { command_no, error: Some(error(refusal)), ..v1::CommandAck::default() }
}

/// The answer to a query.
#[must_use]
pub(crate) fn reply(query_no: u64, result: Result<Reply, Refusal>) -> v1::Reply {
    let wire = match result {
        Ok(reply) => page(reply),
        Err(refusal) => Wire::Error(error(&refusal)),
    };
    v1::Reply { query_no, reply: Some(wire) }
}

fn page(reply: Reply) -> Wire {
    match reply {
        Reply::History { conversation, peer, messages, unavailable, head, more } => {
            let peer = peer.as_ref();
            Wire::History(v1::HistoryPage {
                conversation: id_bytes(conversation),
                messages: messages.iter().map(|message| history_message(message, peer)).collect(),
                unavailable: unavailable
                    .iter()
                    .map(|range| events::unavailable(range, peer))
                    .collect(),
                head: head.0,
                more,
            })
        }
        Reply::Conversations { page, more } => {
            Wire::Conversations(v1::ConversationsPage { conversations: states(&page), more })
        }
        Reply::Members { version, members, more } => Wire::Members(v1::MembersPage {
            version: version.0,
            more,
            unchanged: members.is_none(),
            members: members.unwrap_or_default().iter().map(member).collect(),
        }),
        Reply::Receipts(receipts) => {
            Wire::Receipts(v1::ReceiptsPage { receipts: receipts.iter().map(receipt).collect() })
        }
        Reply::SyncPage { page, more, restart_at } => Wire::SyncPage(v1::SyncPage {
            conversations: states(&page),
            more,
            restart_at: restart_at.map_or(0, |at| at.0),
        }),
        Reply::Editions(editions) => Wire::Editions(v1::EditionsPage {
            editions: editions.iter().map(messages::edition).collect(),
        }),
        Reply::Items { items, next, change_head } => Wire::Items(v1::ItemsPage {
            items: items.iter().map(|change| events::change(change)).collect(),
            next: next.map(|key| key.0.into()).unwrap_or_default(),
            change_head: change_head.0,
        }),
        Reply::Changes { changes, more } => Wire::Changes(v1::ChangesPage {
            changes: changes.iter().map(|change| events::change(change)).collect(),
            more,
        }),
        Reply::Presence(users) => {
            Wire::Presence(v1::PresencePage { users: users.iter().map(user_presence).collect() })
        }
        Reply::Readers { read, unread, users, next } => Wire::Readers(v1::ReadersPage {
            read: bounded(read),
            unread: bounded(unread),
            users: users.iter().map(ToString::to_string).collect(),
            next: next.map(|user| user.to_string()).unwrap_or_default(),
        }),
        Reply::Search { found, next, complete } => Wire::Search(v1::SearchPage {
            messages: found
                .iter()
                .map(|one| history_message(&one.message, one.peer.as_ref()))
                .collect(),
            next: next.map(search_place_bytes).unwrap_or_default(),
            complete,
        }),
    }
}

/// A message outside an inbox names its sender: a page of a direct conversation holds both sides.
fn history_message(
    message: &anser_types::Message,
    peer: Option<&anser_types::UserId>,
) -> v1::Message {
    v1::Message { sender: message.sender.to_string(), ..events::message(message, peer) }
}

fn states(page: &[ConversationState]) -> Vec<v1::ConversationState> {
    page.iter().map(state).collect()
}

fn state(state: &ConversationState) -> v1::ConversationState {
    let peer = state.peer.as_ref();
    v1::ConversationState {
        conversation: id_bytes(state.conversation),
        peer: peer.map(ToString::to_string).unwrap_or_default(),
        title: state.group.as_ref().map(|group| group.title.clone()).unwrap_or_default(),
        group: state.group.as_ref().map(groups::group),
        version: state.version.0,
        head: state.head.0,
        change_head: state.change_head.0,
        read_up_to: state.read_up_to.0,
        unread: bounded(state.unread),
        last_message: state.last_message.as_ref().map(|last| history_message(last, peer)),
        peer_delivered_up_to: state.peer_delivered.0,
        peer_read_up_to: state.peer_read.0,
        member: state.member,
        members: bounded(state.members),
        role: u32::from(state.role.code()),
        cuts: state.cuts.iter().map(cut).collect(),
        pinned: state.pinned.iter().map(|seq| seq.0).collect(),
        mentioned_seq: state.mentioned.0,
        last_at_ms: time::to_wire(state.last_at),
    }
}

const fn cut(cut: &Cut) -> v1::LogCut {
    v1::LogCut { log_epoch: cut.epoch.0, head: cut.head.0 }
}

fn member(member: &MemberState) -> v1::MemberState {
    v1::MemberState {
        user: member.user.to_string(),
        role: u32::from(member.role.code()),
        read_up_to: member.read.0,
        alias: member.alias.clone(),
        muted_until_ms: time::to_wire(member.muted_until),
    }
}

fn receipt(receipt: &Receipt) -> v1::Receipt {
    let (peer, conversation) = super::place(receipt.peer.as_ref(), receipt.conversation);
    v1::Receipt {
        peer,
        conversation,
        delivered_up_to: receipt.delivered.0,
        read_up_to: receipt.read.0,
        members: receipt.members.iter().map(member).collect(),
    }
}
