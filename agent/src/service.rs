//! STUB of the rim's author: replace. One core behind a lock, no dialling.

use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::command::{Command, CommandError, Reply};
use crate::config::Settings;
use crate::core::{Core, Input, Now, Output};
use crate::store;

/// Stub.
#[derive(Clone)]
pub struct Desk(Arc<Mutex<Core>>);

impl Desk {
    /// Stub.
    pub async fn ask(&self, command: Command) -> Result<Reply, CommandError> {
        let mut core = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Now { wall: Timestamp::now(), monotonic_ms: 0 };
        let outputs = core.turn(vec![Input::Command(0, command)], now).map_err(|_| CommandError::NotKept)?;
        let reply = outputs.into_iter().find_map(|output| match output {
            Output::Reply(_, reply) => Some(reply),
            _ => None,
        });
        reply.unwrap_or(Err(CommandError::NotKept))
    }

    /// Stub.
    pub fn sync_now(&self) {}
}

/// Stub.
pub fn start(
    dir: &Path,
    _settings: &Settings,
    shutdown: CancellationToken,
) -> anyhow::Result<(Desk, impl Future<Output = anyhow::Result<()>>)> {
    let core = Core::new(store::open(dir)?, Box::new(rand::random::<[u8; 16]>))?;
    let dial = async move {
        shutdown.cancelled().await;
        Ok(())
    };
    Ok((Desk(Arc::new(Mutex::new(core))), dial))
}
