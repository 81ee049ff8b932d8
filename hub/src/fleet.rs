//! How every site and machine stands with the hub, and why: what operators and coordinators look at to
//! know which house needs a call.
//!
//! Asked by the API, by `msap-hub fleet` and by the metrics. The states are those of
//! [`crate::site::state`]; what lies under a department is grouped with the worst of them. Without a
//! filter the whole network is told.

use std::collections::BTreeMap;

use jiff::Timestamp;
use msap_shared::id::SiteId;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

pub use self::filter::{FleetFilter, PARAMETERS};
use crate::admin::{DeviceObject, moment};
use crate::almanac::Pages;
use crate::site::{Contact, STATES, Site, state};
use crate::store::check_runs::{self, CheckRun};
use crate::store::devices::{self, Device, Standing};
use crate::store::{StoreError, flagged, refusals, sites};

mod cause;
mod filter;
mod table;
#[cfg(test)]
mod tests;

/// Words in both languages of people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// In French.
    pub fr: String,
    /// In English.
    pub en: String,
}

/// The whole answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetObject {
    /// When it held.
    pub as_of: String,
    /// The last check of the whole database; null before the first.
    pub check: Option<CheckRunObject>,
    /// All that the filter lets through.
    pub total: GroupObject,
    /// The same by department, in the order of their codes.
    pub departments: Vec<GroupObject>,
    /// The sites, by department and id; of a page, by id.
    pub sites: Vec<FleetSite>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// What a check of the whole database found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub struct CheckRunObject {
    pub at: String,
    pub ended: String,
    pub documents: u64,
    pub changes: u64,
    /// How many findings say that the database is not what was written; 0 is as it should be.
    pub drift: u64,
    /// Of these: damage to what is kept.
    pub problems: u64,
    /// Of these: rows of the registry, the journal and what was released or settled, that their seals do not fit.
    pub registry: u64,
    /// Of these: where views and changes differ.
    pub differences: u64,
    /// Figures below zero, which count as 0 and are listed as flagged.
    pub negative: u64,
}

/// Some sites together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupObject {
    /// Code of the department; empty where it is not known, null for all of them.
    pub department: Option<String>,
    /// The worst state in it; null when it holds no site.
    pub state: Option<String>,
    /// How many sites.
    pub sites: u64,
    /// How many of them in each state.
    pub states: BTreeMap<String, u64>,
    /// Changes known to wait at machines.
    pub waiting: u64,
    /// Machines that exist twice.
    pub forked: u64,
    /// Refused changes that nobody has looked at.
    pub refused: u64,
    /// Facts and figures that wait for a person.
    pub flagged: u64,
}

/// One site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub struct FleetSite {
    pub id: String,
    pub name: String,
    pub kind: String,
    pub life: String,
    pub parent: Option<String>,
    pub commune: String,
    pub department: String,
    pub region: String,
    pub bearer: String,
    pub state: String,
    /// Why it is in this state.
    pub cause: Cause,
    pub last_contact: Option<String>,
    /// When all of it was last known to be here.
    pub last_in_sync: Option<String>,
    /// Changes that its machines said they keep and the hub lacks; null when none of them tells.
    pub waiting: Option<u64>,
    pub oldest_waiting_day: Option<String>,
    pub version: Option<String>,
    /// How many of its machines exist twice.
    pub forked: u64,
    pub refused: u64,
    pub flagged: u64,
    /// How many of its machines count: neither revoked nor replaced.
    pub machines: u64,
    /// Each of them; null for whoever does not run the network.
    pub devices: Option<Vec<FleetDevice>>,
}

/// One machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetDevice {
    /// What is known of it.
    #[serde(flatten)]
    pub device: DeviceObject,
    /// As if it were the only machine of its site; null for one that no longer counts and is quiet.
    pub state: Option<String>,
    /// Changes of it that were refused and that nobody has looked at.
    pub refused: u64,
}

/// Answers for the sites that a filter lets through.
///
/// # Errors
/// When the store fails.
pub fn answer(
    conn: &Connection,
    pages: &Pages,
    filter: &FleetFilter,
    now: Timestamp,
) -> Result<FleetObject, StoreError> {
    let mut found = read(conn, pages, filter, now)?;
    found.sort_by(|one, other| place(one).cmp(&place(other)));
    let mut total = GroupObject::default();
    let mut departments = BTreeMap::<String, GroupObject>::new();
    for site in &found {
        total.add(site);
        departments.entry(site.department.clone()).or_default().add(site);
    }
    let mut next = None;
    if let Some(page) = filter.page() {
        // By id alone: a site that moves to another department is neither skipped nor repeated.
        found.sort_by(|one, other| one.id.cmp(&other.id));
        found.retain(|site| page.after.as_ref().is_none_or(|after| site.id > *after));
        next = page.cut(&mut found, |site| site.id.clone());
    }
    let departments = departments.into_iter();
    Ok(FleetObject {
        as_of: Timestamp::from_second(now.as_second()).unwrap_or(now).to_string(),
        check: check_runs::last(conn)?.map(Into::into),
        total,
        departments: departments.map(|(code, group)| GroupObject { department: Some(code), ..group }).collect(),
        sites: found,
        next,
    })
}

