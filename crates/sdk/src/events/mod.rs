//! What the app hears: one enum of events and the stream that carries it.
//!
//! Messages, changes and unavailable ranges are *kept*: they stay in the store until the app has confirmed them and
//! come again after a crash. Everything else tells of states that can be read at any time; when the app is too slow
//! for them, the oldest are dropped and [`Event::Lagged`] says so.

mod event;
mod queue;
mod stream;

pub use event::Event;
pub use stream::{Delivery, Events};

pub(crate) use queue::EventQueue;
