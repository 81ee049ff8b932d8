//! The national list of sites, `data/sites.csv`: what the generator needs of a site, and rows to
//! import.

use std::collections::BTreeMap;

use csv::StringRecord;
use jiff::civil::Weekday;
use msap_shared::id::SiteId;
use msap_shared::time::Day;

use super::{ModelError, weekday_index};

const FILE: &str = include_str!("../../data/sites.csv");
const HOURS: [&str; 6] = ["h_mon", "h_tue", "h_wed", "h_thu", "h_fri", "h_sat"];

/// One site of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedSite {
    /// Its id.
    pub id: SiteId,
    /// Its name.
    pub name: String,
    /// When it got its label.
    pub label_date: Option<Day>,
    /// Monday to Sunday.
    open: [bool; 7],
}

impl ListedSite {
    /// Whether it opens on this day of the week.
    pub fn opens_on(&self, weekday: Weekday) -> bool {
        self.open[weekday_index(weekday)]
    }
}

/// The whole list.
#[derive(Clone, Debug)]
pub struct SiteList {
    header: StringRecord,
    rows: BTreeMap<String, StringRecord>,
}

impl SiteList {
    /// Reads the list that this package carries.
    ///
    /// # Errors
    /// When the file is not CSV.
    pub fn load() -> Result<Self, ModelError> {
        let mut reader = csv::Reader::from_reader(FILE.as_bytes());
        let header = reader.headers()?.clone();
        let rows = reader.records().map(|row| row.map(|row| (row.get(0).unwrap_or_default().to_owned(), row)));
        let rows = rows.collect::<Result<_, csv::Error>>()?;
        Ok(Self { header, rows })
    }

    /// One site.
    ///
    /// # Errors
    /// When the list does not have it.
    pub fn site(&self, id: &str) -> Result<ListedSite, ModelError> {
        let unknown = || ModelError::Site(id.to_owned());
        let row = self.rows.get(id).ok_or_else(unknown)?;
        let mut open = [false; 7];
        for (place, column) in open.iter_mut().zip(HOURS) {
            *place = !self.text(row, column).is_empty();
        }
        if open == [false; 7] {
            // Hours that the list does not give: office days.
            open = [true, true, true, true, true, false, false];
        }
        Ok(ListedSite {
            id: id.parse().map_err(|_| unknown())?,
            name: self.text(row, "name").to_owned(),
            label_date: self.text(row, "label_date").parse().ok(),
            open,
        })
    }

    /// The department of a site.
    ///
    /// # Errors
    /// When the list does not have it.
    pub fn department(&self, id: &str) -> Result<String, ModelError> {
        let row = self.rows.get(id).ok_or_else(|| ModelError::Site(id.to_owned()))?;
        Ok(self.text(row, "dep_code").to_owned())
    }

    /// The ids of all sites, in a fixed order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.rows.keys().map(String::as_str)
    }

    /// These sites as a list of their own, in the same layout.
    ///
    /// # Errors
    /// When the list does not have one of them.
    pub fn csv(&self, ids: &[&str]) -> Result<String, ModelError> {
        self.columns(ids, |_| true)
    }

    /// The same without opening hours: whatever a machine keeps is then what was counted on it.
    ///
    /// # Errors
    /// When the list does not have one of them.
    pub fn csv_without_hours(&self, ids: &[&str]) -> Result<String, ModelError> {
        self.columns(ids, |name| !HOURS.contains(&name) && !matches!(name, "osm_opening_hours" | "weekly_minutes"))
    }

    fn columns(&self, ids: &[&str], wanted: impl Fn(&str) -> bool) -> Result<String, ModelError> {
        let kept: Vec<usize> = (0..).zip(&self.header).filter(|(_, name)| wanted(name)).map(|(at, _)| at).collect();
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(kept.iter().filter_map(|at| self.header.get(*at)))?;
        for id in ids {
            let row = self.rows.get(*id).ok_or_else(|| ModelError::Site((*id).to_owned()))?;
            writer.write_record(kept.iter().filter_map(|at| row.get(*at)))?;
        }
        let bytes = writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn text<'a>(&self, row: &'a StringRecord, column: &str) -> &'a str {
        let place = self.header.iter().position(|name| name == column);
        place.and_then(|place| row.get(place)).unwrap_or_default()
    }
}
