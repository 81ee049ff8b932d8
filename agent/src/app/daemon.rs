//! `run`: the agent itself, from its lock to its last connection.
//!
//! Order matters: the lock before anything is read, the page's socket before the store is opened
//! for it, the address file once both stand. Stopping goes the other way round.

use std::future::Future;
use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use tracing_subscriber::EnvFilter;

use crate::cli::{Context, Failure, identity_failed, not_joined, storage_failed};
use crate::client::ENDPOINT_FILE;
use crate::config::{self, Log, LogFormat, Settings};
use crate::exchange;
use crate::exit::Exit;
use crate::identity::{Identity, IdentityError};
use crate::lock::{self, LockError};
use crate::out::{self, Lang};
use crate::store::{self, StoreError};
use crate::{service, web};

/// Longest wait for the session with the hub to end once the agent stops.
const GRACE: Duration = Duration::from_secs(5);

/// Runs the agent until it is told to stop.
///
/// # Errors
/// With the exit code and the next step.
pub(super) fn run(context: &Context, listen: Option<String>) -> Result<Exit, Failure> {
    let mut settings = context.settings()?.settings;
    if let Some(text) = listen {
        settings.desk.listen = config::parse_listen(&text)
            .map_err(|why| Failure::new(Exit::Invalid, format!("desk.listen = {text:?} : {why} (--listen)")))?;
    }
    if !context.data.join(store::FILE_NAME).exists() && !exchange::is_under_way(&context.data) {
        return Err(Failure::new(Exit::Invalid, not_joined(&context.data, context.lang)));
    }
    log_to_stderr(&settings.log);
    let held = lock::hold(&context.data).map_err(|error| not_held(&error, context))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(Exit::Failure, format!("runtime : {error}")))?;
    let done = runtime.block_on(serve(context, &settings));
    runtime.shutdown_timeout(Duration::from_secs(1));
    drop(held);
    done
}

async fn serve(context: &Context, settings: &Settings) -> Result<Exit, Failure> {
    let (data, lang) = (context.data.as_path(), context.lang);
    let told = told_to_stop().map_err(|error| Failure::new(Exit::Failure, format!("signal : {error}")))?;
    // The address of an agent that was killed says nothing any more.
    drop(std::fs::remove_file(data.join(ENDPOINT_FILE)));
    let listener =
        TcpListener::bind(settings.desk.listen).await.map_err(|error| cannot_listen(settings, lang, &error))?;
    let address = listener.local_addr().map_err(|error| cannot_listen(settings, lang, &error))?;

    // Before anything is said to run: a machine without its key would count, and never send.
    let identity = Identity::load(data).and_then(|identity| identity.client());
    identity.map_err(|error| identity_failed(&error, lang))?;
    let stop = CancellationToken::new();
    let (desk, dial) = service::start(data, settings, stop.clone()).map_err(|error| failed(&error, context))?;
    let router = web::router(desk, &settings.desk.operators, address.port());
    let page = tokio::spawn(web::serve(listener, router, stop.clone()));
    let endpoint = Endpoint::write(data, address)
        .map_err(|error| Failure::new(Exit::Failure, format!("{} : {error}", data.join(ENDPOINT_FILE).display())))?;

    info!(page = %address, version = env!("CARGO_PKG_VERSION"), "the agent runs");
    out::note(&format!("Page : http://{address}/"));
    notify(NotifyState::Ready);

    let mut dial = pin!(dial);
    let ended = tokio::select! {
        ended = dial.as_mut() => Some(ended),
        () = told => None,
    };
    notify(NotifyState::Stopping);
    drop(endpoint);
    stop.cancel();
    let ended = match ended {
        Some(ended) => Some(ended),
        None => tokio::time::timeout(GRACE, dial).await.ok(),
    };
    if let Err(error) = page.await {
        warn!(%error, "the page ended badly");
    }
    match ended {
        Some(Err(error)) => Err(failed(&error, context)),
        Some(Ok(())) => Ok(Exit::Ok),
        None => {
            warn!("the session with the hub did not end in time and was cut");
            Ok(Exit::Ok)
        }
    }
}

/// The file that tells the command line where the page is, for as long as it is there.
struct Endpoint(PathBuf);

impl Endpoint {
    fn write(data: &Path, address: SocketAddr) -> io::Result<Self> {
        // Renamed into place: a command never reads half an address.
        let (part, path) = (data.join("endpoint.part"), data.join(ENDPOINT_FILE));
        std::fs::write(&part, format!("{address}\n"))?;
        std::fs::rename(&part, &path)?;
        Ok(Self(path))
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

fn not_held(error: &LockError, context: &Context) -> Failure {
    let (lang, data) = (context.lang, context.data.display());
    match error {
        LockError::Taken => {
            let what = lang.pick(
                "un autre agent est déjà lancé sur ce répertoire",
                "another agent already runs on this directory",
            );
            Failure::new(Exit::Invalid, format!("data : {what} ({data})"))
        }
        LockError::Io(source) => {
            let what = lang.pick("le répertoire de données ne s’écrit pas", "the data directory cannot be written to");
            let next = lang.pick(
                "Vérifiez la place et les droits sur le disque, puis relancez",
                "Check the disk’s free space and permissions, then start again",
            );
            Failure::new(Exit::Failure, format!("{what} ({data}) : {source}. {next}"))
        }
    }
}

fn cannot_listen(settings: &Settings, lang: Lang, error: &io::Error) -> Failure {
    let next = lang.pick("Choisissez un autre port par --listen", "Choose another port with --listen");
    Failure::new(Exit::Failure, format!("desk.listen = {} : {error}. {next}", settings.desk.listen))
}

fn failed(error: &anyhow::Error, context: &Context) -> Failure {
    if let Some(storage) = error.chain().find_map(|cause| cause.downcast_ref::<StoreError>()) {
        return storage_failed(storage, &context.data, context.lang);
    }
    match error.chain().find_map(|cause| cause.downcast_ref::<IdentityError>()) {
        Some(identity) => identity_failed(identity, context.lang),
        None => Failure::new(Exit::Failure, format!("{error:#}")),
    }
}

fn notify(state: NotifyState) {
    // Without a service manager there is nobody to tell.
    if let Err(error) = sd_notify::notify(false, &[state]) {
        warn!(%error, "the service manager could not be told");
    }
}

#[cfg(unix)]
fn told_to_stop() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminated, mut interrupted) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn told_to_stop() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        drop(tokio::signal::ctrl_c().await);
    })
}

fn log_to_stderr(log: &Log) {
    let terminal = io::stderr().is_terminal();
    let text = match log.format {
        LogFormat::Auto => terminal,
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    let filter = EnvFilter::try_new(&log.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let colours = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    // Fails when this process already logs somewhere: that is as good.
    drop(if text { builder.with_ansi(colours).try_init() } else { builder.json().try_init() });
}
