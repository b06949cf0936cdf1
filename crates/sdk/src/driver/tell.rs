//! Events of the core → what the app hears, the state of the connection, and who waited for it.

use anser_client::io::{AppEvent, MessageState};
use anser_types::{Change, ChangeKind, Item, MessageId, Refusal, Relation};

use crate::client::ConnectionState;
use crate::events::Event;
use crate::store::Status;

/// What an event of the core leads to.
pub(super) struct Told {
    /// For the stream; kept events come from the store instead.
    pub(super) event: Option<Event>,
    /// The connection's state, where it changed.
    pub(super) state: Option<ConnectionState>,
    /// A message that is sent or has failed.
    pub(super) settled: Option<(MessageId, Result<(), Refusal>)>,
}

/// Translates an event of the core.
pub(super) fn tell(event: AppEvent) -> Told {
    let state = state_of(&event);
    let mut settled = None;
    let event = match event {
        // Kept: the stream reads them from the store, where they are.
        AppEvent::NewMessage { .. }
        | AppEvent::GroupChanged { .. }
        | AppEvent::MessageAltered { .. }
        | AppEvent::Unavailable(_) => None,
        AppEvent::Connecting => Some(Event::Connecting),
        AppEvent::Connected { user } => Some(Event::Connected { user }),
        AppEvent::Disconnected { retry_in, reason } => {
            Some(Event::Disconnected { retry_in, reason })
        }
        AppEvent::EndpointListChanged { version, gateways } => {
            Some(Event::EndpointListChanged { version, gateways })
        }
        AppEvent::EndpointListRefused { reason } => Some(Event::EndpointListRefused { reason }),
        AppEvent::KickedOffline { reason } => Some(Event::KickedOffline { reason }),
        AppEvent::TokenExpired { reason } => Some(Event::TokenExpired { reason }),
        AppEvent::StoreWasRestored => Some(Event::StoreWasRestored),
        AppEvent::StoreFailing { full, retry_in } => Some(Event::StoreFailing { full, retry_in }),
        AppEvent::SyncStarted { missing } => Some(Event::SyncStarted { missing }),
        AppEvent::SyncProgress { done, missing } => Some(Event::SyncProgress { done, missing }),
        AppEvent::SyncFinished => Some(Event::SyncFinished),
        AppEvent::MessageStateChanged { id, conversation, state } => {
            let (seq, status) = match state {
                MessageState::Queued => (None, Status::Queued),
                MessageState::Sending => (None, Status::Sending),
                MessageState::Sent { seq, stored_offline, .. } => {
                    settled = Some((id, Ok(())));
                    (Some(seq), Status::Sent { stored_offline })
                }
                MessageState::Failed { reason, unconfirmed } => {
                    settled = Some((id, Err(reason.clone())));
                    (None, Status::Failed { reason, unconfirmed })
                }
            };
            Some(Event::MessageStateChanged { id, conversation, seq, status })
        }
        AppEvent::CommandDone { local_no, outcome } => {
            Some(Event::CommandDone { local_no, outcome })
        }
        AppEvent::DeliveryReceipt { conversation, up_to } => {
            Some(Event::DeliveryReceipt { conversation, up_to })
        }
        AppEvent::ReadReceipt { conversation, who, up_to } => {
            Some(Event::ReadReceipt { conversation, who, up_to })
        }
        AppEvent::ConversationChanged { conversation } => {
            Some(Event::ConversationChanged { conversation })
        }
        AppEvent::ListChanged { change } => list_changed(change),
        AppEvent::Typing { at, who, stopped } => Some(Event::Typing { at, who, stopped }),
        AppEvent::PresenceChanged { user, presence } => {
            Some(Event::PresenceChanged { user, presence })
        }
        AppEvent::PresenceRefused { users, reason } => {
            Some(Event::PresenceRefused { users, reason })
        }
        AppEvent::NotOnServer { conversation, above } => {
            Some(Event::NotOnServer { conversation, above })
        }
    };
    Told { event, state, settled }
}

/// What a change of a list tells: who asks to be a contact is news, whatever else becomes of one a state.
fn list_changed(change: Change) -> Option<Event> {
    let ChangeKind::Item(item) = change.kind else { return None };
    Some(match item {
        Item::Contact(contact) => {
            let asks = contact.relation == Relation::Asked && change.actor == contact.user;
            if asks { Event::ContactApplied(contact) } else { Event::ContactChanged(contact) }
        }
        Item::Options(options) => {
            Event::ConversationOptionsChanged { conversation: options.conversation }
        }
        Item::Settings(settings) => Event::SettingsChanged(settings),
        Item::Hidden { conversation, seq } => {
            Event::MessagesHidden { conversation, seqs: vec![seq] }
        }
        Item::JoinRequest(request) => {
            Event::JoinRequestChanged { group: change.conversation, request }
        }
        // Told to no client.
        Item::Report(_) => return None,
    })
}

fn state_of(event: &AppEvent) -> Option<ConnectionState> {
    match event {
        AppEvent::Connecting => Some(ConnectionState::Connecting),
        AppEvent::Connected { .. } => Some(ConnectionState::Connected),
        AppEvent::Disconnected { retry_in, reason } => Some(ConnectionState::Disconnected {
            retry_at: retry_in.map(|pause| std::time::Instant::now() + pause),
            reason: reason.clone(),
        }),
        AppEvent::KickedOffline { reason } => {
            Some(ConnectionState::KickedOffline { reason: reason.clone() })
        }
        AppEvent::TokenExpired { reason } => {
            Some(ConnectionState::SignInNeeded { reason: reason.clone() })
        }
        AppEvent::StoreWasRestored => Some(ConnectionState::SignInNeeded {
            reason: Refusal::because(
                anser_types::ErrorCode::AnswerForgotten,
                "the local store is an old copy; a new device is needed",
            ),
        }),
        _ => None,
    }
}
