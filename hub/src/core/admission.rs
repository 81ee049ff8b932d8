//! Who is let in, and what it means that a device is in session twice.

use std::collections::BTreeMap;

use jiff::Timestamp;
use msap_shared::frame::DeviceStanding;
use msap_shared::id::{Fingerprint, SiteId};
use msap_shared::io::link::CloseCode;
use rusqlite::Connection;

use super::{Live, Revocations};
use crate::accept::ConnId;
use crate::store::devices::{self, Standing};
use crate::store::{StoreError, sites};

/// Decides how a certified device is regarded. One that the database does not know was enrolled
/// in a database that is lost, or after the backup that this one comes from.
pub(super) fn admit(
    conn: &Connection,
    revocations: &Revocations,
    fingerprint: &Fingerprint,
    site: SiteId,
    now: Timestamp,
) -> Result<Result<(DeviceStanding, SiteId), CloseCode>, StoreError> {
    if revocations.devices.contains(&fingerprint.device()) {
        return Ok(Err(CloseCode::Revoked));
    }
    if let Some(device) = devices::find(conn, fingerprint)? {
        if device.replaced_by.is_some() && device.standing != Standing::Revoked {
            tracing::error!(device.id = %device.id, site.id = %device.site, "a replaced machine is still at work");
            devices::heard_again(conn, device.id)?;
        }
        return Ok(match device.standing {
            Standing::Active | Standing::Returned => Ok((DeviceStanding::Active, device.site)),
            Standing::Pending => Ok((DeviceStanding::Pending, device.site)),
            Standing::Revoked => Err(CloseCode::Revoked),
        });
    }
    sites::insert_unknown(conn, &site)?;
    let (row, standing) = match revocations.intact {
        true => (Standing::Returned, DeviceStanding::Active),
        false => (Standing::Pending, DeviceStanding::Pending),
    };
    let today = sites::day_at(conn, &site, now)?;
    devices::readmit(conn, fingerprint, &site, row, today)?;
    tracing::warn!(device.id = %fingerprint.device(), site.id = %site, standing = ?row, "a device came back");
    Ok(Ok((standing, site)))
}

/// A device has said Hello on `conn`: whatever other session it has is over. Either the device has
/// left that one, and nobody misses it; or somebody else with the same key is in it, who comes
/// back, and by then no longer continues the line of sessions: that is how a running copy shows.
/// Once it has shown, both may stay.
pub(super) fn meet(
    tx: &Connection,
    live: &mut BTreeMap<ConnId, Live>,
    conn: ConnId,
    closed: &mut Vec<(ConnId, CloseCode)>,
) -> Result<(), StoreError> {
    let Some(met) = live.get_mut(&conn) else { return Ok(()) };
    met.greeted = true;
    let device = met.device;
    let others = live.iter().filter(|(other, live)| **other != conn && live.device == device && live.greeted);
    let others: Vec<_> = others.map(|(other, _)| (*other, CloseCode::Replaced)).collect();
    if !others.is_empty() && devices::show(tx, device)?.is_some_and(|row| !row.forked) {
        closed.extend(others);
    }
    Ok(())
}
