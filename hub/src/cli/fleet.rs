//! The fleet on a terminal: departments with their worst state, then the sites, the worst first.

use std::io;

use super::args::Format;
use super::table;
use crate::fleet::{FleetObject, FleetSite, GroupObject};
use crate::lang::{Lang, counted};
use crate::out::{self, Grid};
use crate::sheet::SheetFormat;
use crate::site::STATES;
use crate::words::{self, Vocabulary, nouns};

/// Writes the answer.
pub(super) fn show(fleet: &FleetObject, format: Option<Format>, json: bool, lang: Lang) -> io::Result<()> {
    match format {
        _ if json => out::json(fleet),
        Some(Format::Csv) => out::bytes(&fleet.sheet().write(SheetFormat::Csv)),
        Some(Format::CsvFr) => out::bytes(&fleet.sheet().write(SheetFormat::CsvFr)),
        Some(Format::Table | Format::Json) | None => {
            head(fleet, lang);
            out::grid(&departments(fleet, lang))?;
            out::grid(&sites(fleet, lang))
        }
    }
}

/// What concerns all of it, for people.
fn head(fleet: &FleetObject, lang: Lang) {
    match &fleet.check {
        Some(check) if check.drift > 0 => {
            let text = lang.of(
                "la base n’est pas telle qu’elle a été écrite : msap-hub check en dit plus ; écarts trouvés",
                "the database is not what was written: msap-hub check tells more; findings",
            );
            eprintln!("{text}: {} ({})", check.drift, check.at);
        }
        Some(check) => {
            let text = lang.of("base vérifiée en entier le", "database checked as a whole at");
            eprintln!("{text} {}", check.at);
        }
        None => eprintln!("{}", lang.of("base pas encore vérifiée en entier", "database not checked as a whole yet")),
    }
    let GroupObject { sites, waiting, forked, refused, flagged, .. } = &fleet.total;
    let (sites, machines) = (nouns::sites(*sites, lang), nouns::machines(*forked, lang));
    let changes = nouns::changes(*waiting, lang);
    let refused = counted(*refused, lang, ["refusé", "refusés"], ["refused", "refused"]);
    let text = lang.of(
        format!("{sites} ; {changes} en attente, {refused}, {flagged} à part, {machines} en double"),
        format!("{sites}; {changes} waiting, {refused}, {flagged} apart, {machines} twice"),
    );
    eprintln!("{text}");
}

/// A state in words.
fn said(state: &str, lang: Lang) -> String {
    Vocabulary::SiteState.cell(state).shown(lang)
}

fn departments(fleet: &FleetObject, lang: Lang) -> Grid {
    let mut grid = table::headed(&["department", "state", "sites"], lang);
    grid.header.extend(STATES.iter().rev().map(|state| said(state, lang)));
    grid.header.extend(["waiting", "refused", "apart", "forked"].map(|column| words::heading(column, lang)));
    for group in &fleet.departments {
        let state = group.state.as_deref().unwrap_or_default();
        let states = STATES.iter().rev().map(|state| group.states.get(*state).copied().unwrap_or_default().to_string());
        let counts = [group.waiting, group.refused, group.flagged, group.forked].map(|count| count.to_string());
        let first = [group.department.clone().unwrap_or_default(), said(state, lang), group.sites.to_string()];
        grid.push(first.into_iter().chain(states).chain(counts));
    }
    grid
}

fn sites(fleet: &FleetObject, lang: Lang) -> Grid {
    let columns = [
        "department",
        "site",
        "name",
        "state",
        "reason",
        "last_contact",
        "waiting",
        "version",
        "refused",
        "apart",
        "forked",
    ];
    let mut grid = table::headed(&columns, lang);
    let rank = |site: &&FleetSite| STATES.iter().position(|state| *state == site.state);
    let mut sites: Vec<_> = fleet.sites.iter().collect();
    // Stable: within a state they stay by department.
    sites.sort_by_key(|site| std::cmp::Reverse(rank(site)));
    for site in sites {
        let count = |number: u64| if number == 0 { String::new() } else { number.to_string() };
        grid.push([
            site.department.clone(),
            site.id.clone(),
            site.name.clone(),
            said(&site.state, lang),
            lang.of(&site.cause.fr, &site.cause.en).clone(),
            table::cell("last_contact", &site.last_contact.as_deref().into(), lang),
            site.waiting.map(|waiting| waiting.to_string()).unwrap_or_default(),
            site.version.clone().unwrap_or_default(),
            count(site.refused),
            count(site.flagged),
            count(site.forked),
        ]);
    }
    grid
}
