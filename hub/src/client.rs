//! How a command reaches the hub: through its socket when it runs, by its own hands when it does
//! not.
//!
//! Invariant: whoever opens the database holds `DATA/lock`, so there is never a second writer.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

use crate::admin::{Asked, Reply, socket};
use crate::exit::{Exit, Failure, with_causes};
use crate::lang::Lang;

/// Name of the lock file in the data directory.
pub const LOCK: &str = "lock";
/// Another command may hold the lock for a moment, and a hub that starts has no socket yet.
const PATIENCE: Duration = Duration::from_secs(5);
const RETRY: Duration = Duration::from_millis(50);

/// Exclusive use of a data directory, until dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why a data directory cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("{} is in use", .0.display())]
    Taken(PathBuf),
    /// The system failed.
    #[error("{} cannot be locked", path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl Lock {
    /// Takes the directory, or says at once that another process has it.
    ///
    /// # Errors
    /// [`LockError`].
    pub fn take(data: &Path) -> Result<Self, LockError> {
        let path = data.join(LOCK);
        let io = |source| LockError::Io { path: path.clone(), source };
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Taken(data.to_owned())),
            Err(TryLockError::Error(source)) => Err(io(source)),
        }
    }
}

/// Who carries a command out.
#[derive(Debug)]
pub enum Way {
    /// This process, which holds the lock.
    Alone(Lock),
    /// The hub that runs.
    Running(UnixStream),
}

/// Finds out whether a hub runs on this directory.
///
/// # Errors
/// When the directory is in use but nobody answers on its socket.
pub async fn way(data: &Path, lang: Lang) -> Result<Way, Failure> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match Lock::take(data) {
            Ok(lock) => return Ok(Way::Alone(lock)),
            Err(error @ LockError::Io { .. }) => {
                let french =
                    format!("le dossier {} ne peut pas être verrouillé : {}", data.display(), with_causes(&error));
                return Err(Failure::new(Exit::Failure, lang.of(french, with_causes(&error))));
            }
            Err(LockError::Taken(_)) => {}
        }
        if let Ok(stream) = UnixStream::connect(data.join(socket::NAME)).await {
            return Ok(Way::Running(stream));
        }
        if Instant::now() >= deadline {
            return Err(Failure::new(Exit::NotRunning, silent(data, lang)));
        }
        tokio::time::sleep(RETRY).await;
    }
}

fn silent(data: &Path, lang: Lang) -> String {
    let socket = data.join(socket::NAME);
    lang.of(
        format!("un hub tient le dossier {} mais ne répond pas sur {}", data.display(), socket.display()),
        format!("a hub holds {} but does not answer on {}", data.display(), socket.display()),
    )
}

/// Has the running hub carry out a request.
///
/// # Errors
/// What the hub says, or that it stopped answering.
pub async fn ask(stream: UnixStream, asked: &Asked, data: &Path) -> Result<Reply, Failure> {
    let lang = asked.lang;
    let lost = |error: &dyn std::error::Error| {
        Failure::new(Exit::NotRunning, format!("{}: {}", silent(data, lang), with_causes(error)))
    };
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| lost(&error))?;
    let driver = tokio::spawn(connection);
    let body = serde_json::to_vec(asked).map_err(|error| lost(&error))?;
    let request = hyper::Request::post("/")
        .header("host", "hub")
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| lost(&error))?;
    let response = sender.send_request(request).await.map_err(|error| lost(&error))?;
    let status = response.status();
    let body = response.into_body().collect().await.map_err(|error| lost(&error))?.to_bytes();
    driver.abort();
    if status == hyper::StatusCode::OK {
        return serde_json::from_slice(&body).map_err(|error| lost(&error));
    }
    match serde_json::from_slice::<Failure>(&body) {
        Ok(failure) => Err(failure),
        // Not a failure of the request: the two programs do not understand each other.
        Err(_) => {
            let text = lang.of(
                "le hub qui tourne ne comprend pas cette commande",
                "the running hub does not understand this command",
            );
            Err(Failure::new(Exit::Failure, format!("{text} ({status})")))
        }
    }
}
