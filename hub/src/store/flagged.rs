//! Facts that look wrong, and what persons have decided on them.
//!
//! The flags are derived, like the figures that they set apart; the settlements are truth. One
//! speaks of one value of a tap and of certain doubts about it: a correction of the tap, or a new
//! doubt, is put before a person anew.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use jiff::Timestamp;
use msap_shared::document::DocId;
use msap_shared::document::fold::Standing;
use msap_shared::id::{SiteId, TapName};
use msap_shared::io::store::sql;
use msap_shared::time::Day;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};
use sha2::{Digest as _, Sha256};

pub use self::negative::NEGATIVE;
use super::chains::{self, Accepted, Doc};
use super::{StoreError, meta, views};
use crate::ledger::Verdict;

mod negative;

/// A part of the network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Within {
    /// All of it.
    #[default]
    Network,
    /// The sites of a region.
    Region(String),
    /// The sites of a department.
    Department(String),
    /// A house and its antennas, or an antenna.
    Site(SiteId),
}

impl Within {
    /// The condition on the row `s` of a site, and the value of its place, `?`.
    pub(super) fn condition(&self) -> Option<(&'static str, String)> {
        match self {
            Self::Network => None,
            Self::Region(code) => Some(("s.region = ?", code.clone())),
            Self::Department(code) => Some(("s.department = ?", code.clone())),
            Self::Site(id) => Some(("? IN (s.id, s.parent)", id.to_string())),
        }
    }
}

/// Which flagged facts to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlaggedFilter {
    /// Of this part of the network only.
    pub within: Within,
    /// Of this site, and of its antennas.
    pub site: Option<SiteId>,
    /// For this reason.
    pub reason: Option<String>,
    /// Only those after this one: the name of its document, and its tap.
    pub after: Option<(String, TapName)>,
    /// At most so many.
    pub limit: u32,
}

/// One flagged fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlaggedRow {
    /// The name by which persons speak of it.
    pub id: String,
    /// Name of the document.
    pub document: DocId,
    /// Name of the tap.
    pub tap: TapName,
    /// Why a person should look, in alphabetical order.
    pub reasons: Vec<String>,
    /// What counts for the tap; `None` for a tap that the views have lost.
    pub standing: Option<Standing<String>>,
    /// What was decided.
    pub verdict: Option<Verdict>,
}

impl FlaggedRow {
    /// Its day.
    pub fn day(&self) -> Option<Day> {
        self.standing.as_ref().and_then(|standing| self.document.month()?.day(standing.day))
    }

    /// The tap's name as documents have it.
    pub fn tap_text(&self) -> String {
        BASE64URL_NOPAD.encode(self.tap.as_bytes())
    }
}

/// The short name of a flagged fact: the same for ever, whatever is rebuilt. 50 bits suffice to
/// tell apart what stands in one list.
fn id(document: &str, tap: &TapName) -> String {
    let hash = Sha256::new().chain_update(document).chain_update(tap.as_bytes()).finalize();
    let text = BASE32_NOPAD.encode(&hash).to_lowercase();
    format!("{}-{}", &text[..5], &text[5..10])
}

const SELECT: &str = "SELECT d.name, g.tap, group_concat(g.reason), max(g.verdict), f.rev, f.day, f.value, f.contested \
    FROM flagged g JOIN document d ON d.id = g.document JOIN site s ON s.id = d.site \
    LEFT JOIN fact f ON f.document = g.document AND f.tap = g.tap";

