//! The references that this hub gives to a device: its authorities, the site's profile, the
//! holidays of its zones, the network's closures that concern it, and the settings that machines go by.
//!
//! Called by the store as a session sees it. What a device is given follows from the keys, the
//! database and the settings as they are; nothing of it is kept.

use std::sync::Arc;

use msap_shared::frame::Reference;
use msap_shared::id::{DeviceId, Fingerprint, SiteId};
use msap_shared::io::certificate::CertificateError;
use msap_shared::reference::{
    AUTHORITIES, Authorities, CLOSURES, Held, PROFILE, PUBLIC_HOLIDAYS, Profile, SCHOOL_HOLIDAYS, SiteProfile, TERMS,
    Terms, is_calendar, to_bytes, value_hash,
};
use msap_shared::schedule::closures::Closures;
use msap_shared::time::Day;
use rusqlite::Connection;
use tracing::{info, warn};

use crate::calendar::{self, Kind};
use crate::keys::Keys;
use crate::site::Site;
use crate::store::{StoreError, calendars, devices, sites};

#[cfg(test)]
mod tests;

/// Years around the present one of which machines are sent the calendars: a machine that is away
/// over the new year knows the next one.
const YEARS: std::ops::RangeInclusive<i16> = -1..=1;

/// Whether this hub knows the kind: what devices say of others is not noted.
pub(crate) fn is_known(kind: u32) -> bool {
    matches!(kind, AUTHORITIES | PROFILE | CLOSURES | TERMS)
        || is_calendar(PUBLIC_HOLIDAYS, kind)
        || is_calendar(SCHOOL_HOLIDAYS, kind)
}

/// Where references come from, beside the database.
#[derive(Clone, Default)]
pub struct Sources {
    /// `None` in a simulation: nobody is told of authorities then.
    keys: Option<Arc<Keys>>,
    /// Where devices are to sync; empty when nobody knows.
    address: Box<str>,
    /// The settings that machines go by; `None` in a simulation: nobody is told of any then.
    terms: Option<Terms>,
}

impl Sources {
    /// These keys, this address for devices to sync at, and these settings for them to go by.
    pub fn new(keys: Arc<Keys>, address: &str, terms: Terms) -> Self {
        Self { keys: Some(keys), address: address.into(), terms: Some(terms) }
    }

    /// The references of a device of `site` that differ from those it holds.
    pub(crate) fn differing(
        &self,
        conn: &Connection,
        site: &SiteId,
        held: &[Held],
        today: Day,
    ) -> Result<Vec<Reference>, StoreError> {
        let mut all = Vec::new();
        if let Some(keys) = &self.keys {
            let hash = keys.authorities_hash();
            let value = || to_bytes(&keys.told(None));
            all.extend((!held.contains(&(AUTHORITIES, hash))).then(|| reference(AUTHORITIES, hash, value())));
        }
        all.extend(self.terms.and_then(|terms| lacking(held, TERMS, to_bytes(&terms))));
        if let Some(profile) = known_profile(conn, site)? {
            let value = to_bytes(&Profile { site: profile, address: self.address.to_string() });
            all.extend(lacking(held, PROFILE, value));
            if let Some((site, _)) = sites::find(conn, site)? {
                all.extend(
                    of_days(conn, &site, today)?.into_iter().filter_map(|(kind, value)| lacking(held, kind, value)),
                );
            }
        }
        Ok(all)
    }

    /// What a device's answer asks for: a certificate for its key, by the present authority.
    pub(crate) fn answered(
        &self,
        conn: &Connection,
        site: &SiteId,
        device: DeviceId,
        answer: &Reference,
    ) -> Result<Option<Reference>, StoreError> {
        let (AUTHORITIES, Some(keys)) = (answer.kind, &self.keys) else { return Ok(None) };
        let hash = keys.authorities_hash();
        if answer.hash == hash {
            return Ok(None);
        }
        // The handshake has proved that it holds the key of this row, and of no other.
        let row = devices::show(conn, device)?;
        if row.is_none_or(|row| row.fingerprint != Fingerprint::of_spki(&answer.value)) {
            warn!(device.id = %device, "a device asks for a certificate of a key that is not its own");
            return Ok(None);
        }
        Ok(match self.certified(keys, &answer.value, site) {
            Ok(value) => {
                info!(device.id = %device, site.id = %site, "certified a device's key by the present authority");
                Some(reference(AUTHORITIES, hash, to_bytes(&value)))
            }
            Err(error) => {
                warn!(device.id = %device, error = &error as &dyn std::error::Error, "a device's key could not be certified");
                None
            }
        })
    }

    fn certified(&self, keys: &Keys, spki: &[u8], site: &SiteId) -> Result<Authorities, CertificateError> {
        Ok(keys.told(Some(keys.certify_key(spki, site)?)))
    }
}

/// What a site's days depend on besides its own documents: calendars and closures.
fn of_days(conn: &Connection, site: &Site, today: Day) -> Result<Vec<(u32, Vec<u8>)>, StoreError> {
    let mut all = Vec::new();
    for (kind, zone) in [(Kind::Public, &site.holiday_zone), (Kind::School, &site.school_zone)] {
        for year in YEARS.map(|years| today.date().year() + years) {
            let value = calendar::year_in_force(conn, kind, zone, year)?;
            all.extend(kind.reference(year).zip(value));
        }
    }
    let closures = calendars::closures_of(conn, &site.region, &site.department)?;
    all.push((CLOSURES, to_bytes(&Closures::of(&closures))));
    Ok(all)
}

fn lacking(held: &[Held], kind: u32, value: Vec<u8>) -> Option<Reference> {
    let hash = value_hash(&value);
    (!held.contains(&(kind, hash))).then(|| reference(kind, hash, value))
}

/// Epoch and number are those of the commit after which it leaves.
fn reference(kind: u32, hash: msap_shared::id::Digest32, value: Vec<u8>) -> Reference {
    Reference { kind, epoch: None, n: 0, hash, value }
}

/// The profile of a site that somebody has described. One that only a certificate names, after a
/// lost database, says less than its machines know.
fn known_profile(conn: &Connection, site: &SiteId) -> Result<Option<SiteProfile>, StoreError> {
    let profile = devices::profile(conn, site)?;
    Ok(profile.filter(|profile| {
        let SiteProfile { site, name, commune, department, .. } = profile;
        name != site || !commune.is_empty() || !department.is_empty()
    }))
}
