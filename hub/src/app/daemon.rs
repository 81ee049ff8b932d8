//! The hub that runs: what starts, in which order, and how it stops.
//!
//! Invariant: nothing listens before the lock is held and the database is open; at a stop,
//! whatever takes work from outside ends first, the writer last.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use msap_shared::io::file::{Access, create_private_directory, write_atomic};
use msap_shared::io::listen::Listener;
use rusqlite::Connection;
use sd_notify::NotifyState;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::bind::Door;
use super::engine::{self, Engine};
use super::opening;
use crate::accept;
use crate::admin::socket::{Administration, Socket};
use crate::admin::{self, Asked, Change, Context, Reply, Request};
use crate::almanac::Almanac;
use crate::backup::aside;
use crate::backup::schedule::keep_backing_up;
use crate::client::{Lock, LockError};
use crate::config::{LogFormat, Settings};
use crate::core::Core;
use crate::drift::{self, CheckError, Checker, keep_checking};
use crate::enrol::advertised;
use crate::exit::{Exit, Failure, with_causes};
use crate::http::{self, Entrance, Views};
use crate::keys::Keys;
use crate::lane::{Lane, ReadError};
use crate::lang::Lang;
use crate::metrics;
use crate::reference::Sources;
use crate::service::{Handle, Service, Stopping, WriterEnded};
use crate::store::{self, StoreError};
use crate::who::Who;

/// Where tests and tools read the addresses really bound.
pub const ADDRESSES: &str = "addresses.json";
/// A command may hold the lock for a moment.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
/// How long a start may go on after it has last shown that it does.
const STARTING_USEC: u32 = 60_000_000;

/// Runs the hub until it is told to stop.
///
/// # Errors
/// When it cannot start, or the writer fails.
pub(super) fn run(data: &Path, keys: &Path, settings: &Settings, lang: Lang) -> Result<(), Failure> {
    log(settings);
    let io = |error: std::io::Error| Failure::new(Exit::Failure, format!("{} : {error}", data.display()));
    create_private_directory(data).map_err(io)?;
    let lock = lock(data, lang)?;
    let (mut core, keys) = opening::open(data, keys, lang)?;
    // A first start that is cut off right after this must not look like a lost list of
    // revocations at the next one.
    opening::witness(&core, &keys).map_err(|error| engine::keys_failure(&error))?;
    core.await_check(Timestamp::now()).map_err(|error| engine::store_failure(&error, lang))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(io)?;
    let ended = runtime.block_on(serve(data, core, keys, settings, lang));
    drop(runtime);
    drop(lock);
    ended
}

fn lock(data: &Path, lang: Lang) -> Result<Lock, Failure> {
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        match Lock::take(data) {
            Ok(lock) => return Ok(lock),
            Err(LockError::Taken(_)) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(20)),
            Err(LockError::Taken(_)) => {
                let text = lang.of("un autre hub tourne déjà sur ce dossier", "another hub runs on this directory");
                return Err(Failure::new(Exit::Invalid, format!("{} : {text}", data.display())));
            }
            Err(error) => {
                let next = lang.of(
                    "vérifiez les droits du dossier et que son disque n’est pas monté en lecture seule",
                    "check the permissions of the directory, and that its disk is not mounted read-only",
                );
                return Err(Failure::new(Exit::Failure, format!("{} : {next}", with_causes(&error))));
            }
        }
    }
}