/// Facts that nobody has settled and figures below zero, by document and tap.
pub fn list(conn: &Connection, filter: &FlaggedFilter) -> Result<Vec<FlaggedRow>, StoreError> {
    let mut conditions = vec!["g.verdict = ''"];
    let mut values = Vec::new();
    let of_site = filter.site.clone().map(Within::Site);
    for (condition, value) in
        [Some(&filter.within), of_site.as_ref()].into_iter().flatten().filter_map(Within::condition)
    {
        conditions.push(condition);
        values.push(Value::Text(value));
    }
    if let Some((document, tap)) = &filter.after {
        conditions.push("(d.name, g.tap) > (?, ?)");
        values.extend([Value::Text(document.clone()), Value::Blob(tap.as_bytes().to_vec())]);
    }
    let having = match &filter.reason {
        None => "",
        Some(reason) => {
            values.push(Value::Text(reason.clone()));
            "HAVING sum(g.reason = ?) > 0"
        }
    };
    values.push(Value::Integer(filter.limit.into()));
    let conditions = conditions.join(" AND ");
    let sql = format!("{SELECT} WHERE {conditions} GROUP BY d.name, g.tap {having} ORDER BY d.name, g.tap LIMIT ?");
    let mut found = rows(conn, &sql, values)?;
    let below_zero = negative::list(conn, filter)?;
    if !below_zero.is_empty() {
        found.extend(below_zero);
        found.sort_by_cached_key(|row| (row.document.to_string(), row.tap));
        found.truncate(filter.limit as usize);
    }
    Ok(found)
}

/// How many facts and figures of each site wait for a person.
pub fn by_site(conn: &Connection) -> Result<BTreeMap<String, u64>, StoreError> {
    let sql = "SELECT d.site, count(*) FROM (SELECT DISTINCT document, tap FROM flagged WHERE verdict = '') g
               JOIN document d ON d.id = g.document GROUP BY d.site";
    let counted = sql::rows(conn, "counting flagged facts", sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut by_site: BTreeMap<String, u64> = counted.into_iter().collect();
    for row in negative::list(conn, &FlaggedFilter::default())? {
        *by_site.entry(row.document.site().to_string()).or_default() += 1;
    }
    Ok(by_site)
}

/// The flagged facts with this id, settled ones too: one, unless ids collide.
pub fn named(conn: &Connection, wanted: &str) -> Result<Vec<FlaggedRow>, StoreError> {
    let plain = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let wanted = plain(wanted);
    let sql = "SELECT DISTINCT d.name, g.tap FROM flagged g JOIN document d ON d.id = g.document";
    let taps = sql::rows(conn, "looking for a flagged fact", sql, [], |row| {
        Ok((row.get::<_, String>(0)?, TapName::new(row.get(1)?)))
    })?;
    let mut found = Vec::new();
    for (document, tap) in taps.into_iter().filter(|(document, tap)| plain(&id(document, tap)) == wanted) {
        let sql = format!("{SELECT} WHERE d.name = ? AND g.tap = ? GROUP BY d.name, g.tap");
        let key = vec![Value::Text(document), Value::Blob(tap.as_bytes().to_vec())];
        found.extend(rows(conn, &sql, key)?);
    }
    let below_zero = negative::list(conn, &FlaggedFilter::default())?;
    found.extend(below_zero.into_iter().filter(|row| plain(&row.id) == wanted));
    Ok(found)
}

fn rows(conn: &Connection, sql: &str, values: Vec<Value>) -> Result<Vec<FlaggedRow>, StoreError> {
    let read = |row: &Row<'_>| {
        let rev: Option<u8> = row.get(4)?;
        let standing = match rev {
            None => None,
            Some(rev) => Some(Standing { rev, day: row.get(5)?, value: row.get(6)?, contested: row.get(7)? }),
        };
        let (name, tap) = (row.get::<_, String>(0)?, TapName::new(row.get(1)?));
        Ok((name, tap, row.get::<_, String>(2)?, row.get::<_, String>(3)?, standing))
    };
    let found = sql::rows(conn, "listing flagged facts", sql, params_from_iter(values), read)?;
    let row = |(name, tap, reasons, verdict, standing): (String, TapName, String, String, _)| {
        let mut reasons: Vec<_> = reasons.split(',').map(str::to_owned).collect();
        reasons.sort();
        let (id, document) = (id(&name, &tap), chains::document_named(&name)?);
        Ok(FlaggedRow { id, document, tap, reasons, standing, verdict: Verdict::parse(&verdict) })
    };
    found.into_iter().map(row).collect()
}

