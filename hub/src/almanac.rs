//! What every site's schedule and partners amount to, read once and kept: days are asked of this,
//! not of the database.
//!
//! Asked by the HTTP interface. [`Almanac::open`] looks which documents and calendars have changed
//! since they were read, by the numbers of the commits that changed them, and reads these again;
//! what it returns does not change any more, so a question is answered from one state of affairs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use msap_shared::code::operator_label;
use msap_shared::document::partners::Partners;
pub use msap_shared::document::register::Facts;
use msap_shared::document::register::{Conflict, conflicts};
use msap_shared::document::schedule::slot::DAY_MINUTES;
use msap_shared::document::schedule::{OperatorToken, Weekday};
use msap_shared::document::{DocId, DocKind};
use msap_shared::id::SiteId;
use msap_shared::io::hours;
use msap_shared::schedule::instant::Instant;
use msap_shared::schedule::open_days::WorkedOut;
use msap_shared::schedule::{Calendar, DayPlan, NetworkClosure, Now, OpenDays, Schedule, plan, weekly_minutes};
use msap_shared::time::{Day, Month};
use rusqlite::Connection;

use crate::calendar;
use crate::completeness::known::Known;
use crate::site::{Life, Site};
use crate::store::{StoreError, calendars, documents, registers};

pub use self::rules::Rules;

pub mod object;
mod opening;
mod rules;

pub use self::opening::{Around, Opening};

/// What is kept, and the commits up to which it was read.
#[derive(Debug, Default)]
pub struct Almanac {
    kept: Mutex<Kept>,
    rules: Rules,
}

#[derive(Debug, Default)]
struct Kept {
    /// The last commit whose documents were read.
    accepted: u64,
    /// The catalogue's number of changes; none: nothing was read yet.
    catalogue: Option<i64>,
    pages: Arc<Pages>,
}

/// The almanac as it was when it was opened.
#[derive(Clone, Debug, Default)]
pub struct Pages {
    calendar: Arc<Calendar>,
    closures: Arc<Vec<NetworkClosure>>,
    books: BTreeMap<SiteId, Arc<Book>>,
    rules: Rules,
    known: Arc<Known>,
}

/// One site's two documents.
#[derive(Debug, Default)]
pub struct Book {
    /// The schedule.
    pub schedule: Schedule,
    /// The partners.
    pub partners: Partners,
    /// What people contradict each other on in what they say of partners.
    partner_conflicts: Vec<Conflict>,
    /// What was worked out of them, which takes many plans.
    worked: Mutex<Worked>,
}

/// What was worked out of a schedule, for a site that lies there.
#[derive(Debug, Default)]
struct Worked {
    place: Place,
    days: WorkedOut,
    /// The year as OpenStreetMap's text, by its first day.
    osm: Option<(Day, Arc<str>)>,
}

/// Where a site lies, as far as its days depend on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Its zone of public holidays.
    pub holiday_zone: String,
    /// Its zone of school holidays.
    pub school_zone: String,
    /// Its region.
    pub region: String,
    /// Its department.
    pub department: String,
}

impl From<&Site> for Place {
    fn from(site: &Site) -> Self {
        let Site { holiday_zone, school_zone, region, department, .. } = site.clone();
        Self { holiday_zone, school_zone, region, department }
    }
}

impl Almanac {
    /// An almanac in which nothing was read yet.
    pub fn new(rules: Rules) -> Self {
        Self { kept: Mutex::default(), rules }
    }

    /// By what it judges.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The almanac as the database has it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn open(&self, conn: &Connection) -> Result<Arc<Pages>, StoreError> {
        // A panic elsewhere leaves what was read whole: it is replaced only after it was read.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let catalogue = calendars::changes(conn)?;
        let changed = documents::registers_since(conn, kept.accepted)?;
        let is_new = kept.catalogue != Some(catalogue);
        if !is_new && changed.is_empty() {
            return Ok(Arc::clone(&kept.pages));
        }
        let mut pages = Pages { rules: self.rules.clone(), ..(*kept.pages).clone() };
        if is_new {
            let (calendar, closures) = (calendar::in_force(conn)?, calendars::closures(conn)?);
            // What was worked out depends on them, but on a department's closures only there.
            let others = |these: &[NetworkClosure], those: &[NetworkClosure]| {
                these.iter().filter(|closure| !those.contains(closure)).cloned().collect::<Vec<_>>()
            };
            let moved = [others(&closures, &pages.closures), others(&pages.closures, &closures)].concat();
            let same = calendar == *pages.calendar;
            for book in pages.books.values_mut().filter(|book| !same || book.is_concerned(&moved)) {
                *book = Arc::new(book.unworked());
            }
            (pages.calendar, pages.closures) = (Arc::new(calendar), Arc::new(closures));
        }
        let mut accepted = kept.accepted;
        for (document, at) in changed {
            let facts = facts(conn, &document)?;
            let book = pages.books.entry(document.site().clone()).or_default();
            let mut fresh = book.unworked();
            match document.kind() {
                DocKind::Schedule => fresh.schedule = Schedule::read(&facts),
                DocKind::Partners => {
                    fresh.partners = Partners::read(&facts);
                    fresh.partner_conflicts = conflicts(&facts);
                }
                DocKind::Visits(_) => {}
            }
            *book = Arc::new(fresh);
            accepted = accepted.max(at);
        }
        *kept = Kept { accepted, catalogue: Some(catalogue), pages: Arc::new(pages) };
        Ok(Arc::clone(&kept.pages))
    }
}

