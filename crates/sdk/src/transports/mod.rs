//! Transports: how a session's bytes travel. Each opens a [`Link`], a reader and a writer of the same byte stream;
//! nothing here knows what the bytes mean.

mod dialer;
mod link;
mod quic;
mod race;
mod web_socket;

pub use dialer::Dialer;
pub use link::{Link, LinkReader, LinkWriter, refusal_in};
