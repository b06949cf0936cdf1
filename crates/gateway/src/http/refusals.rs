//! Which refusals a route may answer with, told in its description: the catalogue's codes, by the status of each.

use std::collections::BTreeMap;

use anser_types::ErrorCode;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::{Ref, RefOr, Response, ResponseBuilder};

use super::problem::status;

/// What every route may answer.
const ALWAYS: &[ErrorCode] = &[ErrorCode::TimedOut, ErrorCode::Internal];
/// What every route behind a token or a key may answer.
pub(super) const INSIDE: &[ErrorCode] = &[
    ErrorCode::TokenInvalid,
    ErrorCode::TokenExpired,
    ErrorCode::ApiKeyInvalid,
    ErrorCode::RateLimited,
];
/// What every route that reads or writes the store may answer.
const STORE: &[ErrorCode] = &[
    ErrorCode::InvalidArgument,
    ErrorCode::ContentTooLarge,
    ErrorCode::Overloaded,
    ErrorCode::Draining,
    ErrorCode::Stale,
    ErrorCode::StorageFull,
    ErrorCode::StoreFailed,
];

/// The answers for these refusals, and for those that any route of its kind may give.
pub(super) fn responses(codes: &[ErrorCode]) -> BTreeMap<String, RefOr<Response>> {
    described(&[codes, STORE, ALWAYS].concat())
}

/// The answers for exactly these refusals.
pub(super) fn described(codes: &[ErrorCode]) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    for code in codes {
        let of_status = by_status.entry(status(*code).as_u16()).or_default();
        if !of_status.contains(code) {
            of_status.push(*code);
        }
    }
    by_status.into_iter().map(|(status, codes)| (status.to_string(), response(&codes))).collect()
}

fn response(codes: &[ErrorCode]) -> RefOr<Response> {
    let lines: Vec<_> =
        codes.iter().map(|code| format!("`{}`: {}", code.name(), code.text())).collect();
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new()
        .description(lines.join("\n"))
        .content("application/problem+json", problem)
        .build()
        .into()
}

/// Sets of refusals, one type each, as the descriptions of routes take them; `[only]` these, not those of any route too.
macro_rules! refusals {
    (@answers) => { $crate::http::refusals::responses };
    (@answers only) => { $crate::http::refusals::described };
    ($($name:ident $([$only:ident])?: $($code:ident),* $(,)?);* $(;)?) => {$(
        struct $name;

        impl utoipa::IntoResponses for $name {
            fn responses() -> std::collections::BTreeMap<
                String,
                utoipa::openapi::RefOr<utoipa::openapi::Response>,
            > {
                $crate::http::refusals::refusals!(@answers $($only)?)(
                    &[$(anser_types::ErrorCode::$code),*],
                )
            }
        }
    )*};
}
pub(super) use refusals;
