//! Reading a document back whole: hashes, chains, digest, and what Automerge makes of it.

use std::collections::BTreeMap;

use automerge::{AutoCommit, Change, ROOT, ReadDoc as _};
use rusqlite::Connection;

use super::chains::{Doc, Kept, chain, changes, document_changes, versions};
use super::{StoreError, facts, sql};
use crate::chain::Digest;
use crate::document::fold::Standing;
use crate::document::visits::{Key, Subject};
use crate::id::{Digest32, TapName};

/// What a verification found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Changes whose hashes and chains were recomputed.
    pub changes: u64,
    /// What does not hold, readable alone; empty when all is well.
    pub problems: Vec<String>,
}

/// Verifies one document. Everything is collected, so that one problem does not hide the next.
///
/// # Errors
/// When the store cannot be read at all; what is damaged is a finding, not an error.
pub fn verify(conn: &Connection, doc: Doc<'_>) -> Result<Findings, StoreError> {
    let mut findings = Findings::default();
    let mut problem = |what: String| findings.problems.push(format!("{}: {what}", doc.name));
    let kept = document_changes(conn, doc.row)?;
    for change in &kept {
        if let Err(error) = change.tip() {
            problem(error.to_string());
        }
    }
    let mut digest = Digest::default();
    for version in versions(conn, doc.name)? {
        let Some(chain) = chain(conn, doc.row, &version.writer)? else { continue };
        digest.advance(&doc.name.to_string(), &version.writer, None, Some(&chain.tip));
        if !reaches(conn, chain.row, chain.tip.seq, chain.tip.hash.as_bytes())? {
            problem(format!("the chain of {} has a gap or another end", version.writer));
        }
    }
    let stored: Option<[u8; 32]> =
        sql::row(conn, "reading a digest", "SELECT digest FROM document WHERE id = ?1", [doc.row], |row| row.get(0))?;
    if stored.map(Digest32::new) != Some(digest.id()) {
        problem("the digest is not that of the chains".to_owned());
    }
    match through_automerge(&kept) {
        Ok(standings) => {
            let counted: Standings = facts::standings(conn, doc.row, None)?.into_iter().collect();
            if standings != counted {
                problem("the counts are not those that Automerge reads".to_owned());
            }
        }
        Err(error) => problem(format!("Automerge does not load it: {error}")),
    }
    findings.changes = kept.len() as u64;
    Ok(findings)
}

/// Whether a chain's changes run from 1 to its end without a gap, each on the one before.
fn reaches(conn: &Connection, chain: i64, seq: u64, hash: &[u8; 32]) -> Result<bool, StoreError> {
    let mut before: Option<crate::id::ChangeHash> = None;
    let mut next = 1;
    loop {
        let kept = changes(conn, chain, next)?;
        if kept.is_empty() {
            break;
        }
        for change in kept {
            let linked = crate::chain::decode(&change.bytes).is_ok_and(|decoded| decoded.dep == before);
            if change.seq != next || !linked {
                return Ok(false);
            }
            before = Some(change.hash);
            next += 1;
        }
    }
    Ok(next == seq + 1 && before.is_some_and(|last| last.as_bytes() == hash))
}

type Standings = BTreeMap<TapName, Standing<String>>;

/// The same fold over the document as Automerge loads it: every value of every root key.
fn through_automerge(kept: &[Kept]) -> Result<Standings, Box<dyn std::error::Error>> {
    let mut doc = AutoCommit::new();
    let changes: Result<Vec<Change>, _> = kept.iter().map(|kept| Change::from_bytes(kept.bytes.clone())).collect();
    doc.apply_changes(changes?)?;
    let mut standings = Standings::new();
    for key in doc.keys(ROOT).collect::<Vec<_>>() {
        let Ok(Key { day, subject: Subject::Tap(name), rev }) = Key::parse(&key) else { continue };
        for (value, _) in doc.get_all(ROOT, &key)? {
            let Some(value) = value.as_str().map(str::to_owned) else { continue };
            if let Some(standing) = standings.get_mut(&name) {
                standing.take(rev, day, value);
            } else {
                standings.insert(name, Standing::new(rev, day, value));
            }
        }
    }
    Ok(standings)
}
