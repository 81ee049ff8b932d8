//! What the hub tells Prometheus, on an address of its own.
//!
//! What happens is counted where it happens ([`Metrics`]); how things stand is read when somebody asks
//! (`network`). Started by the daemon when `metrics.listen` is set. Invariants: no label of `/metrics`
//! is an id or anything else that grows with the network, so there are as many series with ten sites as
//! with all of them; `/metrics/sites`, for whoever asks for it, has some for each site. Moments are told,
//! not ages. What has a name keeps it: rules of others rely on it.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

pub use self::requests::counted;
pub use self::serve::{Source, router};

mod network;
mod process;
mod requests;
mod serve;
mod text;

/// A label with a value of a closed set.
type Label = [(&'static str, &'static str); 1];
/// The route, and the class of the status.
type Requested = [(&'static str, String); 2];

/// Upper ends of the times of a commit, in seconds: from a fast disk to one that fails.
const COMMIT_BUCKETS_S: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// What carries sessions.
const TRANSPORTS: [&str; 2] = ["quic", "tcp"];

/// What is counted as it happens. Clones count together.
#[derive(Clone)]
pub struct Metrics {
    sessions: Family<Label, Gauge>,
    pushes: Family<Label, Counter>,
    commits: Counter,
    commit_time: Histogram,
    requests: Family<Requested, Counter>,
    started: Timestamp,
}

/// What devices pushed, since the hub started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pushes {
    /// Those that brought something new, which is kept.
    pub accepted: u64,
    /// Those that can never be taken.
    pub refused: u64,
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            sessions: Family::default(),
            pushes: Family::default(),
            commits: Counter::default(),
            commit_time: Histogram::new(COMMIT_BUCKETS_S),
            requests: Family::default(),
            started: Timestamp::now(),
        };
        // A series that is not there before it counts would hide its first step.
        for transport in TRANSPORTS {
            drop(metrics.sessions.get_or_create(&[("transport", transport)]));
        }
        metrics.pushed(Pushes::default());
        metrics
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// A device has connected.
    pub fn session_began(&self, transport: &'static str) {
        self.sessions.get_or_create(&[("transport", transport)]).inc();
    }

    /// Its connection is gone.
    pub fn session_ended(&self, transport: &'static str) {
        self.sessions.get_or_create(&[("transport", transport)]).dec();
    }

    /// So many more pushes were taken and refused.
    pub fn pushed(&self, more: Pushes) {
        for (result, count) in [("accepted", more.accepted), ("refused", more.refused)] {
            self.pushes.get_or_create(&[("result", result)]).inc_by(count);
        }
    }

    /// So many commits took so long, from the first thing they wrote to the disk's word.
    pub fn committed(&self, commits: u64, since: Instant) {
        if commits > 0 {
            self.commits.inc_by(commits);
            self.commit_time.observe(since.elapsed().as_secs_f64());
        }
    }

    /// How many commits were counted.
    #[cfg(test)]
    pub(crate) fn commits(&self) -> u64 {
        self.commits.get()
    }

    fn requested(&self, route: &str, status: u16) {
        let class = format!("{}xx", status / 100);
        self.requests.get_or_create(&[("route", route.to_owned()), ("status", class)]).inc();
    }

    /// Names what is counted.
    fn register(&self, registry: &mut Registry) {
        registry.register("sessions", "Devices connected, by what carries the session", self.sessions.clone());
        registry.register("pushes", "Pushes of devices since the start, by what became of them", self.pushes.clone());
        registry.register("commits", "Commits to the database since the start", self.commits.clone());
        registry.register_with_unit(
            "commit_duration",
            "Time of a turn that commits, from taking its inputs to the disk",
            Unit::Seconds,
            self.commit_time.clone(),
        );
        registry.register(
            "http_requests",
            "Answers of the HTTP interface since the start, by route and class of the status",
            self.requests.clone(),
        );
    }
}

/// A gauge that stands at this number.
fn gauge(value: f64) -> Gauge<f64, AtomicU64> {
    let gauge = Gauge::default();
    gauge.set(value);
    gauge
}

/// A moment, in seconds since 1970; 0 for never.
fn moment(at: Option<Timestamp>) -> f64 {
    at.map_or(0.0, |at| at.as_second() as f64)
}

#[cfg(test)]
mod tests;
