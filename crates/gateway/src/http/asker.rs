//! Who asks by HTTP for what a user may ask: a device by its token, or the app server in the user's name; how often they
//! may; and that a command that is repeated is executed once.

use std::sync::Arc;

use anser_service::{Allowance, Caller, KeyedCommand, Query, Reply, Service};
use anser_types::limits::IDEMPOTENCY_KEY_MAX_BYTES;
use anser_types::{Command, ErrorCode, Refusal, UserId};
use axum::Json as JsonOut;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderMap, HeaderName, Uri, request::Parts};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::body::{Bearer, invalid, query_of, user};
use super::headers::set;
use super::json::{ConversationText, Number};
use super::{Api, Problem};

/// A user who may ask.
#[derive(Clone)]
pub(super) struct Asker {
    service: Arc<Service>,
    caller: Caller,
}

/// Lets requests in that come with a device token, or with the API key and `?as=`, as often as their user may. Runs before
/// the body is read.
pub(super) async fn let_in(
    State(api): State<Arc<Api>>,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = match caller(&api, request.uri(), request.headers()).await {
        Ok(caller) => caller,
        Err(refusal) => return Problem(refusal).into_response(),
    };
    let (allowance, mut response) = match api.service.count_request(&caller) {
        Ok(allowance) => {
            let service = Arc::clone(&api.service);
            request.extensions_mut().insert(Asker { service, caller });
            (allowance, next.run(request).await)
        }
        Err((refusal, allowance)) => (allowance, Problem(refusal).into_response()),
    };
    if let Some(allowance) = allowance {
        tell(&allowance, response.headers_mut());
    }
    response
}

pub(super) async fn caller(api: &Api, uri: &Uri, headers: &HeaderMap) -> Result<Caller, Refusal> {
    let Bearer(secret) = Bearer::of(headers);
    match in_whose_name(uri)? {
        None => api.service.authenticate(&secret).await,
        Some(named) => {
            let app = api.service.authenticate_app(&secret)?;
            api.service.act_for(&app, named).await
        }
    }
}

fn in_whose_name(uri: &Uri) -> Result<Option<UserId>, Refusal> {
    let pairs: Vec<(String, String)> = query_of(uri)?;
    let mut named = pairs.iter().filter(|(name, _)| name == "as");
    match (named.next(), named.next()) {
        (None, _) => Ok(None),
        (Some((_, text)), None) => user("as", text).map(Some),
        (Some(_), Some(_)) => Err(invalid("as: only one")),
    }
}

/// `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers).
fn tell(allowance: &Allowance, headers: &mut HeaderMap) {
    let Allowance { burst, window_s, left, wait_s } = *allowance;
    let used = u64::from(burst.saturating_sub(left));
    let full_in_s = (used * u64::from(window_s)).div_ceil(u64::from(burst.max(1)));
    let full_in_s = full_in_s.max(u64::from(wait_s));
    let policy = format!("\"user\";q={burst};w={window_s}");
    let now = format!("\"user\";r={left};t={full_in_s}");
    for (name, text) in [("ratelimit-policy", policy), ("ratelimit", now)] {
        set(headers, HeaderName::from_static(name), &text);
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // Behind `let_in` there always is one.
        parts.extensions.get().cloned().ok_or_else(|| Refusal::new(ErrorCode::Internal).into())
    }
}

impl Asker {
    /// Executes a command once for its key.
    pub(super) async fn execute(
        &self,
        once: Once,
        body: &[u8],
        command: Command,
    ) -> Result<JsonOut<DoneJson>, Problem> {
        let hash = hash_of(&[once.place.as_bytes(), body]);
        let asked = KeyedCommand { key: once.key, hash, command };
        let executed = self.service.execute(&self.caller, asked).await?;
        Ok(JsonOut(executed.into()))
    }

    /// Answers a read.
    pub(super) async fn query(&self, query: Query) -> Result<Reply, Problem> {
        Ok(self.service.query(&self.caller, query).await?)
    }

    /// Who asks.
    pub(super) const fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Whose answers these are.
    pub(super) const fn user(&self) -> &UserId {
        self.caller.user()
    }
}

/// The answer of another kind than was asked for.
pub(super) fn unforeseen() -> Problem {
    Problem(Refusal::new(ErrorCode::Internal))
}

/// What a repetition of a request is recognised by.
pub(super) struct Once {
    key: String,
    place: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Once {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let key = idempotency_key(&parts.headers)?;
        Ok(Self { key, place: format!("{} {}\n", parts.method, parts.uri) })
    }
}

/// Tells a repetition of a request from another one under the same key: the first half of the SHA-256 of what they say.
pub(super) fn hash_of(said: &[&[u8]]) -> [u8; 16] {
    let all = said.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part));
    let mut half = [0; 16];
    half.copy_from_slice(&all.finalize()[..16]);
    half
}

/// The key of a request that has an effect.
///
/// # Errors
/// `INVALID_ARGUMENT` if it is missing or too long.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<String, Refusal> {
    let key = headers.get("idempotency-key").map(|value| value.to_str().unwrap_or_default());
    match key {
        Some(key) if !key.is_empty() && key.len() <= IDEMPOTENCY_KEY_MAX_BYTES => {
            Ok(key.to_owned())
        }
        Some(_) => Err(invalid(format!(
            "Idempotency-Key: 1 to {IDEMPOTENCY_KEY_MAX_BYTES} printable ASCII characters"
        ))),
        None => Err(invalid(
            "the header Idempotency-Key is missing: without it a repeated request would be done twice",
        )),
    }
}

/// What a command caused; what does not apply is absent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Done, example = json!({"conversation": "2685de569f7344f0bce87632d2b4a1f8", "seq": "1",
    "server_time_ms": "1795891884506", "duplicate": false, "stored_offline": true}))]
pub(super) struct DoneJson {
    /// The conversation it concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation: Option<ConversationText>,
    /// The message's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<Number>,
    /// The change's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    change_no: Option<Number>,
    /// Server time of the commit, in Unix milliseconds.
    server_time_ms: Number,
    /// The same request had been executed before; this is the first answer.
    duplicate: bool,
    /// A message of which no receiver's device was connected; not told again with a repetition.
    stored_offline: bool,
}

impl From<anser_service::Executed> for DoneJson {
    fn from(executed: anser_service::Executed) -> Self {
        let done = executed.done;
        Self {
            conversation: done.conversation.map(ConversationText::from),
            seq: Number::above_zero(done.seq.0),
            change_no: Number::above_zero(done.change_no.0),
            server_time_ms: done.at.into(),
            duplicate: executed.duplicate,
            stored_offline: executed.stored_offline,
        }
    }
}
