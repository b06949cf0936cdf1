//! Following channels: what a client asks, wire → domain; where their logs end, domain → wire.

use std::collections::{BTreeMap, BTreeSet};

use anser_proto::v1;
use anser_service::{ChannelPosition, Followed, Heads};
use anser_types::{ChangeNo, ConversationId, Refusal, Seq};

use super::{conversation, id_bytes};

/// A channel, and what the client has of it.
///
/// # Errors
/// `INVALID_ARGUMENT`: it is no conversation.
pub(crate) fn position(wire: &v1::ChannelPosition) -> Result<ChannelPosition, Refusal> {
    Ok(ChannelPosition {
        conversation: conversation("conversation", &wire.conversation)?,
        seq: Seq(wire.seq),
        change_no: ChangeNo(wire.change_no),
    })
}

/// What came of following.
#[must_use]
pub(crate) fn followed(followed: &Followed) -> v1::ChannelHeads {
    let heads = followed.heads.iter().map(|head| v1::ChannelPosition {
        conversation: id_bytes(head.conversation),
        seq: head.seq.0,
        change_no: head.change_no.0,
    });
    v1::ChannelHeads {
        heads: heads.collect(),
        gone: followed.gone.iter().copied().map(id_bytes).collect(),
    }
}

/// Where logs end at least of which something was not pushed, and what is not followed any more. A counter of which
/// nothing is known is zero.
#[must_use]
pub(crate) fn heads(
    behind: BTreeMap<ConversationId, Heads>,
    gone: BTreeSet<ConversationId>,
) -> v1::ChannelHeads {
    let heads = behind.into_iter().map(|(conversation, Heads { seq, change_no })| {
        ChannelPosition { conversation, seq, change_no }
    });
    followed(&Followed { heads: heads.collect(), gone: gone.into_iter().collect() })
}
