//! Frames on a byte stream.
//!
//! Called by a [`Link`](super::Link) and the `pump`. Generic over the stream, so that a session
//! runs the same over QUIC, TLS over TCP or memory. Invariants: at most one frame and one read's
//! worth of bytes are held, whatever the peer sends; a frame that was begun is finished before
//! the next one, whoever was interrupted.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::CloseCode;
use crate::frame::{self, Frame, FrameError, HEADER_LEN};

/// Bytes asked of the stream at once.
const READ_LEN: usize = 16 * 1024;
/// Longest time for the peer to take [`WRITE_LEN`] bytes.
const STALL_MAX: Duration = Duration::from_secs(60);
/// Bytes written under one deadline.
const WRITE_LEN: usize = 64 * 1024;

/// Why no frame could be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The stream failed: the connection knows why.
    #[error("the stream failed")]
    Io(#[from] io::Error),
    /// Bytes that are no frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The stream ended within a frame.
    #[error("the stream ended within a frame")]
    Truncated,
    /// The peer takes nothing.
    #[error("the peer takes nothing")]
    Stalled,
}

impl LinkError {
    /// What to close the connection with; `None` when the stream itself is gone.
    pub fn close_code(&self) -> Option<CloseCode> {
        match self {
            Self::Io(_) => None,
            Self::Frame(FrameError::TooLong) => Some(CloseCode::TooLarge),
            Self::Frame(FrameError::Malformed { .. }) | Self::Truncated => Some(CloseCode::Protocol),
            // Keep-alives prove that the peer's machine lives, not that its program reads.
            Self::Stalled => Some(CloseCode::Timeout),
        }
    }
}

/// Pulls frames from a stream.
pub struct FrameReader<R> {
    stream: R,
    /// Read and not yet taken.
    buffer: Vec<u8>,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    /// Reads from `stream`.
    pub fn new(stream: R) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// The stream itself, for a conversation that is not in frames.
    pub fn stream(&mut self) -> &mut R {
        &mut self.stream
    }

    /// The next frame; `None` when the peer has finished. Frames of unknown types are skipped.
    ///
    /// May be dropped and called again: what was read so far is kept.
    ///
    /// # Errors
    /// After an error the reader is of no further use.
    pub async fn next(&mut self) -> Result<Option<Frame>, LinkError> {
        loop {
            if let Some(&head) = self.buffer.first_chunk::<HEADER_LEN>() {
                let header = frame::header(head)?;
                let len = HEADER_LEN + header.body_len;
                if let Some(body) = self.buffer.get(HEADER_LEN..len) {
                    let frame = frame::decode(header, body)?;
                    self.take(len);
                    match frame {
                        Some(frame) => return Ok(Some(frame)),
                        None => continue,
                    }
                }
                self.buffer.reserve((len - self.buffer.len()).min(READ_LEN));
            } else {
                self.buffer.reserve(READ_LEN);
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return if self.buffer.is_empty() { Ok(None) } else { Err(LinkError::Truncated) };
            }
        }
    }

    /// Forgets the first `len` bytes, and the memory of a long frame: thousands of connections
    /// wait at the hub with nothing to say.
    fn take(&mut self, len: usize) {
        self.buffer.drain(..len);
        if self.buffer.is_empty() && self.buffer.capacity() > READ_LEN {
            self.buffer = Vec::new();
        }
    }
}

/// Puts frames on a stream.
pub struct FrameWriter<W> {
    stream: W,
    /// The frame being written.
    frame: Vec<u8>,
    /// How much of it is.
    written: usize,
}

impl<W: AsyncWrite + Unpin> FrameWriter<W> {
    /// Writes to `stream`.
    pub fn new(stream: W) -> Self {
        Self { stream, frame: Vec::new(), written: 0 }
    }

    /// The stream itself, for a conversation that is not in frames.
    pub fn stream(&mut self) -> &mut W {
        &mut self.stream
    }

    /// Writes a frame: its bytes, header included. May be dropped and called again: a frame that
    /// was begun is finished first.
    ///
    /// # Errors
    /// After an error the writer is of no further use.
    pub async fn put(&mut self, frame: Vec<u8>) -> Result<(), LinkError> {
        self.finish().await?;
        self.frame = frame;
        self.finish().await
    }

