//! A source that grows while it is sent: a voice being recorded.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use anser_types::{ErrorCode, Refusal};
use tokio::io::{AsyncRead, AsyncWriteExt, DuplexStream, ReadBuf};

/// Bytes that wait to be sent, half an hour of a voice; with more of them [`Recording::write`] waits.
const WAITING_BYTES: usize = 4 << 20;

/// The end of a growing source into which its bytes go. Dropping it without [`finish`](Self::finish) ends the upload as
/// failed (`FILE_INCOMPLETE`).
#[derive(Debug)]
pub struct Recording {
    pipe: DuplexStream,
    finished: Arc<AtomicBool>,
}

impl Recording {
    /// Makes both ends.
    pub(super) fn new() -> (Self, RecordingReader) {
        let (near, far) = tokio::io::duplex(WAITING_BYTES);
        let finished = Arc::new(AtomicBool::new(false));
        let reader = RecordingReader { pipe: far, finished: Arc::clone(&finished) };
        (Self { pipe: near, finished }, reader)
    }

    /// Adds bytes. Waits while 4 MiB wait to be sent; so much may be recorded while there is no connection.
    ///
    /// # Errors
    /// `FILE_INCOMPLETE` when the upload has ended; its state says why.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), Refusal> {
        self.pipe.write_all(bytes.as_ref()).await.map_err(|_| ended())
    }

    /// Says that this was all.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn finish(mut self) -> Result<(), Refusal> {
        self.finished.store(true, Ordering::Release);
        self.pipe.shutdown().await.map_err(|_| ended())
    }
}

fn ended() -> Refusal {
    Refusal::because(ErrorCode::FileIncomplete, "the upload has ended")
}

/// The other end.
pub(super) struct RecordingReader {
    pipe: DuplexStream,
    finished: Arc<AtomicBool>,
}

impl AsyncRead for RecordingReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.pipe).poll_read(context, into))?;
        let at_end = into.filled().len() == before && into.remaining() > 0;
        if at_end && !self.finished.load(Ordering::Acquire) {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        Poll::Ready(Ok(()))
    }
}
