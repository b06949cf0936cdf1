//! Where the servers are: what a client asks before it has a session, or when it finds none.

use std::sync::Arc;

use anser_types::limits::NETWORK_MAX_BYTES;
use anser_types::{Gateway, gateway};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::body::{Query, invalid};
use super::json::{Base64, Number, UserName, text};
use super::paths::{known, tagged};
use super::refusals::refusals;
use super::{Api, Problem};

/// How long a cache may give the same answer: a list changes seldom, and a wrong address costs a client a second.
const CACHED: &str = "public, max-age=60";

refusals! {
    Look: InvalidArgument;
}

/// Who asks, as far as they say.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct GatewayAsker {
    /// The network: `mobile:<operator>`, `wifi:<name>`, or its kind.
    #[serde(default)]
    #[param(schema_with = text::<NETWORK_MAX_BYTES>)]
    network: String,
    /// The user: all devices of one are sent to the same server.
    user: Option<UserName>,
}

/// Where a server is. Ports that are absent are not open; all are encrypted.
#[derive(Serialize, ToSchema)]
pub(super) struct GatewayJson {
    host: String,
    /// TLS over TCP.
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<u16>,
    /// QUIC, over UDP.
    #[serde(skip_serializing_if = "Option::is_none")]
    quic: Option<u16>,
    /// HTTPS, and WebSocket on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    https: Option<u16>,
    /// The network it is best reached from; absent for any.
    #[serde(skip_serializing_if = "String::is_empty")]
    network: String,
    /// Its share of the users, compared with the others'.
    weight: u32,
}

impl From<Gateway> for GatewayJson {
    fn from(gateway: Gateway) -> Self {
        let Gateway { host, tls, quic, https, network, weight } = gateway;
        Self { host, tls, quic, https, network, weight }
    }
}

/// The servers in the order in which this client should try them.
#[derive(Serialize, ToSchema)]
pub(super) struct Gateways {
    /// When the list was made; 0 if this server has none: the addresses known before go on.
    version: Number,
    /// Seconds from then on for which it is good.
    ttl_s: u32,
    gateways: Vec<GatewayJson>,
    /// The bytes of a `SignedEndpointList` (docs/protocol.md), as sessions are given them; absent if there is no list.
    #[serde(skip_serializing_if = "Option::is_none")]
    signed: Option<Base64>,
}

/// Find the servers
///
/// Without signing in, and in an order of each user's own. The order depends on who asks; the version does not.
#[utoipa::path(get, path = "/v1/gateways", tag = "accounts", params(GatewayAsker),
    responses((status = 200, description = "The servers.", body = Gateways),
        (status = 304, description = "The client has this version (`If-None-Match`)."), Look))]
pub(super) async fn gateways(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    Query(GatewayAsker { network, user }): Query<GatewayAsker>,
) -> Result<Response, Problem> {
    if network.len() > NETWORK_MAX_BYTES {
        return Err(invalid(format!("network: at most {NETWORK_MAX_BYTES} bytes")).into());
    }
    let user = user.map(|user| user.id("user")).transpose()?;
    let list = api.connection.gateways.now();
    let list = list.as_deref();
    let mut ranked = list.map(|list| list.gateways.clone()).unwrap_or_default();
    gateway::rank(&mut ranked, &network, user.as_ref().map_or("", |user| user.as_str()));
    let version = list.map_or(0, |list| list.version);
    let body = Gateways {
        version: version.into(),
        ttl_s: list.map_or(0, |list| list.ttl_s),
        gateways: ranked.into_iter().map(Into::into).collect(),
        signed: list.map(|list| Base64::of(&list.signed)),
    };
    let mut response = tagged(version, known(&headers), body);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHED));
    Ok(response)
}
