//! The accept loop of the HTTP interface.
//!
//! `axum::serve` waits for ever for the rest of a request line, so connections are served by
//! hyper directly: a header that is slow to come, a connection that lives too long and too many
//! connections, in all or of one client, are all bounded.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::entrance::Peer;
use super::surplus::Clients;

/// Bounds of the accept loop.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once; more wait in the kernel's queue.
    pub connections: usize,
    /// Connections at once of one client: an IPv4 address or the /64 of an IPv6 address.
    pub per_address: usize,
    /// Clients that speak for many, and are not counted.
    pub trusted_proxies: Vec<IpAddr>,
    /// Whether connections of this machine itself are counted: a proxy here speaks for many.
    pub count_loopback: bool,
    /// Time for a whole request header, its first byte included. Also how long a kept-alive
    /// connection may stay quiet.
    pub header: Duration,
    /// Time after which a connection is asked to end after its current answer.
    pub connection: Duration,
    /// Time that open connections have to end at a stop.
    pub grace: Duration,
}

impl Limits {
    /// The bounds of a hub, with so many connections in all and of one client.
    pub fn new(connections: usize, per_address: usize, trusted_proxies: Vec<IpAddr>) -> Self {
        let seconds = Duration::from_secs;
        let (header, connection, grace) = (seconds(10), seconds(120), seconds(5));
        Self { connections, per_address, trusted_proxies, count_loopback: false, header, connection, grace }
    }
}

/// Serves until `stop`, then waits for open answers within the grace period.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let tasks = TaskTracker::new();
    let clients = Clients::new();
    loop {
        let place = tokio::select! {
            () = stop.cancelled() => break,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        // The semaphore is never closed; if it were, there would be nothing left to serve.
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, remote) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: trying again at once would spin.
                warn!(%error, "an HTTP connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Some(counted) = clients.admit(remote.ip(), &limits) else {
            debug!("refused an HTTP connection: too many of this client");
            clients.turn_away(stream, &tasks);
            continue;
        };
        let (peer, router, stop, limits) = (Peer(remote.ip()), router.clone(), stop.clone(), limits.clone());
        tasks.spawn(async move {
            let served = connection((stream, peer), router, limits, stop).await;
            drop((place, counted));
            if let Err(error) = served {
                debug!(%error, "an HTTP connection ended early");
            }
        });
    }
    tasks.close();
    if tokio::time::timeout(limits.grace, tasks.wait()).await.is_err() {
        warn!(connections = tasks.len(), "HTTP connections were cut at the end of the grace period");
    }
}

async fn connection(
    (stream, peer): (tokio::net::TcpStream, Peer),
    router: Router,
    limits: Limits,
    stop: CancellationToken,
) -> Result<(), hyper::Error> {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        TowerToHyperService::new(router.clone()).call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        served = connection.as_mut() => return served,
        () = stop.cancelled() => {}
        () = tokio::time::sleep(limits.connection) => {}
    }
    connection.as_mut().graceful_shutdown();
    // An answer that its reader does not take must not hold the place for ever.
    match tokio::time::timeout(limits.grace, connection).await {
        Ok(served) => served,
        Err(_) => Ok(()),
    }
}