    /// Lets what was written leave.
    ///
    /// # Errors
    /// As [`FrameWriter::put`].
    pub async fn flush(&mut self) -> Result<(), LinkError> {
        Ok(self.stream.flush().await?)
    }

    async fn finish(&mut self) -> Result<(), LinkError> {
        while self.written < self.frame.len() {
            let until = self.frame.len().min(self.written + WRITE_LEN);
            timeout(STALL_MAX, self.write_until(until)).await.map_err(|_| LinkError::Stalled)??;
        }
        (self.frame, self.written) = (Vec::new(), 0);
        Ok(())
    }

    async fn write_until(&mut self, until: usize) -> io::Result<()> {
        while self.written < until {
            match self.stream.write(&self.frame[self.written..until]).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                len => self.written += len,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::frame::BODY_LEN_MAX;

    fn offered() -> Vec<u8> {
        let mut bytes = Vec::new();
        frame::encode(&Frame::Offered, &mut bytes).unwrap();
        bytes
    }

    /// What a reader makes of these bytes: how many frames, then how it ended.
    async fn read_all(bytes: &[u8]) -> (usize, Result<(), LinkError>) {
        let mut reader = FrameReader::new(bytes);
        let mut frames = 0;
        loop {
            match reader.next().await {
                Ok(Some(_)) => frames += 1,
                Ok(None) => return (frames, Ok(())),
                Err(error) => return (frames, Err(error)),
            }
        }
    }

    #[tokio::test]
    async fn frames_of_unknown_types_are_skipped() {
        let bytes = [offered(), vec![0, 0, 2, 0x7f, 1, 2], offered()].concat();
        assert!(matches!(read_all(&bytes).await, (2, Ok(()))));
    }

    #[tokio::test]
    async fn a_stream_cut_within_a_frame_is_noticed() {
        let bytes = [offered(), vec![0, 0, 2, 0x7f, 1, 2]].concat();
        for len in 0..bytes.len() {
            let whole = len == 0 || len == offered().len();
            let (_, end) = read_all(&bytes[..len]).await;
            assert_eq!(end.is_ok(), whole, "cut at {len}");
        }
    }

    #[tokio::test]
    async fn lengths_are_checked_at_the_bound_before_the_body_is_read() {
        let head = |len: usize| {
            let [_, a, b, c] = (len as u32).to_be_bytes();
            vec![a, b, c, 0x7f]
        };
        let mut longest = head(BODY_LEN_MAX);
        longest.resize(HEADER_LEN + BODY_LEN_MAX, 0);
        assert!(matches!(read_all(&longest).await, (0, Ok(()))));
        let (_, end) = read_all(&head(BODY_LEN_MAX + 1)).await;
        assert_eq!(end.unwrap_err().close_code(), Some(CloseCode::TooLarge));
    }

    #[tokio::test]
    async fn a_dropped_read_loses_nothing() {
        let (mut ours, theirs) = tokio::io::duplex(64);
        let mut reader = FrameReader::new(theirs);
        let bytes = [vec![0, 0, 2, 0x7f, 1, 2], offered()].concat();
        for byte in &bytes[..bytes.len() - 1] {
            ours.write_all(&[*byte]).await.unwrap();
            tokio::select! {
                biased;
                read = reader.next() => panic!("{read:?} too early"),
                () = tokio::task::yield_now() => {}
            }
        }
        ours.write_all(&bytes[bytes.len() - 1..]).await.unwrap();
        assert_eq!(reader.next().await.unwrap(), Some(Frame::Offered));
    }

    #[tokio::test]
    async fn a_frame_whose_writing_was_dropped_is_finished_before_the_next() {
        let (ours, theirs) = tokio::io::duplex(3);
        let mut writer = FrameWriter::new(ours);
        let long = [vec![0, 0, 8, 0x7f], vec![1; 8]].concat();
        tokio::select! {
            biased;
            put = writer.put(long) => panic!("{put:?} without a reader"),
            () = tokio::task::yield_now() => {}
        }
        let mut reader = FrameReader::new(theirs);
        let (put, read) = tokio::join!(writer.put(offered()), reader.next());
        put.unwrap();
        assert_eq!(read.unwrap(), Some(Frame::Offered));
    }
}
