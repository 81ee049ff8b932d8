//! Schedules as iCalendar: a site's openings and permanences, a partner's permanences over many
//! sites.
//!
//! Called by exports and by the API's `schedule.ics`. Events are concrete, one an interval, in the
//! site's own legal clock, which each calendar carries: holidays, closures and weeks of either
//! parity have no counterpart in rules of recurrence. An event's name depends on what it is about
//! and not on its hours, so that a change of hours changes the event. A permanence that does not
//! take place stays, as cancelled. The same facts give the same bytes.

mod line;
mod zone;

use std::collections::BTreeMap;

use self::line::Lines;
use crate::document::register::FieldError;
use crate::document::schedule::slot::DAY_MINUTES;
use crate::document::schedule::{Access, Interval, OperatorToken, Place};
use crate::id::SiteId;
use crate::schedule::Schedule;
use crate::schedule::day_plan::{DayPlan, DayState, PlannedPermanence, Why};
use crate::schedule::plan::{Surroundings, plan};
use crate::time::{Day, SiteZone};

/// Days of a calendar when its end is not asked for.
pub const DAYS_USUAL: i32 = 56;
/// Most days of a calendar: thirteen months.
pub const DAYS_MAX: i32 = 397;

/// The days of a calendar, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    from: Day,
    to: Day,
}

/// A site whose days are written.
#[derive(Clone, Copy, Debug)]
pub struct CalendarSite<'a> {
    /// Its id.
    pub id: &'a SiteId,
    /// Its name.
    pub name: &'a str,
    /// Its address.
    pub address: &'a str,
    /// Its legal clock.
    pub zone: &'a SiteZone,
    /// Its schedule.
    pub schedule: &'a Schedule,
    /// Its calendars and closures.
    pub around: Surroundings<'a>,
}

impl Window {
    /// From a day on, eight weeks unless the last day is given.
    ///
    /// # Errors
    /// When the days are inverted, or more than thirteen months.
    pub fn new(from: Day, to: Option<Day>) -> Result<Self, FieldError> {
        let to = to.unwrap_or_else(|| from.plus_days(DAYS_USUAL - 1));
        if to < from {
            return Err(FieldError::new("to", format!("{to} précède le premier jour, {from} : inversez-les")));
        }
        if to.number() - from.number() >= DAYS_MAX {
            let last = from.plus_days(DAYS_MAX - 1);
            return Err(FieldError::new("to", format!("treize mois au plus : le {last} au plus tard")));
        }
        Ok(Self { from, to })
    }

    /// The first day.
    pub fn from(self) -> Day {
        self.from
    }

    /// The last day.
    pub fn to(self) -> Day {
        self.to
    }

    fn days(self) -> impl Iterator<Item = Day> {
        (0..=self.to.number() - self.from.number()).map(move |n| self.from.plus_days(n))
    }
}

/// The openings and permanences of a site.
pub fn of_site(site: &CalendarSite<'_>, window: Window, label: &dyn Fn(&OperatorToken) -> String) -> String {
    let mut calendar = Lines::begin(site.name);
    zone::write(&mut calendar, site.zone, window.from, window.to);
    for day in window.days() {
        let plan = plan(site.schedule, day, &site.around);
        if plan.state == DayState::Conflict {
            contradicted(&mut calendar, site, &plan);
        }
        openings(&mut calendar, site, &plan);
        permanences(&mut calendar, site, &plan, None, label);
    }
    calendar.end()
}

/// The permanences of one partner at many sites.
pub fn of_operator<'a>(
    operator: &OperatorToken,
    sites: impl IntoIterator<Item = CalendarSite<'a>>,
    window: Window,
    label: &dyn Fn(&OperatorToken) -> String,
) -> String {
    let mut events = Lines::default();
    let mut zones: BTreeMap<&str, &SiteZone> = BTreeMap::new();
    for site in sites {
        zones.insert(site.zone.name(), site.zone);
        for day in window.days() {
            let plan = plan(site.schedule, day, &site.around);
            permanences(&mut events, &site, &plan, Some(operator), label);
        }
    }
    let mut calendar = Lines::begin(&format!("Permanences {}", label(operator)));
    for zone in zones.into_values() {
        zone::write(&mut calendar, zone, window.from, window.to);
    }
    calendar.append(events);
    calendar.end()
}

fn openings(calendar: &mut Lines, site: &CalendarSite<'_>, plan: &DayPlan) {
    let mut counts: BTreeMap<&Place, usize> = BTreeMap::new();
    let reasons: Vec<String> = plan.why.iter().filter_map(reason).collect();
    for opening in &plan.openings {
        let n = counts.entry(&opening.place).or_default();
        *n += 1;
        let uid = format!("{}-{}-ouvert-{}-{n}", site.id, plan.day, slug(&opening.place));
        let summary = match opening.access {
            Access::Free => format!("Ouvert – {}", site.name),
            other => format!("Ouvert {} – {}", other.label_fr(), site.name),
        };
        let said = plan.why.iter().filter_map(|why| why.stamp.as_ref()).map(|stamp| stamp.day).max();
        calendar.open("VEVENT");
        named(calendar, &uid, said.unwrap_or(plan.day));
        timed(calendar, site.zone, plan.day, opening.interval);
        calendar.text("SUMMARY", &summary);
        whereabouts(calendar, site, &opening.place);
        if !reasons.is_empty() {
            calendar.text("DESCRIPTION", &format!("Motif : {}", reasons.join(", ")));
        }
        calendar.raw("STATUS", "CONFIRMED");
        // A house that is open takes nobody's time.
        calendar.raw("TRANSP", "TRANSPARENT");
        calendar.close("VEVENT");
    }
}

