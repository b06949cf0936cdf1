//! Reading requests: JSON bodies, bearer tokens, numbers as strings.

use anser_types::{DeviceClass, DeviceNo, ErrorCode, Refusal, UserId};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::{StatusCode, header, request::Parts};
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
        let value = serde_json::from_slice(&bytes).map_err(|error| {
            // Line, column and the field's name; serde never repeats a value of the wrong type beyond its kind, and
            // a string that stands where a number is expected is no secret of ours: secrets are strings.
            Problem(invalid(format!("the body: {}", place_of(&error)))).into_response()
        })?;
        Ok(Self { value, bytes })
    }
}

/// What is wrong with a body, without repeating what stood there (it could be a password).
fn place_of(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Data => {
            let text = error.to_string();
            return match text.split_once("missing field ") {
                Some((_, field)) => format!("missing field {field}"),
                None => format!(
                    "a field has the wrong type at line {} column {}",
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

/// The secret of an `Authorization: Bearer …` header; empty if there is none.
pub(super) struct Bearer(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Bearer {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let value = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let secret = value
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, secret)| secret.trim().to_owned());
        Ok(Self(secret.unwrap_or_default()))
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

pub(super) fn device_no(text: &str) -> Result<DeviceNo, Refusal> {
    number("device_no", text).map(DeviceNo)
}

/// A 64-bit number as a decimal string (JSON numbers lose digits above 2^53).
pub(super) fn number(field: &str, text: &str) -> Result<u64, Refusal> {
    text.parse().map_err(|_| invalid(format!("{field}: a number as a decimal string")))
}
