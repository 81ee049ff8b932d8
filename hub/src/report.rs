//! The report of a site: what its steering committee needs to know of a year.
//!
//! Called by the API and by `msap-hub report`. Visits and requests are those of `counts`, against
//! the same period a year before; hours, closures and permanences follow from the plans of days
//! that are over. A house's antennas are included as long as they were attached to it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use msap_shared::id::SiteId;
use msap_shared::time::Day;
use rusqlite::Connection;

use self::held::Held;
use crate::almanac::Pages;
use crate::ask::{self, AskError, Form, Given};
use crate::completeness::{self, Rows, Tally};
use crate::counts::{self, Sides, Told};
use crate::lang::Phrase;
use crate::network::months_before;
use crate::query::{Antennas, Compare, Filters, Key, Query};
use crate::site::Site;
use crate::store::figures::FigureError;
use crate::store::history::{self, Closed};
use crate::store::sites;
use crate::store::tree;

mod held;
mod text;
mod told;

/// Most days of one report: three years.
const DAYS_MAX: i32 = 1_100;
/// Months told unless asked otherwise.
const MONTHS: i32 = 12;

/// What becomes of a house's antennas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Attached {
    /// They are included.
    #[default]
    Together,
    /// They are included, and each is told for itself as well.
    Apart,
    /// They are left out.
    Without,
}

/// What is asked of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// First and last day.
    pub period: (Day, Day),
    /// What becomes of its antennas.
    pub antennas: Attached,
    /// The form, if one was named.
    pub form: Option<Form>,
}

/// The report.
#[derive(Clone, Debug)]
pub struct Report {
    site: Site,
    question: Question,
    /// The period compared with, if the calendar has it.
    other: Option<(Day, Day)>,
    /// The last day of which hours, closures and permanences are told.
    held_until: Day,
    /// The antennas that were attached, with their names.
    antennas: Vec<(SiteId, String)>,
    whole: Part,
    /// The house and each antenna for itself, where asked for.
    parts: Vec<(Site, Part)>,
}

/// All that is told of one site, or of several together.
#[derive(Clone, Debug, Default)]
struct Part {
    /// How many sites' days and hours are added up.
    sites: usize,
    /// When the site had closed for good, from the period's first day until today.
    closed: Vec<Closed>,
    total: Figure,
    /// What stands apart until a person decides.
    flagged: (i64, i64),
    /// Which days were to be reported, in all and by month.
    tally: Tally,
    due: BTreeMap<String, Tally>,
    months: Vec<(String, Figure)>,
    operators: Vec<(String, Figure)>,
    helps: Vec<(String, Figure)>,
    ages: Vec<(String, Figure)>,
    held: Held,
    /// The year before.
    held_then: Held,
}

/// A figure, and the one of the year before; `None` where nothing was received then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Figure {
    visits: Option<i64>,
    requests: i64,
    then: Option<(Option<i64>, i64)>,
}

/// What is asked by these names and values on `today`.
///
/// # Errors
/// When anything in it is unknown, repeated or contradictory.
pub fn ask(given: &[(String, String)], today: Day) -> Result<Question, AskError> {
    let given = Given::check(given, ask::REPORT)?;
    let period = match (given.one("from"), given.one("to")) {
        (None, None) => (months_before(today.month(), MONTHS), today.month().first_day().plus_days(-1)),
        _ => ask::period(&given, today.month())?,
    };
    if period.1 > today {
        let expected = Phrase::new("aujourd’hui ou un jour passé", "today, or a day of the past");
        return Err(ask::wrong("to", &period.1.to_string(), expected));
    }
    if period.1.number() - period.0.number() >= DAYS_MAX {
        let expected = Phrase::new("moins de 1100 jours après from", "less than 1100 days after from");
        return Err(ask::wrong("to", &period.1.to_string(), expected));
    }
    let attached = [("apart", Attached::Apart), ("none", Attached::Without)];
    let forms: Vec<_> = ask::FORMS.into_iter().chain([("text", Form::Text)]).collect();
    let form = Phrase::new("parmi json, text, csv, csv-fr", "one of json, text, csv, csv-fr");
    Ok(Question {
        period,
        antennas: given
            .choice("antennas", &attached, Phrase::new("apart ou none", "apart or none"))?
            .unwrap_or_default(),
        form: given.choice("format", &forms, form)?,
    })
}

