//! Tables that leave the hub: for spreadsheets, for programs, and for a terminal.
//!
//! Made by whatever tells a view, such as `counts`; written by the API and by the command line.
//! Columns are stable: they are added to and not renamed. A text that a spreadsheet would take for
//! a formula is written as text.

use jiff::Timestamp;
use msap_shared::time::Day;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lang::Lang;
use crate::out::Grid;

/// A view that can be told as a table.
pub trait Table {
    /// As JSON.
    fn object(&self) -> Value;

    /// The same, written. One that is large writes its rows one by one: as values, all at once, they
    /// take ten times the room and most of the time.
    fn json(&self) -> Vec<u8> {
        self.object().to_string().into_bytes()
    }

    /// As a table.
    fn sheet(&self) -> Sheet;

    /// In a line or more, for people.
    fn summary(&self, lang: Lang) -> String;

    /// As a text for people to read.
    fn text(&self, lang: Lang) -> String {
        self.summary(lang)
    }

    /// Where the next page begins, of what goes by pages.
    fn next(&self) -> Option<&str> {
        None
    }
}

/// How a sheet is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SheetFormat {
    /// RFC 4180, UTF-8, days as 2026-11-20, a decimal point.
    Csv,
    /// What a French spreadsheet opens: `;`, a byte order mark, days as 20/11/2026, a decimal comma.
    CsvFr,
}

/// A column's names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// The stable one, of JSON and CSV.
    pub name: String,
    /// The one that people read in French.
    pub french: String,
    /// Whether it only says in words what the code before it is: programs have no use for it, and
    /// their columns stay where they are.
    pub for_people: bool,
}

impl Column {
    /// Both names.
    pub fn new(name: impl Into<String>, french: impl Into<String>) -> Self {
        Self { name: name.into(), french: french.into(), for_people: false }
    }

    /// Both names of a column that says in words what the code before it is.
    pub fn beside(name: impl Into<String>, french: impl Into<String>) -> Self {
        Self { for_people: true, ..Self::new(name, french) }
    }
}

/// One value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    /// None: a figure that has no meaning here, or nothing to compare with.
    None,
    /// A text as it is.
    Text(String),
    /// A day, month or quarter, as 2026-11-20, 2026-11 or 2026-Q4.
    Time(String),
    /// A whole number.
    Number(i64),
    /// A number with one decimal.
    Decimal(f64),
    /// A number with all of its decimals.
    Exact(f64),
    /// Yes or no.
    Flag(bool),
    /// A part of a whole, from 0 to 1; never 1 unless it is all of it.
    Share(f64),
    /// A moment, as 2026-11-20T11:00:00Z.
    Moment(String),
    /// A word: its stable code, and what people read.
    Word {
        /// The stable code.
        code: String,
        /// In French.
        fr: String,
        /// In English.
        en: String,
    },
    /// A number above 0 and below this, which is not told: `<11`.
    Below(i64),
    /// A number that is not told: `secret`.
    Hidden,
}

/// Columns and rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sheet {
    /// One per cell of each row.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: Vec<Vec<Cell>>,
}

impl Sheet {
    /// The bytes of a file.
    pub fn write(&self, format: SheetFormat) -> Vec<u8> {
        let (start, delimiter) = match format {
            SheetFormat::Csv => ("", b','),
            SheetFormat::CsvFr => ("\u{feff}", b';'),
        };
        let terminator = csv::Terminator::CRLF;
        let mut writer = csv::WriterBuilder::new()
            .delimiter(delimiter)
            .terminator(terminator)
            .from_writer(start.as_bytes().to_vec());
        let is_told = |column: &Column| format == SheetFormat::CsvFr || !column.for_people;
        let header = self.columns.iter().filter(|column| is_told(column)).map(|column| match format {
            SheetFormat::Csv => column.name.clone(),
            SheetFormat::CsvFr => column.french.clone(),
        });
        let cells = |row: &Vec<Cell>| -> Vec<String> {
            let told = self.columns.iter().zip(row).filter(|(column, _)| is_told(column));
            told.map(|(_, cell)| cell.said(format)).collect()
        };
        let rows = self.rows.iter().map(cells);
        for record in std::iter::once(header.collect()).chain(rows) {
            writer.write_record(&record).expect("a vector takes all, and every row has the header's columns");
        }
        writer.into_inner().expect("a vector takes all")
    }

    /// For a terminal, or as lines of fields.
    pub fn grid(&self, lang: Lang) -> Grid {
        let header = self.columns.iter().map(|column| lang.of(column.french.clone(), column.name.replace('_', " ")));
        let row = |row: &Vec<Cell>| row.iter().map(|cell| cell.shown(lang)).collect();
        Grid { header: header.collect(), rows: self.rows.iter().map(row).collect() }
    }
}

impl Cell {
    /// A word; in English its code is one.
    pub fn word(code: &str, french: &str) -> Self {
        Self::Word { code: code.to_owned(), fr: french.to_owned(), en: code.replace('_', " ") }
    }

