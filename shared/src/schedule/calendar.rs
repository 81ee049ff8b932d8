//! Public and school holidays: what the hub knows for all, and each machine for its own zones.
//!
//! Years of one zone each are the unit: the hub reads them from its lists and sends a machine
//! those of its site, as references. A year that is not there is *missing*, which is said and
//! never read as a year without a holiday (a day that may be one is unknown); a school year whose end is not yet published is
//! missing from there on.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use crate::time::Day;

/// The name of Good Friday in the public holidays of Alsace and Moselle.
pub const GOOD_FRIDAY: &str = "Vendredi saint";

/// Public holidays by zone and year, school holidays by zone and year.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    public: Years<BTreeMap<Day, Box<str>>>,
    school: Years<Vec<SchoolHoliday>>,
}

/// By zone and year.
type Years<T> = BTreeMap<Box<str>, BTreeMap<i16, T>>;

/// One stretch of school holidays in a zone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SchoolHoliday {
    /// First day.
    pub from: Day,
    /// The day on which school begins again.
    pub until: Day,
    /// What they are called.
    pub name: Box<str>,
    /// Whose they are, if not everybody's: pupils of a level, or a part of the zone.
    pub population: Box<str>,
}

/// What a calendar says of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known<T> {
    /// The year is there.
    Yes(T),
    /// The year is not there, or not to its end.
    Missing,
}

/// The value of a reference: the public holidays of one zone in one year.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PublicYear {
    /// The legal zone, such as `metropole`.
    #[n(0)]
    pub zone: String,
    /// The year.
    #[n(1)]
    pub year: i16,
    /// Number of each day ([`Day::number`]) and its name.
    #[n(2)]
    pub days: Vec<(i32, String)>,
}

/// The value of a reference: the school holidays of one zone that touch one year.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SchoolYear {
    /// The school zone, such as `B`.
    #[n(0)]
    pub zone: String,
    /// The year.
    #[n(1)]
    pub year: i16,
    /// The stretches.
    #[n(2)]
    pub stretches: Vec<Stretch>,
}

/// One stretch as a [`SchoolYear`] carries it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Stretch {
    /// Number of the first day.
    #[n(0)]
    pub from: i32,
    /// Number of the day on which school begins again.
    #[n(1)]
    pub until: i32,
    /// What they are called.
    #[n(2)]
    pub name: String,
    /// Whose they are; empty for everybody.
    #[n(3)]
    pub population: String,
}

impl Calendar {
    /// Adds a public holiday, as the list of them has it.
    pub fn add_public(&mut self, zone: &str, day: Day, name: &str) {
        let years = self.public.entry(zone.into()).or_default();
        years.entry(day.date().year()).or_default().insert(day, name.into());
    }

    /// Adds a stretch of school holidays, to each year that it touches.
    pub fn add_school(&mut self, zone: &str, holiday: &SchoolHoliday) {
        let years = self.school.entry(zone.into()).or_default();
        for year in holiday.from.date().year()..=holiday.until.date().year() {
            let stretches = years.entry(year).or_default();
            if let Err(at) = stretches.binary_search(holiday) {
                stretches.insert(at, holiday.clone());
            }
        }
    }

    /// The name of the public holiday in `zone` on `day`, if it is one.
    pub fn public(&self, zone: &str, day: Day) -> Known<Option<&str>> {
        match self.public.get(zone).and_then(|years| years.get(&day.date().year())) {
            Some(days) => Known::Yes(days.get(&day).map(|name| &**name)),
            None => Known::Missing,
        }
    }

    /// The name of the school holidays in `zone` on `day`, if there are any. `public_zone` tells
    /// apart the islands that share a school zone.
    pub fn school(&self, zone: &str, public_zone: &str, day: Day) -> Known<Option<&str>> {
        let Some(stretches) = self.school.get(zone).and_then(|years| years.get(&day.date().year())) else {
            return Known::Missing;
        };
        // Each year's list reaches into the years beside it, unless more is yet to be published.
        let begin = stretches.iter().map(|stretch| stretch.from).min();
        let end = stretches.iter().map(|stretch| stretch.until).max();
        if begin.is_none_or(|begin| day < begin) || end.is_none_or(|end| day >= end) {
            return Known::Missing;
        }
        let holds =
            |stretch: &&SchoolHoliday| stretch.from <= day && day < stretch.until && stretch.concerns(public_zone);
        Known::Yes(stretches.iter().find(holds).map(|stretch| &*stretch.name))
    }

    /// The zones and years of public holidays that are there.
    pub fn public_years(&self) -> impl Iterator<Item = (&str, i16)> {
        self.public.iter().flat_map(|(zone, years)| years.keys().map(move |year| (&**zone, *year)))
    }

