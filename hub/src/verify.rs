//! Opens the documents that changed, off the hot path, and compares what Automerge reads with
//! what the ledger counted.
//!
//! Called by the service on a connection that only reads; one read transaction per document, so
//! that document and views are of the same moment.

use msap_shared::document::DocId;
use msap_shared::id::Digest32;
use msap_shared::io::store::chains::Doc;
use msap_shared::io::store::verify::verify;
use rusqlite::Connection;

use crate::store::{StoreError, chains};

/// Documents opened at a time.
const DOCUMENTS_MAX: u32 = 64;

/// What was found in one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Its row id.
    pub row: i64,
    /// Its name.
    pub document: DocId,
    /// Its digest when it was opened.
    pub digest: Digest32,
    /// What does not hold.
    pub problems: Vec<String>,
}

/// Opens documents that changed since they were last opened.
///
/// # Errors
/// When the database cannot be read.
pub fn open_touched(conn: &Connection) -> Result<Vec<Opened>, StoreError> {
    let mut found = Vec::new();
    for (row, document) in chains::touched(conn, DOCUMENTS_MAX)? {
        let moment = conn.unchecked_transaction().map_err(StoreError::sqlite("opening a document"))?;
        let findings = verify(&moment, Doc { row, name: &document })?;
        let digest = chains::digest_at(&moment, row)?;
        drop(moment);
        for problem in &findings.problems {
            tracing::error!(problem, "a document and its figures do not agree");
        }
        found.push(Opened { row, document, digest, problems: findings.problems });
    }
    Ok(found)
}
