//! Which sites the fleet is asked of: names and values as in the rest of the API.

use msap_shared::id::SiteId;
use rusqlite::Connection;

use crate::ask::page::Page;
use crate::ask::parameter::{BEARER, CURSOR, DEPARTMENT, FORMAT, KIND, LIMIT, Parameter, REGION, SITE, STATE, VERSION};
use crate::ask::{self, AskError, Form, Given};
use crate::lang::Phrase;
use crate::query::Filters;
use crate::site::Site;
use crate::store::devices::{Device, Standing};
use crate::store::sites::{self, SiteFilter};

/// Longest version that is looked for.
const VERSION_LEN_MAX: usize = 40;

/// The parameters.
pub const PARAMETERS: &[Parameter] = &[SITE, DEPARTMENT, REGION, BEARER, KIND, STATE, VERSION, FORMAT, LIMIT, CURSOR];

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
    /// Which page is asked for.
    page: Option<Page>,
    /// Whether only that page is told.
    pub(super) paged: bool,
    /// How the answer is to be written; `None`: whatever the asker can read.
    pub form: Option<Form>,
}

impl FleetFilter {
    /// The filter that these names and values ask for.
    ///
    /// # Errors
    /// When one of them is unknown, repeated or makes no sense.
    pub fn of(conn: &Connection, pairs: &[(String, String)]) -> Result<Self, AskError> {
        let given = Given::check(pairs, PARAMETERS)?;
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
            states: ask::states(&given)?,
            versions: given.list(
                "version",
                Phrase::new("une version, par exemple 0.1.0", "a version such as 0.1.0"),
                |text| {
                    // One that no machine has is a fair question: are all of them updated?
                    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | '_'));
                    coded(plain && (1..=VERSION_LEN_MAX).contains(&text.len()), text)
                },
            )?,
            page: Some(Page::read(&given, "fleet")?),
            paged: given.names_a_page(),
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

    /// Page by page, even where that was not asked for.
    pub fn paged(self) -> Self {
        Self { paged: true, ..self }
    }

    /// The page to tell, if not all is told.
    pub(super) fn page(&self) -> Option<&Page> {
        self.page.as_ref().filter(|_| self.paged)
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
