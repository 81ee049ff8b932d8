//! How a site is shown by the API and by the commands with `--json`.
//!
//! One object for both, so that a script may change from one to the other. What is not known yet
//! is null: a site is never shown as closed, up to date or empty unless it is known to be.

use jiff::Timestamp;
use msap_shared::time::Day;
use serde::{Deserialize, Serialize};

use super::Site;
use super::state::state;
use crate::almanac::{Hours, Pages};

/// What the store knows of a site's devices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// Devices that may sync.
    pub active: u32,
    /// Devices that wait for an approval.
    pub pending: u32,
    /// The day on which the first of them joined.
    pub enrolled: Option<Day>,
    /// Seconds since 1970 of the latest contact of any of them.
    pub last_contact: Option<i64>,
    /// Seconds since 1970 at which the best of them was last known to have nothing left to send.
    pub last_in_sync: Option<i64>,
    /// The program's version at that contact.
    pub version: Option<String>,
    /// Changes that its devices said they keep and the hub lacks; `None` when none of them tells.
    pub waiting: Option<u64>,
    /// Whether it has devices, and each of them was turned away when it last came.
    pub refused: bool,
}

/// A site's public fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the documentation: they are the fields of the API")]
pub struct SiteObject {
    pub id: String,
    pub name: String,
    pub kind: String,
    pub life: String,
    pub parent: Option<String>,
    pub format: String,
    pub commune: String,
    pub insee: String,
    pub department: String,
    pub region: String,
    pub bearer: String,
    pub lat: Option<f64>,
    pub lon: Option<f64>,
    pub timezone: String,
    pub holiday_zone: String,
    pub school_zone: String,
    pub osm_opening_hours: String,
    pub weekly_minutes: Option<u32>,
    pub label_date: Option<String>,
    pub open_now: Option<bool>,
    pub state: Option<String>,
    pub last_contact: Option<String>,
    pub waiting: Option<u64>,
    pub version: Option<String>,
    pub quality: Vec<String>,
}

impl SiteObject {
    /// With what the rules of its schedule say, where anybody said any. What only the list said
    /// stays until then.
    fn with_hours(self, hours: Option<Hours>) -> Self {
        match hours {
            Some(Hours { open_now, weekly_minutes, osm }) => {
                Self { open_now, weekly_minutes, osm_opening_hours: osm.to_string(), ..self }
            }
            None => self,
        }
    }

    /// The object for this site and these contacts.
    pub fn of(site: &Site, contact: &Contact, pages: &Pages, now: Timestamp) -> Self {
        let last_contact = contact.last_contact.and_then(|at| Timestamp::from_second(at).ok());
        Self {
            id: site.id.to_string(),
            name: site.name.clone(),
            kind: site.kind.to_string(),
            life: site.life.to_string(),
            parent: site.parent.as_ref().map(ToString::to_string),
            format: site.format.clone(),
            commune: site.commune.clone(),
            insee: site.insee.clone(),
            department: site.department.clone(),
            region: site.region.clone(),
            bearer: site.bearer.clone(),
            lat: site.lat,
            lon: site.lon,
            timezone: site.timezone.to_string(),
            holiday_zone: site.holiday_zone.clone(),
            school_zone: site.school_zone.clone(),
            osm_opening_hours: site.osm_opening_hours.clone(),
            weekly_minutes: site.weekly_minutes,
            label_date: site.label_date.map(|day| day.to_string()),
            open_now: None,
            state: Some(state(site, contact, now, |day| pages.end_of_opening(site, day)).to_owned()),
            last_contact: last_contact.map(|at| at.to_string()),
            waiting: contact.waiting,
            version: contact.version.clone(),
            quality: site.quality.split(',').filter(|flag| !flag.is_empty()).map(str::to_owned).collect(),
        }
        .with_hours(pages.standing(site, now))
    }
}
