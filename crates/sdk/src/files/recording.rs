//! A source that grows while it is sent: a voice being recorded.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use anser_types::{ErrorCode, Refusal};
use bytes::Bytes;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::mpsc;

/// Bytes handed over at a time.
const CHUNK_BYTES: usize = 64 * 1024;
/// Chunks that wait to be sent: 4 MiB at the most, half an hour of a voice. A full queue makes [`Recording::write`] wait.
const CHUNKS: usize = 64;

enum Chunk {
    Bytes(Bytes),
    End,
}

/// The end of a growing source into which its bytes go. Dropping it without [`finish`](Self::finish) ends the upload as
/// failed (`FILE_INCOMPLETE`).
#[derive(Debug)]
pub struct Recording(mpsc::Sender<Chunk>);

impl Recording {
    /// Makes both ends.
    pub(super) fn new() -> (Self, RecordingReader) {
        let (chunks, queue) = mpsc::channel(CHUNKS);
        (Self(chunks), RecordingReader { queue, rest: Bytes::new(), ended: false })
    }

    /// Adds bytes. Waits while 4 MiB wait to be sent.
    ///
    /// # Errors
    /// `FILE_INCOMPLETE` when the upload has ended; its state says why.
    pub async fn write(&mut self, bytes: impl Into<Bytes>) -> Result<(), Refusal> {
        let mut bytes: Bytes = bytes.into();
        while !bytes.is_empty() {
            let chunk = bytes.split_to(bytes.len().min(CHUNK_BYTES));
            self.0.send(Chunk::Bytes(chunk)).await.map_err(|_| ended())?;
        }
        Ok(())
    }

    /// Says that this was all.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn finish(self) -> Result<(), Refusal> {
        self.0.send(Chunk::End).await.map_err(|_| ended())
    }
}

fn ended() -> Refusal {
    Refusal::because(ErrorCode::FileIncomplete, "the upload has ended")
}

/// The other end.
pub(super) struct RecordingReader {
    queue: mpsc::Receiver<Chunk>,
    rest: Bytes,
    ended: bool,
}

impl AsyncRead for RecordingReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.rest.is_empty() && !self.ended {
            match ready!(self.queue.poll_recv(context)) {
                Some(Chunk::Bytes(bytes)) => self.rest = bytes,
                Some(Chunk::End) => self.ended = true,
                None => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            }
        }
        let taken = self.rest.len().min(into.remaining());
        into.put_slice(&self.rest.split_to(taken));
        Poll::Ready(Ok(()))
    }
}
