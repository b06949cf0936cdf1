//! Where one's own message stands, as a symbol and in words.

use anser_sdk::store::{ChatMessage, Status};
use anser_types::{ErrorCode, Refusal, UserId};

use super::texts::{Text, Texts};

/// How urgently a state wants to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// On its way.
    Quiet,
    /// Read: good news.
    Good,
    /// Somebody must do something.
    Bad,
}

/// A state to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sign {
    /// Told apart without colour, of a width every terminal agrees on.
    pub symbol: &'static str,
    /// How it looks.
    pub tone: Tone,
}

/// The symbol of a state; `None` for messages of others.
#[must_use]
pub const fn sign(status: &Status) -> Option<Sign> {
    let (symbol, tone) = match status {
        Status::Received => return None,
        Status::Queued => ("◌", Tone::Quiet),
        Status::Sending => ("◔", Tone::Quiet),
        Status::Sent { stored_offline: false } => ("✓", Tone::Quiet),
        Status::Sent { stored_offline: true } => ("✓_", Tone::Quiet),
        Status::Delivered => ("✓✓", Tone::Quiet),
        Status::Read => ("◉", Tone::Good),
        Status::Failed { .. } => ("✗", Tone::Bad),
        Status::NotOnServer => ("!", Tone::Bad),
    };
    Some(Sign { symbol, tone })
}

/// The state in words; in a group `readers` have read the message. `None` for messages of others.
#[must_use]
pub fn words(message: &ChatMessage, readers: &[UserId], texts: Texts) -> Option<String> {
    let text = match &message.status {
        Status::Received => return None,
        Status::Queued => Text::Queued,
        Status::Sending => Text::Sending,
        Status::Sent { .. } if !readers.is_empty() => {
            return Some(texts.with(Text::ReadBy, &[&readers.len().to_string()]));
        }
        Status::Sent { stored_offline: false } => Text::Sent,
        Status::Sent { stored_offline: true } => Text::StoredOffline,
        Status::Delivered => Text::Delivered,
        Status::Read => Text::Read,
        Status::NotOnServer => Text::NotOnServer,
        Status::Failed { reason, unconfirmed } => {
            let text = if *unconfirmed { Text::FailedUnconfirmed } else { Text::Failed };
            return Some(texts.with(text, &[&texts.reason(reason)]));
        }
    };
    Some(texts.get(text).to_owned())
}

/// Every symbol with its words, for the help.
#[must_use]
pub fn legend() -> [(Status, Text); 8] {
    let failed = Status::Failed { reason: Refusal::new(ErrorCode::TimedOut), unconfirmed: false };
    [
        (Status::Queued, Text::Queued),
        (Status::Sending, Text::Sending),
        (Status::Sent { stored_offline: false }, Text::Sent),
        (Status::Sent { stored_offline: true }, Text::StoredOffline),
        (Status::Delivered, Text::Delivered),
        (Status::Read, Text::Read),
        (failed, Text::HowToRetry),
        (Status::NotOnServer, Text::NotOnServer),
    ]
}

/// Whether the user may send this one again or delete it.
#[must_use]
pub const fn has_failed(message: &ChatMessage) -> bool {
    matches!(message.status, Status::Failed { .. })
}
