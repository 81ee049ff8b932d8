//! One row of a list, and the site it makes.

use std::collections::BTreeSet;

use csv::StringRecord;
use msap_shared::id::SiteId;
use msap_shared::time::SiteZone;

use super::codes::{code, insee_department, is_insee, label_day};
use super::defect;
use super::hours::{DayHours, Doubt, week};
use super::layout::{Columns, Layout};
use super::report::{Defect, Place, RowProblem};
use super::words::{UNSETTLED, Words, unmarked};
use crate::site::{Department, Field, Kind, Life, Site, department, present_commune};

/// Columns that fill one field each, word for word.
const PLAIN: [(&str, Field); 5] = [
    ("commune", Field::Commune),
    ("bearer_hint", Field::Bearer),
    ("osm_opening_hours", Field::OsmOpeningHours),
    ("weekly_minutes", Field::WeeklyMinutes),
    ("comment", Field::Comment),
];
/// The list's own columns of hours, kept as they are.
const HOURS: [&str; 6] = ["h_mon", "h_tue", "h_wed", "h_thu", "h_fri", "h_sat"];
/// The formats of either layout, and what they are called here.
const FORMATS: [(&str, &str); 9] = [
    ("fixe", "fixe"),
    ("multisites", "multisites"),
    ("bus", "bus"),
    ("bus_équivalent", "bus"),
    ("fixe_antennes", "fixe_antennes"),
    ("fixe_antenne(s)", "fixe_antennes"),
    ("itinerante", "itinerante"),
    ("itinérante", "itinerante"),
    ("", ""),
];
/// Where metropolitan France lies, with some sea around it: latitudes and longitudes.
const METROPOLE: [(f64, f64); 2] = [(41.0, 51.5), (-5.5, 10.0)];
/// What the report says is named in the flags.
const FLAGGED: [&str; 3] = [defect::DEPARTMENT_MISMATCH.code, defect::INSEE_FORMER.code, defect::HOURS.code];
/// Slots a day, minutes a week, above which a person may want to look.
const SLOTS_USUAL_MAX: usize = 2;
const WEEK_USUAL_MAX: u32 = 50 * 60;

/// One row.
pub(super) struct Row<'a> {
    columns: &'a Columns,
    record: &'a StringRecord,
}

/// What a row says of its house.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct House {
    /// Its id.
    pub(super) id: String,
    /// The group that both belong to.
    pub(super) group: String,
}

/// A site being made of a row.
struct Making<'a> {
    row: &'a Row<'a>,
    place: &'a Place,
    /// The fields that a person has set: they stay.
    kept: &'a BTreeSet<String>,
    site: Site,
    known: bool,
    flags: Vec<&'static str>,
    problems: Vec<RowProblem>,
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
        self.columns.place(column).and_then(|place| self.record.get(place)).map(|text| unmarked(text.trim()))
    }

    /// What the row says of its house.
    pub(super) fn house(&self) -> House {
        House { id: self.text("parent_id").to_owned(), group: self.text("group").to_owned() }
    }

    /// The site that this row makes of the one `before` it, without touching the fields `kept`,
    /// and what is wrong with the row. A column that the file does not have leaves its field
    /// alone. The house is settled later.
    ///
    /// # Errors
    /// The defect for which the row cannot become a site.
    pub(super) fn site(
        &self,
        id: SiteId,
        before: Option<&Site>,
        kept: &BTreeSet<String>,
        place: &Place,
    ) -> Result<(Site, Vec<RowProblem>), Box<RowProblem>> {
        let department = self.department();
        let zone = match self.given("timezone").map(str::parse) {
            Some(Ok(zone)) => Some(zone),
            Some(Err(_)) => None,
            None => department.as_ref().and_then(|(_, known)| known.zone()),
        };
        let known_zone = before.map(|before| before.timezone.clone());
        let Some(zone) = zone.or(known_zone) else {
            let column = if self.given("timezone").is_some() { "timezone" } else { "dep_code" };
            return Err(Box::new(place.rejected(self.columns.name(column), self.text(column), defect::ZONE)));
        };
        let new = || Site::new(id, String::new(), Kind::House, zone.clone());
        let site = before.cloned().unwrap_or_else(new);
        let known = before.is_some();
        let mut making = Making { row: self, place, kept, site, known, flags: Vec::new(), problems: Vec::new() };
        making.kind();
        making.where_it_is(department, zone.name());
        making.name_and_address();
        for (column, field) in PLAIN {
            making.copy(column, field);
        }
        making.format();
        making.label();
        making.hours();
        making.flag();
        Ok((making.site, making.problems))
    }

    /// The department: as told, or that of the commune.
    fn department(&self) -> Option<(String, &'static Department)> {
        let known = |code: String| department(&code).map(|found| (code, found));
        known(code(self.text("dep_code"), 2)).or_else(|| known(insee_department(&code(self.text("insee_com"), 5))))
    }
}

