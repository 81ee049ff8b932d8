//! `fleet seed-views`: a hub's database that holds the whole network and two years of visits.
//!
//! Sites, hours, partners and machines are put in by the hub's own functions, and so is the last
//! month, change by change. The months before are written straight into the views, as nothing else
//! would take minutes; a test compares what stands there with what changes would have made of it.
//! Invariants: the same seed gives the same figures; a directory that is not empty is left alone;
//! one site is in memory at a time.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use jiff::Timestamp;
use msap_hub::ask::{hub_zone, today};
use msap_hub::keys::Keys;
use msap_hub::store::{FILE_NAME, Store, meta};
use msap_shared::time::{Day, Month};
use serde_json::{Value, json};

use self::months::Speaker;
use super::totals::Sums;
use super::{not_understood, note, told};
use crate::generator::{Model, SiteList};

mod changes;
mod months;
mod network;
mod views;

#[cfg(test)]
mod budgets;
#[cfg(test)]
mod tests;

/// The word that asks for it.
pub(super) const NAME: &str = "seed-views";
/// Beside the database: what was put into it.
const MARKER: &str = "seeded.json";
/// Sites in one transaction.
const SITES_AT_ONCE: usize = 50;
/// Pages of the database that are kept in memory meanwhile: a negative number of KiB.
const CACHE_KIB: i64 = -262_144;

/// Remplit un nouveau répertoire de hub avec le réseau entier et deux ans de visites inventées, pour des mesures
#[derive(Clone, Debug, Parser)]
#[command(name = "fleet seed-views")]
pub struct SeedOptions {
    /// Répertoire à créer, ensuite celui de msap-hub --data
    #[arg(value_name = "RÉPERTOIRE")]
    pub data: PathBuf,
    /// Nombre de lieux de la liste nationale [défaut : tous]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub sites: Option<u32>,
    /// Nombre de mois
    #[arg(long, value_name = "M", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=60))]
    pub months: u32,
    /// Combien des derniers mois sont faits de vrais changements ; les autres n’ont pas de documents
    #[arg(long, value_name = "M", default_value_t = 1)]
    pub real: u32,
    /// Dernier mois [défaut : le dernier mois terminé]
    #[arg(long, value_name = "MOIS")]
    pub until: Option<Month>,
    /// Graine du hasard : la même donne les mêmes visites
    #[arg(long, value_name = "N", default_value_t = 2020)]
    pub seed: u64,
    /// Donne le compte rendu en JSON
    #[arg(long)]
    pub json: bool,
}

/// What was put in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seeded {
    /// Sites.
    pub sites: usize,
    /// First and last month.
    pub months: Option<(Month, Month)>,
    /// People and requests.
    pub sums: Sums,
    /// Changes of visits.
    pub changes: u64,
    /// Bytes of the database.
    pub bytes: u64,
}

impl Seeded {
    /// Bytes of the database for a month of a site.
    pub fn bytes_per_site_month(&self) -> u64 {
        let months = self.months.map_or(0, |(first, last)| successive(first, last).count());
        self.bytes / (self.sites * months).max(1) as u64
    }

    fn to_json(&self) -> Value {
        let Self { sites, months, sums: Sums { visits, requests }, changes, bytes } = self;
        json!({
            "sites": sites,
            "from": months.map(|(first, _)| first.to_string()),
            "to": months.map(|(_, last)| last.to_string()),
            "visits": visits,
            "requests": requests,
            "changes": changes,
            "bytes": bytes,
            "bytes_per_site_month": self.bytes_per_site_month(),
        })
    }
}

/// Runs the command with these arguments, its own name first.
pub(super) fn main(args: Vec<OsString>) -> ExitCode {
    let options = match SeedOptions::try_parse_from(args) {
        Ok(options) => options,
        Err(error) => return not_understood(&error),
    };
    let began = Instant::now();
    told(seed(&options).and_then(|seeded| {
        let mut object = seeded.to_json();
        object["seconds"] = json!(began.elapsed().as_secs());
        if options.json {
            return Ok(serde_json::to_string_pretty(&object)?);
        }
        let Seeded { sites, sums: Sums { visits, requests }, changes, bytes, .. } = &seeded;
        let (months, per) = (options.months, seeded.bytes_per_site_month());
        Ok(format!(
            "{sites} lieux, {months} mois : {visits} visites, {requests} demandes, {changes} vrais changements\n\
             {} Mo, {per} octets par lieu et mois, en {} s\n\
             Figures inventées : « msap-hub check » dira des mois sans changements que rien ne les porte",
            bytes / 1_000_000,
            object["seconds"],
        ))
    }))
}

