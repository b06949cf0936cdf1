//! The sandbox: on a development server, which only this machine reaches, anybody gets a token for any user.
//!
//! A page in somebody's browser is on this machine too. It is kept out by the names: the request must be addressed to
//! this machine by a name that only it has (a page of another site that was made to resolve to it comes under its own), and
//! say of no other site that it comes from there.

use std::net::IpAddr;
use std::sync::Arc;

use anser_types::limits::DEVICE_NAME_MAX_BYTES;
use anser_types::{DeviceClass, ErrorCode, Refusal};
use axum::Json as JsonOut;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;

use super::accounts::SignedInBody;
use super::body::{Json, device_class};
use super::json::{UserName, text};
use super::problem::Body as ProblemBody;
use super::refusals::refusals;
use super::{Api, Guest, Problem};

refusals! {
    Play: Unsupported, NotAllowed, TooManyDevices;
}

/// A token for trying things out.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"user": "alice"}))]
pub(super) struct SandboxToken {
    /// Made if there is none.
    user: UserName,
    /// A bot, if not said.
    device_class: Option<String>,
    #[serde(default)]
    #[schema(schema_with = text::<DEVICE_NAME_MAX_BYTES>)]
    device_name: String,
}

/// Get a token for anybody, on a development server
///
/// Only there, and only from its own machine: `anser serve --development`. Elsewhere there is no such route.
#[utoipa::path(post, path = "/v1/dev/token", tag = "accounts", request_body = SandboxToken,
    responses((status = 201, description = "A token.", body = SignedInBody), Play,
        (status = 404, description = "`UNSUPPORTED`: this is no development server.",
            body = ProblemBody<'_>, content_type = "application/problem+json")))]
pub(super) async fn development_token(
    State(api): State<Arc<Api>>,
    Extension(guest): Extension<Guest>,
    headers: HeaderMap,
    uri: Uri,
    Json { value: wanted, .. }: Json<SandboxToken>,
) -> Result<(StatusCode, JsonOut<SignedInBody>), Response> {
    // Elsewhere there is no such door, and nobody learns that there could be.
    let Some(app) = api.service.development() else {
        let detail = format!("there is no {}", uri.path());
        let problem = Problem(Refusal::because(ErrorCode::Unsupported, detail));
        return Err(problem.with_status(StatusCode::NOT_FOUND));
    };
    let refused = |refusal| Problem(refusal).into_response();
    if !(guest.peer.to_canonical().is_loopback() && is_of_this_machine(&headers)) {
        let detail = "only programs on this machine get tokens here, at its own address";
        return Err(refused(Refusal::because(ErrorCode::NotAllowed, detail)));
    }
    let user = wanted.user.id("user").map_err(refused)?;
    let class = wanted.device_class.as_deref().map_or(Ok(DeviceClass::Bot), device_class);
    let class = class.map_err(refused)?;
    let minted = api.service.mint_token(&app, user, None, class, wanted.device_name, true).await;
    Ok((StatusCode::CREATED, JsonOut(minted.map_err(refused)?.into())))
}

/// Whether a request is addressed to this machine by a name of its own, and comes from no page of another site.
fn is_of_this_machine(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let to_here = text(header::HOST).is_some_and(|host| is_loopback(&format!("http://{host}")));
    let from_here = text(header::ORIGIN).is_none_or(is_loopback);
    let passed_on = ["x-forwarded-for", "forwarded"].iter().any(|name| headers.contains_key(*name));
    to_here && from_here && !passed_on
}

fn is_loopback(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    uri.host().is_some_and(|host| {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost")
            || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_requests_of_this_machine_to_itself_pass() {
        let says = |pairs: &[(&'static str, &str)]| {
            let pairs = pairs.iter().map(|(name, value)| {
                (name.parse::<header::HeaderName>().unwrap(), value.parse().unwrap())
            });
            is_of_this_machine(&pairs.collect())
        };
        for host in ["localhost:7480", "127.0.0.1:7480", "127.0.0.1", "[::1]:7480", "LOCALHOST"] {
            assert!(says(&[("host", host)]), "{host}");
        }
        assert!(says(&[("host", "localhost:7480"), ("origin", "http://localhost:5173")]));
        for host in [
            "evil.example",
            "localhost.evil.example:7480",
            "127.0.0.1.evil.example",
            "",
            "10.0.0.1",
        ] {
            assert!(!says(&[("host", host)]), "{host}");
        }
        assert!(!says(&[]));
        for origin in ["https://evil.example", "null", "file://", "http://localhost.evil.example"] {
            assert!(!says(&[("host", "localhost:7480"), ("origin", origin)]), "{origin}");
        }
        assert!(!says(&[("host", "localhost:7480"), ("x-forwarded-for", "203.0.113.5")]));
    }
}
