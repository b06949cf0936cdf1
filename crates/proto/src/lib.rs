//! The wire protocol: generated messages, frame codec and both session halves, without I/O.
//!
//! Knows no socket, no clock and no store. Wire values are turned into domain values by the gateway and by the client
//! core; only times, and values that stand in commands and events alike, are turned here. The normative text is
//! `docs/protocol.md`.
//!
//! One frame goes: bytes → [`codec::FrameDecoder`] → [`session::server::ServerSession`] (or
//! [`session::client::ClientSession`]) → a request (or what the server said); and back through the encoders of the same
//! session half.

pub mod close;
pub mod codec;
pub mod compression;
pub mod endpoint_list;
pub mod errors;
pub mod fields;
pub mod session;
pub mod time;
pub mod v1;
pub mod values;
pub mod version;
