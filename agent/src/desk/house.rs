//! The schedule and the partners: decisions of people, and what they amount to.
//!
//! Everything is checked by the edits that agent and hub share, before anything is written; what
//! is refused changes nothing, and the last good schedule stays.

use jiff::Timestamp;
use msap_shared::document::DocKind;
use msap_shared::document::register::{Edits, FieldError, settle};

use super::{Outcome, bounds, documents};
use crate::command::CommandError;
use crate::command::house::{Decided, Decision, House, Look, Seen};
use crate::core::Machine;
use crate::replica::Replica;

mod contradicted;
mod look;
mod partners;
mod remarks;
mod schedule;
mod staff;

pub(super) use look::standing;

/// What a decision writes, or the field that is wrong.
type Written = Result<Edits, FieldError>;

/// Carries out one request.
pub(super) fn carry_out(
    house: House,
    replica: &mut Replica<'_>,
    machine: Machine<'_>,
    now: Timestamp,
) -> Outcome<Seen> {
    let (conn, profile) = (replica.conn, machine.profile);
    Ok(match house {
        House::Look(Look::Schedule { from, to }) => {
            let (from, to) = check!(look::span(from, to, machine.today.day));
            Ok(Seen::Schedule(Box::new(look::schedule(conn, &machine, now, (from, to))?)))
        }
        House::Look(Look::Partners(day)) => {
            let day = day.unwrap_or(machine.today.day);
            Ok(Seen::Partners(look::partners(conn, &machine, day)?))
        }
        House::Look(Look::Conflicts) => {
            let mut disputed = Vec::new();
            for kind in documents::KINDS {
                disputed.extend(documents::disputed(kind, &documents::facts(conn, profile, kind)?));
            }
            Ok(Seen::Conflicts(disputed))
        }
        House::Decide(decision) => decide(decision, Standing::First, replica, &machine)?.map(Seen::Decided),
        House::Overrule(decision) => decide(decision, Standing::Last, replica, &machine)?.map(Seen::Decided),
    })
}

/// Whether contradictions are settled before what they are about is changed, or by it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    First,
    Last,
}

fn decide(
    decision: Decision,
    contradictions: Standing,
    replica: &mut Replica<'_>,
    machine: &Machine<'_>,
) -> Outcome<Decided> {
    // What is decided carries its day: not one that nobody believes.
    check!(bounds::day_is_known(machine.today));
    let stamp = documents::stamp(machine);
    if let Decision::Settle { id, version } = &decision {
        for kind in documents::KINDS {
            let facts = documents::facts(replica.conn, machine.profile, kind)?;
            let found = documents::disputed(kind, &facts).into_iter().find(|disputed| disputed.id() == *id);
            if let Some(disputed) = found {
                let versions = &disputed.conflict.versions;
                let Some((_, chosen)) = version.checked_sub(1).and_then(|at| versions.get(at)) else {
                    let why = format!("{version} : ce conflit a les versions 1 à {}", versions.len());
                    return Ok(super::invalid("version", why));
                };
                let edits = check!(settle(&facts, &stamp, &disputed.conflict.key, chosen).map_err(refused));
                let put_aside = vec![contradicted::others(disputed, &edits)];
                let facts = check!(documents::write(replica, kind, edits)?);
                return Ok(Ok(Decided { facts, put_aside, remarks: Vec::new() }));
            }
        }
        return Ok(Err(CommandError::UnknownConflict(id.clone())));
    }
    let kind = if partners::concerns(&decision) { DocKind::Partners } else { DocKind::Schedule };
    let facts = documents::facts(replica.conn, machine.profile, kind)?;
    let written = match kind {
        DocKind::Partners => partners::edits(decision.clone(), &facts, &stamp),
        _ => schedule::edits(decision.clone(), &facts, &stamp),
    };
    let edits = check!(written.map_err(refused));
    let touched = contradicted::by(kind, &facts, &edits);
    if contradictions == Standing::First
        && let Some(first) = touched.first()
    {
        return Ok(Err(CommandError::Contradicted { id: first.id(), key: first.conflict.key.clone() }));
    }
    let put_aside = touched.into_iter().map(|disputed| contradicted::others(disputed, &edits)).collect();
    let edits = check!(documents::write(replica, kind, edits)?);
    let remarks = match kind {
        DocKind::Partners => Vec::new(),
        _ => {
            remarks::of(&decision, &edits, &facts, &look::Site::load(replica.conn, machine.profile)?, machine.today.day)
        }
    };
    Ok(Ok(Decided { facts: edits, put_aside, remarks }))
}

fn refused(error: FieldError) -> CommandError {
    CommandError::Invalid { field: error.field, why: error.why }
}
