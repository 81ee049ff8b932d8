//! Undoing and correcting: new revisions of what was counted.

use msap_shared::document::DocId;
use msap_shared::document::visits::{Key, REV_MAX, VALUE_LEN_MAX, Visit};
use msap_shared::id::TapName;
use msap_shared::time::{Day, SiteZone};

use super::cells::{Revised, Shortfall, shortfall};
use super::show::{self, visit_of};
use super::{Outcome, invalid, last_of_day};
use crate::command::{CommandError, Correction, TapRef, TapView};
use crate::replica::Replica;
use crate::store::facts::TapStanding;
use crate::store::{StoreError, facts, taps};

/// Undoes a tap, and with a visit its further requests: none is left without its person.
pub(super) fn undo(tap: Option<TapRef>, replica: &mut Replica<'_>, zone: &SiteZone, today: Day) -> Outcome<TapView> {
    let tap = match tap {
        Some(tap) => tap,
        None => match last_of_day(replica, today)? {
            Some(last) => TapRef::Name(last.name),
            None => return Ok(invalid("id", "rien à annuler aujourd’hui sur ce poste")),
        },
    };
    let (name, spelled) = named(tap);
    let Some(known) = facts::find(replica.conn, &name)? else { return Ok(Err(CommandError::UnknownTap(spelled))) };
    let document = known.document.clone();
    let mut revisions = Vec::new();
    let mut also_undone = Vec::new();
    for standing in [vec![known], parts_of(replica, &name, &document)?].concat() {
        let visit = visit_of(&standing)?;
        // Asked again: what is undone stays undone.
        if !visit.is_undone() {
            if standing.name != name {
                also_undone.push(standing.name);
            }
            revisions.push(check!(Revision::of(&standing, visit.undone(), visit)?));
        }
    }
    check!(enter(replica, &document, &revisions)?);
    let view = show::view(replica, zone, &name)?;
    let new = !revisions.is_empty();
    Ok(view.map(|view| TapView { new, also_undone, ..view }))
}

/// Corrects what a tap was counted under.
pub(super) fn correct(
    tap: TapRef,
    correction: &Correction,
    replica: &mut Replica<'_>,
    zone: &SiteZone,
) -> Outcome<TapView> {
    let Correction { operator, help, age } = correction;
    check!(super::bounds::codes(
        operator.as_ref().map(|code| code.as_str()),
        help.as_ref().map(|code| code.as_str()),
        age.as_ref().map(|code| code.as_str()),
    ));
    let (name, spelled) = named(tap);
    let Some(known) = facts::find(replica.conn, &name)? else { return Ok(Err(CommandError::UnknownTap(spelled))) };
    let before = visit_of(&known)?;
    if before.is_undone() {
        return Ok(invalid("id", "cette visite est annulée : comptez-la de nouveau"));
    }
    let after = Visit {
        operator: operator.clone().unwrap_or_else(|| before.operator.clone()),
        help: help.clone().unwrap_or_else(|| before.help.clone()),
        age: age.clone().unwrap_or_else(|| before.age.clone()),
        ..before.clone()
    };
    if after == before {
        return show::view(replica, zone, &name);
    }
    let revision = check!(Revision::of(&known, after, before)?);
    check!(enter(replica, &known.document, &[revision])?);
    let view = show::view(replica, zone, &name)?;
    Ok(view.map(|view| TapView { new: true, ..view }))
}

fn named(tap: TapRef) -> (TapName, String) {
    match tap {
        TapRef::Id(id) => (id.name(), id.to_uuid()),
        TapRef::Name(name) => (name, name.to_string()),
    }
}

/// The further requests of a visit, as they stand; those of one document.
fn parts_of(replica: &Replica<'_>, visit: &TapName, document: &DocId) -> Result<Vec<TapStanding>, StoreError> {
    let mut parts = Vec::new();
    for tap in taps::parts_of(replica.conn, visit)? {
        parts.extend(facts::find(replica.conn, &tap.name)?.filter(|known| known.document == *document));
    }
    Ok(parts)
}

/// The next revision of a tap, checked and not yet entered.
struct Revision {
    name: TapName,
    day: Day,
    rev: u8,
    value: String,
    before: Visit,
    after: Visit,
}

impl Revision {
    /// Fields that this version does not know are carried along.
    fn of(known: &TapStanding, after: Visit, before: Visit) -> Outcome<Self> {
        let TapStanding { document, name, standing } = known;
        let Some(rev) = standing.rev.checked_add(1).filter(|rev| *rev <= REV_MAX) else {
            return Ok(invalid("id", format!("cette visite a déjà été corrigée {REV_MAX} fois")));
        };
        let Some(day) = document.month().and_then(|month| month.day(standing.day)) else {
            return Err(StoreError::Corrupt { what: format!("tap {name} lies on day {}", standing.day) });
        };
        let further = standing.value.splitn(6, '|').nth(5).map(|fields| format!("|{fields}")).unwrap_or_default();
        let value = format!("{after}{further}");
        if value.len() > VALUE_LEN_MAX {
            return Ok(invalid("id", "cette visite porte trop d’informations pour être corrigée ici"));
        }
        Ok(Ok(Self { name: *name, day, rev, value, before, after }))
    }
}

/// Enters revisions of one document, all or none.
fn enter(replica: &mut Replica<'_>, document: &DocId, revisions: &[Revision]) -> Outcome<()> {
    for day in revisions.iter().map(|revision| revision.day).collect::<std::collections::BTreeSet<_>>() {
        let revised: Vec<Revised<'_>> = revisions
            .iter()
            .filter(|revision| revision.day == day)
            .map(|revision| Revised { name: revision.name, before: Some(&revision.before), after: &revision.after })
            .collect();
        if let Some(short) = shortfall(replica.conn, document, day, &revised)? {
            return Ok(invalid("id", in_words(&short, day)));
        }
    }
    for Revision { name, day, rev, value, .. } in revisions {
        let place = replica.enter(document, &Key::tap(*day, *name, *rev).to_string(), value)?;
        taps::set_place(replica.conn, name, place)?;
    }
    Ok(Ok(()))
}

fn in_words(short: &Shortfall, day: Day) -> String {
    let Shortfall { matter, left: (people, _), corrections } = short;
    if corrections.is_empty() {
        return format!(
            "il n’y a que {people} visite(s) {matter} le {day} : cette correction en retirerait davantage ; \
             annulez-la et comptez-la de nouveau sous ce qui est à retirer"
        );
    }
    let listed: Vec<String> = corrections.iter().map(|(id, n)| format!("{id} ({n}, le {day})")).collect();
    format!(
        "des corrections négatives retirent de ces visites ({matter}) : annulez d’abord {}, par \
         msap-agent count undo --id ID",
        listed.join(", ")
    )
}
