//! Every route, with its description: a route that is not described cannot be added here.

use std::sync::Arc;

use anser_types::limits::{FRAME_MAX_BYTES, REQUEST_DEADLINE_MS};
use anser_types::{ErrorCode, Refusal};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::asker::let_in;
use super::{
    Api, Guest, Problem, accounts, admin, app, conversations, cross_origin, development, devices,
    gateways, groups, health, messages, pages, password, people, ws,
};
use crate::metrics;

/// Bytes of a request body: a message of the largest size in base64, with its envelope.
const BODY_MAX_BYTES: usize = FRAME_MAX_BYTES;

type Routes = OpenApiRouter<Arc<Api>>;

/// Makes tokens: counted by address.
fn signing_in() -> Routes {
    Routes::new().routes(routes!(accounts::register)).routes(routes!(accounts::sign_in))
}

/// For devices, app servers, operators and those who watch; each looks at its own token or key.
fn others() -> Routes {
    Routes::new()
        .routes(routes!(accounts::renew))
        .routes(routes!(accounts::sign_out))
        .routes(routes!(devices::devices))
        .routes(routes!(devices::sign_out_devices))
        .routes(routes!(password::change_password))
        .routes(routes!(password::reset_password))
        .routes(routes!(development::development_token))
        .routes(routes!(gateways::gateways))
        .routes(routes!(app::create_user))
        .routes(routes!(app::mint_token))
        .routes(routes!(app::send_for_user))
        .routes(routes!(admin::backup))
        .routes(routes!(admin::reports))
        .routes(routes!(admin::close_report))
        .routes(routes!(admin::online))
        .routes(routes!(ws::upgrade))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .routes(routes!(pages::openapi))
        .routes(routes!(pages::docs))
}

/// Every command and every query, for a user.
fn of_users() -> Routes {
    Routes::new()
        .routes(routes!(messages::send_message))
        .routes(routes!(messages::history))
        .routes(routes!(messages::edit_message, messages::revoke_message))
        .routes(routes!(messages::react, messages::unreact))
        .routes(routes!(messages::pin, messages::unpin))
        .routes(routes!(messages::editions))
        .routes(routes!(messages::readers))
        .routes(routes!(messages::hide_messages))
        .routes(routes!(messages::search))
        .routes(routes!(conversations::conversations))
        .routes(routes!(conversations::sync))
        .routes(routes!(conversations::mark_read))
        .routes(routes!(conversations::changes))
        .routes(routes!(conversations::receipts))
        .routes(routes!(conversations::options))
        .routes(routes!(conversations::set_options))
        .routes(routes!(conversations::hidden))
        .routes(routes!(groups::create_group))
        .routes(routes!(groups::update_group, groups::dismiss_group))
        .routes(routes!(groups::members_of, groups::invite))
        .routes(routes!(groups::kick))
        .routes(routes!(groups::alter_member))
        .routes(routes!(groups::leave))
        .routes(routes!(groups::join))
        .routes(routes!(groups::join_requests))
        .routes(routes!(groups::answer_join))
        .routes(routes!(people::contacts))
        .routes(routes!(people::contact))
        .routes(routes!(people::settings, people::set_settings))
        .routes(routes!(people::presence))
        .routes(routes!(people::report))
}

/// The description of all routes, added to what it begins with.
pub(super) fn described(base: OpenApi) -> OpenApi {
    OpenApiRouter::with_openapi(base)
        .merge(signing_in())
        .merge(of_users())
        .merge(others())
        .into_openapi()
}

/// Every route.
pub(crate) fn router(api: Arc<Api>) -> Router {
    let signing_in = signing_in().route_layer(from_fn_with_state(Arc::clone(&api), limit_sign_ins));
    let of_users = of_users().route_layer(from_fn_with_state(Arc::clone(&api), let_in));
    let (router, _) = signing_in.merge(of_users).merge(others()).split_for_parts();
    router
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(cross_origin::cors(&api.origins))
        .layer(from_fn(within_deadline))
        .with_state(api)
}

/// Before the body is read: a flood of sign-ins must cost as little as possible.
async fn limit_sign_ins(
    State(api): State<Arc<Api>>,
    axum::Extension(guest): axum::Extension<Guest>,
    request: Request,
    next: Next,
) -> Response {
    let registers = request.uri().path() == "/v1/register";
    match api.count_sign_in(api.client_of(&guest, request.headers()), registers) {
        Ok(()) => next.run(request).await,
        Err(refusal) => Problem(refusal).into_response(),
    }
}

/// Every request ends by its deadline (guarantee G18), and is counted.
async fn within_deadline(request: Request, next: Next) -> Response {
    let deadline = std::time::Duration::from_millis(REQUEST_DEADLINE_MS);
    let response = tokio::time::timeout(deadline, next.run(request))
        .await
        .unwrap_or_else(|_| Problem(Refusal::new(ErrorCode::TimedOut)).into_response());
    metrics::http_request(response.status().as_u16());
    response
}

async fn unknown_route(request: Request) -> Response {
    let detail = format!("there is no {}", request.uri().path());
    Problem(Refusal::because(ErrorCode::Unsupported, detail))
        .with_status(axum::http::StatusCode::NOT_FOUND)
}

async fn wrong_method(request: Request) -> Response {
    let detail = format!("{} does not take {}", request.uri().path(), request.method());
    Problem(Refusal::because(ErrorCode::Unsupported, detail))
        .with_status(axum::http::StatusCode::METHOD_NOT_ALLOWED)
}