/// What was decided, before this commit ends, on this value of a tap, if that speaks of every doubt
/// that there is about it.
pub(super) fn verdict(
    conn: &Connection,
    document: &DocId,
    tap: &TapName,
    standing: &Standing<String>,
    reasons: &BTreeSet<String>,
    commit: u64,
) -> Result<Option<Verdict>, StoreError> {
    if reasons.is_empty() {
        return Ok(None);
    }
    let Some(Settlement { doubts, verdict, .. }) = settled_by(conn, document, tap, standing, commit)? else {
        return Ok(None);
    };
    let known = |reason: &String| doubts.split(',').any(|doubt| doubt == reason);
    Ok(Some(verdict).filter(|_| reasons.iter().all(known)))
}

/// The taps of a document on which something was decided, with when, in that order.
pub(super) fn decided(conn: &Connection, document: &DocId) -> Result<Vec<(TapName, Accepted)>, StoreError> {
    let sql = "SELECT tap, decided_day, accepted FROM settlement WHERE document = ?1 ORDER BY n";
    let rows = sql::rows(conn, "reading settlements", sql, [document.to_string()], |row| {
        Ok((TapName::new(row.get(0)?), row.get(1)?, row.get(2)?))
    })?;
    let accepted = |(tap, day, commit)| {
        let day = Day::from_number(day).ok_or_else(|| StoreError::corrupt("a settlement of no day"))?;
        Ok((tap, Accepted { day, commit }))
    };
    rows.into_iter().map(accepted).collect()
}

/// What a person has decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The doubts that it speaks of, separated by commas.
    pub doubts: String,
    /// The decision.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
}

/// The last decision on one value of a tap.
pub fn settlement(
    conn: &Connection,
    document: &DocId,
    tap: &TapName,
    standing: &Standing<String>,
) -> Result<Option<Settlement>, StoreError> {
    settled_by(conn, document, tap, standing, EVER)
}

/// A commit after all others, as SQLite holds it.
const EVER: u64 = i64::MAX.unsigned_abs();

fn settled_by(
    conn: &Connection,
    document: &DocId,
    tap: &TapName,
    standing: &Standing<String>,
    commit: u64,
) -> Result<Option<Settlement>, StoreError> {
    let sql = "SELECT doubts, verdict, reason FROM settlement
               WHERE document = ?1 AND tap = ?2 AND day = ?3 AND value = ?4 AND accepted <= ?5 ORDER BY n DESC LIMIT 1";
    let key = (document.to_string(), tap.as_bytes(), standing.day, &standing.value, commit);
    let found = sql::row(conn, "reading a settlement", sql, key, |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
    })?;
    let Some((doubts, verdict, reason)) = found else { return Ok(None) };
    let verdict = Verdict::parse(&verdict).ok_or_else(|| StoreError::corrupt("a settlement's verdict"))?;
    Ok(Some(Settlement { doubts, verdict, reason }))
}

/// Decides on a flagged fact, and counts it accordingly from `today` on, the hub's own day.
/// `false` when just this was decided before.
pub fn settle(
    conn: &Connection,
    row: &FlaggedRow,
    verdict: Verdict,
    reason: &str,
    (now, today): (Timestamp, Day),
) -> Result<bool, StoreError> {
    let Some(standing) = &row.standing else { return Ok(false) };
    let decided = Settlement { doubts: row.reasons.join(","), verdict, reason: reason.to_owned() };
    if settlement(conn, &row.document, &row.tap, standing)?.as_ref() == Some(&decided) {
        return Ok(false);
    }
    let commit = meta::commit_under_way(conn)?;
    let sql = "INSERT INTO settlement (document, tap, day, value, doubts, verdict, reason, at, decided_day, accepted)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let Settlement { doubts, reason, .. } = &decided;
    let (document, tap, at) = (row.document.to_string(), row.tap.as_bytes(), now.as_second());
    let (day, value) = (standing.day, &standing.value);
    let values = (document, tap, day, value, doubts, verdict.as_str(), reason, at, today.number(), commit);
    sql::write(conn, "keeping a settlement", sql, values)?;
    meta::touch_figures(conn)?;
    if let Some(row_id) = chains::document_row(conn, &row.document)? {
        let doc = Doc { row: row_id, name: &row.document };
        views::settle_in(conn, doc, &row.tap, Accepted { day: today, commit })?;
    }
    Ok(true)
}
