//! Sessions over WebSocket: the same actor behind another transport.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::response::{IntoResponse, Response};

use super::body::invalid;
use super::{Api, Guest, Problem};
use crate::conn::{self, WebSocketTransport, tuned_websocket};

pub(super) async fn upgrade(
    State(api): State<Arc<Api>>,
    Extension(guest): Extension<Guest>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => {
            return Problem(invalid(rejection.body_text())).with_status(rejection.status());
        }
    };
    let token = api.doors.tracker.token();
    tuned_websocket(upgrade)
        .on_upgrade(move |socket| async move {
            tokio::select! {
                biased;
                // At the end of draining.
                () = api.doors.cut.cancelled() => {}
                _ = conn::run(
                    WebSocketTransport::new(socket),
                    Arc::clone(&api.service),
                    Arc::clone(&api.connection),
                ) => {}
            }
            // The connection's place and its turn to be waited for end with the session.
            drop((guest.place, token));
        })
        .into_response()
}
