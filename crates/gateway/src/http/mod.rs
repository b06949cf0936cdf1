//! The HTTP doors: another way to the same rooms. JSON bodies, 64-bit numbers as decimal strings, errors as
//! `application/problem+json` from the one catalogue.
//!
//! Every command and every query of a session has a route (`routes.rs`), for a device by its token or for the app server
//! in a user's name (`asker.rs`); both go through `anser_service::Service::execute` and `query`. What the routes read and
//! write stands in `json`; [`openapi`] describes all of them, and [`manual`] makes pages of the description.
#![allow(
    unused_qualifications,
    reason = "utoipa's macros write paths that are longer than they need be"
)]

mod accounts;
mod admin;
mod app;
mod asker;
mod body;
mod conversations;
mod cross_origin;
mod development;
mod devices;
mod download;
mod files;
mod gateways;
mod groups;
mod hasty;
mod headers;
mod health;
mod items;
mod json;
pub mod manual;
mod messages;
pub mod openapi;
mod pages;
mod password;
mod paths;
mod people;
pub(crate) mod problem;
mod ranges;
mod refusals;
mod routes;
mod serve;
mod tus;
mod uploads;
mod ws;

use std::{net::IpAddr, num::NonZeroU32, sync::Arc};

use anser_service::{Penalties, Service};
use anser_types::{ErrorCode, Refusal};
use axum::http::HeaderMap;
use governor::clock::Clock;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backup::BackupSource;
use crate::conn::Settings;
use crate::origins::Origins;
use crate::places::{Place, subscriber};
use crate::proxies::Proxies;
pub(crate) use hasty::Session;
pub(crate) use problem::Problem;
pub(crate) use routes::router;
pub(crate) use serve::serve;

/// Who is behind a connection.
#[derive(Clone, Debug)]
pub(crate) struct Guest {
    /// The other end of the connection, which may be a proxy: see [`Api::client_of`].
    pub(crate) peer: IpAddr,
    /// Held by everything that outlives the request: a WebSocket keeps its connection's place.
    pub(crate) place: Arc<Place>,
    /// Told when the connection becomes a session.
    pub(crate) session: Session,
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
