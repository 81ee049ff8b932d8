//! The site's schedule and partners as facts: the one way in which the desk reads and writes them.
//!
//! A decision is one edit: whoever reads it elsewhere gets all of it or nothing. What is written
//! has seen all that stands here, and so settles what stood under its keys.

use msap_shared::document::register::{Author, Conflict, Edits, Facts, Stamp, conflicts};
use msap_shared::document::{DocId, DocKind};
use rusqlite::Connection;

use super::{Outcome, invalid};
use crate::command::house::Disputed;
use crate::core::Machine;
use crate::replica::{Edited, Replica};
use crate::store::{Profile, StoreError, registers};

/// Both documents of registers, in the order in which they are shown.
pub(super) const KINDS: [DocKind; 2] = [DocKind::Schedule, DocKind::Partners];

/// The visible values of each key.
pub(super) fn facts(conn: &Connection, profile: &Profile, kind: DocKind) -> Result<Facts, StoreError> {
    match DocId::registers(profile.site.clone(), kind) {
        Some(document) => Ok(registers::values(conn, &document)?.into_iter().collect()),
        None => Ok(Facts::new()),
    }
}

/// What is said from here: by this machine, on the site's today.
pub(super) fn stamp(machine: &Machine<'_>) -> Stamp {
    Stamp { author: Author::device(machine.profile.device), day: machine.today.day }
}

/// Writes what changes something. Answers what was kept.
pub(super) fn write(replica: &mut Replica<'_>, kind: DocKind, edits: Edits) -> Outcome<Edits> {
    if edits.is_empty() {
        return Ok(Ok(edits));
    }
    match replica.edit(kind, &edits)? {
        Edited::Kept => Ok(Ok(edits)),
        Edited::Nothing => Ok(Ok(Edits::new())),
        Edited::Refused(why) => {
            let field = if kind == DocKind::Partners { "partners" } else { "schedule" };
            Ok(invalid(
                field,
                format!("ce document ne prend pas cette modification ({why:?}) : prévenez l’équipe du hub"),
            ))
        }
    }
}

/// The contradictions of one document.
pub(super) fn disputed(kind: DocKind, facts: &Facts) -> Vec<Disputed> {
    let of = |conflict: Conflict| Disputed { kind, conflict };
    conflicts(facts).into_iter().map(of).collect()
}
