//! What a network does to frames: nothing, or one of its faults, by seed.

use std::time::Duration;

use anser_proto::v1::{self, client_frame, server_frame};
use bytes::Bytes;
use prost::Message;
use rand::RngExt;
use rand::rngs::SmallRng;

/// The six packets of a message, and everything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet {
    /// msg:R, a command.
    MessageRequest,
    /// msg:A, its answer.
    MessageAck,
    /// msg:N, entries for an inbox.
    MessageNotify,
    /// ack:R, an inbox position.
    AckRequest,
    /// ack:A, its answer.
    AckAck,
    /// ack:N, the sender's notice (a signal).
    AckNotify,
    Other,
}

impl Packet {
    /// What a frame of the client is.
    pub fn of_client(frame: &Bytes) -> Self {
        match v1::ClientFrame::decode(frame.clone()).ok().and_then(|frame| frame.frame) {
            Some(client_frame::Frame::Command(_)) => Self::MessageRequest,
            Some(client_frame::Frame::Ack(_)) => Self::AckRequest,
            _ => Self::Other,
        }
    }

    /// What a frame of the server is.
    pub fn of_server(frame: &Bytes) -> Self {
        match v1::ServerFrame::decode(frame.clone()).ok().and_then(|frame| frame.frame) {
            Some(server_frame::Frame::CommandAck(_)) => Self::MessageAck,
            Some(server_frame::Frame::EventBatch(_)) => Self::MessageNotify,
            Some(server_frame::Frame::AckOk(_)) => Self::AckAck,
            Some(server_frame::Frame::Signal(_)) => Self::AckNotify,
            _ => Self::Other,
        }
    }
}

/// What happens to one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Pass,
    /// Passed on later; what follows waits behind it.
    Delay(Duration),
    /// Passed on byte by byte in small pieces, this many bytes a second.
    Throttle(u32),
    /// So many of its bytes are passed on, then the connection ends (0: none of it).
    Cut(usize),
    /// Nothing is passed on from here in this direction, and nobody is told.
    Stall,
    /// Both ends get a reset.
    Reset,
    /// It comes twice.
    Duplicate,
}

/// How often something happens to a frame, of 1,000.
#[derive(Clone, Copy, Debug)]
pub struct Climate {
    pub faults: u32,
    /// The longest delay.
    pub delay: Duration,
}

impl Climate {
    pub const CALM: Self = Self { faults: 0, delay: Duration::ZERO };

    /// What happens to the next frame, of so many bytes.
    pub fn next(self, random: &mut SmallRng, bytes: usize) -> Deed {
        if random.random_range(0..1_000) >= self.faults {
            return Deed::Pass;
        }
        match random.random_range(0..10) {
            0..3 => Deed::Delay(self.delay.mul_f64(random.random_range(0.0..1.0))),
            3 => Deed::Throttle(random.random_range(500..20_000)),
            4 | 5 => Deed::Cut(random.random_range(0..=bytes)),
            6 => Deed::Reset,
            7 => Deed::Stall,
            _ => Deed::Duplicate,
        }
    }
}
