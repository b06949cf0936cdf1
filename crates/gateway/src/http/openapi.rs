//! The description of every route (OpenAPI 3.1), made from the routes themselves and from what they read and write.

use std::sync::LazyLock;

use anser_types::limits::IDEMPOTENCY_KEY_MAX_BYTES;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{Header, PathItem, RefOr, Required, Response};
use utoipa::{IntoParams, OpenApi};

use super::json::bodies::MergedJson;
use super::json::scalars::{
    Base64, ClientMsgId, ConversationText, Cursor, Emoji, FileBytes, FileName, Number, Place,
    SearchText, Sha256Hex, UserName,
};
use super::paths::PageSize;
use super::problem::Body as ProblemBody;
use super::refusals::{INSIDE, described};
use super::routes;

/// Tags of the routes of users: by a device's token, or by the API key with `?as=`.
pub(super) const OF_USERS: [&str; 4] = ["messages", "conversations", "groups", "people"];
/// The tag of files: for the same, but without an Idempotency-Key, since doing it twice harms nobody.
pub(super) const OF_FILES: [&str; 1] = ["files"];
/// Tags of the routes by the API key.
pub(super) const OF_OPERATORS: [&str; 2] = ["app", "admin"];

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Anser",
        description = "Another door to the same rooms: every command and every query of a session, as HTTP. Bodies are \
            JSON; 64-bit numbers are decimal strings in both directions; times are Unix milliseconds (a session counts from \
            2025). Errors are `application/problem+json` with a code of the one catalogue (docs/operate/errors.md) and a \
            next step. Messages come by themselves only over a session (docs/protocol.md).",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    tags(
        (name = "accounts", description = "Registering, signing in, one's devices."),
        (name = "messages", description = "Saying something, reading what was said, and doing something to it."),
        (name = "conversations", description = "One's conversations: their list, how far one has read, what changed."),
        (name = "groups", description = "Groups and channels, and who is in them."),
        (name = "people", description = "Contacts, who is online, one's settings, reports to the operators."),
        (name = "files", description = "Files beside messages: resumable uploads (tus 1.0.0), fetching, smaller pictures."),
        (name = "app", description = "For an app server of yours that makes users and acts in their name."),
        (name = "admin", description = "For operators."),
        (name = "watching", description = "Health, figures, this description, and the door to sessions.")
    ),
    components(schemas(
        ProblemBody<'_>, UserName, ConversationText, Place, Number, Base64, Sha256Hex, ClientMsgId, Cursor, Emoji,
        SearchText, PageSize, MergedJson, FileName, FileBytes
    ))
)]
struct Base;

static DESCRIPTION: LazyLock<String> = LazyLock::new(|| {
    let described = complete(routes::described(Base::openapi())).to_json();
    described.unwrap_or_else(|error| {
        unreachable!("it is made of texts, numbers and maps with text keys: {error}")
    })
});

/// The description, as JSON.
#[must_use]
pub fn description() -> &'static str {
    &DESCRIPTION
}

/// Adds what all routes of a kind have in common.
fn complete(mut api: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    if let Some(components) = &mut api.components {
        for (name, scheme) in schemes() {
            components.add_security_scheme(name, scheme);
        }
    }
    for item in api.paths.paths.values_mut() {
        for (has_effect, operation) in operations(item) {
            let of = |tags: &[&str]| {
                let own = operation.tags.iter().flatten();
                own.into_iter().any(|tag| tags.contains(&tag.as_str()))
            };
            if of(&OF_USERS) {
                of_user(operation, has_effect);
            } else if of(&OF_FILES) {
                of_user(operation, false);
            } else if of(&OF_OPERATORS) {
                operation.security = Some(vec![requirement(&["api_key"])]);
            }
            tell_headers(operation);
        }
    }
    api
}

