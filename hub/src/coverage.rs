//! Where a partner is to be had: at which houses and antennas in service it comes, can be reached, or
//! cannot be had, on a day.
//!
//! Called by the API and by `msap-hub coverage`. What holds on one day is `availability`'s to say;
//! whether somebody *comes* is a matter of more than a day, so it is asked of the four weeks that
//! begin with the week of the day: that is long enough for odd weeks and the nth weekday of a
//! month. What nobody has said, or confirmed lately, is unknown, and never an absence.

use std::collections::{BTreeMap, BTreeSet};

use msap_shared::code::OperatorCode;
use msap_shared::document::partners::Mode;
use msap_shared::document::partners::availability::{Availability, availability};
use msap_shared::document::schedule::OperatorToken;
use msap_shared::document::schedule::slot::union;
use msap_shared::schedule::{DayPlan, plan};
use msap_shared::time::Day;
use rusqlite::Connection;

use crate::almanac::{Book, Pages};
use crate::ask::{self, AskError, Form, Given};
use crate::lang::Phrase;
use crate::network::passes;
use crate::query::Filters;
use crate::site::{Kind, Site};
use crate::store::StoreError;
use crate::store::figures::{FigureError, ROWS_MAX};
use crate::store::sites::{self, SiteFilter};
use crate::store::tree::{self, Node};

mod told;

/// The weeks over which it is asked whether somebody comes.
const WEEKS: i32 = 4;
/// How far ahead it can be asked.
const DAYS_AHEAD_MAX: i32 = 366;

/// How a partner can be had at a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cover {
    /// Somebody comes within four weeks.
    Present,
    /// A part of the service, at a distance.
    Partial,
    /// An agent can be reached.
    Reachable,
    /// Not to be had.
    Absent,
    /// Not said, not confirmed for too long, or contradicted.
    Unknown,
}

/// What the rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// A partner at a site.
    Site,
    /// A partner in a department.
    Department,
    /// A partner.
    Operator,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Of which day.
    pub day: Day,
    /// Operators (none: all that any of the sites speaks of), and which sites.
    pub filters: Filters,
    /// What the rows of a table are.
    pub rows: Rows,
    /// The form, if one was named.
    pub form: Option<Form>,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Coverage {
    question: Question,
    sites: Vec<SiteCover>,
    departments: BTreeMap<(OperatorCode, String), Sums>,
    total: BTreeMap<OperatorCode, Sums>,
}

/// A partner at a site.
#[derive(Clone, Debug, PartialEq, Eq)]
struct SiteCover {
    operator: OperatorCode,
    site: String,
    name: String,
    kind: Kind,
    house: Option<String>,
    commune: String,
    department: String,
    cover: Cover,
    /// Days, and minutes, of all weeks together on which somebody comes.
    days: u32,
    minutes: u32,
    /// When it was last confirmed.
    checked_on: Option<Day>,
    /// Whether that is too long ago.
    stale: bool,
}

/// A partner at several sites.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Sums {
    houses: [u32; 5],
    antennas: [u32; 5],
    days: u32,
    minutes: u32,
    /// Where it is to be had in any way.
    communes: BTreeSet<(String, String)>,
}

impl Cover {
    /// All, the best first.
    pub const ALL: [Self; 5] = [Self::Present, Self::Partial, Self::Reachable, Self::Absent, Self::Unknown];

    /// The stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Partial => "partial",
            Self::Reachable => "reachable",
            Self::Absent => "absent",
            Self::Unknown => "unknown",
        }
    }

    /// What people read.
    pub const fn label_fr(self) -> &'static str {
        match self {
            Self::Present => "présent",
            Self::Partial => "partiel",
            Self::Reachable => "joignable",
            Self::Absent => "absent",
            Self::Unknown => "inconnu",
        }
    }

    /// Whether it is known to be had in some way.
    const fn is_there(self) -> bool {
        matches!(self, Self::Present | Self::Partial | Self::Reachable)
    }
}

