//! One row of the tidy layout, and the site it makes.

use std::collections::{BTreeMap, BTreeSet};

use csv::StringRecord;
use msap_shared::id::SiteId;
use msap_shared::time::SiteZone;
use serde_json::{Map, Value};

use crate::lang::Lang;
use crate::site::{Field, Kind, Site};

/// Without these a row cannot become a site.
const NEEDED: [&str; 4] = ["site_id", "kind", "name", "timezone"];

/// Columns that fill one field each, word for word.
const PLAIN: [(&str, Field); 15] = [
    ("name", Field::Name),
    ("format", Field::Format),
    ("commune", Field::Commune),
    ("insee_com", Field::Insee),
    ("postal_code", Field::PostalCode),
    ("dep_code", Field::Department),
    ("bearer_hint", Field::Bearer),
    ("lat", Field::Lat),
    ("lon", Field::Lon),
    ("timezone", Field::Timezone),
    ("holiday_zone", Field::HolidayZone),
    ("school_zone", Field::SchoolZone),
    ("osm_opening_hours", Field::OsmOpeningHours),
    ("weekly_minutes", Field::WeeklyMinutes),
    ("label_date", Field::LabelDate),
];

/// The list's own columns of hours, kept as they are.
const HOURS: [&str; 6] = ["h_mon", "h_tue", "h_wed", "h_thu", "h_fri", "h_sat"];

/// Where each column stands in this file.
pub(super) struct Columns(BTreeMap<String, usize>);

impl Columns {
    /// Reads the header; the names of what it lacks otherwise.
    pub(super) fn find(header: &StringRecord) -> Result<Self, Vec<&'static str>> {
        let places: BTreeMap<_, _> =
            (header.iter().enumerate()).map(|(place, name)| (name.trim().to_owned(), place)).collect();
        let missing: Vec<_> = NEEDED.into_iter().filter(|name| !places.contains_key(*name)).collect();
        if missing.is_empty() { Ok(Self(places)) } else { Err(missing) }
    }

    /// The header of the column at this place; empty when there is none.
    pub(super) fn name(&self, place: usize) -> &str {
        self.0.iter().find(|(_, at)| **at == place).map_or("", |(name, _)| name.as_str())
    }
}

/// One row.
pub(super) struct Row<'a> {
    columns: &'a Columns,
    record: &'a StringRecord,
}

impl<'a> Row<'a> {
    pub(super) fn new(columns: &'a Columns, record: &'a StringRecord) -> Self {
        Self { columns, record }
    }

    /// The value in a column; empty when the file or the row does not have it.
    pub(super) fn text(&self, column: &str) -> &'a str {
        self.given(column).unwrap_or_default()
    }

    fn given(&self, column: &str) -> Option<&'a str> {
        self.columns.0.get(column).and_then(|place| self.record.get(*place)).map(str::trim)
    }

    /// The site that this row makes of the one `before` it, without touching the fields `kept`.
    /// A column that the file does not have leaves its field alone. The parent is settled later.
    pub(super) fn site(
        &self,
        id: SiteId,
        before: Option<&Site>,
        kept: &BTreeSet<String>,
        lang: Lang,
    ) -> Result<Site, (&'static str, String)> {
        let kind = match self.text("kind") {
            "principal" => Kind::House,
            "antenne" => Kind::Antenna,
            other => {
                let expected = lang.of("; attendu : principal ou antenne", ": expected principal or antenne");
                return Err(("kind", format!("{:?} {expected}", bounded(other))));
            }
        };
        let zone: SiteZone = self.text("timezone").parse().map_err(|_| {
            let expected =
                lang.of("; attendu : un fuseau tel que Europe/Paris", ": expected a zone such as Europe/Paris");
            ("timezone", format!("{:?} {expected}", bounded(self.text("timezone"))))
        })?;
        let mut site = match before {
            Some(before) => before.clone(),
            None => Site::new(id, String::new(), kind, zone),
        };
        site.kind = kind;
        let mut set = |column: &'static str, field: Field, value: &str| match kept.contains(field.name()) {
            true => Ok(()),
            false => field.set(&mut site, value).map_err(|error| (column, error.say(lang))),
        };
        for (column, field) in PLAIN {
            if let Some(value) = self.given(column) {
                set(column, field, value)?;
            }
        }
        if let Some(comment) = self.given("comment") {
            set("comment", Field::Comment, comment)?;
        }
        let address: Vec<_> = ["address", "address2"].iter().filter_map(|column| self.given(column)).collect();
        if !address.is_empty() {
            let lines: Vec<_> = address.into_iter().filter(|line| !line.is_empty()).collect();
            set("address", Field::Address, &lines.join(", "))?;
        }
        if let Some(flags) = self.given("quality_flags") {
            site.quality = flags.replace('|', ",");
        }
        let hours: Map<_, _> = HOURS
            .iter()
            .filter_map(|day| Some(((*day).to_owned(), Value::String(self.given(day)?.to_owned()))))
            .collect();
        if !hours.is_empty() {
            site.hours_verbatim = Value::Object(hours).to_string();
        }
        // The list knows only the label: the rest of a site's life belongs to its people.
        if before.is_none() {
            site.life = super::first_life(&site);
        }
        Ok(site)
    }
}

fn bounded(text: &str) -> String {
    text.chars().take(40).collect()
}