/// How many sites are in each state, of all the network, in the order of [`STATES`].
pub fn by_state(sites: &[(Site, Contact)], pages: &Pages, now: Timestamp) -> [u64; STATES.len()] {
    let mut counted = [0; STATES.len()];
    for (site, contact) in sites {
        counted[rank(stands(site, contact, pages, now))] += 1;
    }
    counted
}

/// The state of a site, by its own opening days.
pub(crate) fn stands(site: &Site, contact: &Contact, pages: &Pages, now: Timestamp) -> &'static str {
    state(site, contact, now, |day| pages.end_of_opening(site, day))
}

fn place(site: &FleetSite) -> (&str, &str) {
    (&site.department, &site.id)
}

/// The place of a state among [`STATES`]: the worst comes last.
fn rank(state: &str) -> usize {
    STATES.iter().position(|known| *known == state).unwrap_or_default()
}

impl FleetObject {
    /// The same for whoever sees how sites stand and does not run the network: no machine by its name.
    pub fn without_machines(mut self) -> Self {
        self.sites.iter_mut().for_each(|site| site.devices = None);
        self
    }
}

impl GroupObject {
    fn add(&mut self, site: &FleetSite) {
        if self.state.as_ref().is_none_or(|worst| rank(&site.state) > rank(worst)) {
            self.state = Some(site.state.clone());
        }
        self.sites += 1;
        *self.states.entry(site.state.clone()).or_default() += 1;
        self.waiting += site.waiting.unwrap_or_default();
        self.forked += site.forked;
        self.refused += site.refused;
        self.flagged += site.flagged;
    }
}

/// The sites that pass, in any order.
fn read(conn: &Connection, pages: &Pages, filter: &FleetFilter, now: Timestamp) -> Result<Vec<FleetSite>, StoreError> {
    let mut machines = BTreeMap::<SiteId, Vec<Device>>::new();
    for device in devices::list(conn, None)? {
        machines.entry(device.site.clone()).or_default().push(device);
    }
    let (flagged, refused) = (flagged::by_site(conn)?, refusals::by_device(conn)?);
    let mut found = Vec::new();
    for (site, contact) in sites::list(conn, &filter.listed)? {
        let state = stands(&site, &contact, pages, now);
        let devices = machines.remove(&site.id).unwrap_or_default();
        if !filter.lets_through(&site, state, &devices) {
            continue;
        }
        let flagged = flagged.get(site.id.as_str()).copied().unwrap_or_default();
        let refused_by = |device: &Device| refused.get(&(site.id.to_string(), device.id)).copied().unwrap_or_default();
        let of_site = refused.iter().filter(|((of, _), _)| of == site.id.as_str());
        let counts =
            devices.iter().filter(|device| device.standing != Standing::Revoked && device.replaced_by.is_none());
        let told = |device: &Device| FleetDevice {
            state: state_of(&site, device, pages, now).map(str::to_owned),
            refused: refused_by(device),
            device: device.clone().into(),
        };
        found.push(FleetSite {
            cause: cause::of(state, &site, &contact, devices.len()),
            state: state.to_owned(),
            last_contact: contact.last_contact.map(moment),
            last_in_sync: contact.last_in_sync.map(moment),
            waiting: contact.waiting,
            oldest_waiting_day: counts
                .clone()
                .filter_map(|device| device.contact.oldest_waiting_day)
                .min()
                .map(|day| day.to_string()),
            version: contact.version.clone(),
            forked: counts.clone().filter(|device| device.forked).count() as u64,
            machines: counts.count() as u64,
            refused: of_site.map(|(_, count)| count).sum(),
            flagged,
            devices: Some(devices.iter().map(told).collect()),
            id: site.id.to_string(),
            name: site.name,
            kind: site.kind.to_string(),
            life: site.life.to_string(),
            parent: site.parent.map(|parent| parent.to_string()),
            commune: site.commune,
            department: site.department,
            region: site.region,
            bearer: site.bearer,
        });
    }
    Ok(found)
}

/// The state of one machine, by the definition that holds for sites.
fn state_of(site: &Site, device: &Device, pages: &Pages, now: Timestamp) -> Option<&'static str> {
    let refused = device.contact.turned_away.is_some();
    let (active, pending) = match device.standing {
        _ if device.replaced_by.is_some() => (0, 0),
        Standing::Active | Standing::Returned => (1, 0),
        Standing::Pending => (0, 1),
        Standing::Revoked => (0, 0),
    };
    if active + pending == 0 && !refused {
        return None;
    }
    let alone = Contact {
        active,
        pending,
        enrolled: Some(device.enrolled),
        last_contact: device.contact.at,
        last_in_sync: device.contact.in_sync,
        version: None,
        waiting: device.contact.waiting.map(u64::from),
        refused,
    };
    Some(stands(site, &alone, pages, now))
}

impl From<CheckRun> for CheckRunObject {
    fn from(run: CheckRun) -> Self {
        Self {
            at: moment(run.at),
            ended: moment(run.ended),
            documents: run.documents,
            changes: run.changes,
            drift: run.drift(),
            problems: run.problems,
            registry: run.registry,
            differences: run.differences,
            negative: run.negative,
        }
    }
}