/// What is asked by these names and values on `today`.
///
/// # Errors
/// When anything in it is unknown, repeated or contradictory.
pub fn ask(conn: &Connection, given: &[(String, String)], today: Day) -> Result<Question, AskError> {
    let given = Given::check(given, ask::COVERAGE)?;
    let rows = [("site", Rows::Site), ("department", Rows::Department), ("operator", Rows::Operator)];
    let expected = Phrase::new("site, department ou operator", "site, department or operator");
    let filters = Filters {
        operators: ask::operators(&given)?,
        sites: ask::named_sites(conn, &given)?,
        departments: ask::departments(&given)?,
        regions: ask::regions(&given)?,
        bearers: ask::bearers(conn, &given)?,
        ..Filters::default()
    };
    // What is said of partners is said of now: of a day that is over it would be made up.
    let ahead = Phrase::new("aujourd’hui, ou un jour de l’année qui vient", "today, or a day of the coming year");
    let day = match given.one("day") {
        None => today,
        Some(text) => match ask::day("day", text)? {
            day if (today..=today.plus_days(DAYS_AHEAD_MAX)).contains(&day) => day,
            _ => return Err(ask::wrong("day", text, ahead)),
        },
    };
    Ok(Question {
        day,
        filters,
        rows: given.choice("by", &rows, expected)?.unwrap_or(Rows::Site),
        form: ask::form(&given)?,
    })
}

/// Answers the question.
///
/// # Errors
/// When it has too many rows, or the store fails.
pub fn answer(conn: &Connection, pages: &Pages, question: Question) -> Result<Coverage, FigureError> {
    let records: BTreeMap<_, _> =
        sites::list(conn, &SiteFilter::default())?.into_iter().map(|(site, _)| (site.id.clone(), site)).collect();
    let serving = serving(conn, &question)?;
    let wanted = match question.filters.operators.is_empty() {
        true => named(pages, &serving, question.day),
        false => question.filters.operators.iter().cloned().collect(),
    };
    let mut coverage = Coverage { sites: Vec::new(), departments: BTreeMap::new(), total: BTreeMap::new(), question };
    for operator in &wanted {
        coverage.total.insert(operator.clone(), Sums::default());
    }
    for node in &serving {
        let Some(site) = records.get(&node.site) else { continue };
        for line in at(pages, node, site, &wanted, coverage.question.day) {
            coverage.total.entry(line.operator.clone()).or_default().add(&line);
            let key = (line.operator.clone(), line.department.clone());
            coverage.departments.entry(key).or_default().add(&line);
            coverage.sites.push(line);
        }
        if coverage.question.rows == Rows::Site && coverage.sites.len() > ROWS_MAX {
            return Err(FigureError::TooManyRows);
        }
    }
    coverage.sites.sort_by(|one, other| (&one.operator, &one.site).cmp(&(&other.operator, &other.site)));
    Ok(coverage)
}

/// The sites asked for that received people on the day.
fn serving(conn: &Connection, question: &Question) -> Result<Vec<Node>, StoreError> {
    let Question { day, filters, .. } = question;
    let mut nodes = tree::on(conn, *day)?;
    nodes.retain(|node| {
        let named = |id| filters.sites.contains(id);
        let among = filters.sites.is_empty() || named(&node.site) || node.parent.as_ref().is_some_and(named);
        node.life.is_serving() && among && passes(filters, node)
    });
    Ok(nodes)
}

/// The operators that these sites speak of.
fn named(pages: &Pages, nodes: &[Node], day: Day) -> BTreeSet<OperatorCode> {
    let code = |token: &OperatorToken| match token {
        OperatorToken::Known(code) => Some(code.clone()),
        OperatorToken::Local(_) => None,
    };
    let of = |book: &std::sync::Arc<Book>| {
        let said = book.partners.operators().filter_map(|(token, _)| code(token));
        said.chain(book.schedule.permanences_on(day).filter_map(|(token, ..)| code(token))).collect::<Vec<_>>()
    };
    nodes.iter().filter_map(|node| pages.book(&node.site)).flat_map(of).collect()
}

