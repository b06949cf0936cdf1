//! What the client asks of the driver, each with the way its answer goes back.

use anser_client::queries::{Query, Reply};
use anser_types::{
    Command, ConversationId, Done, LocalNo, MessageId, Refusal, Target, UnixMs, UserId,
};
use bytes::Bytes;
use tokio::sync::oneshot;

use crate::error::Error;
use crate::http::SignedIn;
use crate::store::{ArrivalNo, KeptDraft};

/// How far the caller wants to wait for a command it composed.
#[derive(Debug)]
pub(crate) enum Composed {
    /// A message: until it is in the store.
    Stored(oneshot::Sender<Result<MessageId, Error>>),
    /// Another command: until it is executed or refused.
    Executed(oneshot::Sender<Result<Done, Error>>),
    /// Not at all: only whether it was taken.
    Taken(oneshot::Sender<Result<LocalNo, Error>>),
}

/// A wish of the app.
#[derive(Debug)]
pub(crate) enum Request {
    /// Put a command into the outbox, and confirm events up to `confirm` in the same transaction.
    Compose { command: Command, confirm: Option<ArrivalNo>, reply: Composed },
    /// Ask the server.
    Query { query: Query, reply: oneshot::Sender<Result<Reply, Refusal>> },
    /// Tell when this message is sent or has failed. `ready` says that it is being watched.
    Watch {
        local_no: LocalNo,
        ready: oneshot::Sender<()>,
        reply: oneshot::Sender<Result<(), Refusal>>,
    },
    /// Send a failed message again.
    Retry { id: MessageId, reply: oneshot::Sender<bool> },
    /// Delete an unsettled message.
    Delete { id: MessageId, reply: oneshot::Sender<bool> },
    /// Send this draft, which is in the store, once it has waited for a newer one.
    DraftSaved(KeptDraft),
    /// The conversation is not looked at any more: send what waits there. Answered once it is on its way.
    Left { conversation: ConversationId, reply: oneshot::Sender<()> },
    /// The server's time, as far as it is known.
    ServerTime { reply: oneshot::Sender<UnixMs> },
    /// Answer once everything that was said in channels is stored. Dropped when the client is closed.
    Level { reply: oneshot::Sender<()> },
    /// Tell others that the user types.
    Typing { target: Target, stopped: bool },
    /// Follow users.
    Follow { users: Vec<UserId>, reply: oneshot::Sender<Result<(), Refusal>> },
    /// Follow them no more.
    Unfollow { users: Vec<UserId> },
    /// The network is another one.
    NetworkChanged { network: String },
    /// The app moved to the foreground or left it.
    Foreground(bool),
    /// The screen went on.
    ScreenOn,
    /// Connect again after the session was ended for good, or after `Offline`. Answered once it is under way.
    Online { reply: oneshot::Sender<()> },
    /// Close the connection and stay offline.
    Offline { reply: oneshot::Sender<()> },
    /// Use these from now on: another token of this device, or another device.
    UseCredentials { signed_in: SignedIn, reply: oneshot::Sender<()> },
    /// The servers' list of addresses, as the HTTP API gave it.
    EndpointList(Bytes),
    /// Say goodbye, finish what the store was given, end.
    Close { reply: oneshot::Sender<()> },
}
