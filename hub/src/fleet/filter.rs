//! Which sites the fleet is asked of: names and values as in the rest of the API.

use data_encoding::BASE64URL_NOPAD;
use msap_shared::id::SiteId;
use rusqlite::Connection;

use crate::ask::{self, AskError, Form, Given};
use crate::lang::Phrase;
use crate::query::Filters;
use crate::site::{STATES, Site};
use crate::store::devices::{Device, Standing};
use crate::store::sites::{self, SiteFilter};

/// Most sites on one page.
const PAGE_MAX: u32 = 5_000;
/// Longest version that is looked for.
const VERSION_LEN_MAX: usize = 40;

/// The parameters.
const PARAMETERS: [(&str, bool); 10] = [
    ("site", true),
    ("department", true),
    ("region", true),
    ("bearer", true),
    ("kind", true),
    ("state", true),
    ("version", true),
    ("limit", true),
    ("cursor", true),
    ("format", true),
];

/// What to tell of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FleetFilter {
    /// What the rows of sites tell by themselves.
    pub(super) listed: SiteFilter,
    /// These sites and their antennas.
    sites: Vec<SiteId>,
    bearers: Vec<String>,
    states: Vec<String>,
    versions: Vec<String>,
    /// After this department and site.
    pub(super) after: Option<(String, String)>,
    /// At most so many sites.
    pub(super) limit: Option<u32>,
    /// How the answer is to be written; `None`: whatever the asker can read.
    pub form: Option<Form>,
}

impl FleetFilter {
    /// The filter that these names and values ask for.
    ///
    /// # Errors
    /// When one of them is unknown, repeated or makes no sense.
    pub fn of(conn: &Connection, pairs: &[(String, String)]) -> Result<Self, AskError> {
        let given = Given::check(pairs, &PARAMETERS)?;
        let coded = |known: bool, text: &str| Ok(known.then(|| text.to_owned()));
        Ok(Self {
            listed: SiteFilter {
                departments: ask::departments(&given)?,
                regions: ask::regions(&given)?,
                kinds: given
                    .list("kind", Phrase::new("house ou antenna", "house or antenna"), |text| Ok(text.parse().ok()))?,
                ..SiteFilter::default()
            },
            sites: given.list(
                "site",
                Phrase::new("l’identifiant ou l’alias d’un site", "the id or alias of a site"),
                |text| Ok(sites::resolve(conn, text)?),
            )?,
            bearers: given.list("bearer", Phrase::new("le porteur d’un site", "the bearer of a site"), |text| {
                coded(sites::known_bearer(conn, text)?, text)
            })?,
            states: given.list(
                "state",
                Phrase::new(
                    "parmi never_connected, pending, up_to_date, behind, silent, refused, retired",
                    "one of never_connected, pending, up_to_date, behind, silent, refused, retired",
                ),
                |text| coded(STATES.contains(&text), text),
            )?,
            versions: given.list(
                "version",
                Phrase::new("une version, par exemple 0.1.0", "a version such as 0.1.0"),
                |text| {
                    // One that no machine has is a fair question: are all of them updated?
                    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | '_'));
                    coded(plain && (1..=VERSION_LEN_MAX).contains(&text.len()), text)
                },
            )?,
            after: given.one("cursor").map(read_cursor).transpose()?,
            limit: given.one("limit").map(limit).transpose()?,
            form: ask::form(&given)?,
        })
    }

    /// The same as the filters of figures, for whoever judges by them what a token may see.
    pub fn scoped(&self) -> Filters {
        Filters {
            sites: self.sites.clone(),
            departments: self.listed.departments.clone(),
            regions: self.listed.regions.clone(),
            bearers: self.bearers.clone(),
            ..Filters::default()
        }
    }

    /// With at most so many sites on a page, unless another number was asked for.
    pub fn paged(self, limit: u32) -> Self {
        Self { limit: self.limit.or(Some(limit)), ..self }
    }

    pub(super) fn lets_through(&self, site: &Site, state: &str, devices: &[Device]) -> bool {
        let among = |allowed: &[String], value: &str| allowed.is_empty() || allowed.iter().any(|one| one == value);
        let runs = |device: &Device| {
            device.standing != Standing::Revoked && self.versions.contains(&device.contact.app_version)
        };
        (self.sites.is_empty() || self.sites.iter().any(|one| *one == site.id || site.parent.as_ref() == Some(one)))
            && among(&self.bearers, &site.bearer)
            && among(&self.states, state)
            && (self.versions.is_empty() || devices.iter().any(runs))
    }
}

/// A cursor is opaque, so that what it holds may change.
pub(super) fn cursor(department: &str, site: &str) -> String {
    BASE64URL_NOPAD.encode(format!("{department}|{site}").as_bytes())
}

fn read_cursor(text: &str) -> Result<(String, String), AskError> {
    let last = BASE64URL_NOPAD.decode(text.as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let place = last.as_deref().and_then(|last| last.split_once('|'));
    let (department, site) = place.ok_or_else(|| ask::not_a_cursor(text))?;
    Ok((department.to_owned(), site.to_owned()))
}

fn limit(text: &str) -> Result<u32, AskError> {
    (text.parse().ok())
        .filter(|limit| (1..=PAGE_MAX).contains(limit))
        .ok_or_else(|| ask::wrong("limit", text, Phrase::new("un nombre de 1 à 5000", "a number from 1 to 5000")))
}
