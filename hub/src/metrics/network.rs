//! How the network stands: read from the database when somebody asks.

use std::collections::BTreeMap;

use jiff::Timestamp;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use rusqlite::Connection;

use super::{Label, gauge, moment};
use crate::almanac::Almanac;
use crate::fleet;
use crate::site::{Contact, STATES, Site};
use crate::store::check_runs::{self, CheckRun};
use crate::store::devices::{self, Device, Standing};
use crate::store::sites::{self, SiteFilter};
use crate::store::{StoreError, flagged, refusals};

/// How devices are regarded; a replaced one is none of the others.
const STANDINGS: [&str; 5] = ["active", "returned", "pending", "revoked", "replaced"];

/// The sums over all of it.
#[derive(Clone, Debug)]
pub(super) struct Network {
    states: [u64; STATES.len()],
    devices: [u64; STANDINGS.len()],
    forked: u64,
    waiting: u64,
    flagged: u64,
    refused: u64,
    conflicts: u64,
    check: Option<CheckRun>,
    /// Seconds since 1970 from which on a check is awaited.
    awaited: Option<i64>,
}

impl Network {
    /// As it stands.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) fn read(conn: &Connection, almanac: &Almanac, now: Timestamp) -> Result<Self, StoreError> {
        let (sites, pages) = (sites::list(conn, &SiteFilter::default())?, almanac.open(conn)?);
        let (mut devices, mut forked) = ([0; STANDINGS.len()], 0);
        for device in devices::list(conn, None)? {
            devices[standing(&device)] += 1;
            forked += u64::from(device.forked && device.standing != Standing::Revoked);
        }
        Ok(Self {
            states: fleet::by_state(&sites, &pages, now),
            devices,
            forked,
            waiting: sites.iter().filter_map(|(_, contact)| contact.waiting).sum(),
            flagged: flagged::by_site(conn)?.values().sum(),
            refused: refusals::by_device(conn)?.values().sum(),
            conflicts: pages.books().map(|(_, book)| book.conflicts().count() as u64).sum(),
            check: check_runs::last(conn)?,
            awaited: check_runs::awaited_from(conn)?,
        })
    }

    /// Names the sums.
    pub(super) fn register(&self, registry: &mut Registry) {
        let by = |label: &'static str, words: &[&'static str], counts: &[u64]| {
            let family = Family::<Label, Gauge>::default();
            for (word, count) in words.iter().zip(counts) {
                family.get_or_create(&[(label, word)]).set(i64::try_from(*count).unwrap_or(i64::MAX));
            }
            family
        };
        registry.register("sites", "Sites, by how they stand with the hub", by("state", &STATES, &self.states));
        let devices = by("standing", &STANDINGS, &self.devices);
        registry.register("devices", "Devices, by how the hub regards them", devices);
        for (name, help, count) in [
            ("forked_devices", "Devices that exist twice: a clone or an old image", self.forked),
            ("waiting_changes", "Changes that devices said they keep and the hub lacks", self.waiting),
            ("flagged_facts", "Facts and figures that look wrong and wait for a person", self.flagged),
            ("refused_changes", "Refused changes that nobody has looked at", self.refused),
            ("conflicts", "Contradictions in schedules and partners that wait for a person", self.conflicts),
        ] {
            registry.register(name, help, gauge(count as f64));
        }
        let (drift, began, took_s) = match &self.check {
            Some(run) => {
                (run.drift(), Timestamp::from_second(run.at).ok(), run.ended.saturating_sub(run.at).max(0) as f64)
            }
            None => (0, None, 0.0),
        };
        let help = "Findings of the last check that the database is not what was written; 0 is as it should be";
        registry.register("drift", help, gauge(drift as f64));
        let help = "When the last check of the whole database began, since 1970; 0: never";
        registry.register_with_unit("check_last_timestamp", help, Unit::Seconds, gauge(moment(began)));
        let help = "From when on a check is awaited: the hub first served this database, since 1970; 0: never";
        let awaited = self.awaited.and_then(|from| Timestamp::from_second(from).ok());
        registry.register_with_unit("check_awaited_timestamp", help, Unit::Seconds, gauge(moment(awaited)));
        registry.register_with_unit("check_last_duration", "How long it took", Unit::Seconds, gauge(took_s));
    }
}

fn standing(device: &Device) -> usize {
    let word = match device.replaced_by {
        Some(_) if device.standing != Standing::Revoked => "replaced",
        _ => device.standing.as_str(),
    };
    STANDINGS.iter().position(|known| *known == word).unwrap_or_default()
}

/// Each site by itself, for whoever asks for that.
#[derive(Clone, Debug)]
pub(super) struct Sites {
    rows: Vec<(Site, Contact, &'static str)>,
    flagged: BTreeMap<String, u64>,
    refused: BTreeMap<String, u64>,
}

impl Sites {
    /// As they stand.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) fn read(conn: &Connection, almanac: &Almanac, now: Timestamp) -> Result<Self, StoreError> {
        let (mut refused, pages) = (BTreeMap::new(), almanac.open(conn)?);
        for ((site, _), count) in refusals::by_device(conn)? {
            *refused.entry(site).or_default() += count;
        }
        let with_state = |(site, contact): (Site, Contact)| {
            let state = fleet::stands(&site, &contact, &pages, now);
            (site, contact, state)
        };
        let rows = sites::list(conn, &SiteFilter::default())?.into_iter().map(with_state).collect();
        Ok(Self { rows, flagged: flagged::by_site(conn)?, refused })
    }

    /// Names them, with their ids as labels.
    pub(super) fn register(&self, registry: &mut Registry) {
        type Of = [(&'static str, String); 1];
        let states = Family::<[(&'static str, String); 2], Gauge>::default();
        let [contact, in_sync, waiting, flagged, refused] = std::array::from_fn(|_| Family::<Of, Gauge>::default());
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        for (site, known, state) in &self.rows {
            let of: Of = [("site", site.id.to_string())];
            let of_state = [("site", site.id.to_string()), ("state", (*state).to_owned())];
            states.get_or_create(&of_state).set(1);
            contact.get_or_create(&of).set(known.last_contact.unwrap_or_default());
            in_sync.get_or_create(&of).set(known.last_in_sync.unwrap_or_default());
            if let Some(count) = known.waiting {
                waiting.get_or_create(&of).set(number(count));
            }
            let count = |counts: &BTreeMap<String, u64>| counts.get(site.id.as_str()).copied();
            flagged.get_or_create(&of).set(number(count(&self.flagged).unwrap_or_default()));
            refused.get_or_create(&of).set(number(count(&self.refused).unwrap_or_default()));
        }
        let registry = registry.sub_registry_with_prefix("site");
        registry.register("state", "1 for the state that a site is in", states);
        let help = "When a device of the site was last heard, since 1970; 0: never";
        registry.register_with_unit("last_contact_timestamp", help, Unit::Seconds, contact);
        let help = "When all of the site was last known to be here, since 1970; 0: never";
        registry.register_with_unit("last_in_sync_timestamp", help, Unit::Seconds, in_sync);
        registry.register("waiting_changes", "Changes that its devices said they keep and the hub lacks", waiting);
        registry.register("flagged_facts", "Its facts and figures that wait for a person", flagged);
        registry.register("refused_changes", "Its refused changes that nobody has looked at", refused);
    }
}
