//! The app-server door: a business server makes users, gives their devices tokens and speaks for them.

use anser_types::{
    Content, ConversationId, DeviceNo, ErrorCode, MessageKind, Refusal, Seq, Target, UnixMs, UserId,
};
use base64::Engine;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::account::{DeviceDescription, SignedIn, SignedInAnswer};
use super::connection::HttpConnection;
use super::decimal;

/// What an app server may ask; needs the server's API key. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AppServerClient {
    connection: HttpConnection,
    api_key: SecretString,
}

/// A message that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Where.
    pub conversation: ConversationId,
    /// Its number.
    pub seq: Seq,
    /// The server's clock at the commit.
    pub server_time: UnixMs,
    /// The same Idempotency-Key had been used before; this is its original answer.
    pub duplicate: bool,
}

#[derive(Serialize)]
struct NewUser<'a> {
    user: &'a str,
}

#[derive(Serialize)]
struct NewToken<'a> {
    user: &'a str,
    device_class: &'a str,
    device_name: &'a str,
    create: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_no: Option<String>,
}

#[derive(Deserialize)]
struct SentAnswer {
    conversation: String,
    #[serde(deserialize_with = "decimal::read")]
    seq: u64,
    #[serde(deserialize_with = "decimal::read")]
    server_time_ms: u64,
    #[serde(default)]
    duplicate: bool,
}

impl AppServerClient {
    /// Uses this connection with this API key.
    #[must_use]
    pub const fn new(connection: HttpConnection, api_key: SecretString) -> Self {
        Self { connection, api_key }
    }

    /// Makes a user without a password: only tokens given by [`Self::mint_token`] let it in.
    ///
    /// # Errors
    /// `USER_EXISTS`, `API_KEY_INVALID`, or the connection failed.
    pub async fn create_user(&self, user: &UserId) -> Result<(), Refusal> {
        let body = NewUser { user: user.as_str() };
        let _answer: Value =
            self.connection.call("/v1/app/users", Some(self.key()), &[], &body).await?;
        Ok(())
    }

    /// Gives a device of a user a token: a new device, or `existing` whose old token then ends. With `create` an
    /// unknown user is made first.
    ///
    /// # Errors
    /// `USER_UNKNOWN`, `TOO_MANY_DEVICES`, `API_KEY_INVALID`, or the connection failed.
    pub async fn mint_token(
        &self,
        user: &UserId,
        device: &DeviceDescription,
        create: bool,
        existing: Option<DeviceNo>,
    ) -> Result<SignedIn, Refusal> {
        let body = NewToken {
            user: user.as_str(),
            device_class: device.class.name(),
            device_name: &device.name,
            create,
            device_no: existing.map(|device| device.to_string()),
        };
        let answer: SignedInAnswer =
            self.connection.call("/v1/app/tokens", Some(self.key()), &[], &body).await?;
        answer.try_into()
    }

    /// Says something as a user, exactly once per `idempotency_key` within 72 hours: repeat it with the same key
    /// when the answer is lost.
    ///
    /// # Errors
    /// What the rules say about the message, `CONFLICT` when the key was used for another one, `API_KEY_INVALID`,
    /// or the connection failed (`TIMED_OUT` and `UNREACHABLE` leave open whether it was sent).
    pub async fn send_as(
        &self,
        from: &UserId,
        to: &Target,
        content: &Content,
        idempotency_key: &str,
    ) -> Result<Sent, Refusal> {
        let body = message_body(from, to, content)?;
        let headers = [("Idempotency-Key", idempotency_key)];
        let answer: SentAnswer =
            self.connection.call("/v1/app/messages", Some(self.key()), &headers, &body).await?;
        Ok(Sent {
            conversation: answer.conversation.parse().map_err(|_| {
                Refusal::because(ErrorCode::Internal, "the server named an invalid conversation")
            })?,
            seq: Seq(answer.seq),
            server_time: UnixMs(answer.server_time_ms),
            duplicate: answer.duplicate,
        })
    }

    fn key(&self) -> &str {
        self.api_key.expose_secret()
    }
}

fn message_body(from: &UserId, to: &Target, content: &Content) -> Result<Value, Refusal> {
    let mut body = Map::new();
    body.insert("from".to_owned(), json!(from.as_str()));
    let to = match to {
        Target::User(user) => json!({ "user": user.as_str() }),
        Target::Conversation(id) => json!({ "conversation": id.to_string() }),
    };
    body.insert("to".to_owned(), to);
    match std::str::from_utf8(&content.body) {
        Ok(text) if content.kind == MessageKind::Text => {
            body.insert("text".to_owned(), json!(text));
        }
        _ => {
            body.insert("kind".to_owned(), json!(kind_name(content.kind)?));
            let encoded = base64::engine::general_purpose::STANDARD.encode(&content.body);
            body.insert("content_base64".to_owned(), json!(encoded));
        }
    }
    if !content.mentions.is_empty() {
        let names: Vec<_> = content.mentions.iter().map(UserId::as_str).collect();
        body.insert("mentions".to_owned(), json!(names));
    }
    if let Some(seq) = content.reply_to {
        body.insert("reply_to".to_owned(), json!(seq.to_string()));
    }
    if let Some(at) = content.expires_at {
        body.insert("expires_at_ms".to_owned(), json!(at.0.to_string()));
    }
    if let Some(ms) = content.burn_after_ms {
        body.insert("burn_after_ms".to_owned(), json!(ms.to_string()));
    }
    Ok(Value::Object(body))
}

/// The kind's name in JSON.
fn kind_name(kind: MessageKind) -> Result<&'static str, Refusal> {
    if MessageKind::SENT.contains(&kind) {
        return Ok(kind.name());
    }
    Err(Refusal::because(ErrorCode::InvalidArgument, "this kind cannot be sent"))
}
