//! Reading requests: JSON bodies, paths and queries, bearer tokens, numbers as strings.

use anser_types::{DeviceClass, ErrorCode, Refusal, UserId};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::{HeaderMap, StatusCode, Uri, header, request::Parts};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::Problem;

/// A JSON body, and its bytes as they came.
pub(super) struct Json<T> {
    pub(super) value: T,
    pub(super) bytes: Bytes,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            let code = if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                ErrorCode::ContentTooLarge
            } else {
                ErrorCode::InvalidArgument
            };
            Problem(Refusal::because(code, rejection.body_text())).into_response()
        })?;
        let value = parsed(&bytes).map_err(|detail| Problem(invalid(detail)).into_response())?;
        Ok(Self { value, bytes })
    }
}

/// A JSON text as a value, or what is wrong with it and where.
fn parsed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let field = error.path().to_string();
        let field = if field == "." { "the body".to_owned() } else { format!("the body: {field}") };
        format!("{field}: {}", what_is_wrong(error.inner()))
    })?;
    reader.end().map_err(|error| format!("the body: {}", what_is_wrong(&error)))?;
    Ok(value)
}

/// What is wrong with a body, without repeating what stood there (it could be a password).
fn what_is_wrong(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Data => {
            let text = error.to_string();
            if let Some(field) = text.strip_prefix("missing field ") {
                return format!("missing field {field}");
            }
            // What was expected is ours to say; what stands before it came from outside.
            return match text.rsplit_once(", expected ") {
                Some((_, expected)) => format!("expected {expected}"),
                None => format!(
                    "has the wrong type or form at line {} column {}",
                    error.line(),
                    error.column()
                ),
            };
        }
        serde_json::error::Category::Eof => "ends too early",
        _ => "is no JSON",
    };
    format!("{what}, line {} column {}", error.line(), error.column())
}

/// What stands in the path.
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(rejection) => Err(invalid(format!("the path: {}", rejection.body_text())).into()),
        }
    }
}

/// What stands behind the `?`.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(query_of(&parts.uri)?))
    }
}

/// What stands behind the `?` of an address.
///
/// # Errors
/// `INVALID_ARGUMENT` with what is wrong.
pub(super) fn query_of<T: DeserializeOwned>(uri: &Uri) -> Result<T, Refusal> {
    match axum::extract::Query::try_from_uri(uri) {
        Ok(axum::extract::Query(value)) => Ok(value),
        Err(rejection) => Err(invalid(format!("the query: {}", rejection.body_text()))),
    }
}

/// The secret of an `Authorization: Bearer …` header; empty if there is none.
pub(super) struct Bearer(pub(super) String);

impl Bearer {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let secret = value
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, secret)| secret.trim().to_owned());
        Self(secret.unwrap_or_default())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Bearer {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.headers))
    }
}

/// `INVALID_ARGUMENT` with a text.
pub(super) fn invalid(detail: impl Into<String>) -> Refusal {
    Refusal::because(ErrorCode::InvalidArgument, detail)
}

pub(super) fn user(field: &str, text: &str) -> Result<UserId, Refusal> {
    crate::translate::user(field, text)
}

pub(super) fn device_class(name: &str) -> Result<DeviceClass, Refusal> {
    DeviceClass::from_name(name).ok_or_else(|| {
        let names = DeviceClass::ALL.map(DeviceClass::name).join(", ");
        invalid(format!("device_class: one of {names}"))
    })
}

/// A 64-bit number as a decimal string (JSON numbers lose digits above 2^53).
pub(super) fn number(field: &str, text: &str) -> Result<u64, Refusal> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten();
    number.ok_or_else(|| invalid(format!("{field}: a number as a decimal string")))
}