async fn serve(data: &Path, core: Core, keys: Arc<Keys>, settings: &Settings, lang: Lang) -> Result<(), Failure> {
    let failed = |what: &str, error: &dyn std::error::Error| {
        Failure::new(Exit::Failure, format!("{what} : {}", with_causes(error)))
    };
    let tls = keys.tls().map_err(|error| engine::keys_failure(&error))?;
    let door = Listener::bind(settings.sync_listen, tls, &keys.transport_secret());
    let named = Door { setting: "sync.listen", option: "--sync", address: settings.sync_listen };
    let door = door.map_err(|error| named.shut(&error, lang))?;
    let listener = TcpListener::bind(settings.http_listen).await;
    let named = Door { setting: "http.listen", option: "--http", address: settings.http_listen };
    let listener = listener.map_err(|error| named.shut(&error, lang))?;
    let measured = match settings.metrics_listen {
        None => None,
        Some(address) => {
            let named = Door { setting: "metrics.listen", option: "--metrics", address };
            Some(TcpListener::bind(address).await.map_err(|error| named.shut(&error, lang))?)
        }
    };
    let sync = door.local_addr().map_err(|error| failed("sync", &error))?;
    let http = listener.local_addr().map_err(|error| failed("http", &error))?;
    let socket = Socket::bind(data).map_err(|error| failed(admin::socket::NAME, &error))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| failed("SIGTERM", &error))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| failed("SIGINT", &error))?;

    // Two tokens: the writer stops only after everything that hands it work has stopped.
    let (rim, writer) = (CancellationToken::new(), CancellationToken::new());
    let advertise = advertised(settings.sync_advertise.as_deref(), sync);
    let core = core.with(Sources::new(keys.clone(), &advertise, settings.rules.terms()));
    let almanac = Arc::new(Almanac::new(settings.rules.clone()));
    let database = data.join(store::FILE_NAME);
    let service = Service::start(core, database, keys.clone(), &advertise, almanac, writer.clone());
    let service = service.map_err(|error| failed("writer", &error))?;
    let handle = service.handle.clone();
    let context = Context { ca_hash: keys.ca_hash(), advertise: settings.sync_advertise.clone(), sync };
    let database = data.join(store::FILE_NAME);
    let checker = Checker::new(handle.clone(), &database, rim.clone());
    let at_night = drift::offset(keys.ca_hash());
    let operators = Operators { handle: handle.clone(), keys, context: Arc::new(context), checker: checker.clone() };
    let limits = accept::Limits {
        connections: settings.sync_connections,
        return_over: settings.sync_return_over,
        ..accept::Limits::default()
    };
    let mut parts = JoinSet::new();
    parts.spawn(accept::run(door, handle.clone(), Arc::new(handle.clone()), limits, rim.clone()));
    let (all, each) = (settings.http_connections, settings.http_connections_per_address);
    let entrance = Entrance::new(settings.http_public_url.clone(), settings.http_trusted_proxies.clone());
    let bounds = http::Limits::new(all, each, settings.http_trusted_proxies.clone());
    let router = metrics::counted(http::router(handle.clone(), Arc::new(entrance)), handle.metrics().clone());
    parts.spawn(http::serve(listener, router, bounds.clone(), rim.clone()));
    let measured_at = measured.as_ref().map(TcpListener::local_addr).transpose();
    let measured_at = measured_at.map_err(|error| failed("metrics", &error))?;
    if let Some(listener) = measured {
        let (database, backups) = (database.as_path().into(), settings.backup.clone());
        let source = metrics::Source { handle: handle.clone(), database, backups };
        parts.spawn(http::serve(listener, metrics::router(source), bounds, rim.clone()));
    }
    parts.spawn(socket.serve(operators, rim.clone()));
    parts.spawn(handle.clone().keep_noting_labels(rim.clone()));
    parts.spawn(handle.clone().keep_releasing(data.join(store::FILE_NAME), rim.clone()));
    parts.spawn(handle.keep_verifying(rim.clone()));
    if let Some(nightly) = settings.check {
        parts.spawn(keep_checking(checker, nightly, at_night, Timestamp::now));
    }
    if let Some(schedule) = settings.backup.clone() {
        parts.spawn(keep_backing_up(schedule, data.join(store::FILE_NAME), rim.clone()));
    }

    let announced = announce(data, (sync, http, measured_at), lang).map_err(|error| failed(ADDRESSES, &error));
    let mut lacking = false;
    if announced.is_ok() {
        info!(%sync, %http, "the hub is ready");
        match aside::prune(data) {
            Ok(0) => {}
            Ok(removed) => info!(removed, "databases that were replaced long ago are removed"),
            Err(error) => warn!(%error, "databases that were replaced long ago could not be removed"),
        }
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = writer.cancelled() => error!("the writer has stopped: the hub stops with it"),
            // A hub that hears nobody must not look as if it worked.
            ended = parts.join_next() => {
                lacking = true;
                error!(?ended, "a part of the hub has ended by itself: the hub stops with it");
            }
        }
    }
    notify(&[NotifyState::Stopping]);
    if let Err(error) = std::fs::remove_file(data.join(ADDRESSES)) {
        info!(%error, "the file of addresses could not be removed");
    }
    rim.cancel();
    while let Some(ended) = parts.join_next().await {
        if let Err(error) = ended {
            error!(%error, "a part of the hub panicked");
        }
    }
    writer.cancel();
    if let Err(error) = service.finish().await {
        opening::suspect(data);
        return Err(match error {
            WriterEnded::Store(error) => engine::store_failure(&error, lang),
            WriterEnded::Panicked => defect(lang),
        });
    }
    info!("the hub has stopped");
    if lacking { Err(defect(lang)) } else { announced }
}

/// The program is at fault, not the database: started again, it goes on.
fn defect(lang: Lang) -> Failure {
    let text = lang.of(
        "le hub s’est arrêté sur un défaut du programme : relancez-le (systemd le fait seul) et signalez le journal",
        "the hub stopped by a defect of the program: start it again (systemd does) and report the log",
    );
    Failure::new(Exit::Failure, text)
}

/// Tells people, tools and systemd where the hub is to be found.
fn announce(
    data: &Path,
    (sync, http, metrics): (SocketAddr, SocketAddr, Option<SocketAddr>),
    lang: Lang,
) -> std::io::Result<()> {
    let mut addresses = serde_json::json!({ "sync": sync.to_string(), "http": http.to_string() });
    if let Some(metrics) = metrics {
        addresses["metrics"] = metrics.to_string().into();
    }
    write_atomic(&data.join(ADDRESSES), addresses.to_string().as_bytes(), Access::Directory)?;
    match lang {
        Lang::Fr => {
            eprintln!("msap-hub : les postes se connectent sur {sync} (UDP et TCP), l’interface est sur http://{http}")
        }
        Lang::En => eprintln!("msap-hub: sites connect to {sync} (UDP and TCP), the interface is at http://{http}"),
    }
    notify(&[NotifyState::Ready]);
    Ok(())
}

