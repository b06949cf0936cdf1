//! One HTTP client for one server: requests out, answers or catalogued refusals back.

use std::time::Duration;

use anser_trust::refused_certificate;
use anser_types::limits::REQUEST_DEADLINE_MS;
use anser_types::{ErrorCode, Refusal};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::tls::TlsTerms;

/// The server answers or refuses within its own deadline; a little more for the way.
const REQUEST_TIMEOUT: Duration = Duration::from_millis(REQUEST_DEADLINE_MS + 5_000);

/// A connection to a server's HTTP API (`http://…` on loopback, else `https://…`); cheap to clone.
#[derive(Clone, Debug)]
pub struct HttpConnection {
    base: Url,
    client: reqwest::Client,
}

/// `application/problem+json`, as far as it is needed here.
#[derive(Deserialize)]
struct Problem {
    number: Option<u16>,
    code: Option<String>,
    #[serde(default)]
    detail: String,
    retry_after_ms: Option<u32>,
}

impl HttpConnection {
    /// Prepares requests to `base` (for example `https://chat.example.org:7443`); nothing is sent yet.
    ///
    /// # Errors
    /// `CONFIG_INVALID` when the URL is not valid or would send secrets unencrypted to another machine.
    pub fn new(
        base: &str,
        tls: impl Into<TlsTerms>,
        allow_plaintext: bool,
    ) -> Result<Self, Refusal> {
        let invalid = |why: String| Refusal::because(ErrorCode::ConfigInvalid, why);
        let base =
            Url::parse(base).map_err(|error| invalid(format!("'{base}' is no URL: {error}")))?;
        match base.scheme() {
            "https" => {}
            "http" if allow_plaintext || is_loopback(&base) => {}
            "http" => {
                return Err(invalid(format!(
                    "{base} would send secrets unencrypted to another machine; use https://, or allow it explicitly \
                     (allow_plaintext)"
                )));
            }
            other => return Err(invalid(format!("'{other}' is not http or https"))),
        }
        let tls = tls.into().config(&[b"http/1.1"])?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(REQUEST_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| invalid(format!("the HTTP client cannot be set up: {error}")))?;
        Ok(Self { base, client })
    }

    /// A request that may take as long as it gets on: whoever sends it looks whether it does.
    pub(super) fn transfer(
        &self,
        method: Method,
        path: &str,
        bearer: &str,
    ) -> Result<RequestBuilder, Refusal> {
        Ok(self.client.request(method, self.url(path)?).bearer_auth(bearer))
    }

    /// The address of a path at this server.
    pub(super) fn url(&self, path: &str) -> Result<Url, Refusal> {
        self.base.join(path).map_err(|error| {
            Refusal::because(
                ErrorCode::ConfigInvalid,
                format!("{} cannot be extended: {error}", self.base),
            )
        })
    }

    /// Sends a JSON request and reads a JSON answer.
    pub(super) async fn call<A: DeserializeOwned>(
        &self,
        path: &str,
        bearer: Option<&str>,
        headers: &[(&'static str, &str)],
        body: &impl Serialize,
    ) -> Result<A, Refusal> {
        let mut request = self.post(path, bearer)?.json(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(succeeded(request).await?).await
    }

    /// Sends a JSON request whose answer has no body.
    pub(super) async fn send(
        &self,
        path: &str,
        bearer: &str,
        body: &impl Serialize,
    ) -> Result<(), Refusal> {
        succeeded(self.post(path, Some(bearer))?.json(body)).await.map(drop)
    }

    /// Sends a request without a body, whose answer has none or does not matter.
    pub(super) async fn call_without_answer(
        &self,
        path: &str,
        bearer: &str,
    ) -> Result<(), Refusal> {
        succeeded(self.post(path, Some(bearer))?).await.map(drop)
    }

    /// Sends a request without a body and reads a JSON answer.
    pub(super) async fn call_without_body<A: DeserializeOwned>(
        &self,
        path: &str,
        bearer: &str,
    ) -> Result<A, Refusal> {
        answer(succeeded(self.post(path, Some(bearer))?).await?).await
    }

    /// Asks for a JSON answer.
    pub(super) async fn get<A: DeserializeOwned>(
        &self,
        path: &str,
        bearer: &str,
    ) -> Result<A, Refusal> {
        answer(succeeded(self.request(Method::GET, path, Some(bearer))?).await?).await
    }

    /// Asks for a JSON answer that anybody gets.
    pub(super) async fn get_open<A: DeserializeOwned>(&self, path: &str) -> Result<A, Refusal> {
        answer(succeeded(self.request(Method::GET, path, None)?).await?).await
    }

    fn post(&self, path: &str, bearer: Option<&str>) -> Result<RequestBuilder, Refusal> {
        self.request(Method::POST, path, bearer)
    }

    /// A request that is answered within the server's own deadline.
    pub(super) fn request(
        &self,
        method: Method,
        path: &str,
        bearer: Option<&str>,
    ) -> Result<RequestBuilder, Refusal> {
        let request = self.client.request(method, self.url(path)?).timeout(REQUEST_TIMEOUT);
        Ok(match bearer {
            Some(secret) => request.bearer_auth(secret),
            None => request,
        })
    }
}

fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    })
}

/// What the body of an answer says.
pub(super) async fn answer<A: DeserializeOwned>(response: Response) -> Result<A, Refusal> {
    let body = response.bytes().await.map_err(|error| failed_to_send(&error))?;
    serde_json::from_slice(&body).map_err(unreadable)
}

pub(super) fn unreadable(what: impl std::fmt::Display) -> Refusal {
    Refusal::because(ErrorCode::Internal, format!("the server's answer cannot be read: {what}"))
}

pub(super) async fn succeeded(request: RequestBuilder) -> Result<Response, Refusal> {
    let response = request.send().await.map_err(|error| failed_to_send(&error))?;
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status();
    let body = response.bytes().await.map_err(|error| failed_to_send(&error))?;
    Err(match serde_json::from_slice::<Problem>(&body) {
        Ok(problem) if problem.number.is_some() || problem.code.is_some() => refusal_of(problem),
        _ => unexplained(status),
    })
}

/// Nothing that an Anser server says. What stands before one says so while it cannot reach it.
fn unexplained(status: StatusCode) -> Refusal {
    match status {
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            Refusal::because(
                ErrorCode::Unreachable,
                format!("status {status} of something that stands before the server"),
            )
        }
        _ => Refusal::because(
            ErrorCode::Internal,
            format!("status {status} without a readable reason: is this an Anser server?"),
        ),
    }
}

fn refusal_of(problem: Problem) -> Refusal {
    let known = problem.number.and_then(ErrorCode::from_number);
    let mut refusal = match known {
        Some(code) => Refusal::because(code, problem.detail),
        // A newer server may refuse for reasons that have no name here yet.
        None => Refusal::because(
            ErrorCode::Internal,
            format!("{}: {}", problem.code.unwrap_or_default(), problem.detail),
        ),
    };
    refusal.retry_after_ms = problem.retry_after_ms;
    refusal
}

pub(super) fn failed_to_send(error: &reqwest::Error) -> Refusal {
    if let Some(refusal) = refused_certificate(error) {
        return refusal;
    }
    if error.is_timeout() {
        return Refusal::because(ErrorCode::TimedOut, "no answer to the HTTP request");
    }
    // reqwest's own text stops at "error sending request"; the causes below it say why.
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    Refusal::because(ErrorCode::Unreachable, text)
}
