//! Moves frames between a connection and the half of the session that decides.
//!
//! Called by a `Link`, the same on both sides. The pump decides
//! nothing: each frame read is handed over and waited for, which holds back a peer that is
//! faster than the disk; what the session queues is written in order. Invariant: reading goes on
//! while writing waits and the other way round, so that two peers never wait for each other.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tracing::debug;

use super::link::{CloseCode, CloseReason, FrameReader, FrameWriter, LinkError, Outgoing};
use super::tcp;
use crate::frame::Frame;

/// One session, as the pump sees it.
pub trait Port {
    /// Takes a frame; done when the session has room for the next one. An error closes the
    /// connection.
    fn frame(&self, frame: Frame) -> impl Future<Output = Result<(), CloseCode>> + Send;

    /// A frame was handed to the connection: its bytes, header included.
    fn written(&self, _bytes: &[u8]) {}

    /// All that was queued is written: the session may queue more.
    fn drained(&self) -> impl Future<Output = ()> + Send;
}

/// How the conversation ended; the connection is still to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// This side ends it, with this code.
    Ours(CloseCode),
    /// The peer said that it ends it, with this code.
    Theirs(CloseCode),
    /// The peer has finished its stream.
    Finished,
    /// The stream failed: why, as far as the stream itself tells.
    Broken(CloseReason),
}

impl End {
    /// What a stream that failed like this comes to.
    pub fn of(error: &LinkError) -> Self {
        debug!(error = error as &dyn std::error::Error, "no further frame");
        match (error, error.close_code()) {
            (_, Some(code)) => Self::Ours(code),
            (LinkError::Io(error), None) => Self::Broken(tcp::reason(error)),
            (_, None) => Self::Broken(CloseReason::Lost),
        }
    }
}

/// Runs until one side ends it.
pub async fn pump<R, W, P>(
    reader: &mut FrameReader<R>,
    writer: &mut FrameWriter<W>,
    queue: &mut mpsc::Receiver<Outgoing>,
    port: &P,
) -> End
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
    P: Port,
{
    tokio::select! {
        end = receive(reader, port) => end,
        end = send(writer, queue, port) => end,
    }
}

async fn receive<R: AsyncRead + Unpin>(reader: &mut FrameReader<R>, port: &impl Port) -> End {
    loop {
        match reader.next().await {
            Ok(Some(Frame::Bye(bye))) => return End::Theirs(CloseCode::from_number(bye.code.into())),
            Ok(Some(frame)) => {
                if let Err(code) = port.frame(frame).await {
                    return End::Ours(code);
                }
            }
            Ok(None) => return End::Finished,
            Err(error) => return End::of(&error),
        }
    }
}

