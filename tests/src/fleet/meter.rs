//! What a process has used, as the kernel tells it in `/proc`.
//!
//! Processor time is the sum over its threads, in nanoseconds; user and system time come in ticks
//! of ten milliseconds and say only how the sum divides. A thread that ended between two looks is
//! left out of the sum: the hub's threads that do the work live as long as the hub.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// Length of a tick: fixed by the kernel's interface for programs.
const TICK: Duration = Duration::from_millis(10);

/// One look at a process.
#[derive(Clone, Debug)]
pub struct Usage {
    /// Nanoseconds on a processor, by thread.
    threads: BTreeMap<u32, u64>,
    user: Duration,
    system: Duration,
    /// Memory now, in bytes.
    pub rss: u64,
    /// The most memory since the process started, in bytes.
    pub rss_peak: u64,
}

/// What was used between two looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// All processor time.
    pub cpu: Duration,
    /// Its part in the program.
    pub user: Duration,
    /// Its part in the kernel.
    pub system: Duration,
}

impl Usage {
    /// Looks at process `pid`.
    ///
    /// # Errors
    /// When there is none, or the system has no `/proc`.
    pub fn of(pid: u32) -> Result<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).context("reading /proc: Linux only")?;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let (user, system) = times(&stat).with_context(|| format!("/proc/{pid}/stat: {stat}"))?;
        let memory = |name| field(&status, name).with_context(|| format!("{name} in /proc/{pid}/status"));
        Ok(Self { threads: threads(pid)?, user, system, rss: memory("VmRSS:")?, rss_peak: memory("VmHWM:")? })
    }

    /// What was used since `before`.
    pub fn since(&self, before: &Self) -> Used {
        let spent = |(thread, now): (&u32, &u64)| now - before.threads.get(thread).copied().unwrap_or(0).min(*now);
        Used {
            cpu: Duration::from_nanos(self.threads.iter().map(spent).sum()),
            user: self.user.saturating_sub(before.user),
            system: self.system.saturating_sub(before.system),
        }
    }
}

fn threads(pid: u32) -> Result<BTreeMap<u32, u64>> {
    let mut times = BTreeMap::new();
    for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
        let path = entry?.path();
        let thread = path.file_name().and_then(|name| name.to_str()?.parse().ok()).context("a thread's number")?;
        let text = match fs::read_to_string(path.join("schedstat")) {
            Ok(text) => text,
            // It ended meanwhile.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound) => continue,
            Err(error) if error.raw_os_error() == Some(3) => continue,
            Err(error) => return Err(error.into()),
        };
        let nanoseconds = text.split(' ').next().and_then(|first| first.parse().ok());
        times.insert(thread, nanoseconds.with_context(|| format!("schedstat: {text}"))?);
    }
    Ok(times)
}

/// User and system time of a whole process, threads that ended included.
fn times(stat: &str) -> Option<(Duration, Duration)> {
    // The program's name stands in parentheses and may contain anything.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    let mut ticks = || Some(TICK * fields.next()?.parse().ok()?);
    Some((ticks()?, ticks()?))
}

/// A field of the status in bytes; the kernel writes kibibytes.
fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_does_not_shift_the_fields() {
        let stat = "7 (a) (b) c) S 1 7 7 0 -1 0 1 2 3 4 250 30 5 6 20 0 9 0";
        assert_eq!(times(stat), Some((Duration::from_millis(2_500), Duration::from_millis(300))));
        assert_eq!(times("7 (x) S 1"), None);
    }

    #[test]
    fn work_and_memory_of_this_process_are_seen() {
        let before = Usage::of(std::process::id()).unwrap();
        let mut work = vec![1_u8; 8 << 20];
        while Usage::of(std::process::id()).unwrap().since(&before).cpu < Duration::from_millis(5) {
            work.iter_mut().for_each(|byte| *byte = byte.wrapping_mul(3));
        }
        let after = Usage::of(std::process::id()).unwrap();
        assert!(after.rss_peak >= after.rss && after.rss >= 8 << 20, "{after:?}");
        drop(work);
    }
}
