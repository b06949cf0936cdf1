//! What the actor needs of a transport: two small traits, and sockets as one implementation.
//!
//! Only `inbound.rs` calls [`Incoming`] and only `outbound.rs` calls [`Outgoing`]. The simulator brings its own
//! implementation, WebSockets theirs (`websocket.rs`).

use std::{
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
};

use anser_types::ErrorCode;
use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes taken from a socket at a time. They stand on the stack only while the socket is read: an idle connection
/// holds no read buffer.
const READ_BYTES: usize = 16 * 1024;

/// What a look at a transport gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// Bytes were handed over, or at least a sign of life.
    Bytes,
    /// A message of whole frames was handed over: what is left over at its end is no frame.
    Message,
    /// The other side will send nothing more.
    End,
    /// The other side broke a rule of the transport itself.
    Broken(ErrorCode),
}

/// The reading half.
pub trait Incoming {
    /// Hands the next bytes to `take`, each of them once and in order, or waits for some.
    ///
    /// # Errors
    /// The connection is lost.
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        take: &mut dyn FnMut(&[u8]),
    ) -> Poll<io::Result<Received>>;

    /// The session is open: frames of this size may come. A transport that gathers whole messages by itself holds
    /// them to a Hello's size before; one that hands over bytes as they come has nothing to do.
    fn allow_frames(&mut self, _bytes: usize) {}
}

/// The writing half.
pub trait Outgoing {
    /// Takes some bytes from the front of `bytes` (whole frames as they were encoded), or waits until it can.
    ///
    /// # Errors
    /// The connection is lost.
    fn poll_send(&mut self, cx: &mut Context<'_>, bytes: &mut BytesMut) -> Poll<io::Result<()>>;

    /// Passes on what the transport itself still holds.
    ///
    /// # Errors
    /// The connection is lost.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Says that nothing more follows.
    ///
    /// # Errors
    /// The connection is lost.
    fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// Both halves.
pub trait Transport: Incoming + Outgoing + Send {}

impl<T: Incoming + Outgoing + Send> Transport for T {}

/// Any byte stream of tokio: TCP, TLS, an in-memory duplex.
#[derive(Debug)]
pub struct Stream<S>(pub S);

impl<S: AsyncRead + Unpin> Incoming for Stream<S> {
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        take: &mut dyn FnMut(&[u8]),
    ) -> Poll<io::Result<Received>> {
        let mut space = [MaybeUninit::<u8>::uninit(); READ_BYTES];
        let mut buffer = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut self.0).poll_read(cx, &mut buffer))?;
        if buffer.filled().is_empty() {
            return Poll::Ready(Ok(Received::End));
        }
        take(buffer.filled());
        Poll::Ready(Ok(Received::Bytes))
    }
}

impl<S: AsyncWrite + Unpin> Outgoing for Stream<S> {
    fn poll_send(&mut self, cx: &mut Context<'_>, bytes: &mut BytesMut) -> Poll<io::Result<()>> {
        let written = ready!(Pin::new(&mut self.0).poll_write(cx, bytes))?;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        bytes.advance(written);
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
