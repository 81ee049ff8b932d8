//! Whether database and keys are of one network.
//!
//! Called when both are opened. Checked before anything is written: the database of another
//! network is left as it is.

use std::path::Path;

use msap_shared::id::Fingerprint;

use crate::keys::Keys;
use crate::store::{self, Store, StoreError, meta, network};

/// The keys that the database at `path` was last opened with; none for one that begins.
pub(super) fn noted(path: &Path) -> Result<Vec<Fingerprint>, StoreError> {
    if !path.metadata().is_ok_and(|file| file.len() > 0) {
        return Ok(Vec::new());
    }
    let conn = store::reader(path)?;
    match meta::layout(&conn)? {
        0 => Ok(Vec::new()),
        _ => network::keys(&conn),
    }
}

/// Notes in the database which keys it has now, and whether it was begun beside those of one that
/// is lost.
pub(super) fn note(store: &mut Store, noted: &[Fingerprint], keys: &Keys, lost: bool) -> Result<(), StoreError> {
    let present = keys.identity();
    if !lost && noted == present {
        return Ok(());
    }
    store.write(|conn, _| {
        if lost {
            network::begun_anew(conn)?;
        }
        network::set_keys(conn, &present)
    })
}
