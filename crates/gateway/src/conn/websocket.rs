//! A WebSocket as a transport: binary messages that hold one or more frames.
//!
//! The library's own async wrapper fixes the size of messages for the life of a socket. Here it changes: a stranger may
//! make the server hold a Hello and no more, whoever has signed in a frame of the largest size.

use std::{
    io::{self, Read, Write},
    pin::Pin,
    task::{Context, Poll, ready},
};

use anser_types::ErrorCode;
use anser_types::limits::HELLO_MAX_BYTES;
use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{
    CloseFrame, Role, WebSocketConfig, WebSocketContext,
};
use tokio_tungstenite::tungstenite::{self, Message};

use super::transport::{Incoming, Outgoing, Received};

/// Bytes a WebSocket reads at a time; the library's default costs 128 KiB per connection.
const READ_BUFFER_BYTES: usize = 4096;
/// Bytes of a message before Hello was accepted: a Hello of the largest size and its length.
const HELLO_MESSAGE_MAX_BYTES: usize = HELLO_MAX_BYTES + 16;
/// Bytes of a message beyond a frame of the largest size: its length, and some small frames beside it.
const BESIDE_A_FRAME_BYTES: usize = 4096;
/// Bytes the library may hold for writing; the actor hands over one message at a time and keeps the budget itself.
const WRITE_MAX_BYTES: usize = 4 * 1024 * 1024;
/// Bytes thrown away at a time once nothing is understood any more.
const DISCARD_BYTES: usize = 1024;

/// The server's end of a WebSocket whose handshake is done.
#[derive(Debug)]
pub struct WebSocketTransport<S> {
    stream: S,
    protocol: WebSocketContext,
    /// The last message waits in the library because the stream took no more.
    unsent: bool,
    said_close: bool,
    /// The other side has said Close: the answer, which the library has prepared, is sent before this is the end.
    answering_close: bool,
    /// Why it ends, as WebSockets say it (RFC 6455, section 7.4); what the protocol has to say goes in its own Close.
    ending: CloseCode,
    /// The other side broke a rule of WebSockets: what still comes is not looked at.
    broken: bool,
}

