//! How users are, as those were told who follow them: in the end what is.

use anser_types::{ConversationId, DeviceNo, Presence, Seq, UserId};

use super::check::{About, Found};
use super::index::Index;
use super::verdict::Kind;

/// What somebody who is connected knows of somebody whom they follow and may see, when all has been quiet for longer
/// than a user may be away unnoticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresenceReading {
    /// Who follows.
    pub user: UserId,
    /// On which device.
    pub device: DeviceNo,
    /// Whom.
    pub of: UserId,
    /// A device of theirs is connected.
    pub online: bool,
    /// What was told last; `None`: nothing.
    pub told: Option<Presence>,
}

/// Every one of them is true.
pub(super) fn check(index: &Index<'_>, found: &mut Found<'_>) {
    for PresenceReading { user, device, of, online, told } in &index.evidence.presences {
        let right = match told {
            Some(Presence::Online) => *online,
            Some(Presence::Offline { .. }) => !online,
            Some(Presence::Unknown) | None => false,
        };
        if !right {
            let is = if *online { "connected" } else { "not" };
            let text = format!("{user}/{device} was told that {of} is {told:?}; they are {is}");
            let about = About::seq(ConversationId::direct(user, of), Seq::ZERO);
            found.add(Kind::WrongPresence, &about, text);
        }
    }
}