/// A document's facts; none when it does not exist yet.
///
/// # Errors
/// When the store fails.
pub fn facts(conn: &Connection, document: &DocId) -> Result<Facts, StoreError> {
    Ok(registers::values(conn, document)?.into_iter().collect())
}

impl Book {
    fn unworked(&self) -> Self {
        let Self { schedule, partners, partner_conflicts, worked: _ } = self;
        Self {
            schedule: schedule.clone(),
            partners: partners.clone(),
            partner_conflicts: partner_conflicts.clone(),
            worked: Mutex::default(),
        }
    }

    /// What was worked out for this place, or nothing yet.
    fn worked(&self, place: &Place) -> MutexGuard<'_, Worked> {
        let mut worked = self.worked.lock().unwrap_or_else(PoisonError::into_inner);
        if worked.place != *place {
            *worked = Worked { place: place.clone(), ..Worked::default() };
        }
        worked
    }

    /// Whether one of these closures has a say in what was worked out, or in what whoever still has
    /// the pages of before may work out from now on.
    fn is_concerned(&self, closures: &[NetworkClosure]) -> bool {
        let worked = self.worked.lock().unwrap_or_else(PoisonError::into_inner);
        let Place { region, department, .. } = &worked.place;
        let untouched = worked.place == Place::default() && !closures.is_empty();
        untouched || closures.iter().any(|closure| calendars::concerns(&closure.scope, region, department))
    }

    /// What people contradict each other on, until somebody settles it, and in which document.
    pub fn conflicts(&self) -> impl Iterator<Item = (DocKind, &Conflict)> {
        let of = |kind| move |conflict| (kind, conflict);
        let schedule = self.schedule.conflicts().iter().map(of(DocKind::Schedule));
        schedule.chain(self.partner_conflicts.iter().map(of(DocKind::Partners)))
    }

    /// The hours from `day` on for a year, as OpenStreetMap's text.
    pub fn osm(&self, day: Day, around: &Around<'_>) -> Arc<str> {
        let mut worked = self.worked(&around.place);
        match &worked.osm {
            Some((from, text)) if *from == day => Arc::clone(text),
            _ => {
                let text: Arc<str> = hours::write(&self.schedule, day, &around.surroundings()).into();
                worked.osm = Some((day, Arc::clone(&text)));
                text
            }
        }
    }

    /// What people call a partner: the catalogue's word, or the house's own for a local service.
    pub fn label(&self, operator: &OperatorToken) -> String {
        let own = self.partners.partner(operator).and_then(|partner| partner.label.as_ref()?.agreed()?.body.as_ref());
        match (own, operator) {
            (Some(label), _) => label.to_string(),
            (None, OperatorToken::Known(code)) => operator_label(code.as_str()).to_owned(),
            (None, OperatorToken::Local(name)) => name.to_string(),
        }
    }

    /// Whether anybody has said anything of the hours.
    pub fn has_hours(&self, day: Day) -> bool {
        self.schedule.hours_on(day).next().is_some()
    }
}

impl Pages {
    /// The almanac of one site with these facts in its schedule.
    #[cfg(test)]
    pub(crate) fn of(site: SiteId, schedule: &Facts) -> Self {
        Self::of_all([(site, schedule.clone())], Rules::default())
    }

    /// The same with what a site says of its partners.
    #[cfg(test)]
    pub(crate) fn with_partners(mut self, site: &SiteId, facts: &Facts) -> Self {
        let schedule = self.book(site).map(|book| book.schedule.clone()).unwrap_or_default();
        let book = Book { schedule, partners: Partners::read(facts), ..Book::default() };
        self.books.insert(site.clone(), Arc::new(book));
        self
    }

