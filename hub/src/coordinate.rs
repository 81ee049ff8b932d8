//! What coordinators write of a site's schedule and partners, on behalf of a part of the network.
//!
//! Called on the writer's thread, by the HTTP interface and the commands. Each function reads what
//! holds, has the model check what is asked for, and hands the facts to the core, which keeps them
//! and sends them to the site's machines. Authors are roles, never people. Nothing is written when
//! a field is wrong: the last good schedule stays.

use jiff::Timestamp;
use msap_shared::chain::Refusal;
use msap_shared::code::{OPERATORS, Operator, known_operator};
use msap_shared::document::partners::{self, AgreementStatus, Contact, Mode, Partners};
use msap_shared::document::register::{Author, Conflict, Edits, Facts, FieldError, Stamp, conflicts, settle};
use msap_shared::document::schedule::{Exception, Line, Off, OperatorToken, Place, Reason, Where};
use msap_shared::document::{DocId, DocKind};
use msap_shared::id::SiteId;
use msap_shared::schedule::{NetworkClosure, Schedule, edit};
use msap_shared::time::Day;
use rusqlite::Connection;

use crate::almanac::facts;
use crate::core::Core;
use crate::core::edit::{SiteEdit, SiteEdited};
use crate::site::Site;
use crate::store::{StoreError, calendars, journal};

/// What a line of the journal says before what was contradicted until then.
const SETTLED: &str = "settled";

/// Why something is not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A field is wrong.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// There is nothing of the kind to take back (any more).
    #[error("{0}")]
    Gone(String),
    /// There is no such conflict (any more).
    #[error("no conflict {0:?}")]
    NoConflict(String),
    /// The document does not take it.
    #[error("the document does not take this: {0:?}")]
    Refused(Refusal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Keys and values; none when everything stood already as asked for.
    pub facts: Edits,
    /// The contradictions that stood under these keys until then, each with its document.
    pub settled: Vec<(DocKind, Conflict)>,
}

/// What differs from the usual at a site, from one day to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dated {
    /// First and last day.
    pub days: (Day, Day),
    /// Where.
    pub place: Where,
    /// What.
    pub exception: Exception,
}

/// What changes of a partner at a site. What is not named stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartnerChange {
    /// How it can be had.
    pub mode: Option<Mode>,
    /// How it is reached; `Some(None)` takes the contact back.
    pub contact: Option<Option<Contact>>,
    /// Until when that holds; `Some(None)`: for as long as nobody says otherwise.
    pub until: Option<Option<Day>>,
    /// That what is said still holds.
    pub confirm: bool,
    /// The agreement and its day.
    pub agreement: Option<(AgreementStatus, Option<Day>)>,
    /// Agents trained, and when.
    pub training: Option<(u16, Day)>,
    /// What a local service is called.
    pub label: Option<Line<{ msap_shared::document::schedule::body::LABEL_LEN_MAX }>>,
    /// One permanence that does not take place.
    pub cancel: Option<(Day, Place, Reason)>,
}

/// Who writes about a site, and what day it is there.
pub fn stamp(author: &Author, site: &Site, now: Timestamp) -> Stamp {
    Stamp { author: author.clone(), day: Day::at(now, &site.timezone) }
}

/// Closes a site, or opens it otherwise, from one day to another.
///
/// # Errors
/// [`WriteError`].
pub fn except(
    core: &mut Core,
    author: &Author,
    site: &Site,
    dated: &[Dated],
    now: Timestamp,
) -> Result<Written, WriteError> {
    let stamp = stamp(author, site, now);
    write(core, &site.id, DocKind::Schedule, &stamp, now, |facts| {
        let schedule = Schedule::read(facts);
        let mut edits = Edits::new();
        for Dated { days, place, exception } in dated {
            edits.extend(edit::except(&schedule, &stamp, *days, place, exception)?);
        }
        Ok(edits)
    })
}

/// Takes back what was said of these days at a place.
///
/// # Errors
/// [`WriteError`].
pub fn remove_exception(
    core: &mut Core,
    author: &Author,
    site: &Site,
    days: (Day, Day),
    place: &Where,
    now: Timestamp,
) -> Result<Written, WriteError> {
    let stamp = stamp(author, site, now);
    write(core, &site.id, DocKind::Schedule, &stamp, now, |facts| {
        // There is no other mistake.
        edit::remove_exception(&Schedule::read(facts), &stamp, days, place).map_err(|_| {
            let (from, to) = days;
            WriteError::Gone(format!("rien n’est dit du {from} au {to} en ce lieu : rien à retirer"))
        })
    })
}

