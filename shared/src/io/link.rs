//! One conversation with a peer, whatever carries it.
//!
//! Made by `reach` at the agent and by `listen` at the hub, used by the agent's `dial` and `join`
//! and the hub's `accept` and `enrol`, which are thus written once for QUIC and TCP. Invariants:
//! a link that ends says why, as a [`CloseReason`], and so does the peer's; what was written
//! before an orderly end arrives.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use quinn::{Connection, Endpoint, RecvStream, SendStream};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::TlsStream;

use super::pump::{End, Port, pump};
use super::tls::Conversation;
use super::{quic, tcp};
use crate::frame::{self, Bye, Frame};

mod close;
mod frames;

pub use close::{CloseCode, CloseReason};
pub use frames::{FrameReader, FrameWriter, LinkError};

/// Time for the peer to have what was written last.
const FINISH_MAX: Duration = Duration::from_secs(2);
/// Time for the last word where nothing else is worth waiting for.
const HASTE_MAX: Duration = Duration::from_secs(1);
/// Time for the peer, which has finished, to say with what code it closes.
const FAREWELL_MAX: Duration = Duration::from_secs(3);
/// Longest time that an end takes which is not orderly.
pub const CLOSE_MAX: Duration = Duration::from_secs(2);
/// Time for the last packets of an endpoint to leave.
const LEAVE_MAX: Duration = Duration::from_secs(1);

/// What carries a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// QUIC, over UDP.
    Quic,
    /// TLS 1.3 over TCP.
    Tcp,
}

impl Transport {
    /// The stable name, for logs, status and settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quic => "quic",
            Self::Tcp => "tcp",
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

/// One conversation with a peer.
pub struct Link {
    reader: FrameReader<Reader>,
    writer: FrameWriter<Writer>,
    carrier: Carrier,
    conversation: Conversation,
}

enum Carrier {
    /// The endpoint too, where it was made for this connection alone: it must live as long.
    Quic(Connection, Option<Endpoint>),
    Tcp,
}

impl Link {
    /// Over one stream of a QUIC connection.
    pub(super) fn over_quic(
        connection: Connection,
        endpoint: Option<Endpoint>,
        (send, receive): (SendStream, RecvStream),
        conversation: Conversation,
    ) -> Self {
        Self {
            reader: FrameReader::new(Reader::Quic(receive)),
            writer: FrameWriter::new(Writer::Quic(send)),
            carrier: Carrier::Quic(connection, endpoint),
            conversation,
        }
    }

    /// Over TLS, which has said hello.
    pub(super) fn over_tcp(stream: TlsStream<TcpStream>, conversation: Conversation) -> Self {
        let (read, write) = tokio::io::split(stream);
        Self {
            reader: FrameReader::new(Reader::Tcp(read)),
            writer: FrameWriter::new(Writer::Tcp(write)),
            carrier: Carrier::Tcp,
            conversation,
        }
    }

    /// What carries it.
    pub fn transport(&self) -> Transport {
        match self.carrier {
            Carrier::Quic(..) => Transport::Quic,
            Carrier::Tcp => Transport::Tcp,
        }
    }

    /// The next frame, as [`FrameReader::next`].
    ///
    /// # Errors
    /// As there.
    pub async fn next(&mut self) -> Result<Option<Frame>, LinkError> {
        self.reader.next().await
    }

    /// Writes one frame at once.
    ///
    /// # Errors
    /// As [`FrameWriter::put`].
    pub async fn put(&mut self, frame: &Frame) -> Result<(), LinkError> {
        let mut bytes = Vec::new();
        frame::encode(frame, &mut bytes)?;
        self.writer.put(bytes).await?;
        self.writer.flush().await
    }

    /// Both directions as plain streams, for a conversation that is not in frames.
    pub fn streams(&mut self) -> (&mut (impl AsyncRead + Unpin + use<>), &mut (impl AsyncWrite + Unpin + use<>)) {
        (self.reader.stream(), self.writer.stream())
    }

    /// Moves frames both ways until one side ends it; the link is still to be ended.
    pub async fn run(&mut self, queue: &mut mpsc::Receiver<Outgoing>, port: &impl Port) -> End {
        pump(&mut self.reader, &mut self.writer, queue, port).await
    }

    /// Reads on until the peer ends it, and ends it too.
    pub async fn ended(mut self) -> CloseReason {
        let end = loop {
            match self.next().await {
                Ok(Some(Frame::Bye(bye))) => break End::Theirs(CloseCode::from_number(bye.code.into())),
                Ok(Some(_)) => {}
                Ok(None) => break End::Finished,
                Err(error) => break End::of(&error),
            }
        };
        self.end(end).await
    }