    /// As people read it: in French as a French spreadsheet has it, but for texts that it would take
    /// for formulas.
    pub fn shown(&self, lang: Lang) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Time(time) => lang.of(french as fn(&str) -> String, str::to_owned)(time),
            Self::Word { fr, en, .. } => lang.of(fr, en).clone(),
            Self::Flag(flag) => crate::words::truth(*flag, lang).to_owned(),
            other => other.said(lang.of(SheetFormat::CsvFr, SheetFormat::Csv)),
        }
    }

    fn said(&self, format: SheetFormat) -> String {
        match (self, format) {
            (Self::None, _) => String::new(),
            (Self::Text(text), _) => plain(text),
            (Self::Time(time), SheetFormat::Csv) => plain(time),
            (Self::Time(time), SheetFormat::CsvFr) => plain(&french(time)),
            (Self::Moment(moment), SheetFormat::Csv) => moment.clone(),
            (Self::Moment(moment), SheetFormat::CsvFr) => in_paris(moment),
            (Self::Number(number), _) => number.to_string(),
            (Self::Exact(number), SheetFormat::Csv) => number.to_string(),
            (Self::Exact(number), SheetFormat::CsvFr) => number.to_string().replace('.', ","),
            (Self::Flag(flag), SheetFormat::Csv) => flag.to_string(),
            (Self::Flag(flag), SheetFormat::CsvFr) => if *flag { "oui" } else { "non" }.to_owned(),
            (Self::Word { code, .. }, SheetFormat::Csv) => plain(code),
            (Self::Word { fr, .. }, SheetFormat::CsvFr) => plain(fr),
            (Self::Below(bound), _) => format!("<{bound}"),
            (Self::Hidden, _) => "secret".to_owned(),
            (Self::Decimal(number), SheetFormat::Csv) => format!("{number:.1}"),
            (Self::Decimal(number), SheetFormat::CsvFr) => format!("{number:.1}").replace('.', ","),
            (Self::Share(part), SheetFormat::Csv) => format!("{:.4}", (part * 10_000.0).floor() / 10_000.0),
            (Self::Share(_), SheetFormat::CsvFr) => self.said(SheetFormat::Csv).replace('.', ","),
        }
    }
}

/// Whether a spreadsheet would take a text for a formula.
pub(crate) fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// A text that a spreadsheet does not take for a formula.
pub(crate) fn plain(text: &str) -> String {
    match is_formula(text) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

/// A moment by the clock of Paris, as 20/11/2026 12:00. The heading says whose clock it is.
fn in_paris(moment: &str) -> String {
    match moment.parse::<Timestamp>().ok().and_then(|at| at.in_tz("Europe/Paris").ok()) {
        Some(at) => at.strftime("%d/%m/%Y %H:%M").to_string(),
        None => moment.to_owned(),
    }
}

/// A day, month or quarter as a French spreadsheet has it.
pub(crate) fn french(time: &str) -> String {
    if let Ok(day) = time.parse::<Day>() {
        let date = day.date();
        return format!("{:02}/{:02}/{:04}", date.day(), date.month(), date.year());
    }
    match time.split_once('-') {
        Some((year, quarter)) if quarter.starts_with('Q') => format!("{} {year}", quarter.replace('Q', "T")),
        Some((year, month)) => format!("{month}/{year}"),
        None => time.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet() -> Sheet {
        let text = |text: &str| Cell::Text(text.to_owned());
        let time = |text: &str| Cell::Time(text.to_owned());
        let columns = ["day", "name", "visits", "percent"].into_iter().zip(["jour", "nom", "visites", "pour cent"]);
        Sheet {
            columns: columns.map(|(name, french)| Column::new(name, french)).collect(),
            rows: vec![
                vec![time("2026-11-20"), text("=1+1"), Cell::Number(-3), Cell::Decimal(-12.5)],
                vec![time("2026-11"), text("a;b,\"c\""), Cell::None, Cell::Decimal(0.04)],
                vec![time("2026-Q4"), text("@b"), Cell::Number(1), Cell::None],
                vec![time("2026"), text("-é"), Cell::Number(0), Cell::None],
                vec![time("2026"), text("+33"), Cell::Number(0), Cell::None],
            ],
        }
    }

    #[test]
    fn csv_is_rfc_4180_and_no_text_is_a_formula() {
        let expected = "day,name,visits,percent\r\n2026-11-20,'=1+1,-3,-12.5\r\n2026-11,\"a;b,\"\"c\"\"\",,0.0\r\n\
                        2026-Q4,'@b,1,\r\n2026,'-é,0,\r\n2026,'+33,0,\r\n";
        assert_eq!(String::from_utf8(sheet().write(SheetFormat::Csv)).unwrap(), expected);
    }

    #[test]
    fn a_french_spreadsheet_opens_csv_fr() {
        let expected = "\u{feff}jour;nom;visites;pour cent\r\n20/11/2026;'=1+1;-3;-12,5\r\n\
                        11/2026;\"a;b,\"\"c\"\"\";;0,0\r\nT4 2026;'@b;1;\r\n2026;'-é;0;\r\n2026;'+33;0;\r\n";
        assert_eq!(String::from_utf8(sheet().write(SheetFormat::CsvFr)).unwrap(), expected);
    }

    #[test]
    fn a_terminal_shows_texts_as_they_are_and_speaks_french() {
        let grid = sheet().grid(Lang::Fr);
        assert_eq!(grid.header[0], "jour");
        assert_eq!(grid.rows[0], ["20/11/2026", "=1+1", "-3", "-12,5"]);
        assert_eq!(sheet().grid(Lang::En).rows[0], ["2026-11-20", "=1+1", "-3", "-12.5"]);
    }

    #[test]
    fn a_moment_is_told_in_french_by_the_clock_of_paris() {
        for (moment, expected) in
            [("2026-11-20T23:30:00Z", "21/11/2026 00:30"), ("2026-07-14T10:05:09Z", "14/07/2026 12:05")]
        {
            let cell = Cell::Moment(moment.to_owned());
            assert_eq!(cell.shown(Lang::Fr), expected);
            assert_eq!((cell.shown(Lang::En), cell.said(SheetFormat::Csv)), (moment.to_owned(), moment.to_owned()));
        }
    }
}
