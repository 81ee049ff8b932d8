//! The authorities, as operators see them.

use msap_shared::reference::AUTHORITIES;
use rusqlite::Connection;

use super::{AdminError, AuthoritiesObject, AuthorityObject};
use crate::keys::Keys;
use crate::store::{network, references};

/// The authorities, and during a rotation the devices that have not taken up the new one.
///
/// # Errors
/// When the store cannot be read.
pub fn authorities(conn: &Connection, keys: &Keys) -> Result<AuthoritiesObject, AdminError> {
    let found = keys.authority_keys().into_iter().enumerate();
    let authorities = found.map(|(n, key)| AuthorityObject { fingerprint: key.to_string(), certifies: n == 0 });
    let rotating = keys.is_rotating();
    let behind = match rotating {
        true => references::lacking(conn, AUTHORITIES, &keys.authorities_hash())?,
        false => Vec::new(),
    };
    let behind = behind.into_iter().map(Into::into).collect();
    let others_unknown = network::was_begun_anew(conn)?;
    Ok(AuthoritiesObject { authorities: authorities.collect(), rotating, behind, others_unknown })
}
