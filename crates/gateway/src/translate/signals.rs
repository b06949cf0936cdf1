//! What is ephemeral: both ways.

use anser_proto::v1;
use anser_service::Signal;
use anser_types::{Refusal, Seq, Target, UserId};
use v1::signal::Signal as Wire;

use super::{conversation, target_place, user};

/// What a client may say: that somebody is typing. The positions of a client go by Ack and MarkRead, so those and
/// what this version does not know are nothing.
///
/// # Errors
/// `INVALID_ARGUMENT`; the caller drops the signal.
pub(crate) fn from_client(signal: v1::Signal) -> Result<Option<Signal>, Refusal> {
    let Some(Wire::Typing(typing)) = signal.signal else {
        return Ok(None);
    };
    let at = if typing.peer.is_empty() {
        Target::Conversation(conversation("conversation", &typing.conversation)?)
    } else {
        Target::User(user("peer", &typing.peer)?)
    };
    Ok(Some(Signal::Typing { at, who: None, stopped: typing.stopped }))
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
