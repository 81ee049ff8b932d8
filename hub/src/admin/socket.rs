//! The local socket on which a running hub takes its operators' requests.
//!
//! `DATA/hub.sock`, for its owner only: whoever may open it may read the database file as well.
//! One request is one `POST /`, JSON both ways.

use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::{Asked, Reply};
use crate::exit::Failure;

/// Name of the socket in the data directory.
pub const NAME: &str = "hub.sock";
/// Longest request: the national list has 1.3 MB.
pub const BODY_LEN_MAX: usize = 64 * 1024 * 1024;
/// Time that a request under way has at a stop.
const GRACE: Duration = Duration::from_secs(5);

/// Whoever carries requests out: the core's handle.
pub trait Administration: Clone + Send + Sync + 'static {
    /// Carries out one request.
    fn carry_out(&self, asked: Asked) -> impl Future<Output = Result<Reply, Failure>> + Send;
}

/// A socket that is removed when the hub stops.
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    /// Binds the socket in the data directory. The caller holds the directory's lock, so a
    /// socket that is still there belongs to a hub that died.
    ///
    /// # Errors
    /// When the system refuses, for example a path longer than 107 bytes.
    pub fn bind(data: &Path) -> io::Result<Self> {
        let path = data.join(NAME);
        // Made where nobody else can reach it and moved once its mode is right: between bind and
        // chmod anybody could connect.
        let nest = data.join(".s");
        match std::fs::DirBuilder::new().mode(0o700).create(&nest) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => std::fs::set_permissions(&nest, std::fs::Permissions::from_mode(0o700))?,
        }
        let hidden = nest.join(NAME);
        remove(&hidden)?;
        let listener = UnixListener::bind(&hidden)?;
        std::fs::set_permissions(&hidden, std::fs::Permissions::from_mode(0o600))?;
        std::fs::rename(&hidden, &path)?;
        std::fs::remove_dir(&nest)?;
        Ok(Self { listener, path })
    }

    /// Serves until `stop`.
    pub async fn serve(self, administration: impl Administration, stop: CancellationToken) {
        let router = router(administration);
        let tasks = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    warn!(%error, "a connection to the local socket could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(10))
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router.clone()));
            tasks.spawn(async move {
                if let Err(error) = served.await {
                    debug!(%error, "a connection to the local socket ended early");
                }
            });
        }
        tasks.close();
        if tokio::time::timeout(GRACE, tasks.wait()).await.is_err() {
            warn!("a request of an operator was cut at the end of the grace period");
        }
        if let Err(error) = remove(&self.path) {
            warn!(%error, "the local socket could not be removed");
        }
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn router<A: Administration>(administration: A) -> Router {
    Router::new().route("/", post(carry_out::<A>)).layer(DefaultBodyLimit::max(BODY_LEN_MAX)).with_state(administration)
}

async fn carry_out<A: Administration>(State(administration): State<A>, Json(asked): Json<Asked>) -> Response {
    match administration.carry_out(asked).await {
        Ok(reply) => Json(reply).into_response(),
        Err(failure) => (StatusCode::CONFLICT, Json(failure)).into_response(),
    }
}