impl<S> WebSocketTransport<S> {
    /// Speaks frames on this stream.
    #[must_use]
    pub fn new(stream: S) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(WRITE_MAX_BYTES)
            .max_message_size(Some(HELLO_MESSAGE_MAX_BYTES))
            .max_frame_size(Some(HELLO_MESSAGE_MAX_BYTES));
        let protocol = WebSocketContext::new(Role::Server, Some(config));
        Self {
            stream,
            protocol,
            unsent: false,
            said_close: false,
            answering_close: false,
            ending: CloseCode::Normal,
            broken: false,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocketTransport<S> {
    /// What the library says, with its "would block" as waiting: the stream then wakes this task.
    fn poll_protocol<T>(
        &mut self,
        cx: &mut Context<'_>,
        act: impl FnOnce(&mut WebSocketContext, &mut Blocking<'_, '_, S>) -> Result<T, Error>,
    ) -> Poll<Result<T, Error>> {
        match act(&mut self.protocol, &mut Blocking { stream: &mut self.stream, cx }) {
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            done => Poll::Ready(done),
        }
    }

    /// The end, once the answer to a Close is on its way, or cannot be.
    fn poll_answer_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Received>> {
        let sent = ready!(self.poll_protocol(cx, |protocol, stream| protocol.flush(stream)));
        if let Err(error) = sent {
            tracing::trace!(%error, "a WebSocket ends");
        }
        Poll::Ready(Ok(Received::End))
    }

    fn poll_raw(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Received>> {
        let mut space = [0; DISCARD_BYTES];
        let mut buffer = ReadBuf::new(&mut space);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
        let ended = buffer.filled().is_empty();
        Poll::Ready(Ok(if ended { Received::End } else { Received::Bytes }))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Incoming for WebSocketTransport<S> {
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        take: &mut dyn FnMut(&[u8]),
    ) -> Poll<io::Result<Received>> {
        if self.broken {
            return self.poll_raw(cx);
        }
        if self.answering_close {
            return self.poll_answer_close(cx);
        }
        match ready!(self.poll_protocol(cx, |protocol, stream| protocol.read(stream))) {
            Ok(Message::Binary(bytes)) => {
                take(&bytes);
                Poll::Ready(Ok(Received::Message))
            }
            Ok(Message::Close(_)) => {
                self.answering_close = true;
                self.poll_answer_close(cx)
            }
            // The library answers pings by itself; both are signs of life.
            Ok(Message::Ping(_) | Message::Pong(_)) => Poll::Ready(Ok(Received::Bytes)),
            Ok(Message::Text(_) | Message::Frame(_)) => {
                self.ending = CloseCode::Unsupported;
                Poll::Ready(Ok(Received::Broken(ErrorCode::BadFrame)))
            }
            Err(error) => {
                self.ending = ending(&error);
                let received = broken_or_lost(error);
                self.broken = matches!(received, Ok(Received::Broken(_)));
                Poll::Ready(received)
            }
        }
    }

    fn allow_frames(&mut self, bytes: usize) {
        let message = Some(bytes + BESIDE_A_FRAME_BYTES);
        self.protocol.set_config(|config| {
            config.max_message_size = message;
            config.max_frame_size = message;
        });
    }
}

/// Tells a broken rule (worth a Close) from a lost connection.
fn broken_or_lost(error: Error) -> io::Result<Received> {
    match error {
        Error::Capacity(_) => Ok(Received::Broken(ErrorCode::FrameTooLarge)),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)
        | Error::ConnectionClosed
        | Error::AlreadyClosed => Ok(Received::End),
        Error::Protocol(_) | Error::Utf8(_) => Ok(Received::Broken(ErrorCode::BadFrame)),
        other => Err(io::Error::other(other)),
    }
}

/// The code that tells the other side which rule of WebSockets it broke.
const fn ending(error: &Error) -> CloseCode {
    match error {
        Error::Capacity(_) => CloseCode::Size,
        Error::Utf8(_) => CloseCode::Invalid,
        Error::Protocol(_) => CloseCode::Protocol,
        _ => CloseCode::Normal,
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Outgoing for WebSocketTransport<S> {
    fn poll_send(&mut self, cx: &mut Context<'_>, bytes: &mut BytesMut) -> Poll<io::Result<()>> {
        if self.unsent {
            ready!(self.poll_flush(cx))?;
        }
        let message = Message::Binary(bytes.split().freeze());
        // Once the library has a message, it sends it: what waits is waited for before the next one.
        match self.poll_protocol(cx, |protocol, stream| protocol.write(stream, message)) {
            Poll::Pending => self.unsent = true,
            Poll::Ready(written) => written.map_err(io::Error::other)?,
        }
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match ready!(self.poll_protocol(cx, |protocol, stream| protocol.flush(stream))) {
            // The last thing to be sent was sent.
            Ok(()) | Err(Error::ConnectionClosed) => self.unsent = false,
            Err(error) => return Poll::Ready(Err(io::Error::other(error))),
        }
        Poll::Ready(Ok(()))
    }

    fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.said_close {
            if self.unsent {
                ready!(self.poll_flush(cx))?;
            }
            self.said_close = true;
            let close = CloseFrame { code: self.ending, reason: "".into() };
            match self.poll_protocol(cx, |protocol, stream| protocol.close(stream, Some(close))) {
                Poll::Pending | Poll::Ready(Ok(()) | Err(Error::ConnectionClosed)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
            }
        }
        self.poll_flush(cx)
    }
}

/// An async stream as the library wants it: what has to wait "would block", and wakes the task later.
struct Blocking<'a, 'b, S> {
    stream: &'a mut S,
    cx: &'a mut Context<'b>,
}

fn or_would_block<T>(poll: Poll<io::Result<T>>) -> io::Result<T> {
    match poll {
        Poll::Ready(result) => result,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

impl<S: AsyncRead + Unpin> Read for Blocking<'_, '_, S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(into);
        or_would_block(Pin::new(&mut *self.stream).poll_read(self.cx, &mut buffer))?;
        Ok(buffer.filled().len())
    }
}

impl<S: AsyncWrite + Unpin> Write for Blocking<'_, '_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        or_would_block(Pin::new(&mut *self.stream).poll_write(self.cx, bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        or_would_block(Pin::new(&mut *self.stream).poll_flush(self.cx))
    }
}

/// The answer to a request for a WebSocket.
///
/// # Errors
/// Which rule of the handshake the request breaks.
pub(crate) fn accept<B, T>(
    request: &axum::http::Request<B>,
    body: impl FnOnce() -> T,
) -> Result<axum::http::Response<T>, Error> {
    tungstenite::handshake::server::create_response_with_body(request, body)
}