impl Making<'_> {
    fn note(&mut self, column: &str, defect: Defect) {
        let (field, found) = (self.row.columns.name(column), self.row.text(column));
        self.problems.push(self.place.problem(field, found, defect));
    }

    /// Sets a field that no person has set.
    fn set(&mut self, column: &str, field: Field, value: &str) {
        // Windows ends lines with two characters.
        let value = value.replace("\r\n", "\n");
        if !self.kept.contains(field.name()) && field.set(&mut self.site, &value).is_err() {
            self.note(column, defect::VALUE);
        }
    }

    fn copy(&mut self, column: &str, field: Field) {
        if let Some(value) = self.row.given(column) {
            self.set(column, field, value);
        }
    }

    fn kind(&mut self) {
        let Some(value) = self.row.given("kind") else { return };
        match value.to_lowercase().as_str() {
            "principal" | "site principal" => self.site.kind = Kind::House,
            "antenne" => self.site.kind = Kind::Antenna,
            _ => self.note("kind", defect::KIND),
        }
    }

    /// Department, clock, zones, commune and coordinates.
    fn where_it_is(&mut self, department: Option<(String, &'static Department)>, zone: &str) {
        let told = code(self.row.text("dep_code"), 2);
        let insee = code(self.row.text("insee_com"), 5);
        if self.row.given("dep_code").is_some() && self::department(&told).is_none() {
            self.note("dep_code", defect::DEPARTMENT);
        }
        if let Some((code, found)) = department {
            let moved = !self.known || self.site.department != code;
            self.set("dep_code", Field::Department, &code);
            if moved && self.row.given("timezone").is_none() {
                self.set("dep_code", Field::Timezone, zone);
                self.set("dep_code", Field::HolidayZone, found.holiday_zone);
                self.set("dep_code", Field::SchoolZone, found.school_zone);
            }
            if !insee.is_empty() && is_insee(&insee) && insee_department(&insee) != code {
                self.note("dep_code", defect::DEPARTMENT_MISMATCH);
                self.flags.push(defect::DEPARTMENT_MISMATCH.code);
            }
        }
        if let Some(told) = self.row.given("timezone") {
            if !told.is_empty() && told.parse::<SiteZone>().is_err() {
                self.note("timezone", defect::ZONE_KEPT);
            }
            self.set("timezone", Field::Timezone, zone);
        }
        self.calendar_zone("holiday_zone", Field::HolidayZone);
        self.calendar_zone("school_zone", Field::SchoolZone);
        match self.row.given("insee_com") {
            None => {}
            Some("") => self.note("insee_com", defect::INSEE_MISSING),
            Some(_) if !is_insee(&insee) => self.note("insee_com", defect::INSEE),
            Some(_) => {
                self.set("insee_com", Field::Insee, &insee);
                if present_commune(&insee).is_some() {
                    self.note("insee_com", defect::INSEE_FORMER);
                    self.flags.push(defect::INSEE_FORMER.code);
                }
            }
        }
        if self.row.given("postal_code").is_some() {
            self.set("postal_code", Field::PostalCode, &code(self.row.text("postal_code"), 5));
        }
        self.coordinates();
    }

    /// A zone of holidays: as told, or that of the department while none is known.
    fn calendar_zone(&mut self, column: &str, field: Field) {
        if self.kept.contains(field.name()) {
            return;
        }
        let told = self.row.given(column);
        if told.is_some_and(|told| field.set(&mut self.site, told).is_ok()) {
            return;
        }
        if told.is_some() {
            self.note(column, defect::CALENDAR_ZONE);
        }
        let Some(known) = self::department(&self.site.department) else { return };
        let (held, zone) = match field {
            Field::SchoolZone => (&mut self.site.school_zone, known.school_zone),
            _ => (&mut self.site.holiday_zone, known.holiday_zone),
        };
        if held.is_empty() {
            zone.clone_into(held);
        }
    }

    fn coordinates(&mut self) {
        let (Some(lat), Some(lon)) = (self.row.given("lat"), self.row.given("lon")) else { return };
        if lat.is_empty() && lon.is_empty() {
            return self.note("lat", defect::COORDINATES_MISSING);
        }
        let angle = |text: &str| text.replace(',', ".").parse::<f64>().ok().filter(|angle| angle.is_finite());
        let metropolitan = department(&self.site.department).is_some_and(Department::is_metropolitan);
        let can_be = |(lat, lon): &(f64, f64)| {
            let [lats, lons] = METROPOLE;
            let within = (lats.0..=lats.1).contains(lat) && (lons.0..=lons.1).contains(lon);
            let somewhere = lat.abs() <= 90.0 && lon.abs() <= 180.0 && (*lat != 0.0 || *lon != 0.0);
            if metropolitan { within } else { somewhere }
        };
        match angle(lat).zip(angle(lon)).filter(can_be) {
            None => self.note(if angle(lat).is_none() { "lat" } else { "lon" }, defect::COORDINATES),
            Some((lat, lon)) => {
                // A tenth of a metre: lists differ in what comes after.
                self.set("lat", Field::Lat, &format!("{lat:.6}"));
                self.set("lon", Field::Lon, &format!("{lon:.6}"));
            }
        }
    }

    fn name_and_address(&mut self) {
        let address: Vec<_> = ["address", "address2"].iter().filter_map(|column| self.row.given(column)).collect();
        if !address.is_empty() {
            let lines: Vec<_> = address.into_iter().filter(|line| !line.is_empty()).collect();
            self.set("address", Field::Address, &lines.join(", "));
        }
        match self.row.text("name") {
            "" => {
                self.note("name", defect::NAME);
                if self.site.name.is_empty() {
                    let commune = self.row.text("commune");
                    let name = if commune.is_empty() { self.site.id.to_string() } else { commune.to_owned() };
                    self.set("name", Field::Name, &name);
                }
            }
            name => self.set("name", Field::Name, name),
        }
        if self.site.name.is_empty() {
            // Too long a name, or one of several lines.
            self.site.name = self.site.id.to_string();
        }
    }

    fn format(&mut self) {
        let told = match (self.row.given("format"), self.row.given("itinerant")) {
            (Some(format), _) => format.to_lowercase(),
            (None, Some("Oui")) => "itinerante".to_owned(),
            (None, Some(_)) => "fixe".to_owned(),
            (None, None) => return,
        };
        match FORMATS.iter().find(|(known, _)| *known == told) {
            Some((_, here)) => self.set("format", Field::Format, here),
            None => {
                self.note("format", defect::FORMAT);
                self.set("format", Field::Format, &told);
            }
        }
    }

    /// The label: the list knows only its day. The rest of a site's life belongs to its people.
    fn label(&mut self) {
        if let Some(text) = self.row.given("label_date") {
            match label_day(text) {
                Some(day) => self.set("label_date", Field::LabelDate, &day.to_string()),
                None if text.is_empty() => self.set("label_date", Field::LabelDate, ""),
                None => self.note("label_date", defect::LABEL_DATE),
            }
        }
        if self.kept.contains(Field::Life.name()) {
            if self.site.life == Life::Retired {
                self.note("site_id", defect::RETIRED_BY_HAND);
            }
            return;
        }
        self.site.life = match (self.site.life, self.site.label_date) {
            (_, Some(_)) => Life::Labelled,
            // It is on the list again.
            (Life::Retired, None) => Life::Open,
            (life, None) => life,
        };
    }

    fn hours(&mut self) {
        let mut words = Words::of(&self.site);
        words.take(&self.site, |column| self.row.given(column));
        let told: Vec<_> = HOURS.iter().filter_map(|day| Some((*day, self.row.given(day)?))).collect();
        if !told.is_empty() {
            words.take_hours(&told);
        }
        words.keep(&mut self.site);
        let given: Vec<_> = told.into_iter().filter(|(_, text)| *text != UNSETTLED).collect();
        if given.is_empty() {
            return;
        }
        let mut days = Vec::new();
        for (column, text) in &given {
            let day = DayHours::read(text);
            for doubt in &day.doubts {
                self.note(column, of_hours(*doubt));
            }
            days.push(day);
        }
        self.flags.extend(doubts_of(&days));
        // The tidy layout has hours that were read with more care.
        if self.row.columns.layout == Layout::National {
            let (osm, minutes) = week(&days).map(|(osm, minutes)| (osm, minutes.to_string())).unwrap_or_default();
            self.set("h_mon", Field::OsmOpeningHours, &osm);
            self.set("h_mon", Field::WeeklyMinutes, &minutes);
        }
    }

    /// Flags of doubt: the file's own where it has some, and what the report names.
    fn flag(&mut self) {
        if self.row.columns.layout == Layout::National {
            return self.site.mark(&self.flags);
        }
        let own = match self.row.given("quality_flags") {
            Some(flags) => flags.replace('|', ","),
            None => self.site.quality.clone(),
        };
        let mut flags: Vec<&str> = own.split(',').map(str::trim).filter(|flag| !flag.is_empty()).collect();
        if self.row.given("quality_flags").is_none() && HOURS.iter().any(|day| self.row.given(day).is_some()) {
            // What the file says of hours is all that is known of them.
            flags.retain(|flag| *flag != defect::HOURS.code);
        }
        for flag in FLAGGED.into_iter().filter(|flag| self.flags.contains(flag)) {
            if !flags.contains(&flag) {
                flags.push(flag);
            }
        }
        self.site.mark(&flags);
    }
}

const fn of_hours(doubt: Doubt) -> Defect {
    match doubt {
        Doubt::ZeroSlot => defect::ZERO_SLOT,
        Doubt::Overlap => defect::OVERLAP,
        Doubt::Unreadable => defect::HOURS,
    }
}

/// The flags of a week, in the order of the tidy layout.
fn doubts_of(days: &[DayHours]) -> Vec<&'static str> {
    let any = |doubt: Doubt| days.iter().any(|day| day.doubts.contains(&doubt));
    let minutes = week(days).map(|(_, minutes)| minutes);
    [
        (any(Doubt::ZeroSlot), defect::ZERO_SLOT.code),
        (any(Doubt::Overlap), defect::OVERLAP.code),
        (days.iter().any(|day| day.touches), "touching_merged"),
        (days.iter().any(|day| day.slots() > SLOTS_USUAL_MAX), "three_or_more_slots"),
        (any(Doubt::Unreadable), defect::HOURS.code),
        (minutes == Some(0), "no_hours"),
        (minutes.is_some_and(|minutes| minutes > WEEK_USUAL_MAX), "over_50h"),
    ]
    .into_iter()
    .filter_map(|(holds, flag)| holds.then_some(flag))
    .collect()
}
