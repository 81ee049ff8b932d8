//! Which references the devices hold, as they said themselves.

use msap_shared::id::{DeviceId, Digest32};
use msap_shared::io::store::sql;
use rusqlite::Connection;

use super::StoreError;
use super::devices::{self, Device, Standing};

/// Notes what a device holds of one kind.
pub fn set_held(conn: &Connection, device: DeviceId, kind: u32, hash: &Digest32) -> Result<(), StoreError> {
    let sql = "INSERT INTO reference_held (device, kind, hash) VALUES (?1, ?2, ?3)
               ON CONFLICT (device, kind) DO UPDATE SET hash = excluded.hash WHERE hash <> excluded.hash";
    sql::write(conn, "noting a reference", sql, (device.as_bytes(), kind, hash.as_bytes()))?;
    Ok(())
}

/// The devices in service that have not said that they hold this reference.
pub fn lacking(conn: &Connection, kind: u32, hash: &Digest32) -> Result<Vec<Device>, StoreError> {
    let sql = "SELECT device FROM reference_held WHERE kind = ?1 AND hash = ?2";
    let held: std::collections::BTreeSet<DeviceId> =
        sql::rows(conn, "listing references", sql, (kind, hash.as_bytes()), |row| row.get(0).map(DeviceId::new))?
            .into_iter()
            .collect();
    let mut devices = devices::list(conn, None)?;
    devices.retain(|device| device.standing != Standing::Revoked && !held.contains(&device.id));
    Ok(devices)
}
