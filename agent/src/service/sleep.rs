//! How long the machine has been on, sleep included.
//!
//! Called before each turn: on Linux the clock that only goes forward stops while the machine
//! sleeps, and a laptop that wakes up on Monday would look like one whose clock jumped.

use std::time::Duration;

/// Time since the machine's start; `None` where [`std::time::Instant`] counts sleep by itself.
#[cfg(target_os = "linux")]
pub(super) fn since_boot() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}

/// Time since the machine's start; `None` where [`std::time::Instant`] counts sleep by itself.
#[cfg(not(target_os = "linux"))]
pub(super) fn since_boot() -> Option<Duration> {
    None
}
