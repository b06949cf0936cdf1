//! Why a session ends, and what the client should do then.

use anser_types::{ErrorCode, Refusal};

use crate::codec::CodecError;
use crate::fields::Malformed;
use crate::v1;
use crate::v1::Reconnect;

/// A pause for faults that repeat themselves at once: long enough to spare the server, short enough for a person.
const FAULT_PAUSE_MS: u32 = 5_000;
/// A pause for what an operator must repair.
const REPAIR_PAUSE_MS: u32 = 30_000;
/// A pause in which a server restarts.
const RESTART_PAUSE_MS: u32 = 1_000;

/// What a client should do after a session has ended. The client's own backoff applies on top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice {
    /// Whether and where to connect again.
    pub reconnect: Reconnect,
    /// Not before this; 0 when it does not matter.
    pub retry_after_ms: u32,
}

impl Advice {
    const fn after(retry_after_ms: u32) -> Self {
        Self { reconnect: Reconnect::After, retry_after_ms }
    }

    const fn plain(reconnect: Reconnect) -> Self {
        Self { reconnect, retry_after_ms: 0 }
    }
}

/// The advice that goes with a code, unless the server says otherwise in its `Close`.
#[must_use]
pub const fn advice(code: ErrorCode) -> Advice {
    use ErrorCode as E;
    match code {
        E::Silent | E::LogBehindClient | E::TimedOut => Advice::plain(Reconnect::Now),
        E::TokenInvalid | E::TokenExpired | E::TokenReused | E::SignedOut | E::WrongCredentials => {
            Advice::plain(Reconnect::SignIn)
        }
        E::Replaced | E::UnsupportedVersion => Advice::plain(Reconnect::Never),
        // A damaged transport heals by itself, a faulty client does not: both get a pause.
        E::BadFrame | E::FrameTooLarge | E::WrongPhase => Advice::after(FAULT_PAUSE_MS),
        E::Overloaded | E::RateLimited | E::TooManyConnections => Advice::after(FAULT_PAUSE_MS),
        E::StorageFull | E::StoreDamaged => Advice::after(REPAIR_PAUSE_MS),
        E::Draining | E::StoreFailed | E::Internal => Advice::after(RESTART_PAUSE_MS),
        other if other.retryable() => Advice::after(RESTART_PAUSE_MS),
        _ => Advice::plain(Reconnect::Never),
    }
}

/// Why a session ends: what a server puts into `Close`, and what a client tells its app when it ends one itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {} {detail}", code.text())]
pub struct CloseReason {
    /// Which catalogued error.
    pub code: ErrorCode,
    /// What exactly, in English, without secrets; may be empty.
    pub detail: String,
    /// Overrides the pause that goes with the code.
    pub retry_after_ms: Option<u32>,
    /// Addresses to go to instead.
    pub alternatives: Vec<String>,
}

impl CloseReason {
    /// A reason that says what exactly was wrong.
    #[must_use]
    pub fn because(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), retry_after_ms: None, alternatives: Vec::new() }
    }

    /// What the other side should do.
    #[must_use]
    pub fn advice(&self) -> Advice {
        let mut advice = advice(self.code);
        if let Some(ms) = self.retry_after_ms {
            advice.retry_after_ms = ms;
        }
        let comes_back = matches!(advice.reconnect, Reconnect::Now | Reconnect::After);
        if comes_back && !self.alternatives.is_empty() {
            advice.reconnect = Reconnect::Elsewhere;
        }
        // Whoever is given a time may come back: also a session that its own device replaced.
        let may_wait = comes_back || self.code == ErrorCode::Replaced;
        if may_wait && advice.reconnect != Reconnect::Elsewhere && advice.retry_after_ms > 0 {
            advice.reconnect = Reconnect::After;
        }
        advice
    }

    /// The frame's content.
    #[must_use]
    pub fn to_close(&self) -> v1::Close {
        let Advice { reconnect, retry_after_ms } = self.advice();
        v1::Close {
            code: u32::from(self.code.number()),
            detail: self.detail.clone(),
            retry_after_ms,
            reconnect: reconnect.into(),
            alternatives: self.alternatives.clone(),
        }
    }
}

impl From<CodecError> for CloseReason {
    fn from(error: CodecError) -> Self {
        Self::because(error.code(), error.to_string())
    }
}

impl From<Malformed> for CloseReason {
    fn from(error: Malformed) -> Self {
        Self::because(ErrorCode::BadFrame, error.to_string())
    }
}

impl From<prost::DecodeError> for CloseReason {
    fn from(error: prost::DecodeError) -> Self {
        Self::because(ErrorCode::BadFrame, error.to_string())
    }
}

impl From<Refusal> for CloseReason {
    fn from(refusal: Refusal) -> Self {
        let Refusal { code, detail, retry_after_ms } = refusal;
        Self { code, detail, retry_after_ms, alternatives: Vec::new() }
    }
}

/// The catalogued error a received `Close` names, if this version knows it.
#[must_use]
pub fn code_of(close: &v1::Close) -> Option<ErrorCode> {
    u16::try_from(close.code).ok().and_then(ErrorCode::from_number)
}

/// What a received `Close` advises. Advice this version does not know means: come back after a pause.
#[must_use]
pub fn advice_of(close: &v1::Close) -> Advice {
    match Reconnect::try_from(close.reconnect) {
        Ok(reconnect) => Advice { reconnect, retry_after_ms: close.retry_after_ms },
        Err(_) => Advice::after(close.retry_after_ms.max(FAULT_PAUSE_MS)),
    }
}