impl Question {
    /// The question on figures that a report asks of a site: whoever may not ask it may not have the
    /// report.
    pub fn figures(&self, site: &SiteId) -> Query {
        let (from, to) = self.period;
        let antennas = match self.antennas {
            Attached::Together => Antennas::Together,
            Attached::Apart => Antennas::Within,
            Attached::Without => Antennas::Apart,
        };
        let filters = Filters { sites: vec![site.clone()], ..Filters::default() };
        Query { filters, antennas, compare: Some(Compare::Year), ..Query::of(from, to) }
    }
}

/// The report of a site.
///
/// # Errors
/// When it has too many rows, or the store fails.
pub fn of(
    conn: &Connection,
    pages: &Pages,
    site: Site,
    question: Question,
    now: Timestamp,
) -> Result<Report, FigureError> {
    let query = question.figures(&site.id);
    let other = query.compared().map(|other| (other.from, other.to));
    let yesterday = Day::at(now, &site.timezone).plus_days(-1);
    let (from, to) = question.period;
    let held_until = to.min(yesterday);
    let with_antennas = question.antennas != Attached::Without;
    let times = |(from, to): (Day, Day)| match from <= to {
        true => tree::served(conn, &site.id, (from, to), with_antennas),
        false => Ok(Vec::new()),
    };
    let now_served = times((from, held_until))?;
    // As much of the year before as there is of this one.
    let then = Query { to: held_until.max(from), ..query.clone() }.compared().filter(|_| from <= held_until);
    let then_served = then.map(|then| times((then.from, then.to))).transpose()?.unwrap_or_default();
    let mut records = BTreeMap::new();
    for (id, ..) in now_served.iter().chain(&then_served) {
        if let Some((record, _)) = sites::find(conn, id)? {
            records.insert(id.clone(), record);
        }
    }
    let held = |served: &[(SiteId, Day, Day)], only: Option<&SiteId>| {
        let mut held = Held::default();
        for (id, from, to) in served.iter().filter(|(id, ..)| only.is_none_or(|only| only == id)) {
            records.get(id).into_iter().for_each(|record| held.add(pages, record, (*from, *to)));
        }
        held.closures.sort_by(|one, other| (one.from, &one.site).cmp(&(other.from, &other.site)));
        held
    };
    // A house that has closed since is told to have, whatever the period.
    let closed = |id: &SiteId| history::closed(conn, id, (from, to.max(ask::today(now))));
    let mut whole = Part {
        closed: closed(&site.id)?,
        held: held(&now_served, None),
        held_then: held(&then_served, None),
        ..Part::default()
    };
    let together = Query { antennas: together(query.antennas), ..query.clone() };
    whole.count(conn, &together)?;
    let by_month = completeness::answer(conn, pages, &Query { by: vec![Key::Month], ..together }, now, Rows::All)?;
    let due = by_month.rows.into_iter().filter_map(|(keys, tally)| Some((keys.into_iter().next()?, tally)));
    whole.owe(by_month.total, due.collect());
    let mut antennas = Vec::new();
    for (id, ..) in times(question.period)?.iter().filter(|(id, ..)| *id != site.id) {
        if antennas.iter().all(|(known, _)| known != id) {
            antennas.push((id.clone(), sites::name(conn, id.as_str())?.unwrap_or_default()));
        }
    }
    whole.sites = 1 + antennas.len();
    let mut parts = Vec::new();
    if question.antennas == Attached::Apart {
        let counted = split(conn, &query)?;
        let mut due = owed(conn, pages, &query, now)?;
        for id in std::iter::once(&site.id).chain(antennas.iter().map(|(id, _)| id)) {
            let Some((record, _)) = sites::find(conn, id)? else { continue };
            let part = counted.get(id.as_str()).cloned().unwrap_or_default();
            let (now, then) = (held(&now_served, Some(id)), held(&then_served, Some(id)));
            let mut part = Part { sites: 1, closed: closed(id)?, held: now, held_then: then, ..part };
            let due = due.remove(id.as_str()).unwrap_or_default();
            let mut tally = Tally::default();
            due.values().for_each(|month| tally.add(month));
            part.owe(tally, due);
            parts.push((record, part));
        }
    }
    Ok(Report { site, question, other, held_until, antennas, whole, parts })
}

fn together(antennas: Antennas) -> Antennas {
    match antennas {
        Antennas::Within => Antennas::Together,
        other => other,
    }
}