/// Tells systemd that a start which takes long is under way.
pub(super) fn still_starting() {
    notify(&[NotifyState::ExtendTimeoutUsec(STARTING_USEC)]);
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(false, state) {
        info!(%error, "systemd could not be told");
    }
}

fn log(settings: &Settings) {
    use std::io::IsTerminal;
    // Checked when the settings were read.
    let filter = tracing_subscriber::EnvFilter::new(&settings.log_filter);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let terminal = std::io::stderr().is_terminal();
    let format = settings.log_format.unwrap_or(if terminal { LogFormat::Text } else { LogFormat::Json });
    let colour = terminal && std::env::var_os("NO_COLOR").is_none();
    let set = match format {
        LogFormat::Text => builder.with_ansi(colour).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    if let Err(error) = set {
        info!(%error, "logging was set up before");
    }
}

/// Operators' requests on a running hub: reading beside the writer, changes on its thread.
#[derive(Clone)]
struct Operators {
    handle: Handle,
    keys: Arc<Keys>,
    context: Arc<Context>,
    checker: Checker,
}

impl Administration for Operators {
    async fn carry_out(&self, asked: Asked) -> Result<Reply, Failure> {
        let Asked { lang, request } = asked;
        let stopping = || {
            let text = lang.of("le hub s’arrête", "the hub is stopping");
            Failure::new(Exit::NotRunning, text)
        };
        match request {
            Request::Look(look) => {
                let now = jiff::Timestamp::now();
                let keys = self.keys.clone();
                let list = move || keys.listed();
                let almanac = self.handle.almanac().clone();
                let looked =
                    self.handle.look(move |conn| Ok(admin::look_beside_list(conn, &almanac, &look, list, lang, now)));
                let reply = looked.await.map_err(|error| engine::store_failure(&error, lang))?;
                reply.map_err(|error| error.failure(lang))
            }
            Request::Authorities => {
                let keys = self.keys.clone();
                let looked = self.handle.look(move |conn| Ok(admin::authorities(conn, &keys)));
                let found = looked.await.map_err(|error| engine::store_failure(&error, lang))?;
                found.map(Reply::Authorities).map_err(|error| error.failure(lang))
            }
            // Beside the writer: it reads everything there is, and nobody waits for it.
            Request::Change(Change::Check { rebuild }) => {
                let report = self.checker.check().await.map_err(|error| match error {
                    CheckError::Store(error) => engine::store_failure(&error, lang),
                    CheckError::Stopping(Stopping) => stopping(),
                })?;
                if rebuild && report.is_mendable() && !report.differences.is_empty() {
                    let rebuilt = self
                        .handle
                        .manage(|core, now| core.on_behalf(Who::Operator, |core| core.rebuild(now)))
                        .await
                        .map_err(|Stopping| stopping())?;
                    rebuilt.map_err(|error| engine::store_failure(&error, lang))?;
                }
                Ok(Reply::Checked(engine::checked(report, rebuild)))
            }
            Request::Revocations => {
                admin::revocations(&self.keys, lang).map(Reply::Revocations).map_err(|error| error.failure(lang))
            }
            Request::Change(change) => {
                let (keys, context) = (self.keys.clone(), self.context.clone());
                let changed = self.handle.manage(move |core, now| {
                    // A rotation changes what new invitations name.
                    let context = Context { ca_hash: keys.ca_hash(), ..(*context).clone() };
                    let reply = core.on_behalf(Who::Operator, |core| {
                        admin::change(&mut Engine { core, keys: &keys }, &change, &context, lang, now)
                    });
                    // Also where it failed after it had happened, as a rotation whose line in the
                    // journal found no room: only what differs is sent.
                    let referred = if change.reaches_devices() { core.refer(now) } else { Ok(()) };
                    let reply = reply.map_err(|error| error.failure(lang))?;
                    referred.map(|()| reply).map_err(|error| engine::store_failure(&error, lang))
                });
                changed.await.map_err(|Stopping| stopping())?
            }
        }
    }
}

impl Views for Handle {
    async fn read<T, F>(&self, lane: Lane, f: F) -> Result<T, ReadError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        Self::read(self, lane, f).await
    }

    async fn change<T, F>(&self, who: Who, f: F) -> Option<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Core, Timestamp) -> T + Send + 'static,
    {
        self.manage(move |core, now| core.on_behalf(who, |core| f(core, now))).await.ok()
    }

    fn almanac(&self) -> &Arc<Almanac> {
        Self::almanac(self)
    }

    fn trouble(&self) -> Option<&'static str> {
        Self::trouble(self)
    }
}
