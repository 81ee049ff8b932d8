//! Connections beyond what one client may have: told so and closed, without holding a place.
//!
//! Called by the accept loop. The answer goes out before anything was asked, because a client that
//! sends nothing must not be waited for; what it sends is read for a moment all the same, or the
//! system would take the answer back. Only so many are told at once; the others are just closed.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::problem::Problem;
use super::serve::Limits;
use crate::tally::{Place, Tally, network};

/// Surplus connections that are told at once.
const TOLD_MAX: usize = 32;
/// Time for one of them to take its answer.
const TELL_MAX: Duration = Duration::from_secs(2);
/// Seconds after which it may come back.
const RETRY_AFTER_S: u32 = 10;

/// The places of each client, and who is told that it has none left.
pub(super) struct Clients {
    open: Arc<Tally<IpAddr>>,
    told: Arc<Semaphore>,
}

impl Clients {
    pub(super) fn new() -> Self {
        Self { open: Tally::new(), told: Arc::new(Semaphore::new(TOLD_MAX)) }
    }

    /// A place for this client; `Some(None)` where it needs none, `None` where it has too many.
    pub(super) fn admit(&self, client: IpAddr, limits: &Limits) -> Option<Option<Place<IpAddr>>> {
        let client = client.to_canonical();
        let free = client.is_loopback() && !limits.count_loopback || limits.trusted_proxies.contains(&client);
        if free { Some(None) } else { self.open.take(network(client), limits.per_address).map(Some) }
    }

    /// Closes a connection, after an answer if that can be had.
    pub(super) fn turn_away(&self, mut stream: TcpStream, tasks: &TaskTracker) {
        let Ok(place) = self.told.clone().try_acquire_owned() else { return };
        tasks.spawn(async move {
            let told = async {
                stream.write_all(&answer()).await?;
                stream.shutdown().await?;
                let mut rest = [0; 1_024];
                while stream.read(&mut rest).await? > 0 {}
                Ok::<_, std::io::Error>(())
            };
            // Whoever does not take it is closed without.
            drop(timeout(TELL_MAX, told).await);
            drop(place);
        });
    }
}

fn answer() -> Vec<u8> {
    let problem = Problem::too_many_connections();
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let length = body.len();
    let head = format!(
        "HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/problem+json\r\ncontent-length: {length}\r\n\
         retry-after: {RETRY_AFTER_S}\r\nconnection: close\r\n\r\n"
    );
    [head.into_bytes(), body].concat()
}
