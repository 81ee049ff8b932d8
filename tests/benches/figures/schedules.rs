//! Figures of schedules: the national list's hours as rules, asked of the almanac.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use msap_hub::almanac::{Almanac, Pages};
use msap_hub::core::edit::SiteEdit;
use msap_hub::core::{Core, Revocations};
use msap_hub::import::{self, ListFile};
use msap_hub::lang::Lang;
use msap_hub::site::{self, Contact, Site};
use msap_hub::store::Store;
use msap_hub::store::chains;
use msap_hub::store::documents::chunks;
use msap_hub::store::sites::{self, SiteFilter};
use msap_hub::{ask, export};
use msap_shared::document::register::{Author, Stamp};
use msap_shared::document::schedule::Place;
use msap_shared::document::{DocId, DocKind};
use msap_shared::io::hours;
use msap_shared::io::store::registers;
use msap_shared::schedule::instant::Instant as Minute;
use msap_shared::schedule::{Schedule, edit};
use msap_shared::time::Day;
use rusqlite::Connection;

use super::{median, micros, tell};

const LIST: &[u8] = include_bytes!("../../data/sites.csv");
const CHANGES: &[u8] = include_bytes!("../../data/schedule_changes_2022_2024.csv");
const REPEATS: u32 = 15;

/// Measures on a hub in memory that has imported the national list.
pub(super) fn measure() -> Result<()> {
    let now: Timestamp = "2026-11-24T09:30:00Z".parse()?;
    let store = Store::over(Connection::open_in_memory()?, PathBuf::new(), None, Box::new(rand::random::<[u8; 16]>))?;
    let mut core = Core::new(store, ask::hub_zone(), Revocations::default());
    let list = ListFile::read(LIST, "liste-fs-20240801.csv".to_owned());
    let plan = core.store().write(|conn, _| {
        let plan = import::plan(conn, &list, ask::today(now), Lang::Fr)?;
        plan.carry_out(conn, now)?;
        Ok::<_, import::ImportError>(plan)
    })?;
    let hours = |(site, facts)| SiteEdit { site, kind: DocKind::Schedule, facts, detail: String::new() };
    let edits: Vec<SiteEdit> = plan.hours.iter().cloned().map(hours).collect();
    core.edit_all(&edits, now)?;

    let almanac = Almanac::default();
    let begun = Instant::now();
    let pages = almanac.open(core.connection())?;
    tell("reading all schedules once", &micros(begun.elapsed()));
    let sites: Vec<_> =
        sites::list(core.connection(), &SiteFilter::default())?.into_iter().map(|(site, _)| site).collect();
    let mut all = Vec::new();
    let mut years = Vec::new();
    let mut texts = Vec::new();
    for n in 0..REPEATS {
        let begun = Instant::now();
        let open = sites.iter().filter(|site| {
            let at = Minute::at(now, &site.timezone);
            pages.open(site, at) == msap_shared::schedule::Now::Open
        });
        let open = open.count();
        all.push(begun.elapsed());
        anyhow::ensure!(open > 1_000, "{open} sites are open on a Tuesday morning");
        let site = sites.get(n as usize * 7).context("a site")?;
        let first = Day::new(2026, 1, 1).context("a day")?;
        let begun = Instant::now();
        for day in 0..365 {
            std::hint::black_box(pages.plan(site, first.plus_days(day)));
        }
        years.push(begun.elapsed());
        let Some(book) = pages.book(&site.id) else { continue };
        let begun = Instant::now();
        std::hint::black_box(book.osm(first, &pages.around(site)));
        texts.push(begun.elapsed());
    }
    tell(&format!("open now, {} sites", sites.len()), &micros(median(all)?));
    for days in [1, 7] {
        let took = states(&sites, &pages, now, days)?;
        tell(&format!("states of {} sites, last whole {days} days ago", sites.len()), &micros(took));
    }
    tell("one site's year of days", &micros(median(years)?));
    tell("one site's year as OpenStreetMap's text", &micros(median(texts)?));
    five_years(&mut core, now)
}

/// How all sites stand, if each was last known to be whole so many days ago.
fn states(sites: &[Site], pages: &Pages, now: Timestamp, days: i64) -> Result<Duration> {
    let at = Some(now.as_second() - days * 86_400);
    let contact = Contact { active: 1, last_contact: at, last_in_sync: at, ..Contact::default() };
    let mut took = Vec::new();
    for _ in 0..REPEATS {
        let begun = Instant::now();
        let stands = sites.iter().map(|site| site::state(site, &contact, now, |day| pages.end_of_opening(site, day)));
        let up_to_date = stands.filter(|state| *state == "up_to_date").count();
        took.push(begun.elapsed());
        anyhow::ensure!(up_to_date < sites.len() / 2, "{up_to_date} are up to date");
    }
    median(took)
}

/// Sites whose real hours changed, changed again every twenty months for five years: back, forth
/// and back. Of all sites, 47 % changed in twenty months: the others' documents are smaller.
fn five_years(core: &mut Core, now: Timestamp) -> Result<()> {
    let mut reader = csv::Reader::from_reader(CHANGES);
    let (mut sizes, mut raw) = (Vec::new(), Vec::new());
    let (mut loads, mut folds) = (Vec::new(), Vec::new());
    for row in reader.records() {
        let row = row?;
        if row[2] == row[3] || sizes.len() == 200 {
            continue;
        }
        let (Ok(before), Ok(after)) = (hours::read(&row[2]), hours::read(&row[3])) else { continue };
        let id = row[0].parse()?;
        let document = DocId::registers(id, DocKind::Schedule).context("a schedule")?;
        for (n, read) in (0..).zip([&before, &after, &before]) {
            let day = Day::new(2024, 9, 1).context("a day")?.plus_days(600 * n);
            let stamp = Stamp { author: Author::List, day };
            let held = Schedule::read(&msap_hub::almanac::facts(core.connection(), &document)?);
            let facts = edit::set_hours(&held, &stamp, day, &Place::Site, &read.rules)?;
            let site = document.site().clone();
            core.edit(&SiteEdit { site, kind: DocKind::Schedule, facts, detail: String::new() }, now)?;
        }
        let changes = chunks(core.connection(), &document.to_string())?;
        anyhow::ensure!(changes.len() >= 3, "{document} has {} changes", changes.len());
        raw.push(changes.iter().map(Vec::len).sum::<usize>());
        let saved = export::saved(&changes)?;
        let begun = Instant::now();
        let facts = msap_hub::almanac::facts(core.connection(), &document)?;
        std::hint::black_box(Schedule::read(&facts));
        loads.push(begun.elapsed());
        let row = chains::document_row(core.connection(), &document)?.context("a document")?;
        let begun = Instant::now();
        std::hint::black_box(registers::load(core.connection(), row)?);
        folds.push(begun.elapsed());
        sizes.push(saved.len());
    }
    tell("schedule after five years of changes, as kept, median", &format!("{} B", median(raw)?));
    tell("the same, saved as Automerge file", &format!("{} B", median(sizes)?));
    tell("the same, read from the database", &micros(median(loads)?));
    tell("the same, folded from its edits, to add one", &micros(median(folds)?));
    Ok(())
}