/// Changes what is said of a partner at a site.
///
/// # Errors
/// [`WriteError`]; nothing of the change is written then.
pub fn partner(
    core: &mut Core,
    author: &Author,
    site: &Site,
    operator: &OperatorToken,
    change: &PartnerChange,
    now: Timestamp,
) -> Result<Written, WriteError> {
    known(operator)?;
    let stamp = stamp(author, site, now);
    let schedule = Schedule::read(&read(core.connection(), &site.id, DocKind::Schedule)?);
    let off = match &change.cancel {
        Some((day, place, reason)) => {
            edit::set_off(&schedule, &stamp, *day, operator, place, &Off::Cancelled(*reason))?
        }
        None => Edits::new(),
    };
    // Both documents are checked before either is written.
    let mut written = write(core, &site.id, DocKind::Partners, &stamp, now, |facts| {
        Ok(said_of(&Partners::read(facts), &stamp, operator, change)?)
    })?;
    let cancelled = write(core, &site.id, DocKind::Schedule, &stamp, now, |_| Ok(off))?;
    written.facts.extend(cancelled.facts);
    written.settled.extend(cancelled.settled);
    Ok(written)
}

/// Takes back all that is said of a partner at a site, also of one that no catalogue has.
///
/// # Errors
/// [`WriteError`].
pub fn remove_partner(
    core: &mut Core,
    author: &Author,
    site: &Site,
    operator: &OperatorToken,
    now: Timestamp,
) -> Result<Written, WriteError> {
    let stamp = stamp(author, site, now);
    write(core, &site.id, DocKind::Partners, &stamp, now, |facts| {
        // There is no other mistake.
        let removed = partners::edit::remove(&Partners::read(facts), &stamp, operator);
        removed.map_err(|FieldError { why, .. }| WriteError::Gone(why))
    })
}

/// Checks that a partner is one of the catalogue's, or a local service.
///
/// # Errors
/// With the nearest code.
pub fn known(operator: &OperatorToken) -> Result<(), FieldError> {
    let OperatorToken::Known(code) = operator else { return Ok(()) };
    let code = code.as_str();
    if known_operator(code).is_some() {
        return Ok(());
    }
    let far = |operator: &&Operator| {
        let label = strsim::damerau_levenshtein(&operator.label_fr.to_uppercase(), code);
        label.min(strsim::damerau_levenshtein(operator.code, code))
    };
    let nearest = OPERATORS.iter().min_by_key(far);
    let meant = nearest
        .map_or_else(String::new, |nearest| format!(" ; le plus proche : {} ({})", nearest.code, nearest.label_fr));
    Err(FieldError::new("operator", format!("« {code} » n’est pas un code de partenaire{meant}")))
}

fn said_of(
    partners: &Partners,
    stamp: &Stamp,
    operator: &OperatorToken,
    change: &PartnerChange,
) -> Result<Edits, FieldError> {
    let mut edits = Edits::new();
    if change.mode.is_some() || change.contact.is_some() || change.until.is_some() {
        let held = partners.partner(operator).and_then(|partner| partner.agreed_presence());
        let held = held.and_then(|said| said.body.as_ref());
        let mode = change.mode.or(held.map(|presence| presence.mode)).ok_or_else(|| {
            FieldError::new(
                "mode",
                format!("dites comment {operator} est disponible : permanence, partial, reachable ou absent"),
            )
        })?;
        let contact = change.contact.clone().unwrap_or_else(|| held.and_then(|presence| presence.contact.clone()));
        let until = change.until.unwrap_or_else(|| held.and_then(|presence| presence.until));
        edits.extend(partners::edit::set_presence(stamp, operator, mode, contact.as_ref(), until)?);
    } else if change.confirm {
        edits.extend(partners::edit::confirm_presence(partners, stamp, operator)?);
    }
    if let Some((status, day)) = change.agreement {
        edits.extend(partners::edit::set_agreement(stamp, operator, status, day)?);
    }
    if let Some((agents, trained_on)) = change.training {
        edits.extend(partners::edit::set_training(stamp, operator, agents, trained_on)?);
    }
    if let Some(label) = &change.label {
        edits.extend(partners::edit::set_label(stamp, operator, label)?);
    }
    Ok(edits)
}

