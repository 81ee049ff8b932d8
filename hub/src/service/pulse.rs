//! When the writer last ended a turn, and whether the disk had room for it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// When the writer last ended a turn: read without asking the writer.
pub(super) struct Pulse {
    begun: Instant,
    last_ms: AtomicU64,
    full: AtomicBool,
}

impl Pulse {
    pub(super) fn new() -> Self {
        Self::since(Instant::now())
    }

    pub(super) fn since(begun: Instant) -> Self {
        Self { begun, last_ms: AtomicU64::new(0), full: AtomicBool::new(false) }
    }

    pub(super) fn beat(&self, full: bool) {
        self.full.store(full, Ordering::Relaxed);
        let ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_ms.store(ms, Ordering::Relaxed);
    }

    pub(super) fn age(&self) -> Duration {
        self.begun.elapsed().saturating_sub(Duration::from_millis(self.last_ms.load(Ordering::Relaxed)))
    }

    /// Whether the disk had no room for the last turn that wrote.
    pub(super) fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }
}
