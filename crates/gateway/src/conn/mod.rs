//! One connection: its transport, its phases, and the actor that lives as long as it does.
//!
//! | file | what |
//! |---|---|
//! | `greeting` | Hello and Welcome |
//! | `actor` | the loop of an open session: hear, answer, deliver, speak |
//! | `inbound` / `outbound` | the only reader and the only writer of a transport |
//! | `lane` | commands, in order |
//! | `asking` | queries, a few at once |
//! | `delivery` | where the session stands in its inbox (pure) |
//! | `following` | channels: what is followed, and what comes of it |
//! | `pushing` | carries out what `delivery` decides |
//! | `alarm` | the one timer |
//!
//! Everything here runs on any tokio runtime with its time paused and on any [`Transport`]: no wall clock, no
//! blocking, no operating system.

mod actor;
mod alarm;
mod asking;
mod delivery;
mod following;
mod greeting;
mod inbound;
mod lane;
mod outbound;
mod pushing;
mod quic;
mod settings;
mod transport;
mod websocket;

pub use actor::Farewell;
pub use greeting::run;
pub(crate) use greeting::{refusal, refuse};
pub use quic::QuicTransport;
pub use settings::Settings;
pub use transport::{Incoming, Outgoing, Received, Stream, Transport};
pub use websocket::WebSocketTransport;
pub(crate) use websocket::accept as accept_websocket;
