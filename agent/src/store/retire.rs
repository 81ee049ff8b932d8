//! Taking a tail out of a chain: the hub refused it, or holds another change in its place.
//!
//! Nothing is lost: the changes go to a table of their own, and every fact of theirs is entered
//! again by the caller under a fresh writer. A fact that the hub refused three times by itself
//! is set aside and listed, so that the others go on.

use std::collections::BTreeMap;

use msap_shared::chain::Facts;
use msap_shared::document::DocId;
use msap_shared::document::visits::{Key, Subject};
use msap_shared::id::WriterId;
use msap_shared::register::{Edit, Parted, Registers, Setting, part};
use rusqlite::Connection;

use super::chains::{self, Chain, Doc, Kept};
use super::taps::{self, Place};
use super::{StoreError, facts, registers, sql};

/// A fact is set aside when the hub has refused it this often.
pub const REFUSALS_MAX: u32 = 3;

/// Why a tail is taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The hub refused its first change; the refusal's code.
    Refused(u8),
    /// The hub holds another change under the same number.
    Fork,
}

/// What is to be entered again, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// Facts of the changes taken out; the suspected ones last.
    pub again: Facts,
    /// Facts that are set aside instead.
    pub aside: Facts,
}

/// Whether this hash stands in the chain at `seq` or later.
pub fn holds(conn: &Connection, chain: &Chain, seq: u64, hash: &[u8; 32]) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM change WHERE chain = ?1 AND seq >= ?2 AND hash = ?3";
    let found = sql::row(conn, "looking for a refused change", sql, (chain.row, seq, hash), |_| Ok(()))?;
    Ok(found.is_some())
}

/// Takes the chain's changes from `seq` on out of the document.
///
/// # Errors
/// When the store fails, or a change that stays is damaged.
pub fn take_out(
    conn: &Connection,
    doc: Doc<'_>,
    writer: &WriterId,
    chain: &Chain,
    seq: u64,
    cause: Cause,
) -> Result<Tail, StoreError> {
    let mut tail = Tail::default();
    let mut suspected = Facts::new();
    let reason = match cause {
        Cause::Refused(code) => code,
        Cause::Fork => 0,
    };
    let mut from = seq;
    loop {
        let changes = chains::changes(conn, chain.row, from)?;
        let Some(last) = changes.last() else { break };
        from = last.seq + 1;
        for kept in changes {
            retire_change(conn, doc, writer, &kept, reason)?;
            for fact in kept.facts()? {
                if kept.seq > seq || cause == Cause::Fork {
                    tail.again.push(fact);
                } else if refused_again(conn, doc.name, &fact, reason)? < REFUSALS_MAX {
                    suspected.push(fact);
                } else {
                    tail.aside.push(fact);
                }
            }
        }
    }
    tail.again.extend(suspected);
    shorten(conn, doc, writer, chain, seq)?;
    for (key, _) in &tail.aside {
        if let Ok(Key { subject: Subject::Tap(name), .. }) = Key::parse(key) {
            taps::set_place(conn, &name, Place::Aside)?;
        }
    }
    if !tail.aside.is_empty() {
        facts::refold(conn, doc)?;
    }
    Ok(tail)
}

/// What is to be entered again of edits of registers, in order.
#[derive(Debug, Default)]
pub struct EditTail {
    /// What the edits amount to that stay.
    pub kept: Registers,
    /// Settings of the edits taken out; the suspected ones last.
    pub again: Vec<Setting>,
}

/// Takes the edit `seq` of `writer`, and all that follow it, out of a document of registers.
///
/// # Errors
/// When the store fails, or an edit is damaged.
pub fn take_out_edits(
    conn: &Connection,
    doc: Doc<'_>,
    writer: &WriterId,
    seq: u64,
    cause: Cause,
) -> Result<EditTail, StoreError> {
    let edits = registers::changes(conn, doc.row)?.iter().map(|kept| kept.edit()).collect::<Result<_, _>>()?;
    let Parted { kept, out, again } = part(edits, writer, seq);
    let mut from: BTreeMap<WriterId, u64> = BTreeMap::new();
    for edit in &out {
        retire(conn, doc, edit, cause)?;
        let first = from.entry(edit.writer).or_insert(edit.seq);
        *first = (*first).min(edit.seq);
    }
    for (writer, seq) in from {
        if let Some(chain) = chains::chain(conn, doc.row, &writer)? {
            shorten(conn, doc, &writer, &chain, seq)?;
        }
    }
    registers::refold(conn, doc)?;
    let mut tail = EditTail { kept, again: Vec::new() };
    let mut suspected = Vec::new();
    for (n, setting) in again {
        match cause {
            Cause::Refused(code) if n == 0 => {
                let fact = (setting.key.clone(), setting.value.clone());
                if refused_again(conn, doc.name, &fact, code)? < REFUSALS_MAX {
                    suspected.push(setting);
                }
            }
            _ => tail.again.push(setting),
        }
    }
    tail.again.extend(suspected);
    Ok(tail)
}

