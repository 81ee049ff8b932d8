//! One question on figures: what the API, the command line, exports and pages all ask.
//!
//! Parsed once, by `ask`; answered by `store::figures`; told by `counts`. Pure. A filter has one
//! name everywhere.

use msap_shared::code::{AgeCode, HelpCode, OperatorCode};
use msap_shared::id::SiteId;
use msap_shared::time::Day;

/// What figures can be keyed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the word of the same name")]
pub enum Key {
    Day,
    Month,
    Quarter,
    Year,
    Site,
    Department,
    Region,
    Bearer,
    Operator,
    Help,
    Age,
}

impl Key {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Day,
        Self::Month,
        Self::Quarter,
        Self::Year,
        Self::Site,
        Self::Department,
        Self::Region,
        Self::Bearer,
        Self::Operator,
        Self::Help,
        Self::Age,
    ];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
            Self::Site => "site",
            Self::Department => "department",
            Self::Region => "region",
            Self::Bearer => "bearer",
            Self::Operator => "operator",
            Self::Help => "help",
            Self::Age => "age",
        }
    }

    /// What a key of time is on a day.
    pub fn of_day(self, day: Day) -> Option<String> {
        let month = month_number(day);
        Some(match self {
            Self::Day => day.to_string(),
            Self::Month => day.month().to_string(),
            Self::Quarter => format!("{:04}-Q{}", month / 12, month % 12 / 3 + 1),
            Self::Year => format!("{:04}", month / 12),
            _ => return None,
        })
    }

    /// Whether it tells when.
    pub const fn is_time(self) -> bool {
        matches!(self, Self::Day | Self::Month | Self::Quarter | Self::Year)
    }
}

/// Whether a house's row holds its antennas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Antennas {
    /// A house means the house and its antennas.
    #[default]
    Together,
    /// Each antenna is a site of its own.
    Apart,
    /// A house means the house and its antennas, and each of them has rows of its own.
    Within,
}

/// Values to keep; an empty list keeps everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the word of the same name")]
pub struct Filters {
    pub sites: Vec<SiteId>,
    pub departments: Vec<String>,
    pub regions: Vec<String>,
    pub bearers: Vec<String>,
    pub operators: Vec<OperatorCode>,
    pub helps: Vec<HelpCode>,
    pub ages: Vec<AgeCode>,
}

impl Filters {
    /// Whether they choose among places.
    pub fn names_places(&self) -> bool {
        let Self { sites, departments, regions, bearers, .. } = self;
        !(sites.is_empty() && departments.is_empty() && regions.is_empty() && bearers.is_empty())
    }
}

/// With which other period figures are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// As many whole months, or else as many days, just before.
    Previous,
    /// The same a year before.
    Year,
}

impl Compare {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Previous, Self::Year];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Previous => "previous",
            Self::Year => "year",
        }
    }
}

/// How much later the rows of a period are told, so that they meet those that they are compared
/// with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shift {
    /// Under their own days.
    #[default]
    None,
    /// So many days.
    Days(i32),
    /// So many months: a day is told under the same number, and the 31st of October under none.
    Months(i32),
}

/// One question. Days are inclusive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// First day.
    pub from: Day,
    /// Last day.
    pub to: Day,
    /// The keys of the rows, in order.
    pub by: Vec<Key>,
    /// What is counted.
    pub filters: Filters,
    /// How antennas are counted.
    pub antennas: Antennas,
    /// As received, and decided, by the end of this day of the hub; else as of now.
    pub as_of: Option<Day>,
    /// With what to compare.
    pub compare: Option<Compare>,
    /// How the rows' times are told.
    pub shift: Shift,
}

impl Query {
    /// Everything in a period, as of now.
    pub fn of(from: Day, to: Day) -> Self {
        Self {
            from,
            to,
            by: Vec::new(),
            filters: Filters::default(),
            antennas: Antennas::default(),
            as_of: None,
            compare: None,
            shift: Shift::None,
        }
    }

    /// Whether visits mean something in the answer: one may make requests to several operators.
    pub fn counts_visits(&self) -> bool {
        let by_matter = self.by.iter().any(|key| matches!(key, Key::Operator | Key::Help));
        !by_matter && self.filters.operators.is_empty() && self.filters.helps.is_empty()
    }