    /// The zones and years of school holidays that are there.
    pub fn school_years(&self) -> impl Iterator<Item = (&str, i16)> {
        self.school.iter().flat_map(|(zone, years)| years.keys().map(move |year| (&**zone, *year)))
    }

    /// One zone and year of public holidays, to be sent.
    pub fn public_year(&self, zone: &str, year: i16) -> Option<PublicYear> {
        let days = self.public.get(zone)?.get(&year)?;
        let days = days.iter().map(|(day, name)| (day.number(), name.to_string())).collect();
        Some(PublicYear { zone: zone.to_owned(), year, days })
    }

    /// One zone and year of school holidays, to be sent.
    pub fn school_year(&self, zone: &str, year: i16) -> Option<SchoolYear> {
        let stretches = self.school.get(zone)?.get(&year)?.iter().map(|stretch| Stretch {
            from: stretch.from.number(),
            until: stretch.until.number(),
            name: stretch.name.to_string(),
            population: stretch.population.to_string(),
        });
        Some(SchoolYear { zone: zone.to_owned(), year, stretches: stretches.collect() })
    }

    /// Takes in a year of public holidays, in place of the one held. Days outside it are ignored.
    pub fn put_public_year(&mut self, value: &PublicYear) {
        let days = value.days.iter().filter_map(|(number, name)| Some((Day::from_number(*number)?, name)));
        let days =
            days.filter(|(day, _)| day.date().year() == value.year).map(|(day, name)| (day, name.as_str().into()));
        self.public.entry(value.zone.as_str().into()).or_default().insert(value.year, days.collect());
    }

    /// Takes in a year of school holidays, in place of the one held. Impossible stretches are
    /// ignored.
    pub fn put_school_year(&mut self, value: &SchoolYear) {
        let mut stretches: Vec<SchoolHoliday> = value
            .stretches
            .iter()
            .filter_map(|stretch| {
                let (from, until) = (Day::from_number(stretch.from)?, Day::from_number(stretch.until)?);
                let (name, population) = (stretch.name.as_str().into(), stretch.population.as_str().into());
                (from < until).then_some(SchoolHoliday { from, until, name, population })
            })
            .collect();
        stretches.sort();
        self.school.entry(value.zone.as_str().into()).or_default().insert(value.year, stretches);
    }
}

impl SchoolHoliday {
    /// Whether the children of this public zone have them. A level of school counts as all.
    fn concerns(&self, public_zone: &str) -> bool {
        let named = |spellings: &[&str]| spellings.iter().any(|spelling| self.population.contains(spelling));
        let except = self.population.contains(" sauf ");
        match public_zone {
            "saint-martin" if named(&["Saint-Martin", "Saint Martin"]) => !except,
            "saint-barthelemy" if named(&["Saint-Barth"]) => !except,
            "guadeloupe" if named(&["Guadeloupe"]) => true,
            // Of islands, and not of this one; «X sauf Y» is for whoever is not Y.
            _ if named(&["Saint-Martin", "Saint Martin", "Saint-Barth", "Guadeloupe"]) => except,
            _ => true,
        }
    }
}

/// Days that are a public holiday every year in some zone: month and day.
const EVERY_YEAR: [(i8, i8); 16] = [
    (1, 1),
    (4, 27),
    (5, 1),
    (5, 8),
    (5, 22),
    (5, 27),
    (5, 28),
    (6, 10),
    (7, 14),
    (8, 15),
    (10, 9),
    (11, 1),
    (11, 11),
    (12, 20),
    (12, 25),
    (12, 26),
];
/// Days after Good Friday: itself, Easter Monday, Ascension, Whit Monday.
const AFTER_GOOD_FRIDAY: [i32; 4] = [0, 3, 41, 52];

/// Whether a day is a public holiday in some zone, by the law of today. Only asked where the list
/// of the year is missing: which of them a zone has, and what else, the list alone says.
pub fn may_be_public(day: Day) -> bool {
    let date = day.date();
    let friday = good_friday(date.year());
    EVERY_YEAR.contains(&(date.month(), date.day()))
        || friday.is_some_and(|friday| AFTER_GOOD_FRIDAY.contains(&(day.number() - friday.number())))
}

/// The Good Friday of a year: two days before Easter Sunday of the Gregorian calendar.
pub fn good_friday(year: i16) -> Option<Day> {
    // The anonymous algorithm of 1876 (Meeus): valid for every Gregorian year.
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let h = (19 * a + b - b / 4 - (b - (b + 8) / 25 + 1) / 3 + 15) % 30;
    let l = (32 + 2 * (b % 4) + 2 * (c / 4) - h - c % 4) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let n = h + l - 7 * m + 114;
    Day::new(year, i8::try_from(n / 31).ok()?, i8::try_from(n % 31 + 1).ok()?).map(|easter| easter.plus_days(-2))
}
