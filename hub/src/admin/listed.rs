//! The list of revocations, where operators look at devices: it outlives the database, so it knows
//! devices that the database does not, or takes for active since it was put back.

use jiff::Timestamp;
use rusqlite::Connection;

use super::{AdminError, DeviceObject, Look, Reply, RevocationsObject, RevokedObject, look};
use crate::almanac::Almanac;
use crate::keys::{Keys, KeysError, Listed, NotIntact};
use crate::lang::Lang;
use crate::store::devices::Standing;

/// Answers from what is stored and, of devices, from the list beside the keys.
///
/// # Errors
/// As [`look`], and when the list cannot be read.
pub fn look_beside_list(
    conn: &Connection,
    almanac: &Almanac,
    asked: &Look,
    list: impl FnOnce() -> Result<Vec<Listed>, KeysError>,
    lang: Lang,
    now: Timestamp,
) -> Result<Reply, AdminError> {
    let mut reply = look(conn, almanac, asked, lang, now)?;
    match (asked, &mut reply) {
        (Look::Devices { site }, Reply::Devices(rows)) => {
            let listed = list()?;
            rows.iter_mut().for_each(|row| mark(row, &listed));
            // Nobody knows of which site the others are.
            if site.is_none() {
                let others = listed.iter().filter(|listed| rows.iter().all(|row| row.id != listed.device.to_string()));
                let others: Vec<_> = others.map(alone).collect();
                rows.extend(others);
            }
        }
        (Look::Site { .. }, Reply::Site { devices, .. }) => {
            let listed = list()?;
            devices.iter_mut().for_each(|row| mark(row, &listed));
        }
        (Look::Device { .. }, Reply::Device(row)) => mark(row, &list()?),
        (Look::Fleet { .. }, Reply::Fleet(fleet)) => {
            let listed = list()?;
            let devices = fleet.sites.iter_mut().flat_map(|site| site.devices.iter_mut().flatten());
            devices.for_each(|of| mark(&mut of.device, &listed));
        }
        _ => {}
    }
    Ok(reply)
}

/// The list itself, and whether it is whole.
///
/// # Errors
/// When it cannot be read.
pub fn revocations(keys: &Keys, lang: Lang) -> Result<RevocationsObject, AdminError> {
    let incomplete = match keys.revocations() {
        Ok(_) => None,
        Err(NotIntact::Damaged { damage, .. }) => Some(lang.of(damage.french(), damage.to_string())),
        Err(NotIntact::Keys(error)) => return Err(error.into()),
    };
    let line = |Listed { device, day, reason, .. }| RevokedObject { device: device.to_string(), date: day, reason };
    Ok(RevocationsObject { revocations: keys.listed()?.into_iter().map(line).collect(), incomplete })
}

fn mark(row: &mut DeviceObject, listed: &[Listed]) {
    let Some(listed) = listed.iter().find(|listed| listed.device.to_string() == row.id) else { return };
    if row.standing != Standing::Revoked.as_str() {
        row.standing = Standing::Revoked.as_str().to_owned();
        row.reason.clone_from(&listed.reason);
    }
}

/// A device of which only the list tells.
fn alone(listed: &Listed) -> DeviceObject {
    DeviceObject {
        id: listed.device.to_string(),
        site: String::new(),
        label: String::new(),
        standing: Standing::Revoked.as_str().to_owned(),
        replaced_by: None,
        enrolled: String::new(),
        reason: listed.reason.clone(),
        forked: false,
        last_contact: None,
        last_in_sync: None,
        version: String::new(),
        transport: String::new(),
        tried: String::new(),
        clock_offset_ms: None,
        waiting: None,
        oldest_waiting_day: None,
        turned_away: None,
    }
}
