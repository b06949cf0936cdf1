//! What is said of channels: positions, heads, and changes that are numbered even if they are not understood.

use anser_proto::v1;
use anser_types::{Change, ChangeKind, ChangeNo, ConversationId, Seq};
use bytes::Bytes;

use super::{change_kind, change_of, conversation_id, id_bytes};
use crate::records::ChannelPosition;

/// A position for the wire.
pub(crate) fn channel_position(id: ConversationId, at: ChannelPosition) -> v1::ChannelPosition {
    let (seq, change_no) = (at.seq.0, at.change_no.0);
    v1::ChannelPosition { conversation: id_bytes(id), seq, change_no }
}

/// Where channels' logs end, and those that cannot be followed; what names no conversation is left out.
pub(crate) fn channel_heads(
    wire: &v1::ChannelHeads,
) -> (Vec<(ConversationId, ChannelPosition)>, Vec<ConversationId>) {
    let head = |wire: &v1::ChannelPosition| {
        let at = ChannelPosition { seq: Seq(wire.seq), change_no: ChangeNo(wire.change_no) };
        Some((conversation_id(&wire.conversation)?, at))
    };
    let gone = wire.gone.iter().filter_map(|id| conversation_id(id));
    (wire.heads.iter().filter_map(head).collect(), gone.collect())
}

/// A change of a channel's log, which is numbered whether it is understood or not: of a kind that is not known its bytes
/// are kept. `None` if not even its place can be read.
pub(crate) fn numbered_change(
    mut wire: v1::Change,
    unknown: impl FnOnce() -> (u32, Bytes),
) -> Option<Change> {
    let kind = wire.kind.take().and_then(change_kind).unwrap_or_else(|| {
        let (kind, raw) = unknown();
        ChangeKind::Unknown { kind, raw }
    });
    change_of(&wire, kind)
}
