//! A WebSocket as a transport: binary messages that hold one or more frames.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use anser_types::ErrorCode;
use anser_types::limits::FRAME_MAX_BYTES;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use bytes::BytesMut;
use futures::{Sink, Stream};
use tokio_tungstenite::tungstenite::{self, error::ProtocolError};

use super::transport::{Incoming, Outgoing, Received};

/// Bytes a WebSocket reads at a time; the library's default costs 128 KiB per connection.
const READ_BUFFER_BYTES: usize = 4096;
/// Bytes of one message: a frame of the largest size with its length, and some small ones beside it.
const MESSAGE_MAX_BYTES: usize = FRAME_MAX_BYTES + 4096;
/// Bytes the library may hold for writing; the actor hands over one message at a time and keeps the budget itself.
const WRITE_MAX_BYTES: usize = 4 * 1024 * 1024;

/// An upgrade with buffers small enough for many idle connections.
pub(crate) fn tuned(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_MAX_BYTES)
        .max_message_size(MESSAGE_MAX_BYTES)
        .max_frame_size(MESSAGE_MAX_BYTES)
}

/// A WebSocket that has been upgraded.
#[derive(Debug)]
pub struct WebSocketTransport {
    socket: WebSocket,
    said_close: bool,
}

impl WebSocketTransport {
    /// Speaks frames on this socket.
    #[must_use]
    pub const fn new(socket: WebSocket) -> Self {
        Self { socket, said_close: false }
    }

    fn sink(&mut self) -> Pin<&mut WebSocket> {
        Pin::new(&mut self.socket)
    }
}

impl Incoming for WebSocketTransport {
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        take: &mut dyn FnMut(&[u8]),
    ) -> Poll<io::Result<Received>> {
        Poll::Ready(match ready!(Pin::new(&mut self.socket).poll_next(cx)) {
            None | Some(Ok(Message::Close(_))) => Ok(Received::End),
            Some(Ok(Message::Binary(bytes))) => {
                take(&bytes);
                Ok(Received::Message)
            }
            // The library answers pings by itself; both are signs of life.
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(Received::Bytes),
            Some(Ok(Message::Text(_))) => Ok(Received::Broken(ErrorCode::BadFrame)),
            Some(Err(error)) => broken_or_lost(error),
        })
    }
}

/// Tells a broken rule (worth a Close) from a lost connection.
fn broken_or_lost(error: axum::Error) -> io::Result<Received> {
    match error.into_inner().downcast::<tungstenite::Error>() {
        Ok(error) => match *error {
            tungstenite::Error::Capacity(_) => Ok(Received::Broken(ErrorCode::FrameTooLarge)),
            tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)
            | tungstenite::Error::ConnectionClosed
            | tungstenite::Error::AlreadyClosed => Ok(Received::End),
            tungstenite::Error::Protocol(_) | tungstenite::Error::Utf8(_) => {
                Ok(Received::Broken(ErrorCode::BadFrame))
            }
            other => Err(io::Error::other(other)),
        },
        Err(other) => Err(io::Error::other(other)),
    }
}

impl Outgoing for WebSocketTransport {
    fn poll_send(&mut self, cx: &mut Context<'_>, bytes: &mut BytesMut) -> Poll<io::Result<()>> {
        ready!(self.sink().poll_ready(cx)).map_err(io::Error::other)?;
        let message = Message::Binary(bytes.split().freeze());
        Poll::Ready(self.sink().start_send(message).map_err(io::Error::other))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Sink::poll_flush(self.sink(), cx).map_err(io::Error::other)
    }

    fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.said_close {
            ready!(self.sink().poll_ready(cx)).map_err(io::Error::other)?;
            let close =
                Message::Close(Some(CloseFrame { code: close_code::NORMAL, reason: "".into() }));
            self.sink().start_send(close).map_err(io::Error::other)?;
            self.said_close = true;
        }
        self.poll_flush(cx)
    }
}
