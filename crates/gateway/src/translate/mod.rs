//! Wire values to domain values and back. Wire types stop here: behind this module there is no protobuf.

pub mod bodies;
pub mod channels;
pub mod commands;
pub mod events;
pub mod queries;
pub mod replies;
pub mod signals;

use anser_proto::v1;
use anser_service::Hit;
use anser_types::{ConversationId, ErrorCode, InvalidId, Refusal, Seq, Target, UnixMs, UserId};
use bytes::Bytes;

/// A user id as it came.
///
/// # Errors
/// `INVALID_ARGUMENT` naming the field and the rule.
pub(crate) fn user(field: &str, text: &str) -> Result<UserId, Refusal> {
    UserId::new(text).map_err(|error| invalid(field, &error))
}

/// Several user ids.
pub(crate) fn users(field: &str, texts: &[String]) -> Result<Vec<UserId>, Refusal> {
    texts.iter().map(|text| user(field, text)).collect()
}

/// A conversation id as it came: sixteen bytes.
///
/// # Errors
/// `INVALID_ARGUMENT` naming the field.
pub(crate) fn conversation(field: &str, bytes: &Bytes) -> Result<ConversationId, Refusal> {
    <[u8; 16]>::try_from(bytes.as_ref()).map(ConversationId).map_err(|_| {
        Refusal::because(
            ErrorCode::InvalidArgument,
            format!("{field}: a conversation id has 16 bytes, this one has {}", bytes.len()),
        )
    })
}

fn invalid(field: &str, error: &InvalidId) -> Refusal {
    Refusal::because(ErrorCode::InvalidArgument, format!("{field}: {error}"))
}

fn missing(field: &str) -> Refusal {
    Refusal::because(ErrorCode::InvalidArgument, format!("{field} is missing"))
}

/// A conversation's id on the wire.
pub(crate) fn id_bytes(conversation: ConversationId) -> Bytes {
    Bytes::copy_from_slice(&conversation.0)
}

/// Bytes of a place of a search: time, conversation, number.
const SEARCH_PLACE_BYTES: usize = 8 + 16 + 8;

/// Where a search goes on, as bytes that mean nothing to a client.
pub(crate) fn search_place_bytes(place: Hit) -> Bytes {
    let mut bytes = Vec::with_capacity(SEARCH_PLACE_BYTES);
    bytes.extend_from_slice(&place.at.0.to_be_bytes());
    bytes.extend_from_slice(&place.conversation.0);
    bytes.extend_from_slice(&place.seq.0.to_be_bytes());
    bytes.into()
}

/// The same as it came back; nothing for none.
///
/// # Errors
/// `INVALID_ARGUMENT` naming the field.
pub(crate) fn search_place(field: &str, bytes: &Bytes) -> Result<Option<Hit>, Refusal> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let whole = <[u8; SEARCH_PLACE_BYTES]>::try_from(bytes.as_ref()).ok();
    let place = whole.and_then(|bytes| {
        let (at, rest) = bytes.split_first_chunk::<8>()?;
        let (conversation, seq) = rest.split_first_chunk::<16>()?;
        Some(Hit {
            at: UnixMs(u64::from_be_bytes(*at)),
            conversation: ConversationId(*conversation),
            seq: Seq(u64::from_be_bytes(seq.try_into().ok()?)),
        })
    });
    let not_ours = || {
        let why = format!("{field}: this is no 'next' of a search page");
        Refusal::because(ErrorCode::InvalidArgument, why)
    };
    place.map(Some).ok_or_else(not_ours)
}

/// How the wire names a conversation: the peer of a direct one, else the id. One of the two is empty.
pub(crate) fn place(peer: Option<&UserId>, conversation: ConversationId) -> (String, Bytes) {
    match peer {
        Some(peer) => (peer.to_string(), Bytes::new()),
        None => (String::new(), id_bytes(conversation)),
    }
}

/// The same for a target.
fn target_place(target: &Target) -> (String, Bytes) {
    match target {
        Target::User(peer) => (peer.to_string(), Bytes::new()),
        Target::Conversation(id) => (String::new(), id_bytes(*id)),
    }
}

/// A refusal on the wire.
pub(crate) fn error(refusal: &Refusal) -> v1::Error {
    v1::Error {
        code: u32::from(refusal.code.number()),
        detail: refusal.detail.clone(),
        retry_after_ms: refusal.retry_after_ms.unwrap_or(0),
        expected_command_no: 0,
    }
}
