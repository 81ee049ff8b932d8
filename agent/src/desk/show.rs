//! Taps as the desk sees them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use msap_shared::document::DocId;
use msap_shared::document::visits::Visit;
use msap_shared::id::TapName;
use msap_shared::time::{Day, SiteZone};

use super::Outcome;
use crate::command::{CommandError, Keeping, TapView};
use crate::replica::Replica;
use crate::store::facts::TapStanding;
use crate::store::taps::{Place, Tap};
use crate::store::{Profile, StoreError, chains, facts, taps};

/// The tap as it now stands.
pub(super) fn view(replica: &Replica<'_>, zone: &SiteZone, name: &TapName) -> Outcome<TapView> {
    let tap = taps::by_name(replica.conn, name)?;
    match facts::find(replica.conn, name)? {
        Some(known) => view_of(replica, zone, &known, tap.as_ref()).map(Ok),
        None => Ok(Err(CommandError::UnknownTap(name.to_string()))),
    }
}

/// What counts for a tap.
pub(super) fn visit_of(known: &TapStanding) -> Result<Visit, StoreError> {
    Visit::parse(&known.standing.value)
        .map_err(|error| StoreError::Corrupt { what: format!("tap {}: {error}", known.name) })
}

fn view_of(
    replica: &Replica<'_>,
    zone: &SiteZone,
    known: &TapStanding,
    tap: Option<&Tap>,
) -> Result<TapView, StoreError> {
    let visit = visit_of(known)?;
    let keeping = match tap.map(|tap| tap.place) {
        Some(Place::Aside) => Keeping::SetAside,
        Some(Place::Change { chain, seq }) if !is_acked(replica, chain, seq)? => Keeping::Kept,
        // Made elsewhere: it came from the hub.
        Some(Place::Change { .. }) | None => Keeping::Confirmed,
    };
    let month = known.document.month();
    let month = month.ok_or_else(|| StoreError::corrupt(format!("{} holds a tap", known.document)))?;
    let at = tap.map(|tap| tap.at);
    Ok(TapView {
        id: tap.map(|tap| tap.id),
        name: known.name,
        day: month.day(known.standing.day).unwrap_or_else(|| month.first_day()),
        at,
        clock: at.and_then(|at| Some(zone.clock(Timestamp::from_second(at).ok()?))),
        undone: visit.is_undone(),
        people: visit.people,
        operator: visit.operator,
        help: visit.help,
        age: visit.age,
        requests: visit.requests,
        rev: known.standing.rev,
        keeping,
        part_of: tap.and_then(|tap| tap.part_of),
        also_undone: Vec::new(),
        notices: Vec::new(),
        new: false,
    })
}

fn is_acked(replica: &Replica<'_>, chain: i64, seq: u64) -> Result<bool, StoreError> {
    Ok(chains::acked(replica.conn, chain)?.is_some_and(|acked| acked >= seq))
}

/// The taps of a day, those made here first, each latest first: what other desks counted in the
/// order in which it came here.
pub(super) fn list(replica: &Replica<'_>, profile: &Profile, day: Day) -> Result<Vec<TapView>, StoreError> {
    let (conn, zone) = (replica.conn, &profile.timezone);
    let document = DocId::visits(profile.site.clone(), day.month());
    let mut others: BTreeMap<TapName, TapStanding> =
        facts::taps(conn, &document, Some(day.day_of_month()))?.into_iter().map(|known| (known.name, known)).collect();
    let mut views = Vec::new();
    for tap in taps::of_day(conn, day)? {
        if let Some(known) = others.remove(&tap.name) {
            views.push(view_of(replica, zone, &known, Some(&tap))?);
        }
    }
    for name in facts::latest_first(conn, &document, others.keys().copied().collect())? {
        if let Some(known) = others.remove(&name) {
            views.push(view_of(replica, zone, &known, None)?);
        }
    }
    Ok(views)
}
