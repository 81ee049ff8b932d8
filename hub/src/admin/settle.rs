//! Deciding on what wants a person: flagged facts and refused changes.

use jiff::Timestamp;
use rusqlite::Connection;

use super::AdminError;
use super::change::REASON_LEN_MAX;
use crate::ask;
use crate::ledger::Verdict;
use crate::store::flagged::{self, FlaggedRow};
use crate::store::journal;
use crate::store::refusals::{self, RefusedRow};

/// The flagged fact that a person names, settled or not.
pub(super) fn flagged(conn: &Connection, id: &str) -> Result<FlaggedRow, AdminError> {
    let bounded = || id.chars().take(60).collect();
    let mut found = flagged::named(conn, id)?;
    match (found.pop(), found.is_empty()) {
        (Some(row), true) => Ok(row),
        (Some(_), false) => Err(AdminError::Ambiguous(bounded())),
        (None, _) => Err(AdminError::UnknownFlagged(bounded())),
    }
}

/// The refusal that a person names.
pub(super) fn refused(conn: &Connection, id: &str) -> Result<RefusedRow, AdminError> {
    let found = id.parse().ok().map(|n| refusals::find(conn, n)).transpose()?.flatten();
    found.ok_or_else(|| AdminError::UnknownRefusal(id.chars().take(60).collect()))
}

/// Counts a flagged fact, or leaves it out for good.
pub(super) fn settle_flagged(
    conn: &Connection,
    now: Timestamp,
    id: &str,
    verdict: &str,
    reason: &str,
) -> Result<(), AdminError> {
    let verdict = Verdict::parse(verdict).ok_or_else(|| AdminError::Verdict(verdict.chars().take(60).collect()))?;
    let reason = checked(reason)?;
    let row = flagged(conn, id)?;
    if row.reasons == [flagged::NEGATIVE] {
        return Err(AdminError::Negative(row.id));
    }
    if flagged::settle(conn, &row, verdict, reason, (now, ask::today(now)))? {
        let FlaggedRow { document, reasons, .. } = &row;
        // Not its value: who reads the journal need not know who came.
        let detail = format!("{document} {}: {}, {reason}", reasons.join(","), verdict.as_str());
        journal::record(conn, now, "flagged.settle", &row.id, &detail)?;
    }
    Ok(())
}

/// Takes a refusal off the list.
pub(super) fn settle_refused(conn: &Connection, now: Timestamp, id: &str, reason: &str) -> Result<(), AdminError> {
    let reason = checked(reason)?;
    let row = refused(conn, id)?;
    if refusals::settle(conn, row.n)? {
        let RefusedRow { n, document, device, writer, seq, .. } = row;
        let detail = format!("{document} device {device} writer {writer} change {seq}: {reason}");
        journal::record(conn, now, "refused.settle", &n.to_string(), &detail)?;
    }
    Ok(())
}

/// A reason that fits on a line.
fn checked(reason: &str) -> Result<&str, AdminError> {
    let reason = reason.trim();
    let fits = (1..=REASON_LEN_MAX).contains(&reason.chars().count()) && !reason.chars().any(char::is_control);
    if fits { Ok(reason) } else { Err(AdminError::Text("--reason")) }
}
