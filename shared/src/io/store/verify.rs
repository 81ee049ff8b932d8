//! Reading a document back whole: hashes, chains, digest, and what Automerge makes of it.

use std::collections::{BTreeMap, BTreeSet};

use automerge::{AutoCommit, Change, ROOT, ReadDoc as _};
use rusqlite::Connection;

use super::chains::{Doc, Kept, chain, changes, document_changes, versions};
use super::{StoreError, facts, registers, sql};
use crate::chain::{Digest, decode_edit};
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
        if !reaches(conn, chain.row, chain.tip.seq, chain.tip.hash.as_bytes(), doc.name.kind().is_visits())? {
            problem(format!("the chain of {} has a gap or another end", version.writer));
        }
    }
    let stored: Option<[u8; 32]> =
        sql::row(conn, "reading a digest", "SELECT digest FROM document WHERE id = ?1", [doc.row], |row| row.get(0))?;
    if stored.map(Digest32::new) != Some(digest.id()) {
        problem("the digest is not that of the chains".to_owned());
    }
    let read = if doc.name.kind().is_registers() {
        registers_agree(conn, doc, &kept)
    } else {
        standings_agree(conn, doc, &kept)
    };
    match read {
        Ok(true) => {}
        Ok(false) => problem("what stands is not what Automerge reads".to_owned()),
        Err(error) => problem(format!("Automerge does not load it: {error}")),
    }
    findings.changes = kept.len() as u64;
    Ok(findings)
}

/// Whether a chain's changes run from 1 to its end without a gap, each on the one before; on that
/// `alone` in visits, also on those of others in registers.
fn reaches(conn: &Connection, chain: i64, seq: u64, hash: &[u8; 32], alone: bool) -> Result<bool, StoreError> {
    let mut before: Option<crate::id::ChangeHash> = None;
    let mut next = 1;
    loop {
        let kept = changes(conn, chain, next)?;
        if kept.is_empty() {
            break;
        }
        for change in kept {
            let linked = decode_edit(&change.bytes).is_ok_and(|(edit, _)| {
                if alone {
                    edit.deps.as_slice() == before.as_slice()
                } else {
                    before.iter().all(|before| edit.deps.contains(before))
                }
            });
            if change.seq != next || !linked {
                return Ok(false);
            }
            before = Some(change.hash);
            next += 1;
        }
    }
    Ok(next == seq + 1 && before.is_some_and(|last| last.as_bytes() == hash))
}

type Unreadable = Box<dyn std::error::Error>;
type Standings = BTreeMap<TapName, Standing<String>>;

/// The document as Automerge loads it.
fn through_automerge(kept: &[Kept]) -> Result<AutoCommit, Unreadable> {
    let changes = kept.iter().map(|kept| Change::from_bytes(kept.bytes.clone())).collect::<Result<Vec<_>, _>>()?;
    // Automerge panics where part of a document that it was given is not there.
    let known: BTreeSet<_> = changes.iter().map(Change::hash).collect();
    if changes.iter().flat_map(Change::deps).any(|dep| !known.contains(dep)) {
        return Err("a change follows one that is not there".into());
    }
    let loading = std::panic::catch_unwind(move || {
        let mut doc = AutoCommit::new();
        doc.apply_changes(changes).map(|()| doc)
    });
    let mut doc = loading.map_err(|_| "Automerge gives up on it")??;
    if doc.get_changes(&[]).len() == kept.len() {
        Ok(doc)
    } else {
        Err("a change follows one that is not there".into())
    }
}

/// Whether each key has the values that Automerge reads, in its order.
fn registers_agree(conn: &Connection, doc: Doc<'_>, kept: &[Kept]) -> Result<bool, Unreadable> {
    let loaded = through_automerge(kept)?;
    let mut read = Vec::new();
    for key in loaded.keys(ROOT).collect::<Vec<_>>() {
        let all = loaded.get_all(ROOT, &key)?;
        let values: Option<Vec<String>> = all.iter().map(|(value, _)| value.as_str().map(str::to_owned)).collect();
        read.push((key, values.ok_or("a value that is no text")?));
    }
    Ok(read == registers::values(conn, doc.name)?)
}

/// Whether the same fold over the document as Automerge loads it, every value of every root key,
/// gives the standings that are kept.
fn standings_agree(conn: &Connection, doc: Doc<'_>, kept: &[Kept]) -> Result<bool, Unreadable> {
    let doc_row = doc.row;
    let doc = through_automerge(kept)?;
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
    let counted: Standings = facts::standings(conn, doc_row, None)?.into_iter().collect();
    Ok(standings == counted)
}