    /// The almanac of these sites, under the calendars of this program.
    #[cfg(test)]
    pub(crate) fn of_all(sites: impl IntoIterator<Item = (SiteId, Facts)>, rules: Rules) -> Self {
        let book = |facts: &Facts| Arc::new(Book { schedule: Schedule::read(facts), ..Book::default() });
        let books = sites.into_iter().map(|(site, facts)| (site, book(&facts))).collect();
        Self { books, rules, calendar: Arc::new(calendar::built_in().clone()), ..Self::default() }
    }

    /// The same with one more site, and calendars of the years around 2026.
    #[cfg(test)]
    pub(crate) fn with(mut self, site: &str, schedule: &Facts, partners: &Facts) -> Self {
        let book = Book { schedule: Schedule::read(schedule), partners: Partners::read(partners), ..Book::default() };
        self.books.insert(site.parse().expect("a test's id"), Arc::new(book));
        self.calendar = Arc::new(calendar::built_in().clone());
        self.rules.stale_after_days = 45;
        self
    }

    /// A site's documents, if it has any.
    pub fn book(&self, site: &SiteId) -> Option<&Arc<Book>> {
        self.books.get(site)
    }

    /// Every site that has a document, with its documents.
    pub fn books(&self) -> impl Iterator<Item = (&SiteId, &Arc<Book>)> {
        self.books.iter()
    }

    /// By what to judge what sites say.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// What the days of a site depend on besides its documents.
    pub fn around(&self, place: impl Into<Place>) -> Around<'_> {
        let place = place.into();
        let concerns =
            |closure: &&NetworkClosure| calendars::concerns(&closure.scope, &place.region, &place.department);
        let closures = self.closures.iter().filter(concerns).cloned().collect();
        Around { pages: self, place, closures }
    }

    /// Who is to report and what was, as far as it was read.
    pub(crate) fn known(&self) -> &Known {
        &self.known
    }

    /// On which days a site opens, for as many months as are asked for.
    pub fn opening<'a>(&'a self, site: &SiteId, place: &'a Place) -> Opening<'a> {
        Opening { pages: self, place, book: self.book(site).map(|book| (&**book, book.worked(place))) }
    }

    /// On which days of a month a site opens.
    pub fn open_days(&self, site: &SiteId, place: &Place, month: Month) -> OpenDays {
        self.opening(site, place).days(month)
    }

    /// One day of a site.
    pub fn plan(&self, site: &Site, day: Day) -> Option<DayPlan> {
        let book = self.book(&site.id)?;
        Some(plan(&book.schedule, day, &self.around(site).surroundings()))
    }

    /// The minute at which a site's last opening of a day ends; none when it does not open. Monday to
    /// Friday end at midnight where nobody has said hours of them, or people contradict each other.
    pub fn end_of_opening(&self, site: &Site, day: Day) -> Option<u16> {
        let last = |plan: &DayPlan| plan.openings.iter().map(|opening| opening.interval.to()).max();
        let plan = self.plan(site, day);
        match plan.as_ref().and_then(|plan| Some((plan, plan.opens()?))) {
            Some((_, false)) => None,
            Some((plan, true)) => last(plan).max(plan.versions.iter().filter_map(|version| last(&version.plan)).max()),
            None => (Weekday::of(day).index() < 5).then_some(DAY_MINUTES),
        }
    }

    /// Whether a site is open at a minute of its own clock.
    pub fn open(&self, site: &Site, at: Instant) -> Now {
        if site.life == Life::Retired {
            return Now::Shut;
        }
        self.plan(site, at.day).map_or(Now::Unknown, |plan| plan.at(at.minute))
    }

    /// What is said of a site's hours now.
    pub fn standing(&self, site: &Site, now: Timestamp) -> Option<Hours> {
        let at = Instant::at(now, &site.timezone);
        let book = self.book(&site.id).filter(|book| book.has_hours(at.day))?;
        let open_now = match self.open(site, at) {
            Now::Open => Some(true),
            Now::Shut => Some(false),
            Now::Unknown => None,
        };
        let weekly_minutes = weekly_minutes(&book.schedule, at.day);
        Some(Hours { open_now, weekly_minutes, osm: book.osm(at.day, &self.around(site)) })
    }
}

/// What the rules say of a site's hours, as its object shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hours {
    /// Whether it is open; none: not said, or contradicted.
    pub open_now: Option<bool>,
    /// Minutes of its regular week.
    pub weekly_minutes: Option<u32>,
    /// The coming year, as OpenStreetMap's text.
    pub osm: Arc<str>,
}
