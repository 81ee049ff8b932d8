//! The process itself, under the names that Prometheus' own libraries use.

use jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::{Registry, Unit};
use rustix::time::{ClockId, clock_gettime};
use std::sync::atomic::AtomicU64;

use super::{gauge, moment};

/// Names what the system tells of this process; what it does not tell is left out.
pub(super) fn register(registry: &mut Registry, started: Timestamp) {
    let registry = registry.sub_registry_with_prefix("process");
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    let cpu = Counter::<f64, AtomicU64>::default();
    cpu.inc_by(spent.tv_sec as f64 + spent.tv_nsec as f64 / 1e9);
    registry.register_with_unit("cpu", "Processor time spent", Unit::Seconds, cpu);
    registry.register_with_unit(
        "start_time",
        "When it started, since 1970",
        Unit::Seconds,
        gauge(moment(Some(started))),
    );
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    for (field, name, help) in [
        ("VmRSS:", "resident_memory", "Memory in use that is not swapped out"),
        ("VmSize:", "virtual_memory", "Address space in use"),
    ] {
        if let Some(kib) = kib_of(&status, field) {
            registry.register_with_unit(name, help, Unit::Bytes, gauge(kib as f64 * 1024.0));
        }
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        registry.register("open_fds", "Open files and sockets", gauge(open.count() as f64));
    }
}

/// `VmRSS:     12345 kB`.
fn kib_of(status: &str, field: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}
