//! From when a list is: what was typed, else its file's name, else its newest label.

use msap_shared::time::Day;

use super::layout::Columns;
use super::row::Row;
use super::{ImportError, ListFile, codes};

/// How a report says that the newest label dates the list.
pub(super) const FROM_LABELS: &str = "labels";

/// The date of a list, and where it is from: what was typed, else the file's name, else the
/// newest label.
pub(super) fn list_day(
    list: &ListFile,
    columns: &Columns,
    records: &[Result<csv::StringRecord, csv::Error>],
    today: Day,
) -> Result<(Day, &'static str), ImportError> {
    if let Some(text) = &list.date {
        let day = text.parse().map_err(|_| ImportError::Date(text.chars().take(40).collect()))?;
        return Ok((day, "option"));
    }
    if let Some(day) = day_in_name(&list.name) {
        return Ok((day, "name"));
    }
    let labels =
        records.iter().flatten().filter_map(|record| codes::label_day(Row::new(columns, record).text("label_date")));
    // A label may be announced: no list is of a later day than this one.
    Ok(match labels.filter(|day| *day <= today).max() {
        Some(day) => (day, FROM_LABELS),
        None => (today, "today"),
    })
}

/// `liste-fs-20240801.csv`: the only eight digits of the name.
fn day_in_name(name: &str) -> Option<Day> {
    let mut dates = name.split(|c: char| !c.is_ascii_digit()).filter(|digits| digits.len() == 8);
    let digits = dates.next()?;
    let (year, rest) = digits.split_at(4);
    let (month, day) = rest.split_at(2);
    Day::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).filter(|_| dates.next().is_none())
}
