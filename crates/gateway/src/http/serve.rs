//! HTTP/1.1 on one connection.

use std::{convert::Infallible, future::Future, pin::pin, time::Duration};

use anser_types::limits::{HELLO_TIMEOUT_MS, TRANSFER_STALL_MS};
use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::Guest;
use super::hasty::Hasty;

/// Bytes of a request's head at the most, and of what is read at a time: with 8 KiB an upload takes a third longer.
const BUFFER_BYTES: usize = 64 * 1024;

/// Serves requests until the client leaves, is silent between two of them, or the gateway stops.
pub(crate) async fn serve<S>(stream: S, router: Router, guest: Guest, stop: &CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let session = guest.session.clone();
    let stream = Hasty::new(stream, Duration::from_millis(TRANSFER_STALL_MS), session);
    let service = service_fn(move |request| answer(request, router.clone(), guest.clone()));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // Also the longest pause between two requests of one connection.
        .header_read_timeout(Duration::from_millis(HELLO_TIMEOUT_MS))
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "an HTTP connection ended");
    }
}

fn answer(
    mut request: hyper::Request<Incoming>,
    router: Router,
    guest: Guest,
) -> impl Future<Output = Result<axum::response::Response, Infallible>> + Send {
    request.extensions_mut().insert(guest);
    router.oneshot(request.map(Body::new))
}
