//! One open connection: a half that reads and a half that writes, whatever the transport.

use std::io;

use anser_trust::refused_certificate;
use anser_types::Refusal;
use bytes::{Bytes, BytesMut};
use quinn::{RecvStream, SendStream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::quic;
use super::web_socket::{WebSocketReader, WebSocketWriter};

/// Bytes asked for by one read; a page of messages comes in a few of them.
const READ_BYTES: usize = 16 * 1024;

/// An open connection.
#[derive(Debug)]
pub struct Link {
    /// The half that reads.
    pub reader: LinkReader,
    /// The half that writes.
    pub writer: LinkWriter,
}

impl Link {
    /// A link over any byte stream.
    pub(super) fn over_stream<S>(stream: S) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (reader, writer) = tokio::io::split(stream);
        Self {
            reader: LinkReader(Reading::Stream(Box::new(reader), BytesMut::new())),
            writer: LinkWriter(Writing::Stream(Box::new(writer))),
        }
    }

    /// A link over the one stream of a QUIC connection, which ends with it.
    pub(super) fn over_quic(receive: RecvStream, send: SendStream) -> Self {
        Self {
            reader: LinkReader(Reading::Stream(Box::new(receive), BytesMut::new())),
            writer: LinkWriter(Writing::Quic(send)),
        }
    }

    pub(super) const fn over_web_socket(reader: WebSocketReader, writer: WebSocketWriter) -> Self {
        Self {
            reader: LinkReader(Reading::WebSocket(reader)),
            writer: LinkWriter(Writing::WebSocket(writer)),
        }
    }
}

/// Whether a link ended because the server does not accept this client's certificate. In TLS 1.3 a client has finished
/// its handshake before the server has looked at the certificate.
#[must_use]
pub fn refusal_in(error: &io::Error) -> Option<Refusal> {
    refused_certificate(error).or_else(|| quic::refusal_in(error))
}

enum Reading {
    Stream(Box<dyn AsyncRead + Send + Unpin>, BytesMut),
    WebSocket(WebSocketReader),
}

enum Writing {
    Stream(Box<dyn AsyncWrite + Send + Unpin>),
    Quic(SendStream),
    WebSocket(WebSocketWriter),
}

/// Reads a link.
pub struct LinkReader(Reading);

impl LinkReader {
    /// The next bytes as they come; `None` at the end. Cancelling it loses nothing.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn read(&mut self) -> io::Result<Option<Bytes>> {
        match &mut self.0 {
            Reading::Stream(stream, buffer) => {
                buffer.reserve(READ_BYTES);
                let read = stream.read_buf(buffer).await?;
                Ok((read > 0).then(|| buffer.split().freeze()))
            }
            Reading::WebSocket(socket) => socket.read().await,
        }
    }
}

impl std::fmt::Debug for LinkReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkReader")
    }
}

/// Writes a link.
pub struct LinkWriter(Writing);

impl LinkWriter {
    /// Hands whole frames to the network.
    ///
    /// # Errors
    /// The connection broke; how much of the bytes arrived is not known.
    pub async fn write(&mut self, frames: Bytes) -> io::Result<()> {
        match &mut self.0 {
            Writing::Stream(stream) => {
                stream.write_all(&frames).await?;
                stream.flush().await
            }
            Writing::Quic(stream) => Ok(stream.write_chunk(frames).await?),
            Writing::WebSocket(socket) => socket.write(frames).await,
        }
    }

    /// Says goodbye: everything written before is sent first. Errors do not matter any more.
    pub async fn close(&mut self) {
        let closed = match &mut self.0 {
            Writing::Stream(stream) => stream.shutdown().await,
            Writing::Quic(stream) => leave(stream).await,
            Writing::WebSocket(socket) => socket.close().await,
        };
        if let Err(error) = closed {
            tracing::debug!(%error, "the connection was already gone when it was closed");
        }
    }
}

/// The end of a QUIC connection throws away what is on its way: it must have arrived before.
async fn leave(stream: &mut SendStream) -> io::Result<()> {
    stream.finish()?;
    stream.stopped().await?;
    Ok(())
}

impl std::fmt::Debug for LinkWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkWriter")
    }
}
