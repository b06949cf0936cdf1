//! Errors as `application/problem+json` (RFC 9457), from the one catalogue.

use anser_types::{ErrorCode, Refusal};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use serde::Serialize;
use utoipa::ToSchema;

/// A refusal as a response.
#[derive(Debug)]
pub(crate) struct Problem(pub(crate) Refusal);

/// Why a request was refused (RFC 9457), from the one catalogue of errors.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem, example = json!({"type": "urn:anser:error:USER_EXISTS", "title": "This user id is taken.",
    "status": 409, "code": "USER_EXISTS", "number": 203, "detail": "", "next_step": "Choose another one, or sign in."}))]
pub(super) struct Body<'a> {
    /// `urn:anser:error:` and the code.
    r#type: String,
    /// What happened, in one sentence.
    title: &'static str,
    status: u16,
    /// Never changes its meaning.
    code: &'static str,
    /// The same as a number.
    number: u16,
    /// What exactly was wrong; may be empty.
    detail: &'a str,
    /// What to do next.
    next_step: &'static str,
    /// When to come again, where waiting helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u32>,
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl Problem {
    /// The response, with another status than the code's own.
    pub(crate) fn with_status(&self, status: StatusCode) -> Response {
        let mut response = (status, self.json(status)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(ms) = self.0.retry_after_ms {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(u64::from(ms).div_ceil(1000)));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }

    fn json(&self, status: StatusCode) -> String {
        let Refusal { code, detail, retry_after_ms } = &self.0;
        let body = Body {
            r#type: format!("urn:anser:error:{}", code.name()),
            title: code.text(),
            status: status.as_u16(),
            code: code.name(),
            number: code.number(),
            detail,
            next_step: code.next_step(),
            retry_after_ms: *retry_after_ms,
        };
        serde_json::to_string(&body).unwrap_or_else(|_| "{}".to_owned())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.with_status(status(self.0.code))
    }
}

/// A whole response without a server behind it: for connections that have no place.
pub(crate) fn raw(code: ErrorCode) -> BytesMut {
    let status = status(code);
    let body = Problem(Refusal::new(code)).json(status);
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        body.len()
    );
    BytesMut::from((head + &body).as_bytes())
}

/// The status that says the same as a code, for programs that look no further.
pub(crate) fn status(code: ErrorCode) -> StatusCode {
    use ErrorCode as E;
    match code {
        E::BadFrame | E::WrongPhase | E::UnsupportedVersion | E::Unsupported => {
            StatusCode::BAD_REQUEST
        }
        E::PasswordRefused | E::InvalidArgument | E::ReadAboveHead => StatusCode::BAD_REQUEST,
        E::FrameTooLarge | E::ContentTooLarge | E::FileTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        E::Silent => StatusCode::REQUEST_TIMEOUT,
        E::TokenInvalid | E::TokenExpired | E::WrongCredentials => StatusCode::UNAUTHORIZED,
        E::LinkInvalid => StatusCode::UNAUTHORIZED,
        E::ApiKeyInvalid | E::Replaced | E::SignedOut | E::TokenReused => StatusCode::UNAUTHORIZED,
        E::RegistrationClosed | E::NotAllowed | E::OriginRefused => StatusCode::FORBIDDEN,
        E::QuotaExceeded => StatusCode::FORBIDDEN,
        E::SenderRefused | E::Muted | E::TooLate | E::ContentRefused => StatusCode::FORBIDDEN,
        E::UserUnknown | E::ConversationUnknown | E::TargetMissing => StatusCode::NOT_FOUND,
        E::FileUnknown | E::NotInPossession => StatusCode::NOT_FOUND,
        E::FileIncomplete | E::UploadConflict => StatusCode::CONFLICT,
        E::PictureRefused => StatusCode::UNPROCESSABLE_ENTITY,
        E::UploadBusy => StatusCode::LOCKED,
        // What tus 1.0 says with this number has no name elsewhere.
        E::ChecksumMismatch => StatusCode::from_u16(460).unwrap_or(StatusCode::BAD_REQUEST),
        E::UserExists | E::TooManyDevices | E::GroupFull => StatusCode::CONFLICT,
        E::LimitReached => StatusCode::CONFLICT,
        E::Conflict | E::AnswerForgotten | E::OutOfOrder => StatusCode::CONFLICT,
        E::RateLimited | E::GroupFlooded => StatusCode::TOO_MANY_REQUESTS,
        E::TooManyStrangers | E::TooManyReports => StatusCode::TOO_MANY_REQUESTS,
        E::Stale | E::Overloaded | E::Draining => StatusCode::SERVICE_UNAVAILABLE,
        E::TooManyConnections | E::StoreFailed | E::FilesUnreachable => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        E::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        E::TimedOut => StatusCode::GATEWAY_TIMEOUT,
        // What is left is about servers, stores and configurations: never the caller's doing.
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