    /// Ends it so that nothing written is lost and both sides know why: whoever wrote last waits
    /// until the peer has it all, whoever read last waits for the other's code.
    pub async fn end(mut self, end: End) -> CloseReason {
        match &self.carrier {
            Carrier::Tcp => self.end_tcp(end).await,
            Carrier::Quic(connection, endpoint) => {
                let (connection, endpoint) = (connection.clone(), endpoint.clone());
                let why = self.end_quic(&connection, end).await;
                if let Some(endpoint) = endpoint {
                    // It goes with the link: a close that stands in its queue must leave first.
                    drop(timeout(LEAVE_MAX, endpoint.wait_idle()).await);
                }
                why
            }
        }
    }

    async fn end_quic(&mut self, connection: &Connection, end: End) -> CloseReason {
        match end {
            End::Ours(code) => {
                if let (true, Writer::Quic(stream)) = (code.is_orderly(), self.writer.stream())
                    && stream.finish().is_ok()
                {
                    // Late or lost, the connection is closed all the same.
                    drop(timeout(FINISH_MAX, stream.stopped()).await);
                }
                quic::close(connection, code)
            }
            End::Theirs(code) => {
                quic::close(connection, CloseCode::Normal);
                CloseReason::Theirs(code)
            }
            End::Finished => match timeout(FAREWELL_MAX, connection.closed()).await {
                Ok(error) => quic::reason(&error),
                Err(_) => {
                    quic::close(connection, CloseCode::Normal);
                    CloseReason::Theirs(CloseCode::Normal)
                }
            },
            End::Broken(_) => match connection.close_reason() {
                Some(error) => quic::reason(&error),
                // The stream was reset and the connection was not: no version of this protocol does.
                None => quic::close(connection, CloseCode::Protocol),
            },
        }
    }

    async fn end_tcp(&mut self, end: End) -> CloseReason {
        match end {
            End::Ours(code) => {
                let patience = if code.is_orderly() { FINISH_MAX } else { HASTE_MAX };
                // A peer that takes nothing learns no more than that the connection is gone.
                drop(timeout(patience, self.take_leave(code)).await);
                // Closed with something unread, the system would take back what was just said.
                drop(timeout(patience, tokio::io::copy(self.reader.stream(), &mut tokio::io::sink())).await);
                CloseReason::Ours(code)
            }
            End::Theirs(code) => {
                drop(timeout(HASTE_MAX, self.writer.stream().shutdown()).await);
                CloseReason::Theirs(code)
            }
            End::Finished => {
                drop(timeout(HASTE_MAX, self.writer.stream().shutdown()).await);
                CloseReason::Theirs(CloseCode::Normal)
            }
            // The peer's last word may be there though nothing can be written any more.
            End::Broken(why) => match timeout(HASTE_MAX, self.last_word()).await {
                Ok(Ok(code)) => CloseReason::Theirs(code),
                Ok(Err(said)) if why == CloseReason::Lost => said,
                Ok(Err(_)) | Err(_) => why,
            },
        }
    }

    async fn take_leave(&mut self, code: CloseCode) -> Result<(), LinkError> {
        if self.conversation == Conversation::Sync {
            self.put(&Frame::Bye(Bye { code: code.number() })).await?;
        }
        Ok(self.writer.stream().shutdown().await?)
    }

    async fn last_word(&mut self) -> Result<CloseCode, CloseReason> {
        loop {
            match self.next().await {
                Ok(Some(Frame::Bye(bye))) => return Ok(CloseCode::from_number(bye.code.into())),
                Ok(Some(_)) => {}
                Ok(None) => return Ok(CloseCode::Normal),
                Err(LinkError::Io(error)) => return Err(tcp::reason(&error)),
                Err(_) => return Err(CloseReason::Lost),
            }
        }
    }
}

enum Reader {
    Quic(RecvStream),
    Tcp(ReadHalf<TlsStream<TcpStream>>),
}

enum Writer {
    Quic(SendStream),
    Tcp(WriteHalf<TlsStream<TcpStream>>),
}

impl AsyncRead for Reader {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Quic(stream) => AsyncRead::poll_read(Pin::new(stream), cx, buf),
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Writer {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Quic(stream) => AsyncWrite::poll_write(Pin::new(stream), cx, bytes),
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Quic(stream) => AsyncWrite::poll_flush(Pin::new(stream), cx),
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Quic(stream) => AsyncWrite::poll_shutdown(Pin::new(stream), cx),
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests;
