//! Taps, whichever month they are in.

use msap_shared::document::DocId;
use msap_shared::document::fold::Standing;
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
