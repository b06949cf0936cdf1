//! The HTTP doors: another way to the same rooms. JSON bodies, 64-bit numbers as decimal strings, errors as
//! `application/problem+json` from the one catalogue.
//!
//! | route | who | what |
//! |---|---|---|
//! | `POST /v1/register`, `/v1/sign-in` | anybody (rate limited) | a device token |
//! | `POST /v1/renew`, `/v1/sign-out` | a device, by its token | a new token; none |
//! | `POST /v1/password` | a device, by its token | another password; ends the user's other devices |
//! | `GET /v1/devices`, `POST /v1/devices/sign-out` | a device, by its token | the user's devices; ends others |
//! | `POST /v1/app/users`, `/v1/app/tokens`, `/v1/app/messages` | the app server, by its API key | acts for users |
//! | `POST /v1/app/passwords` | the app server, by its API key | another password for a user; ends all devices |
//! | `POST /v1/dev/token` | anybody on this machine, if it is a development server | a token for any user |
//! | `GET /v1/admin/backup` | an operator, by the API key | everything, as one archive |
//! | `GET /v1/admin/online` | an operator, by the API key | how many are online |
//! | `GET /v1/admin/reports`, `POST /v1/admin/reports/close` | an operator, by the API key | what users have reported |
//! | `GET /v1/gateways` | anybody | where the servers are |
//! | `GET /v1/ws` | a device | a session over WebSocket |
//! | `GET /healthz`, `/readyz` | anybody | is the process alive; may it be sent work |
//! | `GET /metrics` | an operator, by the API key | Prometheus' text |

mod accounts;
mod admin;
mod app;
mod body;
mod development;
mod devices;
mod gateways;
mod health;
mod pages;
mod password;
pub(crate) mod problem;
mod serve;
mod ws;

use std::{net::IpAddr, num::NonZeroU32, sync::Arc};

use anser_service::{Penalties, Service};
use anser_types::limits::{FRAME_MAX_BYTES, REQUEST_DEADLINE_MS};
use anser_types::{ErrorCode, Refusal};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::HeaderMap;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use governor::clock::Clock;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backup::BackupSource;
use crate::conn::Settings;
use crate::metrics;
use crate::origins::Origins;
use crate::places::{Place, subscriber};
use crate::proxies::Proxies;
pub(crate) use problem::Problem;
pub(crate) use serve::serve;

/// Bytes of a request body: a message of the largest size in base64, with its envelope.
const BODY_MAX_BYTES: usize = FRAME_MAX_BYTES;

/// Who is behind a connection.
#[derive(Clone, Debug)]
pub(crate) struct Guest {
    /// The other end of the connection, which may be a proxy: see [`Api::client_of`].
    pub(crate) peer: IpAddr,
    /// Held by everything that outlives the request: a WebSocket keeps its connection's place.
    pub(crate) place: Arc<Place>,
}

/// What sessions over WebSocket must answer to.
pub(crate) struct Doors {
    pub(crate) tracker: TaskTracker,
    pub(crate) cut: CancellationToken,
}

/// What the gateway's config says about requests.
pub(crate) struct Manners {
    pub(crate) proxies: Arc<Proxies>,
    pub(crate) origins: Arc<Origins>,
    pub(crate) sign_ins_per_minute: u32,
    pub(crate) registrations_per_hour: u32,
    pub(crate) metrics: Option<PrometheusHandle>,
    pub(crate) backups: Option<Arc<dyn BackupSource>>,
}

/// What the handlers work with.
pub(crate) struct Api {
    service: Arc<Service>,
    connection: Arc<Settings>,
    doors: Doors,
    proxies: Arc<Proxies>,
    origins: Arc<Origins>,
    sign_ins: DefaultKeyedRateLimiter<IpAddr>,
    registrations: DefaultKeyedRateLimiter<IpAddr>,
    penalties: Penalties<IpAddr>,
    metrics: Option<PrometheusHandle>,
    backups: Option<Arc<dyn BackupSource>>,
}

impl Api {
    pub(crate) fn new(
        service: Arc<Service>,
        connection: Arc<Settings>,
        doors: Doors,
        manners: Manners,
    ) -> Arc<Self> {
        let Manners { proxies, origins, metrics, backups, .. } = manners;
        let at_least_one = |rate| NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN);
        let per_minute = at_least_one(manners.sign_ins_per_minute);
        let per_hour = at_least_one(manners.registrations_per_hour);
        Arc::new(Self {
            service,
            connection,
            doors,
            proxies,
            origins,
            sign_ins: RateLimiter::keyed(Quota::per_minute(per_minute)),
            registrations: RateLimiter::keyed(Quota::per_hour(per_hour)),
            penalties: Penalties::default(),
            metrics,
            backups,
        })
    }

    /// Where a request comes from: what every limit per address counts by.
    fn client_of(&self, guest: &Guest, headers: &HeaderMap) -> IpAddr {
        self.proxies.client(guest.peer, headers)
    }

    /// Counts a registration or sign-in of an address.
    ///
    /// # Errors
    /// `RATE_LIMITED` with the time after which it may try again.
    fn count_sign_in(&self, client: IpAddr, registers: bool) -> Result<(), Refusal> {
        let from = subscriber(client);
        let limited = |ms| Refusal::new(ErrorCode::RateLimited).retry_after(ms);
        self.penalties.admits(from).map_err(limited)?;
        let registrations = registers.then_some(&self.registrations);
        for limiter in std::iter::once(&self.sign_ins).chain(registrations) {
            limiter.check_key(&from).map_err(|not_until| {
                let wait = not_until.wait_time_from(limiter.clock().now());
                limited(self.penalties.refused(from, wait))
            })?;
        }
        Ok(())
    }

    /// Forgets addresses that have been quiet, and lets the metrics tidy up.
    pub(crate) fn tidy(&self) {
        self.sign_ins.retain_recent();
        self.sign_ins.shrink_to_fit();
        self.registrations.retain_recent();
        self.registrations.shrink_to_fit();
        if let Some(metrics) = &self.metrics {
            metrics.run_upkeep();
        }
    }
}

/// Every route.
pub(crate) fn router(api: Arc<Api>) -> Router {
    let guarded = Router::new()
        .route("/v1/register", post(accounts::register))
        .route("/v1/sign-in", post(accounts::sign_in))
        .route_layer(from_fn_with_state(Arc::clone(&api), limit_sign_ins));
    Router::new()
        .merge(guarded)
        .route("/v1/renew", post(accounts::renew))
        .route("/v1/sign-out", post(accounts::sign_out))
        .route("/v1/devices", get(devices::list))
        .route("/v1/devices/sign-out", post(devices::sign_out))
        .route("/v1/password", post(password::change))
        .route("/v1/app/passwords", post(password::reset))
        .route("/v1/dev/token", post(development::mint_token))
        .route("/v1/app/users", post(app::create_user))
        .route("/v1/app/tokens", post(app::mint_token))
        .route("/v1/app/messages", post(app::send_message))
        .route("/v1/admin/backup", get(admin::backup))
        .route("/v1/admin/reports", get(admin::reports))
        .route("/v1/admin/reports/close", post(admin::close_report))
        .route("/v1/admin/online", get(admin::online))
        .route("/v1/gateways", get(gateways::list))
        .route("/v1/ws", get(ws::upgrade))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(pages::cors(&api.origins))
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
