//! The client's handle: its state, its events, its end.

use std::sync::Arc;

use anser_client::queries::{Query, Reply};
use anser_types::{Command, ConversationId, Done, ErrorCode, Refusal, Target, UserId};
use tokio::sync::{mpsc, oneshot, watch};

use super::builder::ClientBuilder;
use super::state::ConnectionState;
use crate::driver::{Composed, Need, Request};
use crate::error::Error;
use crate::events::{EventQueue, Events};
use crate::files::RunningUploads;
use crate::http::{AccountClient, FilesClient};
use crate::store::Store;

/// What all handles of a client share.
pub(super) struct Inner {
    pub(super) user: UserId,
    pub(super) store: Store,
    pub(super) requests: mpsc::Sender<Request>,
    pub(super) queue: Arc<EventQueue>,
    pub(super) state: watch::Receiver<ConnectionState>,
    pub(super) synced: watch::Receiver<bool>,
    pub(super) account: Option<AccountClient>,
    pub(super) files: Option<FilesClient>,
    pub(super) running_uploads: RunningUploads,
    pub(super) needs: mpsc::Sender<Need>,
}

/// A user on one device, online by itself whenever that is possible. Cheap to clone; the client ends when
/// [`Client::close`] is called or the last handle is dropped.
#[derive(Clone)]
pub struct Client {
    pub(super) inner: Arc<Inner>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Client({})", self.inner.user)
    }
}

impl Client {
    /// Settings of a new client.
    #[must_use]
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    pub(super) fn new(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// Who this is.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.inner.user
    }

    /// The stream of events, from the first one the app has not confirmed. One reader at a time: a second stream
    /// takes events away from the first.
    #[must_use]
    pub fn events(&self) -> Events {
        Events::new(Arc::clone(&self.inner.queue), self.inner.store.clone())
    }

    /// The state of the connection now.
    #[must_use]
    pub fn state(&self) -> ConnectionState {
        self.inner.state.borrow().clone()
    }

    /// The state of the connection, to be watched.
    #[must_use]
    pub fn watch_state(&self) -> watch::Receiver<ConnectionState> {
        self.inner.state.clone()
    }

    /// Waits until a session is open, through failures that can end by themselves (the server cannot be reached).
    ///
    /// # Errors
    /// Why none can be: `CERTIFICATE_REFUSED`, the token ended, another session took over, the client is closed or
    /// offline.
    pub async fn wait_connected(&self) -> Result<(), Error> {
        let mut state = self.watch_state();
        let decided = state
            .wait_for(|state| *state == ConnectionState::Connected || given_up(state).is_some())
            .await
            .map_err(|_| Error::Closed)?;
        given_up(&decided).map_or(Ok(()), Err)
    }

    /// Waits until a session is open and everything that was missed is stored here, in channels too.
    ///
    /// # Errors
    /// As [`Self::wait_connected`].
    pub async fn wait_synced(&self) -> Result<(), Error> {
        self.wait_inbox().await?;
        let mut state = self.watch_state();
        let mut level = std::pin::pin!(self.ask(|reply| Request::Level { reply }));
        loop {
            if let Some(error) = given_up(&state.borrow_and_update()) {
                return Err(error);
            }
            tokio::select! {
                biased;
                answered = &mut level => return answered,
                changed = state.changed() => changed.map_err(|_| Error::Closed)?,
            }
        }
    }

    /// The same of the inbox alone.
    async fn wait_inbox(&self) -> Result<(), Error> {
        let (mut synced, mut state) = (self.inner.synced.clone(), self.watch_state());
        loop {
            if *synced.borrow_and_update() {
                return Ok(());
            }
            if let Some(error) = given_up(&state.borrow_and_update()) {
                return Err(error);
            }
            let changed = tokio::select! {
                biased;
                changed = synced.changed() => changed,
                changed = state.changed() => changed,
            };
            changed.map_err(|_| Error::Closed)?;
        }
    }

    /// The network is another one, or is back. `network` is `wifi:<name>`, `mobile:<operator>`, or empty when unknown.
    /// From one known network to another a new connection is made at once, for what was bound to the old address is
    /// dead; otherwise the link is checked, or a connection is tried at once.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn network_changed(&self, network: impl Into<String>) -> Result<(), Error> {
        self.request(Request::NetworkChanged { network: network.into() }).await
    }

    /// The app went to the background (`true`) or came back, which checks the link at once.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn set_app_background(&self, background: bool) -> Result<(), Error> {
        self.request(Request::Foreground(!background)).await
    }

    /// The device's screen went on: the link is checked, or a connection is tried at once, also while the app is in the
    /// background.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn screen_on(&self) -> Result<(), Error> {
        self.request(Request::ScreenOn).await
    }

    /// Connects again, at once: after [`Self::go_offline`], or when another session had taken over.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn go_online(&self) -> Result<(), Error> {
        self.ask(|reply| Request::Online { reply }).await
    }

    /// Closes the connection and stays offline; what is composed waits in the outbox.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn go_offline(&self) -> Result<(), Error> {
        self.ask(|reply| Request::Offline { reply }).await
    }

    /// Says goodbye to the server, finishes what the store was given, and releases the store's lock.
    pub async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.inner.requests.send(Request::Close { reply }).await.is_ok() {
            // An error means that another handle closed it at the same time.
            drop(closed.await);
        }
    }

    pub(super) async fn request(&self, request: Request) -> Result<(), Error> {
        self.inner.requests.send(request).await.map_err(|_| Error::Closed)
    }

    /// Sends a request and waits for its answer.
    pub(super) async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<T>) -> Request,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        self.request(request(reply)).await?;
        answer.await.map_err(|_| Error::Closed)
    }

    /// Puts a command into the outbox and waits until it is executed. Giving up the wait gives up nothing.
    pub(super) async fn execute(&self, command: Command) -> Result<Done, Error> {
        self.ask(|reply| Request::Compose {
            command,
            confirm: None,
            reply: Composed::Executed(reply),
        })
        .await?
    }

    /// Asks the server; ends within its deadline.
    pub(super) async fn query(&self, query: Query) -> Result<Reply, Error> {
        Ok(self.ask(|reply| Request::Query { query, reply }).await??)
    }

    /// The id of the conversation a target names.
    pub(super) fn conversation_of(&self, target: &Target) -> ConversationId {
        match target {
            Target::User(peer) => ConversationId::direct(&self.inner.user, peer),
            Target::Conversation(id) => *id,
        }
    }
}

/// Why no session will come by itself; `None` while one is open or may still come.
fn given_up(state: &ConnectionState) -> Option<Error> {
    match state {
        ConnectionState::Connected | ConnectionState::Connecting => None,
        // A wrong certificate or a wrong address is tried again, but nobody should wait for it.
        ConnectionState::Disconnected { retry_at: Some(_), reason } if reason.code.retryable() => {
            None
        }
        ConnectionState::Disconnected { reason, .. }
        | ConnectionState::KickedOffline { reason }
        | ConnectionState::SignInNeeded { reason } => Some(reason.clone().into()),
        ConnectionState::Offline => Some(Error::Closed),
    }
}

/// The server answered something else than was asked: a fault of the server.
pub(super) fn wrong_answer() -> Error {
    Error::Refused(Refusal::because(
        ErrorCode::Internal,
        "the server's answer does not fit the question",
    ))
}
