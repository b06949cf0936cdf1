//! What is said of channels: positions, heads, and changes that are numbered even if they are not understood.

use anser_proto::{time, v1};
use anser_types::{Change, ChangeKind, ChangeNo, ConversationId, Seq, Version};
use bytes::Bytes;

use super::{change, conversation_id, id_bytes, user};
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
    wire: v1::Change,
    unknown: impl FnOnce() -> (u32, Bytes),
) -> Option<Change> {
    let (conversation, actor) = (wire.conversation.clone(), wire.actor.clone());
    let bare = v1::Change { conversation, actor, kind: None, ..wire };
    if let Some(change) = change(wire) {
        return Some(change);
    }
    let (kind, raw) = unknown();
    Some(Change {
        conversation: conversation_id(&bare.conversation)?,
        change_no: ChangeNo(bare.change_no),
        after_seq: Seq(bare.after_seq),
        version: Version(bare.version),
        actor: user(&bare.actor)?,
        at: time::from_wire(bare.at_ms),
        kind: ChangeKind::Unknown { kind, raw },
    })
}
