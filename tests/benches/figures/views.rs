//! The views of the whole network, asked over HTTP while sites are syncing:
//! `cargo bench -p msap-tests --bench figures -- views`.
//!
//! Minutes, and two gigabytes of disk; `MSAP_SEEDED` names a directory that `fleet seed-views` has
//! filled, which is then measured itself and keeps what was synced. Each question is asked of another
//! period, site or partner each time, and no tag of an earlier answer is ever sent.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use msap_hub::store::FILE_NAME;
use msap_shared::code::OPERATORS;
use msap_shared::time::Month;
use msap_tests::cluster::{Cluster, Hub, Programs};
use msap_tests::fleet::load::Load;
use msap_tests::fleet::seed::{SeedOptions, seed};
use msap_tests::generator::SiteList;

use super::{median, p95, tell};

/// Questions of each kind.
const ASKED: usize = 200;
/// Sites that are syncing, each a visit in so much time: a hundred visits a second, where the whole
/// country makes four.
const SYNCING: usize = 100;
const EVERY: Duration = Duration::from_secs(1);
const MONTHS: u32 = 24;

/// Measures on a hub of its own.
pub(super) fn measure(programs: Programs) -> Result<()> {
    let cluster = match std::env::var_os("MSAP_SEEDED") {
        Some(data) => Cluster::in_directory(programs, Path::new(&data).parent().context("a parent")?.to_owned())?,
        None => Cluster::new(programs)?,
    };
    let name = std::env::var_os("MSAP_SEEDED").map(PathBuf::from);
    let name = name.as_deref().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or("hub").to_owned();
    let mut hub = cluster.hub(&name);
    let last = jiff::Timestamp::now();
    let last = msap_hub::ask::today(last).month().first_day().plus_days(-1).month();
    if !hub.data().join(FILE_NAME).exists() {
        let options = SeedOptions {
            data: hub.data().to_owned(),
            sites: None,
            months: MONTHS,
            real: 1,
            until: Some(last),
            seed: 2020,
            json: false,
        };
        let began = Instant::now();
        let seeded = seed(&options)?;
        tell("the network seeded", &format!("{} s", began.elapsed().as_secs()));
        tell("visits / requests", &format!("{} / {}", seeded.sums.visits, seeded.sums.requests));
    }
    let bytes = std::fs::metadata(hub.data().join(FILE_NAME))?.len();
    hub.start()?;
    let ids: Vec<String> = SiteList::load()?.ids().map(str::to_owned).collect();
    tell("database per site and month", &format!("{} B", bytes / (ids.len() as u64 * u64::from(MONTHS))));
    let token = hub.make_token("national", "admin")?;
    // Anywhere in the list.
    let syncing: Vec<String> = ids.iter().step_by(ids.len() / SYNCING).take(SYNCING).cloned().collect();
    let machines = Path::new("/dev/shm");
    let machines = if machines.is_dir() { machines } else { cluster.path() };
    let months: Vec<Month> =
        std::iter::successors(Some(last), |month| Some(month.first_day().plus_days(-1).month())).take(24).collect();
    let questions = questions(&ids, &months);
    // On which days each site opens is worked out once for each month, and kept: each is asked for once.
    for (what, targets) in &questions {
        let begun = Instant::now();
        asked(&hub, &targets[0], &token)?;
        tell(&format!("{what}, the first time"), &ms(begun.elapsed()));
        for target in targets.iter().take(MONTHS as usize) {
            asked(&hub, target, &token)?;
        }
    }
    let load = Load::begin(&hub, &syncing, EVERY, machines)?;
    for (what, targets) in &questions {
        let mut times = Vec::new();
        for n in 0..ASKED {
            times.push(asked(&hub, &targets[n % targets.len()], &token)?);
        }
        tell(&format!("{what}, median / 95 %"), &format!("{} / {}", ms(median(times.clone())?), ms(p95(times)?)));
    }
    let took = load.end()?;
    let visits = took.len();
    tell(
        &format!("meanwhile a visit → confirmed, median / 95 % of {visits}"),
        &format!("{} / {}", ms(median(took.clone())?), ms(p95(took)?)),
    );
    hub.stop()
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn asked(hub: &Hub, target: &str, token: &str) -> Result<Duration> {
    let begun = Instant::now();
    let answer = hub.get(target, Some(token))?;
    let took = begun.elapsed();
    ensure!(answer.status == 200, "{target}: {} {}", answer.status, answer.text());
    Ok(took)
}

/// Each question with the addresses that ask it, one after the other.
fn questions(ids: &[String], months: &[Month]) -> Vec<(&'static str, Vec<String>)> {
    let years = months.windows(12).map(|year| {
        let (from, to) = (year[11].first_day(), year[0].last_day());
        format!("/v1/visits?by=department,operator&from={from}&to={to}")
    });
    let sites = ids.iter().step_by(13).zip(months.iter().cycle()).map(|(site, month)| {
        format!("/v1/visits?by=day&site={site}&from={}&to={}", month.first_day(), month.last_day())
    });
    let partners = OPERATORS.iter().take(11).flat_map(|operator| {
        months.iter().map(|month| format!("/v1/operators/{}/return?month={month}", operator.code))
    });
    vec![
        ("national year by department and operator", years.collect()),
        ("one site's month by day", sites.collect()),
        ("a partner's return of a month", partners.collect()),
        // All houses at once; JSON goes by pages.
        ("label of the network", vec!["/v1/label?format=csv".to_owned()]),
    ]
}