async fn send<W: AsyncWrite + Unpin>(
    writer: &mut FrameWriter<W>,
    queue: &mut mpsc::Receiver<Outgoing>,
    port: &impl Port,
) -> End {
    // A session that dropped its end of the queue has nothing more to say.
    while let Some(first) = queue.recv().await {
        let mut next = Some(first);
        while let Some(outgoing) = next {
            match outgoing {
                Outgoing::Frame(bytes) => {
                    port.written(&bytes);
                    if let Err(error) = writer.put(bytes).await {
                        return End::of(&error);
                    }
                }
                Outgoing::Close(code) => return End::Ours(code),
            }
            next = queue.try_recv().ok();
        }
        if let Err(error) = writer.flush().await {
            return End::of(&error);
        }
        port.drained().await;
    }
    End::Ours(CloseCode::Normal)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::frame;

    /// Answers each frame with one of its own, as far as the queue goes.
    struct Echo {
        queue: mpsc::Sender<Outgoing>,
        seen: Mutex<usize>,
        drained: Mutex<usize>,
        stop_after: usize,
    }

    impl Port for Echo {
        async fn frame(&self, _frame: Frame) -> Result<(), CloseCode> {
            let seen = {
                let mut seen = self.seen.lock().unwrap();
                *seen += 1;
                *seen
            };
            if seen > self.stop_after {
                return Err(CloseCode::Revoked);
            }
            self.queue.send(Outgoing::Frame(offered())).await.map_err(|_| CloseCode::Internal)
        }

        async fn drained(&self) {
            *self.drained.lock().unwrap() += 1;
        }
    }

    fn offered() -> Vec<u8> {
        let mut bytes = Vec::new();
        frame::encode(&Frame::Offered, &mut bytes).unwrap();
        bytes
    }

    /// Pumps `sent` through an echo that stops after so many frames.
    async fn echo(sent: &[u8], stop_after: usize) -> (End, usize, Vec<u8>, usize) {
        let (queue, mut outgoing) = mpsc::channel(4);
        let port = Echo { queue, seen: Mutex::new(0), drained: Mutex::new(0), stop_after };
        let mut written = FrameWriter::new(std::io::Cursor::new(Vec::new()));
        let end = pump(&mut FrameReader::new(sent), &mut written, &mut outgoing, &port).await;
        let written = std::mem::take(written.stream()).into_inner();
        (end, *port.seen.lock().unwrap(), written, *port.drained.lock().unwrap())
    }

    #[tokio::test]
    async fn frames_flow_both_ways_until_the_peer_finishes() {
        let (end, seen, _, _) = echo(&offered().repeat(100), 1_000).await;
        assert_eq!((end, seen), (End::Finished, 100));
    }

    #[tokio::test]
    async fn a_refused_frame_ends_the_connection_with_its_code() {
        let (end, seen, _, _) = echo(&offered().repeat(100), 3).await;
        assert_eq!((end, seen), (End::Ours(CloseCode::Revoked), 4));
    }

    #[tokio::test]
    async fn bytes_that_are_no_frame_end_the_connection() {
        let garbage = [offered(), vec![0, 0, 1, 1, 0xff]].concat();
        assert_eq!(echo(&garbage, 9).await.0, End::Ours(CloseCode::Protocol));
        assert_eq!(echo(&[0xff; 64], 9).await.0, End::Ours(CloseCode::TooLarge));
        assert_eq!(echo(&offered()[..2], 9).await.0, End::Ours(CloseCode::Protocol));
    }

    #[tokio::test]
    async fn a_peer_that_says_why_it_leaves_is_heard() {
        let mut bye = Vec::new();
        frame::encode(&Frame::Bye(frame::Bye { code: CloseCode::Revoked.number() }), &mut bye).unwrap();
        let (end, seen, _, _) = echo(&[offered(), bye, offered()].concat(), 9).await;
        assert_eq!((end, seen), (End::Theirs(CloseCode::Revoked), 1));
    }

    #[tokio::test]
    async fn what_is_queued_before_a_close_is_written_first() {
        let (queue, mut outgoing) = mpsc::channel(4);
        let port = Echo { queue: queue.clone(), seen: Mutex::new(0), drained: Mutex::new(0), stop_after: 9 };
        queue.send(Outgoing::Frame(offered())).await.unwrap();
        queue.send(Outgoing::Close(CloseCode::Busy)).await.unwrap();
        let (_ours, theirs) = tokio::io::duplex(64);
        let mut written = FrameWriter::new(std::io::Cursor::new(Vec::new()));
        let end = pump(&mut FrameReader::new(theirs), &mut written, &mut outgoing, &port).await;
        assert_eq!((end, std::mem::take(written.stream()).into_inner()), (End::Ours(CloseCode::Busy), offered()));
        assert_eq!(*port.drained.lock().unwrap(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_stops_reading_is_given_up() {
        let (queue, mut outgoing) = mpsc::channel(4);
        let port = Echo { queue: queue.clone(), seen: Mutex::new(0), drained: Mutex::new(0), stop_after: 9 };
        queue.send(Outgoing::Frame(vec![0; 1_000])).await.unwrap();
        let (ours, _theirs) = tokio::io::duplex(64);
        let (read, write) = tokio::io::split(ours);
        let end = pump(&mut FrameReader::new(read), &mut FrameWriter::new(write), &mut outgoing, &port).await;
        assert_eq!(end, End::Ours(CloseCode::Timeout));
    }
}