/// Each of these partners at one site.
fn at(pages: &Pages, node: &Node, site: &Site, wanted: &BTreeSet<OperatorCode>, day: Day) -> Vec<SiteCover> {
    let line = |operator: &OperatorCode| SiteCover {
        operator: operator.clone(),
        site: node.site.to_string(),
        name: site.name.clone(),
        kind: node.kind,
        house: node.parent.as_ref().map(ToString::to_string),
        commune: site.commune.clone(),
        department: node.department.clone(),
        cover: Cover::Unknown,
        days: 0,
        minutes: 0,
        checked_on: None,
        stale: false,
    };
    let Some(book) = pages.book(&node.site) else { return wanted.iter().map(line).collect() };
    let around = pages.around(site);
    let plans = |days: Vec<Day>| -> Vec<DayPlan> {
        days.into_iter().map(|day| plan(&book.schedule, day, &around.surroundings())).collect()
    };
    let today = plan(&book.schedule, day, &around.surroundings());
    let window = window(day);
    // Most sites of the network have no rule for most partners.
    let comes = |operator: &OperatorToken| {
        window.iter().any(|day| book.schedule.permanences_on(*day).any(|(of, ..)| of == operator))
    };
    let mut weeks = None;
    let cover = |operator: &OperatorCode| {
        let token = OperatorToken::Known(operator.clone());
        let stale_after = pages.rules().stale_after_days;
        let now = availability(&book.partners, &book.schedule, &today, &token, stale_after);
        let said = now.said.first().filter(|_| now.said.len() == 1).map(|(_, presence)| *presence);
        let mut line = SiteCover { checked_on: said.map(|said| said.checked_on), stale: now.stale, ..line(operator) };
        // What is believed on the day is believed of its weeks.
        let refused = !now.stale && said.is_some_and(|said| said.mode == Mode::Absent);
        if !refused && now.said.len() < 2 && comes(&token) {
            for day in weeks.get_or_insert_with(|| plans(window.clone())) {
                let of_day = day.permanences.iter().filter(|coming| coming.operator == token);
                let held = of_day.filter(|coming| coming.cancelled.is_none()).map(|coming| coming.interval);
                let intervals = union(held);
                if intervals.is_empty() {
                    continue;
                }
                let minutes: u16 = intervals.iter().map(|interval| interval.minutes()).sum();
                line.days += 1;
                line.minutes += u32::from(minutes);
            }
        }
        line.cover = match now.availability {
            _ if line.days > 0 => Cover::Present,
            Availability::Present => Cover::Present,
            Availability::Remote => Cover::Partial,
            Availability::Reachable => Cover::Reachable,
            Availability::Absent | Availability::Cancelled => Cover::Absent,
            Availability::Unknown => Cover::Unknown,
        };
        line
    };
    wanted.iter().map(cover).collect()
}

/// The days over which it is asked whether somebody comes.
fn window(day: Day) -> Vec<Day> {
    let monday = day.plus_days(-i32::from(day.date().weekday().to_monday_zero_offset()));
    (0..WEEKS * 7).map(|n| monday.plus_days(n)).collect()
}

impl Sums {
    fn add(&mut self, line: &SiteCover) {
        let sums = match line.kind {
            Kind::House => &mut self.houses,
            Kind::Antenna => &mut self.antennas,
        };
        for (cover, sum) in Cover::ALL.iter().zip(sums) {
            *sum += u32::from(*cover == line.cover);
        }
        self.days += line.days;
        self.minutes += line.minutes;
        if line.cover.is_there() && !line.commune.is_empty() {
            self.communes.insert((line.department.clone(), line.commune.clone()));
        }
    }

    /// Those where it is not known to be had in any way.
    fn without(sums: &[u32; 5]) -> u32 {
        Cover::ALL.iter().zip(sums).filter(|(cover, _)| !cover.is_there()).map(|(_, sum)| sum).sum()
    }
}

#[cfg(test)]
mod tests;