/// Fills a new hub's directory.
///
/// # Errors
/// When the directory holds anything, or anything cannot be written.
pub fn seed(options: &SeedOptions) -> Result<Seeded> {
    let (first, last) = period(options)?;
    let list = SiteList::load()?;
    let ids: Vec<&str> = list.ids().take(options.sites.unwrap_or(u32::MAX) as usize).collect();
    let model = Model::load()?;
    let store = begun(&options.data)?;
    store.connection().pragma_update(None, "cache_size", CACHE_KIB)?;
    note(&format!("{} lieux, de {first} à {last}", ids.len()));
    let (mut store, places) = network::put(store, &list, &ids, (first, last), options.seed)?;
    let real = (1..options.real).fold(last, |month, _| before(month));
    let mut seeded = Seeded { sites: ids.len(), months: Some((first, last)), ..Seeded::default() };
    for (n, some) in places.chunks(SITES_AT_ONCE).enumerate() {
        store.write(|conn, turn| {
            for place in some {
                let speaker = Speaker { model: &model, site: &place.site, seed: options.seed };
                for (month, spoken) in speaker.months(first, last) {
                    seeded.sums += spoken.sums();
                    if options.real > 0 && month >= real {
                        seeded.changes += changes::put((conn, turn), place, month, &spoken, options.seed)?;
                    } else {
                        views::put(conn, place, month, &spoken)?;
                    }
                }
            }
            meta::touch_figures(conn)?;
            Ok::<_, anyhow::Error>(())
        })?;
        if n % 10 == 9 {
            note(&format!("{} lieux", (n + 1) * SITES_AT_ONCE));
        }
    }
    let conn = store.into_connection();
    conn.execute_batch("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE)").context("ending the database's log")?;
    drop(conn);
    seeded.bytes = std::fs::metadata(options.data.join(FILE_NAME))?.len();
    // Nobody is to take it for anything else.
    std::fs::write(options.data.join(MARKER), serde_json::to_vec_pretty(&seeded.to_json())?)?;
    Ok(seeded)
}

/// A new hub's keys and database.
fn begun(data: &Path) -> Result<Store> {
    let is_empty = |path: &Path| Ok::<_, std::io::Error>(std::fs::read_dir(path)?.next().is_none());
    match is_empty(data) {
        Ok(true) => {}
        Ok(false) => bail!("{} n’est pas vide : donnez un répertoire à créer", data.display()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => std::fs::create_dir_all(data)?,
        Err(error) => return Err(error).context(data.display().to_string()),
    }
    Keys::open_or_create(&data.join("keys"), false).context("les clés du hub")?;
    Store::open(data, None, Box::new(rand::random::<[u8; 16]>)).context("la base du hub")
}

/// First and last month.
fn period(options: &SeedOptions) -> Result<(Month, Month)> {
    let over = before(today(Timestamp::now()).month());
    let last = options.until.unwrap_or(over);
    if last > over {
        bail!("--until {last} : donnez un mois terminé, au plus tard {over}");
    }
    let first = (1..options.months).fold(last, |month, _| before(month));
    Ok((first, last))
}

fn before(month: Month) -> Month {
    month.first_day().plus_days(-1).month()
}

/// The months from one to another, both included.
fn successive(first: Month, last: Month) -> impl Iterator<Item = Month> {
    std::iter::successors(Some(first), |month| Some(month.next())).take_while(move |month| *month <= last)
}

/// Noon of a day of the hub.
fn noon(day: Day) -> Result<Timestamp> {
    hub_zone().instant(day.date().at(12, 0, 0, 0)).context("a day without a noon")
}
