//! Every route, with its description: a route that is not described cannot be added here.

use std::sync::Arc;

use anser_types::limits::{FRAME_MAX_BYTES, REQUEST_DEADLINE_MS};
use anser_types::{ErrorCode, Refusal};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{Method, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::asker::let_in;
use super::{
    Api, Guest, Problem, accounts, admin, app, conversations, cross_origin, development, devices,
    files, gateways, groups, health, messages, pages, password, people, tus, uploads, ws,
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

/// What is asked about files, for a user.
fn of_files() -> Routes {
    Routes::new()
        .routes(routes!(files::usage))
        .routes(routes!(files::challenge))
        .routes(routes!(files::claim))
        .routes(routes!(files::file))
        .routes(routes!(files::links))
}

/// Uploads, for a user: they take the time they need.
fn uploading() -> Routes {
    Routes::new().routes(routes!(uploads::create)).routes(routes!(
        uploads::progress,
        uploads::write,
        uploads::write_by_post,
        uploads::remove
    ))
}

/// The bytes of files, for whoever may see them, also by a link; they take the time they need.
fn fetching() -> Routes {
    Routes::new().routes(routes!(files::content)).routes(routes!(files::thumbnail))
}

/// The description of all routes, added to what it begins with.
pub(super) fn described(base: OpenApi) -> OpenApi {
    OpenApiRouter::with_openapi(base)
        .merge(signing_in())
        .merge(of_users())
        .merge(of_files())
        .merge(uploading())
        .merge(fetching())
        .merge(others())
        .into_openapi()
}

/// Every route.
pub(crate) fn router(api: Arc<Api>) -> Router {
    let signing_in = signing_in().route_layer(from_fn_with_state(Arc::clone(&api), limit_sign_ins));
    let let_in = || from_fn_with_state(Arc::clone(&api), let_in);
    let of_users = of_users().merge(of_files()).route_layer(let_in());
    let in_time = signing_in.merge(of_users).merge(others()).route_layer(from_fn(within_deadline));
    let uploading = uploading().route_layer(let_in()).route_layer(from_fn(tus::spoken));
    let (router, _) = in_time.merge(uploading).merge(fetching()).split_for_parts();
    let abilities = from_fn_with_state(Arc::clone(&api), abilities);
    router
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(cross_origin::cors(&api.origins))
        .layer(abilities)
        .layer(from_fn(counted))
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

/// Every request ends by its deadline (guarantee G18). Those that carry files end when nothing moves any more.
async fn within_deadline(request: Request, next: Next) -> Response {
    let deadline = std::time::Duration::from_millis(REQUEST_DEADLINE_MS);
    tokio::time::timeout(deadline, next.run(request))
        .await
        .unwrap_or_else(|_| Problem(Refusal::new(ErrorCode::TimedOut)).into_response())
}

async fn counted(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    metrics::http_request(response.status().as_u16());
    response
}

/// What uploads may be like, to programs that ask; what browsers ask before they let a page do something is another matter.
async fn abilities(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let of_browser = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let asks =
        request.method() == Method::OPTIONS && request.uri().path().starts_with("/v1/uploads");
    if asks && !of_browser {
        return tus::abilities(api.service.file_max_bytes().ok());
    }
    next.run(request).await
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