/// The figures of each site that the question names or that was attached to it.
fn split(conn: &Connection, query: &Query) -> Result<BTreeMap<String, Part>, FigureError> {
    let mut parts = BTreeMap::<String, Part>::new();
    for key in [None, Some(Key::Month), Some(Key::Operator), Some(Key::Help), Some(Key::Age)] {
        let by = std::iter::once(Key::Site).chain(key).collect();
        for (keys, told) in counts::sides(conn, &Query { by, ..query.clone() })?.rows {
            let [site, rest @ ..] = &*keys else { continue };
            let part = parts.entry(site.clone()).or_default();
            match (key.and_then(|key| part.lines(key)), rest) {
                (Some(lines), [value]) => lines.push((value.clone(), told.into())),
                _ => part.total = told.into(),
            }
        }
    }
    Ok(parts)
}

/// Which days each site was to report, by month.
fn owed(
    conn: &Connection,
    pages: &Pages,
    query: &Query,
    now: Timestamp,
) -> Result<BTreeMap<String, BTreeMap<String, Tally>>, FigureError> {
    let by = vec![Key::Site, Key::Month];
    let found = completeness::answer(conn, pages, &Query { by, ..query.clone() }, now, Rows::All)?;
    let mut due = BTreeMap::<_, BTreeMap<_, _>>::new();
    for (keys, tally) in found.rows {
        if let [site, month] = &*keys {
            due.entry(site.clone()).or_default().insert(month.clone(), tally);
        }
    }
    Ok(due)
}

impl Part {
    /// Takes note of what was to be reported: a month of which nothing came has its line too.
    fn owe(&mut self, tally: Tally, due: BTreeMap<String, Tally>) {
        for (month, _) in due.iter().filter(|(_, tally)| tally.expected > 0) {
            if let Err(place) = self.months.binary_search_by(|(known, _)| known.cmp(month)) {
                let then = self.total.then.map(|_| (Some(0), 0));
                self.months.insert(place, (month.clone(), Figure { visits: Some(0), requests: 0, then }));
            }
        }
        (self.tally, self.due) = (tally, due);
    }

    fn count(&mut self, conn: &Connection, query: &Query) -> Result<(), FigureError> {
        for key in [Key::Month, Key::Operator, Key::Help, Key::Age] {
            let Sides { total, rows, flagged, .. } = counts::sides(conn, &Query { by: vec![key], ..query.clone() })?;
            // Keyed by operator or help, it would be without visits.
            if key == Key::Month {
                self.total = total.into();
                self.flagged = (flagged.visits.unwrap_or_default(), flagged.requests);
            }
            let line = |(keys, told): (Vec<String>, Told)| Some((keys.into_iter().next()?, told.into()));
            self.lines(key).into_iter().for_each(|lines| lines.extend(rows.iter().cloned().filter_map(line)));
        }
        Ok(())
    }

    /// The lines that a key has.
    fn lines(&mut self, key: Key) -> Option<&mut Vec<(String, Figure)>> {
        match key {
            Key::Month => Some(&mut self.months),
            Key::Operator => Some(&mut self.operators),
            Key::Help => Some(&mut self.helps),
            Key::Age => Some(&mut self.ages),
            _ => None,
        }
    }
}

impl Report {
    /// Whether a figure of it is so small that it may be one person's: an age at one place; or, where
    /// the period is not one of whole months, a matter at one place within days.
    pub fn may_tell_a_person(&self, min_cell: i64) -> bool {
        let small = |figure: &Figure| {
            let then = figure.then.map_or([None, None], |(visits, requests)| [visits, Some(requests)]);
            let figures = [figure.visits, Some(figure.requests)].into_iter().chain(then);
            figures.flatten().any(|figure| (1..min_cell).contains(&figure))
        };
        let is_whole_months = self.question.figures(&self.site.id).is_whole_months();
        let parts = std::iter::once(&self.whole).chain(self.parts.iter().map(|(_, part)| part));
        let fine = |part: &Part| {
            let matters = part.operators.iter().chain(&part.helps).filter(|_| !is_whole_months);
            part.ages.iter().chain(matters).any(|(_, figure)| small(figure))
        };
        parts.into_iter().any(fine)
    }
}

impl From<Told> for Figure {
    fn from(told: Told) -> Self {
        let then = told.then.map(|then| (then.visits, then.requests));
        Self { visits: told.now.visits, requests: told.now.requests, then }
    }
}

#[cfg(test)]
mod tests;
