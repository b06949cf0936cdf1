//! What is ephemeral: both ways.

use anser_proto::v1;
use anser_proto::values::presence::user_presence;
use anser_service::Signal;
use anser_types::{Refusal, Seq, Target, UserId};
use v1::signal::Signal as Wire;

use super::{conversation, error, target_place, user, users};

/// What a client may say: that somebody is typing, and whom it follows. The positions of a client go by Ack and MarkRead,
/// so those and what this version does not know are nothing.
///
/// # Errors
/// `INVALID_ARGUMENT`; the caller drops the signal.
pub(crate) fn from_client(signal: v1::Signal) -> Result<Option<Signal>, Refusal> {
    let typing = match signal.signal {
        Some(Wire::Typing(typing)) => typing,
        Some(Wire::Watch(watch)) => {
            return users("users", &watch.users).map(|users| Some(Signal::Watch { users }));
        }
        Some(Wire::Unwatch(unwatch)) => {
            return users("users", &unwatch.users).map(|users| Some(Signal::Unwatch { users }));
        }
        _ => return Ok(None),
    };
    let at = if typing.peer.is_empty() {
        Target::Conversation(conversation("conversation", &typing.conversation)?)
    } else {
        Target::User(user("peer", &typing.peer)?)
    };
    Ok(Some(Signal::Typing { at, who: None, stopped: typing.stopped }))
}

/// The answer to a wish to follow users that cannot be read.
#[must_use]
pub(crate) fn watch_refused(named: Vec<String>, refusal: &Refusal) -> v1::Signal {
    let refused = v1::WatchRefused { users: named, error: Some(error(refusal)) };
    v1::Signal { signal: Some(Wire::WatchRefused(refused)) }
}

/// What a client is told.
#[must_use]
pub(crate) fn to_client(signal: &Signal) -> v1::Signal {
    let wire = match signal {
        Signal::Delivered { at, up_to } => Wire::Delivered(position(at, *up_to, None)),
        Signal::Read { at, up_to, who } => Wire::Read(position(at, *up_to, who.as_ref())),
        Signal::Typing { at, who, stopped } => {
            let (peer, conversation) = target_place(at);
            Wire::Typing(v1::Typing {
                peer,
                conversation,
                who: name(who.as_ref()),
                stopped: *stopped,
            })
        }
        Signal::Presence(users) => {
            Wire::Presence(v1::Presence { users: users.iter().map(user_presence).collect() })
        }
        Signal::PresenceRefused { users, refusal } => {
            return watch_refused(users.iter().map(UserId::to_string).collect(), refusal);
        }
        // A client's words; nobody is told them.
        Signal::Watch { .. } | Signal::Unwatch { .. } => return v1::Signal { signal: None },
    };
    v1::Signal { signal: Some(wire) }
}

fn position(at: &Target, up_to: Seq, who: Option<&UserId>) -> v1::Position {
    let (peer, conversation) = target_place(at);
    v1::Position { peer, up_to_seq: up_to.0, conversation, who: name(who) }
}

fn name(who: Option<&UserId>) -> String {
    who.map(UserId::to_string).unwrap_or_default()
}
