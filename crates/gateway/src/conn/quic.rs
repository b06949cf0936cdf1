//! Sessions over QUIC: the same actor on the one stream of a connection.

use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use quinn::{Connection, RecvStream, SendStream, StoppedError, VarInt};
use tokio::io::Join;

use super::transport::{Incoming, Outgoing, Received, Stream};
use crate::quic::SESSION_WINDOW;

type Stopped = Pin<Box<dyn Future<Output = Result<Option<VarInt>, StoppedError>> + Send>>;

/// How far the end of our stream has come.
enum Ending {
    /// Not begun.
    Open,
    /// The other side has not acknowledged everything.
    Leaving(Stopped),
    /// It has, or wants nothing more.
    Over,
}

/// The stream of a QUIC connection. Dropping it closes the connection.
pub struct QuicTransport {
    connection: Connection,
    stream: Stream<Join<RecvStream, SendStream>>,
    ending: Ending,
}

impl QuicTransport {
    /// A session on this stream of this connection.
    #[must_use]
    pub fn new(connection: Connection, send: SendStream, receive: RecvStream) -> Self {
        let stream = Stream(tokio::io::join(receive, send));
        Self { connection, stream, ending: Ending::Open }
    }
}

impl fmt::Debug for QuicTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuicTransport")
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

impl Incoming for QuicTransport {
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        take: &mut dyn FnMut(&[u8]),
    ) -> Poll<io::Result<Received>> {
        Incoming::poll_receive(&mut self.stream, cx, take)
    }

    fn allow_frames(&mut self, _bytes: usize) {
        self.connection.set_receive_window(SESSION_WINDOW);
    }
}

impl Outgoing for QuicTransport {
    fn poll_send(&mut self, cx: &mut Context<'_>, bytes: &mut BytesMut) -> Poll<io::Result<()>> {
        Outgoing::poll_send(&mut self.stream, cx, bytes)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Outgoing::poll_flush(&mut self.stream, cx)
    }

    /// Waits until everything has arrived: the end of a QUIC connection throws away what is still on its way.
    fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            match &mut self.ending {
                Ending::Open => {
                    let send = self.stream.0.writer_mut();
                    if send.finish().is_err() {
                        // The other side has said that it reads no more.
                        self.ending = Ending::Over;
                    } else {
                        self.ending = Ending::Leaving(Box::pin(send.stopped()));
                    }
                }
                Ending::Leaving(stopped) => {
                    let end = ready!(stopped.as_mut().poll(cx));
                    self.ending = Ending::Over;
                    end?;
                }
                Ending::Over => return Poll::Ready(Ok(())),
            }
        }
    }
}