fn schemes() -> [(&'static str, SecurityScheme); 3] {
    let bearer = |about: &str| {
        let mut scheme = Http::new(HttpAuthScheme::Bearer);
        scheme.description = Some(about.to_owned());
        SecurityScheme::Http(scheme)
    };
    let about = "In whose name the app server asks: a user's id. Goes with the API key.";
    [
        (
            "device_token",
            bearer(
                "A device's token, from `/v1/register`, `/v1/sign-in`, `/v1/renew` or `/v1/app/tokens`.",
            ),
        ),
        ("api_key", bearer("A line of the server's file `api-key`.")),
        ("as", SecurityScheme::ApiKey(ApiKey::Query(ApiKeyValue::with_description("as", about)))),
    ]
}

fn requirement(schemes: &[&str]) -> SecurityRequirement {
    let mut all = SecurityRequirement::default();
    for scheme in schemes {
        all = all.add(*scheme, Vec::<String>::new());
    }
    all
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (bool, &mut Operation)> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    let effects = [put, post, delete, patch].into_iter().flatten().map(|one| (true, one));
    get.iter_mut().map(|one| (false, one)).chain(effects)
}

fn of_user(operation: &mut Operation, has_effect: bool) {
    operation.security =
        Some(vec![requirement(&["device_token"]), requirement(&["api_key", "as"])]);
    if has_effect {
        operation.parameters.get_or_insert_default().insert(0, idempotency_key().into());
    }
    for (status, more) in described(INSIDE) {
        let RefOr::T(more) = more else { continue };
        match operation.responses.responses.get_mut(&status) {
            Some(RefOr::T(there)) => {
                there.description = format!("{}\n{}", more.description, there.description);
            }
            _ => {
                operation.responses.responses.insert(status, RefOr::T(more));
            }
        }
    }
    for (status, response) in &mut operation.responses.responses {
        if let (true, RefOr::T(response)) = (status.starts_with('2'), response) {
            let left = "What is left of what the user may ask: `\"user\";r=<requests>;t=<seconds until all are back>`.";
            let policy = "How often the user may ask: `\"user\";q=<requests>;w=<within seconds>`.";
            header(response, "RateLimit", left);
            header(response, "RateLimit-Policy", policy);
        }
    }
}

fn tell_headers(operation: &mut Operation) {
    let lists = operation.responses.responses.contains_key("304");
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        match status.as_str() {
            "200" | "304" if lists => {
                header(response, "ETag", "The version; give it as `If-None-Match`.");
            }
            "429" | "503" => header(response, "Retry-After", "Seconds, where waiting helps."),
            "401" => header(response, "WWW-Authenticate", "`Bearer`."),
            _ => {}
        }
    }
    if lists {
        let about = "The `ETag` that the client has: 304 if it is still the same.";
        operation.parameters.get_or_insert_default().push(
            ParameterBuilder::new()
                .name("If-None-Match")
                .parameter_in(ParameterIn::Header)
                .description(Some(about))
                .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
                .build()
                .into(),
        );
    }
}

fn header(response: &mut Response, name: &str, about: &str) {
    let mut header = Header::new(ObjectBuilder::new().schema_type(Type::String));
    header.description = Some(about.to_owned());
    response.headers.insert(name.to_owned(), header.into());
}

/// The header of requests that have an effect.
pub(super) struct IdempotencyKey;

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![idempotency_key()]
    }
}

fn idempotency_key() -> Parameter {
    let about = format!(
        "Any text of 1 to {IDEMPOTENCY_KEY_MAX_BYTES} printable ASCII characters, another one for each request. For three \
         days the same request with the same key does nothing again and gets the first answer (with `duplicate: true`, or \
         the same refusal); another request with it is 409 `CONFLICT`. So repeat a request, byte for byte, until it is \
         answered. What was refused because it came too fast may come again with its key."
    );
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::True)
        .description(Some(about))
        .schema(Some(
            ObjectBuilder::new()
                .schema_type(Type::String)
                .min_length(Some(1))
                .max_length(Some(IDEMPOTENCY_KEY_MAX_BYTES))
                .pattern(Some("^[!-~]([ -~]*[!-~])?$")),
        ))
        .build()
}
