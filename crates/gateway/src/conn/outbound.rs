//! The only place that writes a transport: one buffer with a byte budget, written in as few calls as possible.

use std::{
    io,
    task::{Context, Poll},
};

use bytes::BytesMut;

use super::transport::Outgoing;

/// A buffer that grew beyond this is given back as soon as it is empty, a smaller one when the connection rests.
const KEEP_BYTES: usize = 4 * 1024;

/// What waits to be written.
#[derive(Debug)]
pub(super) struct Outbound {
    /// Whole frames, except that the first may be written in part.
    pub(super) frames: BytesMut,
    budget: usize,
    /// The transport took nothing the last time.
    blocked: bool,
    /// The transport may hold bytes of its own.
    unflushed: bool,
}

/// What a writing step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrote {
    /// Nothing could or had to be done.
    Nothing,
    /// Bytes went out.
    Some,
    /// Bytes went out that had been stuck: the other side has read, which is a sign of life.
    Unblocked,
}

impl Outbound {
    pub(super) fn new(budget: usize) -> Self {
        Self { frames: BytesMut::new(), budget, blocked: false, unflushed: false }
    }

    /// Whether more may be added by choice (pushes, pages, signals). Answers are always added: their number is
    /// bounded, because nothing more is read while the budget is spent.
    pub(super) fn has_room(&self) -> bool {
        self.frames.len() < self.budget
    }

    /// Whether everything has reached the transport.
    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty() && !self.unflushed
    }

    /// Writes what it can without waiting.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        transport: &mut impl Outgoing,
    ) -> io::Result<Wrote> {
        let mut wrote = Wrote::Nothing;
        while !self.frames.is_empty() {
            match transport.poll_send(cx, &mut self.frames) {
                Poll::Ready(result) => result?,
                Poll::Pending => {
                    self.blocked = true;
                    return Ok(wrote);
                }
            }
            self.unflushed = true;
            wrote = if self.blocked { Wrote::Unblocked } else { wrote.max_some() };
            self.blocked = false;
        }
        if self.unflushed && transport.poll_flush(cx)?.is_ready() {
            self.unflushed = false;
        }
        if self.frames.capacity() > KEEP_BYTES {
            self.shrink();
        }
        Ok(wrote)
    }

    /// Gives back the buffer's memory if it is empty.
    pub(super) fn shrink(&mut self) {
        if self.frames.is_empty() {
            self.frames = BytesMut::new();
        }
    }

    /// Writes everything and ends the transport's writing side.
    pub(super) fn poll_finish(
        &mut self,
        cx: &mut Context<'_>,
        transport: &mut impl Outgoing,
    ) -> Poll<io::Result<()>> {
        self.poll_write(cx, transport)?;
        if self.is_empty() { transport.poll_finish(cx) } else { Poll::Pending }
    }
}

impl Wrote {
    const fn max_some(self) -> Self {
        match self {
            Self::Nothing => Self::Some,
            other => other,
        }
    }
}
