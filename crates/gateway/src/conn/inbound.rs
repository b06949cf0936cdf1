//! The only place that reads a transport: bytes → frames → requests.

use std::{
    io,
    task::{Context, Poll, ready},
};

use anser_proto::close::CloseReason;
use anser_proto::codec::FrameDecoder;
use anser_proto::session::server::{Request, ServerSession};
use anser_types::ErrorCode;
use tokio::time::Instant;

use super::actor::Stop;
use super::transport::{Incoming, Received};

/// What has been read and not yet understood.
#[derive(Debug)]
pub(super) struct Inbound {
    decoder: FrameDecoder,
    heard_at: Instant,
    /// What was handed over last ends with a frame.
    ends_with_frame: bool,
}

impl Inbound {
    /// The start of a stream, for frames of at most `frame_limit` bytes.
    pub(super) fn new(frame_limit: usize, now: Instant) -> Self {
        Self { decoder: FrameDecoder::new(frame_limit), heard_at: now, ends_with_frame: false }
    }

    /// Allows larger frames once the client is known.
    pub(super) fn set_frame_limit(&mut self, bytes: usize, transport: &mut impl Incoming) {
        self.decoder.set_max(bytes);
        transport.allow_frames(bytes);
    }

    /// When the other side last gave a sign of life.
    pub(super) const fn heard_at(&self) -> Instant {
        self.heard_at
    }

    /// Counts something else as a sign of life.
    pub(super) const fn note_life(&mut self, now: Instant) {
        self.heard_at = now;
    }

    /// The next request, or waits for bytes. Reads no more than is needed.
    pub(super) fn poll_request(
        &mut self,
        cx: &mut Context<'_>,
        transport: &mut impl Incoming,
        wire: &mut ServerSession,
    ) -> Poll<Result<Request, Stop>> {
        loop {
            if let Some(frame) = self.decoder.next().map_err(CloseReason::from)? {
                return Poll::Ready(wire.receive(&frame).map_err(Stop::Close));
            }
            if self.ends_with_frame && self.decoder.pending_bytes() > 0 {
                let detail = "a message ends within a frame";
                return Poll::Ready(Err(CloseReason::because(ErrorCode::BadFrame, detail).into()));
            }
            let decoder = &mut self.decoder;
            match ready!(transport.poll_receive(cx, &mut |bytes| decoder.push(bytes))) {
                Ok(received @ (Received::Bytes | Received::Message)) => {
                    self.ends_with_frame = received == Received::Message;
                    self.heard_at = Instant::now();
                }
                Ok(Received::Broken(code)) => {
                    return Poll::Ready(Err(Stop::Close(CloseReason::because(code, ""))));
                }
                Ok(Received::End) | Err(_) => return Poll::Ready(Err(Stop::Gone)),
            }
        }
    }

    /// Throws away what still comes until the other side ends too: closing a socket with unread bytes would reset it
    /// and could take our last frame with it.
    pub(super) fn poll_discard(
        &mut self,
        cx: &mut Context<'_>,
        transport: &mut impl Incoming,
    ) -> Poll<io::Result<()>> {
        loop {
            match ready!(transport.poll_receive(cx, &mut |_| ()))? {
                Received::Bytes | Received::Message => {}
                Received::End | Received::Broken(_) => return Poll::Ready(Ok(())),
            }
        }
    }
}