fn retire(conn: &Connection, doc: Doc<'_>, edit: &Edit, cause: Cause) -> Result<(), StoreError> {
    let reason = match cause {
        Cause::Refused(code) => code,
        Cause::Fork => 0,
    };
    let kept = Kept { seq: edit.seq, hash: edit.hash, bytes: edit.build().bytes };
    retire_change(conn, doc, &edit.writer, &kept, reason)
}

/// Sets a fact aside for good: no document takes it.
///
/// # Errors
/// When the store fails.
pub fn set_aside(conn: &Connection, document: &DocId, setting: &Setting, reason: u8) -> Result<(), StoreError> {
    let Setting { key, value, .. } = setting;
    let sql = "INSERT INTO refusal (document, key, value, times, reason) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT (document, key, value) DO UPDATE SET times = excluded.times, reason = excluded.reason";
    sql::write(conn, "setting a fact aside", sql, (document.to_string(), key, value, REFUSALS_MAX, reason))?;
    Ok(())
}

/// Notes that the hub refused a fact this often, as was known before a repair.
///
/// # Errors
/// When the store fails.
pub fn was_refused(
    conn: &Connection,
    document: &DocId,
    (key, value): &(String, String),
    times: u32,
    reason: u8,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO refusal (document, key, value, times, reason) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT (document, key, value) DO UPDATE SET times = max(times, excluded.times)";
    sql::write(conn, "noting a refusal", sql, (document.to_string(), key, value, times, reason))?;
    Ok(())
}

fn retire_change(
    conn: &Connection,
    doc: Doc<'_>,
    writer: &WriterId,
    kept: &Kept,
    reason: u8,
) -> Result<(), StoreError> {
    let sql = "INSERT OR IGNORE INTO retired (hash, document, writer, seq, bytes, reason)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let row = (kept.hash.as_bytes(), doc.name.to_string(), writer.as_bytes(), kept.seq, &kept.bytes, reason);
    sql::write(conn, "retiring a change", sql, row)?;
    Ok(())
}

/// Cuts the chain down to the changes before `seq`.
fn shorten(conn: &Connection, doc: Doc<'_>, writer: &WriterId, chain: &Chain, seq: u64) -> Result<(), StoreError> {
    sql::write(conn, "cutting a chain", "DELETE FROM change WHERE chain = ?1 AND seq >= ?2", (chain.row, seq))?;
    let last = chains::changes(conn, chain.row, seq.saturating_sub(1))?.pop();
    let tip = last.map(|kept| kept.tip()).transpose()?;
    chains::move_tip(conn, doc, writer, Some(chain), tip.as_ref())?;
    let sql = "UPDATE chain SET acked = min(acked, seq) WHERE id = ?1";
    sql::write(conn, "cutting a chain", sql, [chain.row])?;
    Ok(())
}

fn refused_again(conn: &Connection, document: &DocId, fact: &(String, String), reason: u8) -> Result<u32, StoreError> {
    let (key, value) = fact;
    let times = sql::row(
        conn,
        "counting refusals",
        "INSERT INTO refusal (document, key, value, times, reason) VALUES (?1, ?2, ?3, 1, ?4)
         ON CONFLICT (document, key, value) DO UPDATE SET times = times + 1, reason = excluded.reason
         RETURNING times",
        (document.to_string(), key, value, reason),
        |row| row.get(0),
    )?;
    Ok(times.unwrap_or(REFUSALS_MAX))
}

/// How many facts are set aside.
pub fn aside_count(conn: &Connection) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM refusal WHERE times >= ?1";
    Ok(sql::row(conn, "counting what is set aside", sql, [REFUSALS_MAX], |row| row.get(0))?.unwrap_or_default())
}