fn permanences(
    calendar: &mut Lines,
    site: &CalendarSite<'_>,
    plan: &DayPlan,
    only: Option<&OperatorToken>,
    label: &dyn Fn(&OperatorToken) -> String,
) {
    let mut counts: BTreeMap<(&OperatorToken, &Place), usize> = BTreeMap::new();
    for permanence in plan.permanences.iter().filter(|permanence| only.is_none_or(|only| permanence.operator == *only))
    {
        let PlannedPermanence { operator, interval, place, access, why, cancelled } = permanence;
        let n = counts.entry((operator, place)).or_default();
        *n += 1;
        let uid = format!("{}-{}-{operator}-{}-{n}", site.id, plan.day, slug(place));
        let access = match access {
            Access::Free => String::new(),
            other => format!(" {}", other.label_fr()),
        };
        let summary = format!("Permanence {}{access} – {}", label(operator), site.name);
        let said = [Some(why), cancelled.as_ref()].into_iter().flatten().filter_map(|why| why.stamp.as_ref());
        calendar.open("VEVENT");
        named(calendar, &uid, said.map(|stamp| stamp.day).max().unwrap_or(plan.day));
        timed(calendar, site.zone, plan.day, *interval);
        match cancelled {
            None => {
                calendar.text("SUMMARY", &summary);
                calendar.raw("STATUS", "CONFIRMED");
            }
            Some(why) => {
                calendar.text("SUMMARY", &format!("Annulée : {summary}"));
                if let Some(reason) = reason(why) {
                    calendar.text("DESCRIPTION", &format!("Motif : {reason}"));
                }
                calendar.raw("STATUS", "CANCELLED");
            }
        }
        whereabouts(calendar, site, place);
        calendar.raw("TRANSP", "TRANSPARENT");
        calendar.close("VEVENT");
    }
}

/// A day of which the facts contradict each other: not hidden, and without hours that nobody chose.
fn contradicted(calendar: &mut Lines, site: &CalendarSite<'_>, plan: &DayPlan) {
    calendar.open("VEVENT");
    named(calendar, &format!("{}-{}-contradiction", site.id, plan.day), plan.day);
    calendar.raw("DTSTART;VALUE=DATE", &date(plan.day));
    calendar.text("SUMMARY", &format!("Horaires contradictoires, à confirmer – {}", site.name));
    whereabouts(calendar, site, &Place::Site);
    calendar.raw("STATUS", "TENTATIVE");
    calendar.raw("TRANSP", "TRANSPARENT");
    calendar.close("VEVENT");
}

/// Its name, which stays, and the day on which it was last said.
fn named(calendar: &mut Lines, uid: &str, said: Day) {
    calendar.text("UID", &format!("{uid}@msap"));
    calendar.raw("DTSTAMP", &format!("{}T000000Z", date(said)));
}

fn timed(calendar: &mut Lines, zone: &SiteZone, day: Day, interval: Interval) {
    let at = |minute: u16| {
        // Midnight at the end of a day is that of the next: no hour 24 here.
        let (day, minute) = if minute == DAY_MINUTES { (day.plus_days(1), 0) } else { (day, minute) };
        format!("{}T{:02}{:02}00", date(day), minute / 60, minute % 60)
    };
    calendar.raw(&format!("DTSTART;TZID={}", zone.name()), &at(interval.from()));
    calendar.raw(&format!("DTEND;TZID={}", zone.name()), &at(interval.to()));
}

fn whereabouts(calendar: &mut Lines, site: &CalendarSite<'_>, place: &Place) {
    let (label, address) = match place {
        Place::Site => (site.name.to_owned(), site.address.to_owned()),
        Place::Named(slug) => {
            let mut places = site.schedule.places();
            let said = places.find(|(known, _)| *known == slug).and_then(|(_, said)| said.agreed()?.body.as_ref());
            match said {
                Some(place) => (place.label.as_str().to_owned(), place.address.clone()),
                // Nobody has said what it is called, or people contradict each other on it.
                None => (format!("{} ({})", site.name, slug.to_string().replace('-', " ")), String::new()),
            }
        }
    };
    let address = if address.is_empty() { label } else { format!("{label}, {address}") };
    calendar.text("LOCATION", &address);
}

/// Why a day differs from the usual, as people read it.
fn reason(why: &Why) -> Option<String> {
    match (&why.label, why.reason) {
        (Some(label), _) => Some(label.to_string()),
        (None, reason) => reason.map(|reason| reason.label_fr().to_owned()),
    }
}

fn slug(place: &Place) -> String {
    match place {
        Place::Site => "site".to_owned(),
        Place::Named(slug) => format!("lieu-{slug}"),
    }
}

fn date(day: Day) -> String {
    day.to_string().replace('-', "")
}
