//! Reading everything back.

use msap_shared::io::store::verify;
use rusqlite::Connection;

use crate::command::Verified;
use crate::store::chains::Doc;
use crate::store::{StoreError, chains};

/// Verifies every document.
pub(super) fn verify(conn: &Connection) -> Result<Verified, StoreError> {
    let mut verified = Verified::default();
    for (name, _) in chains::documents(conn)? {
        let Some(row) = chains::document_row(conn, &name)? else { continue };
        let findings = verify::verify(conn, Doc { row, name: &name })?;
        verified.documents += 1;
        verified.changes += findings.changes;
        verified.problems.extend(findings.problems);
    }
    Ok(verified)
}