/// Settles a conflict of a site by one of its versions, which are numbered from 1 in the order in
/// which they are listed.
///
/// # Errors
/// [`WriteError`].
pub fn settle_conflict(
    core: &mut Core,
    author: &Author,
    site: &Site,
    id: &str,
    version: usize,
    now: Timestamp,
) -> Result<Written, WriteError> {
    let stamp = stamp(author, site, now);
    for kind in [DocKind::Schedule, DocKind::Partners] {
        let facts = read(core.connection(), &site.id, kind)?;
        let Some(conflict) = conflicts(&facts).into_iter().find(|conflict| conflict.id() == id) else { continue };
        let chosen = version.checked_sub(1).and_then(|at| conflict.versions.get(at)).ok_or_else(|| {
            let why = format!("les versions sont numérotées de 1 à {}", conflict.versions.len());
            FieldError::new("version", why)
        })?;
        return write(core, &site.id, kind, &stamp, now, |facts| Ok(settle(facts, &stamp, &conflict.key, &chosen.1)?));
    }
    Err(WriteError::NoConflict(format!("{}.{id}", site.id)))
}

/// Closes a part of the network. `false` when this stands already.
///
/// # Errors
/// [`WriteError`].
pub fn close_network(core: &mut Core, closure: &NetworkClosure, now: Timestamp) -> Result<bool, WriteError> {
    closure.check()?;
    let changed = core.store().write(|conn, _| {
        if calendars::closures(conn)?.contains(closure) {
            return Ok(false);
        }
        calendars::put_closure(conn, closure)?;
        let NetworkClosure { id, from, to, reason, label, scope } = closure;
        let detail = format!("{scope} {from}..{to} {} {label}", reason.as_str());
        journal::record(conn, now, "closure.set", id, &detail)?;
        Ok::<_, StoreError>(true)
    })?;
    if changed {
        core.refer(now)?;
    }
    Ok(changed)
}

/// Takes a closure of the network back.
///
/// # Errors
/// When the store fails.
pub fn reopen_network(core: &mut Core, closure: &NetworkClosure, now: Timestamp) -> Result<(), WriteError> {
    core.store().write(|conn, _| {
        if calendars::remove_closure(conn, &closure.id)? {
            journal::record(conn, now, "closure.remove", &closure.id, &closure.scope.to_string())?;
        }
        Ok::<_, StoreError>(())
    })?;
    Ok(core.refer(now)?)
}

fn read(conn: &Connection, site: &SiteId, kind: DocKind) -> Result<Facts, StoreError> {
    match DocId::registers(site.clone(), kind) {
        Some(document) => facts(conn, &document),
        None => Ok(Facts::new()),
    }
}

/// Has the core write what `make` makes of the facts that hold. Whatever contradicts each other under the keys of what is
/// written is settled by it, and told: by the answer, and in the journal.
fn write(
    core: &mut Core,
    site: &SiteId,
    kind: DocKind,
    stamp: &Stamp,
    now: Timestamp,
    make: impl FnOnce(&Facts) -> Result<Edits, WriteError>,
) -> Result<Written, WriteError> {
    let held = read(core.connection(), site, kind)?;
    let facts = make(&held)?;
    if facts.is_empty() {
        return Ok(Written::default());
    }
    let is_written = |conflict: &Conflict| facts.iter().any(|(key, _)| *key == conflict.key);
    let settled: Vec<_> = conflicts(&held).into_iter().filter(is_written).collect();
    let told = facts.iter().map(|(key, value)| format!("{key} = {value}"));
    let put_aside = settled.iter().map(|Conflict { key, versions }| {
        let versions: Vec<_> = versions.iter().map(|(stamp, body)| stamp.write(body)).collect();
        format!("{SETTLED} {key} = {}", versions.join(" ≠ "))
    });
    let told: Vec<String> = told.chain(put_aside).collect();
    let detail = format!("{} : {}", stamp.author, told.join(" ; "));
    match core.edit(&SiteEdit { site: site.clone(), kind, facts: facts.clone(), detail }, now)? {
        SiteEdited::Kept => {
            let settled = settled.into_iter().map(|conflict| (kind, conflict)).collect();
            Ok(Written { facts, settled })
        }
        SiteEdited::Nothing => Ok(Written::default()),
        SiteEdited::Refused(why) => Err(WriteError::Refused(why)),
        SiteEdited::NoSite => Err(StoreError::corrupt(format!("site {site} went away under an edit")).into()),
    }
}
