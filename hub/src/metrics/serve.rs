//! `/metrics` and `/metrics/sites`.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use tracing::error;

use super::network::{Network, Sites};
use super::{Label, Metrics, gauge, moment, process, text};
use crate::backup::glance;
use crate::backup::schedule::Schedule;
use crate::exit::with_causes;
use crate::service::Handle;
use crate::store::{StoreError, wal};

/// Where metrics are read from.
#[derive(Clone)]
pub struct Source {
    /// The running hub.
    pub handle: Handle,
    /// Its database's file.
    pub database: Arc<Path>,
    /// Its scheduled backups, if there are any.
    pub backups: Option<Schedule>,
}

/// What the machine tells of the hub.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Machine {
    ready: bool,
    disk_free: u64,
    database_len: u64,
    wal_len: u64,
    /// When the last good backup was made; the outer `None`: none are scheduled.
    backup: Option<Option<Timestamp>>,
}

/// The two addresses.
pub fn router(source: Source) -> Router {
    Router::new().route("/metrics", get(all)).route("/metrics/sites", get(each_site)).with_state(source)
}

async fn all(State(source): State<Source>) -> Response {
    let now = Timestamp::now();
    let almanac = source.handle.almanac().clone();
    let network = source.handle.scrape(move |conn| Network::read(conn, &almanac, now)).await;
    answer(network.map(|network| {
        let machine = Machine::look(&source, now);
        exposition(source.handle.metrics(), &network, &machine)
    }))
}

async fn each_site(State(source): State<Source>) -> Response {
    let now = Timestamp::now();
    let almanac = source.handle.almanac().clone();
    let sites = source.handle.scrape(move |conn| Sites::read(conn, &almanac, now)).await;
    answer(sites.map(|sites| of_sites(&sites)))
}

/// A text, or that the hub cannot tell: the scraper marks it as down.
fn answer(told: Result<String, StoreError>) -> Response {
    match told {
        Ok(told) => {
            let headers = [(header::CONTENT_TYPE, text::CONTENT_TYPE), (header::CACHE_CONTROL, "no-store")];
            (headers, told).into_response()
        }
        Err(error) => {
            error!(error = with_causes(&error), "metrics could not be read");
            (StatusCode::SERVICE_UNAVAILABLE, "the hub's log tells why\n").into_response()
        }
    }
}

/// Everything but what is of one site.
pub(super) fn exposition(metrics: &Metrics, network: &Network, machine: &Machine) -> String {
    let mut registry = Registry::default();
    let hub = registry.sub_registry_with_prefix("msap_hub");
    let build = Family::<Label, Gauge>::default();
    build.get_or_create(&[("version", env!("CARGO_PKG_VERSION"))]).set(1);
    hub.register("build_info", "1, with the version of the program", build);
    metrics.register(hub);
    network.register(hub);
    machine.register(hub);
    process::register(&mut registry, metrics.started);
    written(&registry)
}

/// What is of one site, for each of them.
pub(super) fn of_sites(sites: &Sites) -> String {
    let mut registry = Registry::with_prefix("msap_hub");
    sites.register(&mut registry);
    written(&registry)
}

fn written(registry: &Registry) -> String {
    let mut open = String::new();
    // Writing to a text fails only where a value's own encoder does, and none here can.
    match encode(&mut open, registry) {
        Ok(()) => text::of_open_metrics(&open),
        Err(std::fmt::Error) => String::new(),
    }
}

impl Machine {
    fn look(source: &Source, now: Timestamp) -> Self {
        let dir = source.database.parent().unwrap_or(Path::new("."));
        let len = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
        Self {
            ready: source.handle.trouble().is_none(),
            disk_free: rustix::fs::statvfs(dir).map_or(0, |disk| disk.f_bavail.saturating_mul(disk.f_frsize)),
            database_len: len(&source.database),
            wal_len: len(&wal::path_of(&source.database)),
            backup: source.backups.as_ref().map(|schedule| {
                let (_, age) = schedule.age(glance::header, now).ok()?.last?;
                now.checked_sub(age).ok()
            }),
        }
    }

    fn register(&self, registry: &mut Registry) {
        let help = "1 when the hub takes in what devices send, as /readyz says";
        registry.register("ready", help, gauge(f64::from(u8::from(self.ready))));
        for (name, help, len) in [
            ("disk_free", "Room left on the disk of the database", self.disk_free),
            ("database_size", "Size of the database's file", self.database_len),
            ("wal_size", "Size of the log beside the database", self.wal_len),
        ] {
            registry.register_with_unit(name, help, Unit::Bytes, gauge(len as f64));
        }
        if let Some(last) = self.backup {
            let help = "When the last scheduled backup that is whole was made, since 1970; 0: none is there";
            registry.register_with_unit("backup_last_success_timestamp", help, Unit::Seconds, gauge(moment(last)));
        }
    }
}

#[cfg(test)]
impl Machine {
    /// One that keeps backups.
    pub(super) fn with_backups() -> Self {
        Self { ready: true, backup: Some(None), ..Self::default() }
    }
}
