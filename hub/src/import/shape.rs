//! Whether a row has the shape of a row: as many fields as the header, and none that swallowed
//! others.
//!
//! Asked of each row before it becomes a site. A quotation mark that is never closed, or closed in
//! a later row, makes one field of all that stands between; a separator inside a field that is
//! not quoted shifts those after it. What such a row says stands in the wrong columns.

use std::collections::BTreeMap;

use csv::StringRecord;

use super::defect;
use super::layout::Columns;
use super::report::Defect;

/// What is wrong with the shape of a row.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) defect: Defect,
    /// The column, as the file names it; empty for the whole row.
    pub(super) column: String,
    pub(super) found: String,
    /// Whether nothing of it can be used.
    pub(super) rejected: bool,
}

/// The shape of this file's rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    delimiter: u8,
    expected: usize,
    /// How many fields most rows have: some programs end each of them with separators.
    usual: usize,
}

impl Shape {
    pub(super) fn of(records: &[Result<StringRecord, csv::Error>], columns: &Columns, delimiter: u8) -> Self {
        let mut lengths = BTreeMap::<usize, usize>::new();
        records.iter().flatten().for_each(|record| *lengths.entry(record.len()).or_default() += 1);
        let usual = lengths.into_iter().max_by_key(|(_, rows)| *rows).map_or(0, |(length, _)| length);
        Self { delimiter, expected: columns.count(), usual }
    }

    /// What is wrong with the shape of this row, which begins on `line`.
    pub(super) fn broken(&self, record: &StringRecord, columns: &Columns, line: u64) -> Option<Broken> {
        let Self { delimiter, expected, usual } = *self;
        let beyond_is_empty = record.iter().skip(expected).all(|value| value.trim().is_empty());
        let fits = record.len() == expected || (record.len() == usual && usual > expected && beyond_is_empty);
        if let Some((at, value)) = record.iter().enumerate().find(|(_, value)| breaks(value) > 0) {
            // A comment of several lines is fine; one that holds a row's worth of separators is rows.
            let separators = value.bytes().filter(|byte| *byte == delimiter).count();
            let rejected = !fits || separators + 1 >= expected;
            let last = line + record.iter().map(breaks).sum::<u64>();
            let begin: String = value.chars().take(30).collect();
            let found = format!("{line}–{last} : {}", begin.split_whitespace().collect::<Vec<_>>().join(" "));
            let defect = if rejected { defect::SWALLOWED } else { defect::LINE_BREAK };
            return Some(Broken { defect, column: columns.name_at(at), found, rejected });
        }
        let found = format!("{} / {expected}", record.len());
        (!fits).then(|| Broken { defect: defect::FIELDS, column: String::new(), found, rejected: true })
    }
}

/// Line breaks in a field, however they are written.
fn breaks(value: &str) -> u64 {
    let mut bytes = value.bytes().peekable();
    let mut count = 0;
    while let Some(byte) = bytes.next() {
        count += u64::from(byte == b'\n' || (byte == b'\r' && bytes.peek() != Some(&b'\n')));
    }
    count
}
