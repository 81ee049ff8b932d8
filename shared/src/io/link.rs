//! Frames on a byte stream, and the ways a connection ends.
//!
//! Called by the `pump` of both programs. Generic over the stream, so that a session runs the
//! same over QUIC, TLS over TCP or memory. Invariant: at most one frame and one read's worth of
//! bytes are held, whatever the peer sends.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::frame::{self, Frame, FrameError, HEADER_LEN};

/// Bytes asked of the stream at once.
const READ_LEN: usize = 16 * 1024;

/// Why a connection was closed, as the peers tell each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum CloseCode {
    /// All is said.
    Normal = 0,
    /// The program stops; it will be back.
    Shutdown = 1,
    /// The peer sent something that is no frame, or not in this order.
    Protocol = 2,
    /// The peer sent more than a limit allows.
    TooLarge = 3,
    /// The hub does not know the device.
    Unknown = 4,
    /// The hub no longer accepts the device.
    Revoked = 5,
    /// Too many connections: try later.
    Busy = 6,
    /// The hub's epoch changed: begin again.
    Epoch = 7,
    /// Another connection took this one's place.
    Replaced = 8,
    /// The peer let a deadline pass.
    Timeout = 9,
    /// A fault on the closing side.
    Internal = 10,
}

impl CloseCode {
    const ALL: [Self; 11] = [
        Self::Normal,
        Self::Shutdown,
        Self::Protocol,
        Self::TooLarge,
        Self::Unknown,
        Self::Revoked,
        Self::Busy,
        Self::Epoch,
        Self::Replaced,
        Self::Timeout,
        Self::Internal,
    ];

    /// The number on the wire.
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The code with this number; one from a newer program counts as [`CloseCode::Internal`].
    pub fn from_number(number: u64) -> Self {
        Self::ALL.into_iter().find(|code| u64::from(code.number()) == number).unwrap_or(Self::Internal)
    }

    /// The stable name, for logs and status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Shutdown => "shutdown",
            Self::Protocol => "protocol",
            Self::TooLarge => "too_large",
            Self::Unknown => "unknown",
            Self::Revoked => "revoked",
            Self::Busy => "busy",
            Self::Epoch => "epoch",
            Self::Replaced => "replaced",
            Self::Timeout => "timeout",
            Self::Internal => "internal",
        }
    }

    /// Whether what was written before is worth waiting for until the peer has it.
    pub const fn is_orderly(self) -> bool {
        matches!(self, Self::Normal | Self::Shutdown | Self::Busy | Self::Epoch)
    }
}

/// How a connection, or the attempt to make one, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// This side closed it.
    Ours(CloseCode),
    /// The peer closed it.
    Theirs(CloseCode),
    /// The peer's certificate does not verify here.
    Untrusted,
    /// The peer turned down the handshake, for this side's certificate usually.
    Rejected,
    /// The address does not resolve.
    Unresolved,
    /// No answer, or none any more.
    Silent,
    /// Reset, or the network said no.
    Lost,
}

impl CloseReason {
    /// The stable name, for logs and status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ours(code) | Self::Theirs(code) => code.as_str(),
            Self::Untrusted => "untrusted",
            Self::Rejected => "rejected",
            Self::Unresolved => "unresolved",
            Self::Silent => "silent",
            Self::Lost => "lost",
        }
    }
}

/// What a session wants done on its connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// Send one frame: its bytes, header included.
    Frame(Vec<u8>),
    /// Close, after what was queued before.
    Close(CloseCode),
}

/// Why no frame could be read.
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
}

impl LinkError {
    /// What to close the connection with; `None` when the stream itself is gone.
    pub fn close_code(&self) -> Option<CloseCode> {
        match self {
            Self::Io(_) => None,
            Self::Frame(FrameError::TooLong) => Some(CloseCode::TooLarge),
            Self::Frame(FrameError::Malformed { .. }) | Self::Truncated => Some(CloseCode::Protocol),
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

    #[test]
    fn every_close_code_has_its_number() {
        for (number, code) in CloseCode::ALL.into_iter().enumerate() {
            assert_eq!(code.number() as usize, number);
            assert_eq!(CloseCode::from_number(number as u64), code);
        }
        assert_eq!(CloseCode::from_number(99), CloseCode::Internal);
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
}
