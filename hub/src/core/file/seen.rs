//! What a device's file has shown, document by document.

use std::collections::{BTreeMap, BTreeSet};

use msap_shared::document::DocId;
use msap_shared::frame::{Frame, Have, Hello, Reference, Version};
use msap_shared::grant::Grant;
use msap_shared::id::WriterId;
use msap_shared::io::bundle::{BundleError, Frames};
use msap_shared::reference::{AUTHORITIES, Held};
use rusqlite::Connection;

use super::Tally;
use crate::store::{StoreError, chains};

/// What was seen of a file so far.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) documents: BTreeMap<DocId, Tally>,
    pub(super) forked: BTreeSet<(DocId, WriterId)>,
    /// The references that the device holds.
    pub(super) references: Vec<Held>,
}

impl Seen {
    /// A push outside the device's grant is refused by the session before it reaches the ledger.
    pub(super) fn note_foreign(&mut self, frame: &Frame, grant: &Grant) {
        let (document, count) = match frame {
            Frame::Push(push) => (&push.document, push.changes.len()),
            Frame::Edits(edits) => (&edits.document, edits.edits.len()),
            _ => return,
        };
        if !grant.covers(document) {
            self.documents.entry(document.clone()).or_default().refused += count as u64;
        }
    }

    /// Whether the device has changes that neither the hub nor this file holds.
    pub(super) fn lacks(&self, conn: &Connection, have: &[Have]) -> Result<bool, StoreError> {
        for Have { document, versions, .. } in have {
            // What was refused, or waits for an approval, is not held either.
            let tally = self.documents.get(document).copied().unwrap_or_default();
            if tally.refused + tally.apart > 0 {
                continue;
            }
            let held = chains::versions(conn, document)?;
            let is_held = |told: &Version| {
                self.forked.contains(&(document.clone(), told.writer))
                    || held.iter().any(|held| held.writer == told.writer && held.seq >= told.seq)
            };
            if !versions.iter().all(is_held) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What the device has, for an answer. A chain that differs from the one held here is as
    /// none: the answer brings this one whole, which tells from where on they differ.
    pub(super) fn as_told(&self, hello: Option<Hello>, have: Vec<Have>, spki: &[u8]) -> Result<Frames, BundleError> {
        let mut told = Frames::default();
        if let Some(hello) = hello {
            // For the version in which to answer.
            told.push(&Frame::Hello(hello))?;
        }
        for (kind, hash) in self.references.iter().copied() {
            let value = if kind == AUTHORITIES { spki.to_vec() } else { Vec::new() };
            told.push(&Frame::Reference(Reference { kind, epoch: None, n: 0, hash, value }))?;
        }
        for Have { document, mut versions, .. } in have {
            versions.retain(|version| !self.forked.contains(&(document.clone(), version.writer)));
            // What finds no room is as untold: the answer brings more than it need.
            told.push(&Frame::Have(Have { document, versions, held: None }))?;
        }
        Ok(told)
    }
}
