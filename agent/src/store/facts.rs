//! Taps, whichever month they are in.

use std::collections::BTreeSet;

use msap_shared::document::DocId;
use msap_shared::document::fold::Standing;
use msap_shared::document::visits::{Key, Subject};
use msap_shared::id::TapName;
pub use msap_shared::io::store::facts::*;
use rusqlite::Connection;

use super::{StoreError, chains};

/// A tap's standing with its document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TapStanding {
    /// The document.
    pub document: DocId,
    /// The tap's name.
    pub name: TapName,
    /// What counts for it; the value is the text in the document.
    pub standing: Standing<String>,
}

/// What counts for a tap, in whichever month it is.
pub fn find(conn: &Connection, name: &TapName) -> Result<Option<TapStanding>, StoreError> {
    // Latest month first: that is where most are.
    for (document, _) in chains::documents(conn)?.into_iter().rev() {
        let Some(row) = chains::document_row(conn, &document)? else { continue };
        if let Some(standing) = standing(conn, row, name)? {
            return Ok(Some(TapStanding { document, name: *name, standing }));
        }
    }
    Ok(None)
}

/// The taps of one day of a document, or of all of it.
pub fn taps(conn: &Connection, document: &DocId, day: Option<u8>) -> Result<Vec<TapStanding>, StoreError> {
    let Some(row) = chains::document_row(conn, document)? else { return Ok(Vec::new()) };
    let with_document = |(name, standing)| TapStanding { document: document.clone(), name, standing };
    Ok(standings(conn, row, day)?.into_iter().map(with_document).collect())
}

/// These taps in the order in which they came here, latest first: that of the changes which
/// counted them, read back from the latest until all are found.
pub fn latest_first(
    conn: &Connection,
    document: &DocId,
    mut wanted: BTreeSet<TapName>,
) -> Result<Vec<TapName>, StoreError> {
    let mut found = Vec::new();
    let Some(row) = chains::document_row(conn, document)?.filter(|_| !wanted.is_empty()) else { return Ok(found) };
    for kept in chains::latest_changes(conn, row)? {
        for (key, _) in kept.facts()?.into_iter().rev() {
            if let Ok(Key { subject: Subject::Tap(name), rev: 0, .. }) = Key::parse(&key)
                && wanted.remove(&name)
            {
                found.push(name);
            }
        }
        if wanted.is_empty() {
            break;
        }
    }
    // Those of which only a correction is known here.
    found.extend(wanted);
    Ok(found)
}
