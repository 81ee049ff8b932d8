//! Public and school holidays: those built into the program, and those imported over them.
//!
//! Asked by the almanac, by references and by the import. A year of a zone that was imported takes
//! the place of the built-in one, whole. Every built-in row is readable, a test says so.

use std::sync::LazyLock;

use msap_shared::reference::{self, PUBLIC_HOLIDAYS, SCHOOL_HOLIDAYS, from_bytes};
use msap_shared::schedule::Calendar;
use rusqlite::Connection;

use crate::catalogue::rows::{self, SchoolRow};
use crate::store::{StoreError, calendars};

const PUBLIC: &str = include_str!("../data/holidays.csv");
const SCHOOL: &str = include_str!("../data/school_holidays.csv");

/// The two kinds of calendars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Public holidays, by legal zone.
    Public,
    /// School holidays, by school zone.
    School,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Public, Self::School];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::School => "school",
        }
    }

    /// The kind of reference that carries one year.
    pub fn reference(self, year: i16) -> Option<u32> {
        let base = match self {
            Self::Public => PUBLIC_HOLIDAYS,
            Self::School => SCHOOL_HOLIDAYS,
        };
        reference::calendar_kind(base, year)
    }

    /// One year of one zone, as machines are sent it.
    pub fn value(self, calendar: &Calendar, zone: &str, year: i16) -> Option<Vec<u8>> {
        match self {
            Self::Public => calendar.public_year(zone, year).as_ref().map(reference::to_bytes),
            Self::School => calendar.school_year(zone, year).as_ref().map(reference::to_bytes),
        }
    }
}

/// The calendars of this version of the program.
pub fn built_in() -> &'static Calendar {
    static BUILT_IN: LazyLock<Calendar> = LazyLock::new(|| {
        let mut calendar = Calendar::default();
        for (zone, days) in rows::by_zone(rows::public(PUBLIC).rows).days {
            days.iter().for_each(|(day, row)| calendar.add_public(&zone, *day, &row.name));
        }
        for SchoolRow { zone, holiday, .. } in rows::school(SCHOOL).rows {
            calendar.add_school(&zone, &holiday);
        }
        calendar
    });
    &BUILT_IN
}

/// The calendars that hold: the built-in ones, and what was imported in their place.
///
/// # Errors
/// When the store fails, or holds a year that does not read back.
pub fn in_force(conn: &Connection) -> Result<Calendar, StoreError> {
    let mut calendar = built_in().clone();
    for (kind, value) in calendars::imported(conn)? {
        let taken = match kind {
            Kind::Public => from_bytes(&value).map(|year| calendar.put_public_year(&year)),
            Kind::School => from_bytes(&value).map(|year| calendar.put_school_year(&year)),
        };
        taken.ok_or_else(|| StoreError::corrupt("an imported calendar does not read back"))?;
    }
    Ok(calendar)
}

/// Whether there is such a zone: one of the program's, since an import takes no other.
pub fn is_zone(kind: Kind, zone: &str) -> bool {
    match kind {
        Kind::Public => built_in().public_years().any(|(known, _)| known == zone),
        Kind::School => built_in().school_years().any(|(known, _)| known == zone),
    }
}

/// One year of one zone as it holds, to be sent.
///
/// # Errors
/// When the store fails.
pub fn year_in_force(conn: &Connection, kind: Kind, zone: &str, year: i16) -> Result<Option<Vec<u8>>, StoreError> {
    let imported = calendars::imported_year(conn, kind, zone, year)?;
    Ok(imported.or_else(|| kind.value(built_in(), zone, year)))
}

#[cfg(test)]
mod tests {
    use msap_shared::schedule::calendar::Known;
    use msap_shared::time::Day;

    use super::*;
    use crate::site::department;

    #[test]
    fn every_built_in_row_is_read_and_every_department_has_its_zones() {
        assert_eq!((rows::public(PUBLIC).problems, rows::school(SCHOOL).problems), (Vec::new(), Vec::new()));
        let day = |year| Day::new(year, 5, 1).unwrap();
        for code in
            ["01", "49", "67", "2A", "971", "972", "973", "974", "975", "976", "977", "978", "986", "987", "988"]
        {
            let place = department(code).unwrap();
            for year in 2_025..=2_027 {
                let found = built_in().public(place.holiday_zone, day(year));
                assert_eq!(found, Known::Yes(Some("1er mai")), "{code} {year}");
            }
            // Some zones have not yet published what follows: that is told as missing.
            let mut years = built_in().school_years().filter(|(zone, _)| *zone == place.school_zone);
            assert!(years.any(|(_, year)| year == 2_025), "{code}");
        }
    }
}
