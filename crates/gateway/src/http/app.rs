//! The app server's door: it makes users, mints tokens for their devices and sends in their name.

use std::sync::Arc;

use anser_service::AppCaller;
use anser_types::limits::IDEMPOTENCY_KEY_MAX_BYTES;
use anser_types::{Content, ConversationId, MessageKind, Refusal, Seq, Target, UnixMs};
use axum::Json as JsonOut;
use axum::extract::{FromRequestParts, State};
use axum::http::{HeaderMap, StatusCode, request::Parts};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::accounts::SignedInBody;
use super::body::{Bearer, Json, device_class, device_no, invalid, number, user};
use super::{Api, Problem};

/// A caller with an accepted API key; looked at before the body.
pub(super) struct App(pub(super) AppCaller);

impl FromRequestParts<Arc<Api>> for App {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let Ok(Bearer(key)) = Bearer::from_request_parts(parts, api).await;
        Ok(Self(api.service.authenticate_app(&key)?))
    }
}

#[derive(Deserialize)]
pub(super) struct NewUser {
    user: String,
}

#[derive(Serialize)]
pub(super) struct UserBody {
    user: String,
}

pub(super) async fn create_user(
    State(api): State<Arc<Api>>,
    App(app): App,
    Json { value: new, .. }: Json<NewUser>,
) -> Result<(StatusCode, JsonOut<UserBody>), Problem> {
    let user = user("user", &new.user)?;
    api.service.create_user(&app, user).await?;
    Ok((StatusCode::CREATED, JsonOut(UserBody { user: new.user })))
}

#[derive(Deserialize)]
pub(super) struct NewToken {
    user: String,
    device_class: String,
    #[serde(default)]
    device_name: String,
    /// Make the user if there is none.
    #[serde(default)]
    create: bool,
    /// For a device that exists; its other tokens end.
    device_no: Option<String>,
}

pub(super) async fn mint_token(
    State(api): State<Arc<Api>>,
    App(app): App,
    Json { value: new, .. }: Json<NewToken>,
) -> Result<(StatusCode, JsonOut<SignedInBody>), Problem> {
    let user = user("user", &new.user)?;
    let class = device_class(&new.device_class)?;
    let device = new.device_no.as_deref().map(device_no).transpose()?;
    let minted =
        api.service.mint_token(&app, user, device, class, new.device_name, new.create).await?;
    Ok((StatusCode::CREATED, JsonOut(minted.into())))
}

#[derive(Deserialize)]
pub(super) struct NewMessage {
    from: String,
    to: To,
    /// Plain text; else `kind` and `content_base64`.
    text: Option<String>,
    kind: Option<String>,
    content_base64: Option<String>,
    #[serde(default)]
    mentions: Vec<String>,
    #[serde(default)]
    mention_all: bool,
    reply_to: Option<String>,
    /// Unix milliseconds.
    expires_at_ms: Option<String>,
    burn_after_ms: Option<String>,
}

/// Exactly one of the two.
#[derive(Deserialize)]
struct To {
    user: Option<String>,
    conversation: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Sent {
    conversation: String,
    seq: String,
    /// Unix milliseconds.
    server_time_ms: String,
    /// The same key and body were sent before; this is the original answer.
    duplicate: bool,
}

pub(super) async fn send_message(
    State(api): State<Arc<Api>>,
    App(app): App,
    headers: HeaderMap,
    Json { value: new, bytes }: Json<NewMessage>,
) -> Result<JsonOut<Sent>, Problem> {
    let key = idempotency_key(&headers)?;
    let from = user("from", &new.from)?;
    let to = target(&new.to)?;
    let content = content(&new)?;
    let (done, duplicate) =
        api.service.send_as(&app, from, key, body_hash(&bytes), to, content).await?;
    Ok(JsonOut(Sent {
        conversation: done.conversation.map(|id| id.to_string()).unwrap_or_default(),
        seq: done.seq.to_string(),
        server_time_ms: done.at.0.to_string(),
        duplicate,
    }))
}

fn idempotency_key(headers: &HeaderMap) -> Result<String, Refusal> {
    let key = headers.get("idempotency-key").map(|value| value.to_str().unwrap_or_default());
    match key {
        Some(key) if !key.is_empty() && key.len() <= IDEMPOTENCY_KEY_MAX_BYTES => {
            Ok(key.to_owned())
        }
        Some(_) => Err(invalid(format!(
            "Idempotency-Key: 1 to {IDEMPOTENCY_KEY_MAX_BYTES} printable ASCII characters"
        ))),
        None => Err(invalid(
            "the header Idempotency-Key is missing: without it a repeated request would be a second message",
        )),
    }
}

fn target(to: &To) -> Result<Target, Refusal> {
    match (&to.user, &to.conversation) {
        (Some(peer), None) => user("to.user", peer).map(Target::User),
        (None, Some(id)) => id
            .parse::<ConversationId>()
            .map(Target::Conversation)
            .map_err(|error| invalid(format!("to.conversation: {error}"))),
        _ => Err(invalid("to: either user or conversation")),
    }
}

fn content(new: &NewMessage) -> Result<Content, Refusal> {
    let (kind, body) = match (&new.text, &new.content_base64) {
        (Some(text), None) => (MessageKind::Text, Bytes::from(text.clone())),
        (None, Some(encoded)) => {
            let body = STANDARD
                .decode(encoded)
                .map_err(|error| invalid(format!("content_base64: {error}")))?;
            (message_kind(new.kind.as_deref())?, Bytes::from(body))
        }
        _ => return Err(invalid("either text, or kind and content_base64")),
    };
    let mentions = new.mentions.iter().map(|text| user("mentions", text));
    Ok(Content {
        kind,
        body,
        mentions: mentions.collect::<Result<_, _>>()?,
        mention_all: new.mention_all,
        reply_to: optional_number("reply_to", new.reply_to.as_deref())?.map(Seq),
        expires_at: optional_number("expires_at_ms", new.expires_at_ms.as_deref())?.map(UnixMs),
        burn_after_ms: optional_number("burn_after_ms", new.burn_after_ms.as_deref())?
            .map(|ms| u32::try_from(ms).map_err(|_| invalid("burn_after_ms: too long")))
            .transpose()?,
        forwarded: None,
    })
}

fn optional_number(field: &str, text: Option<&str>) -> Result<Option<u64>, Refusal> {
    text.map(|text| number(field, text)).transpose()
}

fn message_kind(name: Option<&str>) -> Result<MessageKind, Refusal> {
    let kind = MessageKind::SENT.into_iter().find(|kind| Some(kind.name()) == name);
    kind.ok_or_else(|| {
        let names = MessageKind::SENT.map(MessageKind::name).join(", ");
        invalid(format!("kind: one of {names}"))
    })
}

/// Tells a repetition of a request from other content under the same key.
fn body_hash(bytes: &[u8]) -> [u8; 16] {
    let mut hash = [0; 16];
    hash.copy_from_slice(&Sha256::digest(bytes)[..16]);
    hash
}
