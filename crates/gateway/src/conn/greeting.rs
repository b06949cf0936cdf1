//! The life of a connection around its session: Hello, Welcome, and the last words.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Poll, ready},
    time::Duration,
};

use anser_proto::close::CloseReason;
use anser_proto::session::server::{Request, ServerSession};
use anser_proto::v1;
use anser_service::{Arrival, Mailbox, Service, Session};
use anser_types::{ErrorCode, Refusal};
use bytes::BytesMut;
use tokio::time::{Instant, timeout, timeout_at};

use super::actor::{Actor, Farewell, Link, Stop};
use super::inbound::Inbound;
use super::outbound::Outbound;
use super::settings::Settings;
use super::transport::Transport;
use crate::metrics;
use crate::translate::commands;

/// How long the last frame may take to be written and read. After it the connection is cut.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Serves one connection until it ends.
///
/// Needs a tokio runtime with time (which may be paused) and nothing else; cutting it short by dropping the future
/// loses nothing that was acknowledged.
pub async fn run<T: Transport>(
    transport: T,
    service: Arc<Service>,
    settings: Arc<Settings>,
) -> Farewell {
    let arrived = service.arrival();
    let wire = ServerSession::compressing(settings.methods());
    let mut link = Link {
        transport,
        inbound: Inbound::new(wire.frame_limit(), Instant::now()),
        outbound: Outbound::new(settings.outbound_max_bytes),
        wire,
    };
    let stop = match greet(&mut link, &service, &settings, arrived).await {
        Ok((hello, session, mailbox)) => {
            tracing::debug!(
                user = %session.caller().user(), device = %session.caller().device(),
                client = %hello.client, "session opened"
            );
            match Actor::welcome(&mut link, session, &hello, Arc::clone(&settings)) {
                Ok(actor) => {
                    drop(hello);
                    actor.serve(&mailbox).await
                }
                Err(stop) => stop,
            }
        }
        Err(stop) => stop,
    };
    farewell(link, stop, &settings).await
}

/// Waits for Hello and opens the session.
async fn greet<T: Transport>(
    link: &mut Link<T>,
    service: &Arc<Service>,
    settings: &Settings,
    arrived: Arrival,
) -> Result<(Box<v1::Hello>, Session, Mailbox), Stop> {
    let deadline = Instant::now() + settings.hello_timeout;
    let hello = timeout_at(deadline, hello(link)).await.unwrap_or_else(|_| {
        Err(Stop::Close(CloseReason::because(ErrorCode::Silent, "no Hello was said in time")))
    })?;
    let opening = service.open_session(commands::hello((*hello).clone(), arrived));
    let (session, mailbox) = timeout(settings.request_deadline, Box::pin(opening))
        .await
        .unwrap_or_else(|_| Err(Refusal::new(ErrorCode::TimedOut)))
        .map_err(CloseReason::from)?;
    Ok((hello, session, mailbox))
}

async fn hello<T: Transport>(link: &mut Link<T>) -> Result<Box<v1::Hello>, Stop> {
    loop {
        let Link { transport, inbound, wire, .. } = &mut *link;
        match poll_fn(|cx| inbound.poll_request(cx, transport, wire)).await? {
            Request::Hello(hello) => return Ok(Box::new(hello)),
            Request::Close => return Err(Stop::Left),
            // The gate lets nothing else through before Welcome.
            _ => {}
        }
    }
}

/// Says why, and closes in order, within a time.
async fn farewell<T: Transport>(mut link: Link<T>, stop: Stop, settings: &Settings) -> Farewell {
    let farewell = match stop {
        Stop::Close(mut reason) => {
            settings.send_elsewhere(&mut reason);
            if reason.code == ErrorCode::Internal {
                tracing::error!(detail = %reason.detail, "a session ends by an error of the server");
            } else {
                tracing::debug!(code = %reason.code, detail = %reason.detail, "session closed");
            }
            link.wire.close(&reason, &mut link.outbound.frames);
            Farewell::Closed(reason.code)
        }
        Stop::Left => Farewell::Left,
        Stop::Gone => {
            metrics::ended(Farewell::Left);
            return Farewell::Left;
        }
    };
    metrics::ended(farewell);
    last_words(link).await;
    farewell
}

/// Writes what is left, ends the writing side, and waits for the other side to end too.
async fn last_words<T: Transport>(mut link: Link<T>) {
    let last_words = poll_fn(|cx| {
        let Link { transport, inbound, outbound, .. } = &mut link;
        if let Err(error) = ready!(outbound.poll_finish(cx, transport)) {
            return Poll::Ready(Err(error));
        }
        inbound.poll_discard(cx, transport)
    });
    match timeout(LAST_WORDS, last_words).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::trace!(%error, "the connection broke while it was closed"),
        Err(_) => tracing::trace!("the other side did not close in time"),
    }
}

/// The whole of what a connection hears for which there is no place.
pub(crate) fn refusal(code: ErrorCode, settings: &Settings) -> BytesMut {
    let mut words = BytesMut::new();
    let mut reason = CloseReason::because(code, "");
    settings.send_elsewhere(&mut reason);
    ServerSession::new().close(&reason, &mut words);
    words
}

/// Writes a refusal and closes in order.
pub(crate) async fn refuse<T: Transport>(transport: T, words: BytesMut) {
    let mut outbound = Outbound::new(0);
    outbound.frames = words;
    let wire = ServerSession::new();
    let inbound = Inbound::new(wire.frame_limit(), Instant::now());
    last_words(Link { transport, inbound, outbound, wire }).await;
}
