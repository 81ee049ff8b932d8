//! What every site's schedule and partners amount to, read once and kept: days are asked of this,
//! not of the database.
//!
//! Asked by the HTTP interface. [`Almanac::open`] looks which documents and calendars have changed
//! since they were read, by the numbers of the commits that changed them, and reads these again;
//! what it returns does not change any more, so a question is answered from one state of affairs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use msap_shared::code::known_operator;
use msap_shared::document::partners::Partners;
pub use msap_shared::document::register::Facts;
use msap_shared::document::register::{Conflict, conflicts};
use msap_shared::document::schedule::slot::DAY_MINUTES;
use msap_shared::document::schedule::{OperatorToken, Weekday};
use msap_shared::document::{DocId, DocKind};
use msap_shared::id::SiteId;
use msap_shared::io::hours;
use msap_shared::schedule::instant::Instant;
use msap_shared::schedule::{Calendar, DayPlan, NetworkClosure, Now, Schedule, Surroundings, plan, weekly_minutes};
use msap_shared::time::Day;
use rusqlite::Connection;

use crate::calendar;
use crate::site::{Life, Site};
use crate::store::{StoreError, calendars, documents, registers};

pub mod object;

/// What is kept, and the commits up to which it was read.
#[derive(Debug, Default)]
pub struct Almanac {
    kept: Mutex<Kept>,
    stale_after_days: u16,
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
    stale_after_days: u16,
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
    /// The year as OpenStreetMap's text, by its first day: a year of plans.
    osm: Mutex<Option<(Day, Arc<str>)>>,
}

/// What a site's days depend on besides its documents, for one answer.
#[derive(Debug)]
pub struct Around<'a> {
    pages: &'a Pages,
    holiday_zone: &'a str,
    school_zone: &'a str,
    closures: Vec<NetworkClosure>,
}

impl Almanac {
    /// An almanac in which nothing was read yet.
    pub fn new(stale_after_days: u16) -> Self {
        Self { kept: Mutex::default(), stale_after_days }
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
        let mut pages = Pages { stale_after_days: self.stale_after_days, ..(*kept.pages).clone() };
        if is_new {
            pages.calendar = Arc::new(calendar::in_force(conn)?);
            pages.closures = Arc::new(calendars::closures(conn)?);
            // What was worked out depends on them.
            pages.books.values_mut().for_each(|book| *book = Arc::new(book.unworked()));
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
        let Self { schedule, partners, partner_conflicts, osm: _ } = self;
        Self {
            schedule: schedule.clone(),
            partners: partners.clone(),
            partner_conflicts: partner_conflicts.clone(),
            osm: Mutex::default(),
        }
    }

    /// What people contradict each other on, until somebody settles it, and in which document.
    pub fn conflicts(&self) -> impl Iterator<Item = (DocKind, &Conflict)> {
        let of = |kind| move |conflict| (kind, conflict);
        let schedule = self.schedule.conflicts().iter().map(of(DocKind::Schedule));
        schedule.chain(self.partner_conflicts.iter().map(of(DocKind::Partners)))
    }

    /// The hours from `day` on for a year, as OpenStreetMap's text.
    pub fn osm(&self, day: Day, around: &Around<'_>) -> Arc<str> {
        let mut kept = self.osm.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((from, text)) if *from == day => Arc::clone(text),
            _ => {
                let text: Arc<str> = hours::write(&self.schedule, day, &around.surroundings()).into();
                *kept = Some((day, Arc::clone(&text)));
                text
            }
        }
    }

    /// What people call a partner: the catalogue's word, or the house's own for a local service.
    pub fn label(&self, operator: &OperatorToken) -> String {
        let own = self.partners.partner(operator).and_then(|partner| partner.label.as_ref()?.agreed()?.body.as_ref());
        match (own, operator) {
            (Some(label), _) => label.to_string(),
            (None, OperatorToken::Known(code)) => {
                known_operator(code.as_str()).map_or_else(|| code.to_string(), |known| known.label_fr.to_owned())
            }
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
        let book = Book { schedule: Schedule::read(schedule), ..Book::default() };
        Self { books: BTreeMap::from([(site, Arc::new(book))]), ..Self::default() }
    }

    /// A site's documents, if it has any.
    pub fn book(&self, site: &SiteId) -> Option<&Arc<Book>> {
        self.books.get(site)
    }

    /// Every site that has a document, with its documents.
    pub fn books(&self) -> impl Iterator<Item = (&SiteId, &Arc<Book>)> {
        self.books.iter()
    }

    /// After how many days what was confirmed of a partner is not believed any more.
    pub fn stale_after_days(&self) -> u16 {
        self.stale_after_days
    }

    /// What the days of a site depend on besides its documents.
    pub fn around<'a>(&'a self, site: &'a Site) -> Around<'a> {
        let concerns = |closure: &&NetworkClosure| calendars::concerns(&closure.scope, &site.region, &site.department);
        let closures = self.closures.iter().filter(concerns).cloned().collect();
        Around { pages: self, holiday_zone: &site.holiday_zone, school_zone: &site.school_zone, closures }
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

impl Around<'_> {
    /// As the model wants it.
    pub fn surroundings(&self) -> Surroundings<'_> {
        Surroundings {
            calendar: &self.pages.calendar,
            holiday_zone: self.holiday_zone,
            school_zone: self.school_zone,
            closures: &self.closures,
        }
    }
}
