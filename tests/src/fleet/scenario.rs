//! The scenarios: what happens, and what is measured of it.
//!
//! Processor time and memory are those of the hub's process alone; bytes are counted on the lines
//! between the sites and the hub, headers and handshakes included.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::figures::{Figures, percentile};
use super::stage::{Begun, Stage};
use super::{Options, Scenario};
use crate::relay::Traffic;

/// Plays the scenario; everything is confirmed when this returns, and every site connected.
pub(super) fn play(stage: &mut Stage<'_>, options: &Options) -> Result<Figures> {
    match options.scenario {
        Scenario::Visit => visit(stage, options),
        Scenario::Rush => {
            stage.be_absent()?;
            reconnect(stage, options, f64::from(options.visits()) * stage.sites() as f64)
        }
        Scenario::Quiet => reconnect(stage, options, 0.0),
        Scenario::Restore => {
            stage.empty_hub()?;
            reconnect(stage, options, history(stage, options))
        }
        Scenario::Live => live(stage, options),
    }
}

/// Visits that were confirmed before.
fn history(stage: &Stage<'_>, options: &Options) -> f64 {
    f64::from(options.visits_of_history()) * f64::from(options.months()) * stage.sites() as f64
}

fn begun(stage: &Stage<'_>, options: &Options) -> Figures {
    let mut figures = Figures::default();
    figures.add("documents", f64::from(options.months()) * stage.sites() as f64);
    figures.add("visits_before", history(stage, options));
    figures
}

/// Every site connects; the scenario ends when all that they kept is confirmed.
fn reconnect(stage: &mut Stage<'_>, options: &Options, visits: f64) -> Result<Figures> {
    let mut figures = begun(stage, options);
    let Begun { at, hub: before } = stage.connect(options.over)?;
    let confirmed = stage.wait_confirmed()?;
    stage.wait_quiet()?;
    let after = stage.usage()?;
    let traffic = stage.traffic()?;

    figures.add("visits_measured", visits);
    let last = confirmed.last().context("a site")?;
    figures.add_ms("wall_ms", *last - at);
    for (name, share) in [("confirmed_ms_p50", 0.5), ("confirmed_ms_p99", 0.99), ("confirmed_ms_max", 1.0)] {
        figures.add_ms(name, percentile(&confirmed, share).map_or(Duration::ZERO, |moment| moment - at));
    }
    figures.add("arrivals_busiest_second_percent", busiest_second(&stage.arrivals()?, at));
    let used = after.since(&before);
    figures.add_ms("hub_cpu_ms", used.cpu);
    figures.add_ms("hub_cpu_ms_per_site", used.cpu.div_f64(stage.sites() as f64));
    if visits > 0.0 {
        figures.add_ms("hub_cpu_ms_per_visit", used.cpu.div_f64(visits));
    }
    figures.add_ms("hub_cpu_user_ms", used.user);
    figures.add_ms("hub_cpu_system_ms", used.system);
    figures.add("hub_rss_before_kib", kib(before.rss));
    figures.add("hub_rss_peak_kib", kib(after.rss_peak));
    let Traffic { up, down } = traffic;
    figures.add("up_bytes", up as f64);
    figures.add("down_bytes", down as f64);
    figures.add("up_bytes_per_site", up as f64 / stage.sites() as f64);
    figures.add("down_bytes_per_site", down as f64 / stage.sites() as f64);
    Ok(figures)
}

/// One live visit at a time, on sites that are all connected.
fn visit(stage: &mut Stage<'_>, options: &Options) -> Result<Figures> {
    let mut figures = begun(stage, options);
    stage.connect(Duration::ZERO)?;
    stage.wait_confirmed()?;
    stage.wait_quiet()?;
    let (before, passed) = (stage.usage()?, stage.traffic()?);
    let at = Instant::now();
    let mut latencies = Vec::new();
    for _ in 0..options.visits() {
        for site in 0..stage.sites() {
            latencies.push(stage.tap(site)?);
        }
    }
    stage.wait_quiet()?;
    let (after, traffic) = (stage.usage()?, stage.traffic()?.since(passed));

    let visits = latencies.len().max(1) as f64;
    latencies.sort_unstable();
    figures.add("visits_measured", visits);
    figures.add_ms("wall_ms", at.elapsed());
    for (name, share) in [("latency_us_p50", 0.5), ("latency_us_p99", 0.99)] {
        figures.add(name, percentile(&latencies, share).unwrap_or_default().as_secs_f64() * 1e6);
    }
    let used = after.since(&before);
    figures.add_ms("hub_cpu_ms", used.cpu);
    figures.add_ms("hub_cpu_ms_per_visit", used.cpu.div_f64(visits));
    figures.add_ms("hub_cpu_user_ms", used.user);
    figures.add_ms("hub_cpu_system_ms", used.system);
    figures.add("hub_rss_peak_kib", kib(after.rss_peak));
    figures.add("up_bytes_per_visit", traffic.up as f64 / visits);
    figures.add("down_bytes_per_visit", traffic.down as f64 / visits);
    Ok(figures)
}

/// Every site is connected and has nothing to say.
fn live(stage: &mut Stage<'_>, options: &Options) -> Result<Figures> {
    let mut figures = begun(stage, options);
    let Begun { hub: before, .. } = stage.connect(options.over)?;
    stage.wait_confirmed()?;
    stage.wait_quiet()?;
    let (connected, passed) = (stage.usage()?, stage.traffic()?);
    stage.stay(options.time);
    let (after, traffic) = (stage.usage()?, stage.traffic()?.since(passed));

    let sites = stage.sites() as f64;
    let minutes = options.time.as_secs_f64() / 60.0;
    figures.add("hub_rss_before_kib", kib(before.rss));
    figures.add("hub_rss_peak_kib", kib(after.rss_peak));
    figures.add("hub_rss_kib_per_session", (kib(after.rss) - kib(before.rss)) / sites);
    let used = after.since(&connected);
    figures.add_ms("hub_cpu_ms", used.cpu);
    figures.add("hub_cpu_percent", used.cpu.as_secs_f64() / options.time.as_secs_f64() * 100.0);
    figures.add("up_bytes_per_minute", traffic.up as f64 / sites / minutes);
    figures.add("down_bytes_per_minute", traffic.down as f64 / sites / minutes);
    Ok(figures)
}

fn kib(bytes: u64) -> f64 {
    bytes as f64 / 1024.0
}

/// The greatest share of arrivals within one second, in percent.
fn busiest_second(arrivals: &[Instant], begun: Instant) -> f64 {
    let mut bins = std::collections::BTreeMap::<u64, usize>::new();
    for arrival in arrivals {
        *bins.entry(arrival.saturating_duration_since(begun).as_secs()).or_default() += 1;
    }
    let most = bins.into_values().max().unwrap_or_default();
    most as f64 * 100.0 / arrivals.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_second_is_found() {
        let begun = Instant::now();
        let at = |ms: &[u64]| ms.iter().map(|ms| begun + Duration::from_millis(*ms)).collect::<Vec<_>>();
        assert_eq!(busiest_second(&[], begun), 0.0);
        assert_eq!(busiest_second(&at(&[0, 999, 1_000, 5_000]), begun), 50.0);
    }
}