    /// Whether a small figure of the answer may be one person's: it is told by age together with a
    /// matter, a single place or a day, or by matter, place and day.
    pub fn is_fine(&self) -> bool {
        let Filters { sites, departments: _, regions: _, bearers, operators, helps, ages } = &self.filters;
        let keyed = |keys: &[Key]| self.by.iter().any(|key| keys.contains(key));
        let age = keyed(&[Key::Age]) || !ages.is_empty();
        let matter = keyed(&[Key::Operator, Key::Help]) || !(operators.is_empty() && helps.is_empty());
        // A bearer may run a single house.
        let place = keyed(&[Key::Site, Key::Bearer]) || !(sites.is_empty() && bearers.is_empty());
        // What two windows differ by is what came on a day, or since.
        let day = keyed(&[Key::Day]) || !self.is_whole_months() || self.as_of.is_some();
        (age && (matter || place || day)) || (matter && place && day)
    }

    /// Whether the period is one of whole months.
    pub fn is_whole_months(&self) -> bool {
        self.from == self.from.month().first_day() && self.to == self.to.month().last_day()
    }

    /// The question on the period that this one is compared with, its rows told under the times of
    /// this one. `None` when nothing is compared, or when that period begins before the calendar.
    pub fn compared(&self) -> Option<Self> {
        let months = match (self.compare?, self.is_whole_months()) {
            (Compare::Year, _) => Some(12),
            (Compare::Previous, true) => Some(month_number(self.to) - month_number(self.from) + 1),
            (Compare::Previous, false) => None,
        };
        let (from, to, shift) = match months {
            Some(months) => {
                let to = if self.is_whole_months() { Edge::Last } else { Edge::Same };
                (moved(self.from, -months, Edge::Same)?, moved(self.to, -months, to)?, Shift::Months(months))
            }
            None => {
                let days = self.to.number() - self.from.number() + 1;
                let from = Day::from_number(self.from.number() - days)?;
                (from, Day::from_number(self.to.number() - days)?, Shift::Days(days))
            }
        };
        Some(Self { from, to, shift, compare: None, ..self.clone() })
    }
}

/// A month as a number: year × 12 + month − 1.
pub fn month_number(day: Day) -> i32 {
    let date = day.date();
    i32::from(date.year()) * 12 + i32::from(date.month()) - 1
}

/// Which day of another month stands for a day.
enum Edge {
    /// The one of the same number, or the last.
    Same,
    /// The last.
    Last,
}

fn moved(day: Day, months: i32, edge: Edge) -> Option<Day> {
    let number = match edge {
        Edge::Same => day.day_of_month(),
        Edge::Last => 31,
    };
    // Every month has 28 days.
    (number.min(28)..=number).rev().find_map(|number| day_in(day, months, number))
}

/// The day of this number in the month so many months later.
pub fn day_in(day: Day, months: i32, number: u8) -> Option<Day> {
    let month = month_number(day) + months;
    let (year, month) = (i16::try_from(month.div_euclid(12)).ok()?, i8::try_from(month.rem_euclid(12) + 1).ok()?);
    Day::new(year, month, i8::try_from(number).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(from: &str, to: &str, compare: Compare) -> Option<String> {
        let query = Query { compare: Some(compare), ..Query::of(from.parse().unwrap(), to.parse().unwrap()) };
        query.compared().map(|other| format!("{} {} {:?}", other.from, other.to, other.shift))
    }

    #[test]
    fn a_period_is_compared_with_as_many_months_or_days_before_or_with_the_year_before() {
        use Compare::{Previous, Year};
        for (from, to, compare, expected) in [
            ("2026-11-01", "2026-11-30", Previous, "2026-10-01 2026-10-31 Months(1)"),
            ("2026-01-01", "2026-03-31", Previous, "2025-10-01 2025-12-31 Months(3)"),
            ("2026-03-01", "2026-03-31", Previous, "2026-02-01 2026-02-28 Months(1)"),
            ("2026-03-01", "2026-03-28", Previous, "2026-02-01 2026-02-28 Days(28)"),
            ("2026-11-20", "2026-11-20", Previous, "2026-11-19 2026-11-19 Days(1)"),
            ("2025-02-01", "2025-02-28", Year, "2024-02-01 2024-02-29 Months(12)"),
            ("2024-02-29", "2024-03-15", Year, "2023-02-28 2023-03-15 Months(12)"),
            ("2026-11-20", "2026-11-21", Year, "2025-11-20 2025-11-21 Months(12)"),
        ] {
            assert_eq!(compared(from, to, compare).as_deref(), Some(expected), "{from} {to}");
        }
        assert_eq!(compared("2000-05-01", "2000-05-31", Year), None);
        assert_eq!(compared("2000-01-01", "2000-01-10", Previous), None);
    }
}
