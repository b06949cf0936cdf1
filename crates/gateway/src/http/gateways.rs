//! Where the servers are: what a client asks before it has a session, or when it finds none.

use std::sync::Arc;

use anser_types::limits::{NETWORK_MAX_BYTES, USER_ID_MAX_BYTES};
use anser_types::{Gateway, gateway};
use axum::Json as JsonOut;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::body::invalid;
use super::{Api, Problem};

/// How long a cache may give the same answer: a list changes seldom, and a wrong address costs a client a second.
const CACHED_S: u32 = 60;

/// Who asks, as far as they say.
#[derive(Deserialize)]
pub(super) struct Asker {
    /// The network: `mobile:<operator>`, `wifi:<name>`, or its kind.
    #[serde(default)]
    network: String,
    /// The user: all devices of one are sent to the same server.
    #[serde(default)]
    user: String,
}

/// Where a server is. Ports that are absent are not open.
#[derive(Serialize)]
struct GatewayBody {
    host: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quic: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    https: Option<u16>,
    #[serde(skip_serializing_if = "String::is_empty")]
    network: String,
    weight: u32,
}

impl From<Gateway> for GatewayBody {
    fn from(gateway: Gateway) -> Self {
        let Gateway { host, tls, quic, https, network, weight } = gateway;
        Self { host, tls, quic, https, network, weight }
    }
}

/// The servers in the order in which this client should try them.
#[derive(Serialize)]
struct Gateways {
    /// Zero if this server has no list: the addresses known before go on.
    version: String,
    ttl_s: u32,
    gateways: Vec<GatewayBody>,
    /// The bytes of a `SignedEndpointList`, as sessions are given them; absent if there is no list.
    #[serde(skip_serializing_if = "Option::is_none")]
    signed: Option<String>,
}

pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Query(Asker { network, user }): Query<Asker>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if network.len() > NETWORK_MAX_BYTES {
        return Err(invalid(format!("network: at most {NETWORK_MAX_BYTES} bytes")).into());
    }
    if user.len() > USER_ID_MAX_BYTES {
        return Err(invalid(format!("user: at most {USER_ID_MAX_BYTES} bytes")).into());
    }
    let list = api.connection.gateways.now();
    let version = list.as_ref().map_or(0, |list| list.version);
    // The order depends on who asks; a cache keeps one answer for each address of the request.
    let tag = format!("\"{version}\"");
    let body = if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known == tag.as_str()) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        JsonOut(match list {
            Some(list) => {
                let mut ranked = list.gateways.clone();
                gateway::rank(&mut ranked, &network, &user);
                Gateways {
                    version: version.to_string(),
                    ttl_s: list.ttl_s,
                    gateways: ranked.into_iter().map(Into::into).collect(),
                    signed: Some(STANDARD.encode(&list.signed)),
                }
            }
            None => Gateways { version: "0".into(), ttl_s: 0, gateways: vec![], signed: None },
        })
        .into_response()
    };
    let mut response = body;
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    if let Ok(cached) = HeaderValue::try_from(format!("public, max-age={CACHED_S}")) {
        headers.insert(header::CACHE_CONTROL, cached);
    }
    Ok(response)
}
