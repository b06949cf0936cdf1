//! Sessions over WebSocket: the same actor behind another transport.

use std::sync::Arc;

use anser_types::{ErrorCode, Refusal};
use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper_util::rt::TokioIo;

use super::body::invalid;
use super::refusals::refusals;
use super::{Api, Guest, Problem, cross_origin};
use crate::conn::{self, WebSocketTransport, accept_websocket};
use crate::metrics;

/// The version of WebSockets.
const SPOKEN: HeaderValue = HeaderValue::from_static("13");

refusals! {
    NoWebSocket [only]: InvalidArgument, OriginRefused, TooManyConnections, TimedOut;
}

/// Open a session over WebSocket
///
/// What is sent on it says docs/protocol.md; the token comes in its Hello.
#[utoipa::path(get, path = "/v1/ws", tag = "watching",
    responses((status = 101, description = "It is a WebSocket now."), NoWebSocket))]
pub(super) async fn upgrade(
    State(api): State<Arc<Api>>,
    Extension(guest): Extension<Guest>,
    mut request: Request,
) -> Response {
    if let Err(refusal) = cross_origin::admit(&api, &guest, request.headers()) {
        metrics::refused("origin");
        return Problem(refusal).into_response();
    }
    let accepted = match accept_websocket(&request, Body::empty) {
        Ok(accepted) => accepted,
        Err(error) => {
            let mut refused =
                Problem(invalid(error.to_string())).with_status(StatusCode::BAD_REQUEST);
            // RFC 6455, section 4.4: whoever speaks another version learns which one is spoken here.
            refused.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, SPOKEN);
            return refused;
        }
    };
    // Behind a proxy the connection counts for the proxy only; a session that stays counts for its client.
    let of_client = match guest.place.also_for(api.client_of(&guest, request.headers())) {
        Ok(of_client) => of_client,
        Err(full) => {
            metrics::refused(full.name());
            return Problem(Refusal::new(ErrorCode::TooManyConnections)).into_response();
        }
    };
    guest.session.begins();
    let upgraded = hyper::upgrade::on(&mut request);
    let house = Arc::clone(&api);
    api.doors.tracker.spawn(async move {
        tokio::select! {
            biased;
            // At the end of draining.
            () = house.doors.cut.cancelled() => {}
            () = session(upgraded, &house) => {}
        }
        // The connection's places end with the session.
        drop((guest.place, of_client));
    });
    accepted.into_response()
}

async fn session(upgraded: hyper::upgrade::OnUpgrade, api: &Api) {
    match upgraded.await {
        Ok(stream) => {
            let transport = WebSocketTransport::new(TokioIo::new(stream));
            conn::run(transport, Arc::clone(&api.service), Arc::clone(&api.connection)).await;
        }
        Err(error) => tracing::debug!(%error, "a connection broke while it became a WebSocket"),
    }
}
