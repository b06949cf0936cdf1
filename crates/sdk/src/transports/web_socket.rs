//! WebSocket: each binary message holds one or more whole frames, so the messages' bytes form the same stream as on TCP.

use std::io;

use bytes::Bytes;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WebSocketError, Message};

use anser_types::limits::FRAME_MAX_BYTES;

use super::link::Link;
use crate::endpoint::{Endpoint, WEB_SOCKET_PATH};

/// A byte stream below a WebSocket.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Upgrades an open stream to a WebSocket session at the endpoint's path.
pub(super) async fn upgrade(
    stream: Box<dyn Stream>,
    endpoint: &Endpoint,
) -> Result<Link, WebSocketError> {
    let scheme = if endpoint.scheme.is_encrypted() { "wss" } else { "ws" };
    let url = format!("{scheme}://{}{WEB_SOCKET_PATH}", endpoint.authority());
    // A message may hold several frames; the server flushes at the latest when a page and a frame are together.
    let config = WebSocketConfig::default()
        .read_buffer_size(4096)
        .write_buffer_size(0)
        .max_message_size(Some(4 * FRAME_MAX_BYTES))
        .max_frame_size(Some(4 * FRAME_MAX_BYTES));
    let request = url.into_client_request()?;
    let (socket, _) =
        tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await?;
    let (writer, reader) = socket.split();
    Ok(Link::over_web_socket(WebSocketReader(reader), WebSocketWriter(writer)))
}

/// The half that reads.
pub(super) struct WebSocketReader(SplitStream<WebSocketStream<Box<dyn Stream>>>);

impl WebSocketReader {
    pub(super) async fn read(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            match self.0.next().await {
                None | Some(Err(WebSocketError::ConnectionClosed)) => return Ok(None),
                Some(Err(error)) => return Err(io::Error::other(error)),
                Some(Ok(Message::Binary(bytes))) if !bytes.is_empty() => return Ok(Some(bytes)),
                Some(Ok(Message::Close(_))) => return Ok(None),
                Some(Ok(Message::Text(_))) => {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "the server sent a text message; Anser speaks binary ones",
                    ));
                }
                // Pings are answered by the library; the protocol has its own heartbeat.
                Some(Ok(
                    Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_),
                )) => {}
            }
        }
    }
}

/// The half that writes.
pub(super) struct WebSocketWriter(SplitSink<WebSocketStream<Box<dyn Stream>>, Message>);

impl WebSocketWriter {
    pub(super) async fn write(&mut self, frames: Bytes) -> io::Result<()> {
        self.0.send(Message::Binary(frames)).await.map_err(io::Error::other)
    }

    pub(super) async fn close(&mut self) -> io::Result<()> {
        self.0.close().await.map_err(io::Error::other)
    }
}
