//! A session made by hand with a machine's own key: what a manipulated agent could send.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use msap_agent::identity::Identity;
use msap_shared::chain::{Run, extend};
use msap_shared::document::DocId;
use msap_shared::frame::{self, Frame, Hello, PROTOCOL, Push};
use msap_shared::id::{Digest32, SessionToken, WriterId};
use msap_shared::io::link::{CloseCode, CloseReason, Transport};
use msap_shared::io::pump::End;
use tokio::io::AsyncWriteExt as _;

/// Longest wait for the hub's next word.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// What to send: frames as they should be, or any bytes.
pub(super) enum Sent {
    Frame(Frame),
    Bytes(Vec<u8>),
}

/// Sends all this on one connection, finishes, and gives what the hub answered until it closed or
/// `enough` was seen, and how the connection ended.
pub(super) fn converse(
    data: &Path,
    hub: &str,
    sent: Vec<Sent>,
    enough: impl Fn(&Frame) -> bool,
) -> Result<(Vec<Frame>, Option<CloseReason>)> {
    let client = Identity::load(data)?.client()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let connected = client.connect(&[hub.parse()?], Transport::Quic, ANSWER_MAX).await;
        let mut link = connected.map_err(|why| anyhow::anyhow!("no connection: {}", why.as_str()))?;
        for piece in sent {
            let bytes = match piece {
                Sent::Bytes(bytes) => bytes,
                Sent::Frame(frame) => {
                    let mut bytes = Vec::new();
                    frame::encode(&frame, &mut bytes)?;
                    bytes
                }
            };
            // The hub may have closed already: how it did is what the caller asks.
            if link.streams().1.write_all(&bytes).await.is_err() {
                break;
            }
        }
        let mut frames = Vec::new();
        loop {
            let next = tokio::time::timeout(ANSWER_MAX, link.next()).await;
            match next.context("the hub neither answered nor closed")? {
                Ok(Some(frame)) => {
                    let seen = enough(&frame);
                    frames.push(frame);
                    if seen {
                        link.end(End::Ours(CloseCode::Normal)).await;
                        return Ok((frames, None));
                    }
                }
                Ok(None) | Err(_) => {
                    let ended = tokio::time::timeout(ANSWER_MAX, link.ended()).await;
                    return Ok((frames, Some(ended.context("the hub did not close")?)));
                }
            }
        }
    })
}

/// A Hello that offers something at once.
pub(super) fn hello() -> Hello {
    Hello {
        protocol_min: *PROTOCOL.start(),
        protocol_max: *PROTOCOL.end(),
        app: "by hand".to_owned(),
        token_prev: None,
        token_next: SessionToken::new(rand::random()),
        clock_ms: 0,
        epoch: None,
        seen: None,
        digest: Digest32::new([7; 32]),
        offers: true,
        references: None,
        tried: None,
        waiting: None,
        oldest_waiting_day: None,
    }
}

/// A well-formed chain of one visit in `document`, on the 17th of its month.
pub(super) fn visit(document: &str) -> Result<Push> {
    let document: DocId = document.parse()?;
    let writer = WriterId::new(rand::random());
    let key = format!("17|{}|0", msap_shared::id::TapId::new(rand::random()).name());
    let value = "1|CNAF|online|25-39|1".to_owned();
    let built = extend(&writer, None, &[(key.as_str(), value.as_str())]);
    let run = Run { writer, first_seq: 1, changes: vec![vec![(key, value)]], last_hash: built.tip.hash };
    Ok(Push::of_run(document, run, None))
}
