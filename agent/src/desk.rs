//! The front desk's commands, carried out on the store.
//!
//! Every check stands before the first write, so that a command that is refused has stored
//! nothing.

use jiff::Timestamp;
use msap_shared::code::{Age, Help, OPERATORS, known_operator};
use msap_shared::document::DocId;
use msap_shared::document::visits::{COUNT_PLAUSIBLE_MAX, Key, REV_MAX, VALUE_LEN_MAX, Visit};
use msap_shared::id::{TapId, TapName};
use msap_shared::time::Day;

use crate::command::{Command, CommandError, Correction, Count, Keeping, Reply, TapRef, TapView};
use crate::core::LinkState;
use crate::replica::Replica;
use crate::store::facts::TapStanding;
use crate::store::taps::{Place, Tap};
use crate::store::{Profile, StoreError, chains, facts, taps};

mod file;
mod report;
mod verify;

/// The outer error is the store's and ends the turn; the inner one is the desk's answer.
type Outcome<T> = Result<Result<T, CommandError>, StoreError>;

/// Returns from the function with the desk's answer when a check fails.
macro_rules! check {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(error) => return Ok(Err(error)),
        }
    };
}

/// Carries out one command.
pub(crate) fn carry_out(
    command: Command,
    replica: &mut Replica<'_>,
    profile: &Profile,
    link: &LinkState,
    now: Timestamp,
) -> Outcome<Reply> {
    let today = Day::at(now, &profile.timezone);
    Ok(match command {
        Command::Count(count) => self::count(count, replica, profile, now)?.map(Reply::Tap),
        Command::Undo(tap) => undo(tap, replica, today)?.map(Reply::Tap),
        Command::Correct(tap, correction) => correct(tap, &correction, replica)?.map(Reply::Tap),
        Command::Close { day, closed } => close(day.unwrap_or(today), closed, replica, profile, today)?,
        Command::Tally(period) => Ok(Reply::Tally(report::tally(replica.conn, profile, period, today)?)),
        Command::List(day) => Ok(Reply::Taps(list(replica, profile, day.unwrap_or(today))?)),
        Command::Status => Ok(Reply::Status(Box::new(report::status(replica.conn, profile, link, now)?))),
        Command::SyncLog => Ok(Reply::Log(crate::store::log::lines(replica.conn)?)),
        Command::Export { all } => Ok(Reply::Draft(Box::new(file::export(replica, profile, all, now)?))),
        Command::Import(answer) => file::import(&answer, replica, profile, link, now)?.map(Reply::Imported),
        Command::Verify => Ok(Reply::Verified(verify::verify(replica.conn)?)),
    })
}

fn invalid<T>(field: &'static str, why: impl Into<String>) -> Result<T, CommandError> {
    Err(CommandError::Invalid { field, why: why.into() })
}

/// Counts a visit, unless the same tap was counted before.
fn count(count: Count, replica: &mut Replica<'_>, profile: &Profile, now: Timestamp) -> Outcome<TapView> {
    let today = Day::at(now, &profile.timezone);
    let day = count.day.unwrap_or(today);
    let mut visit = Visit {
        people: count.people,
        operator: count.operator.clone(),
        help: count.help.clone(),
        age: count.age.clone(),
        requests: count.people,
    };
    if count.same_visit {
        visit.people = 0;
    }
    let value = visit.to_string();

    let name = count.id.name();
    if let Some(before) = taps::by_id(replica.conn, &count.id)? {
        let same = before.visit == value && count.day.is_none_or(|day| day == before.day);
        return if same { view_again(replica, &before.name) } else { Ok(reused(count.id)) };
    }
    if let Some(known) = facts::find(replica.conn, &name)? {
        // Counted before this machine's image was taken back, or on another desk. A further
        // request has taken over its visit's age.
        let as_counted = Visit::parse(&known.standing.value).ok();
        let aged = as_counted.filter(|_| count.same_visit).map(|counted| Visit { age: counted.age, ..visit.clone() });
        let asked = aged.map_or(value, |visit| visit.to_string());
        let same = known.standing.rev > 0 || known.standing.value == asked;
        return if same { view_again(replica, &name) } else { Ok(reused(count.id)) };
    }
    // Only now: what was counted stays counted, whatever the clock or the catalogue says since.
    check!(check_codes(Some(count.operator.as_str()), Some(count.help.as_str()), Some(count.age.as_str())));
    check!(check_number(&count));
    check!(check_day(day, today));
    if count.same_visit {
        let last = last_of_day(replica, day)?;
        let Some(last) = last else {
            return Ok(invalid(
                "same_visit",
                "aucune visite à compléter ce jour-là sur ce poste : comptez d’abord la visite",
            ));
        };
        if count.age == Age::UNKNOWN.code()
            && let Some(standing) = facts::find(replica.conn, &last.name)?
            && let Ok(before) = Visit::parse(&standing.standing.value)
        {
            visit.age = before.age;
        }
    }
    let document = DocId::visits(profile.site.clone(), day.month());
    if count.people < 0 {
        check!(check_remains(replica, &document, day, &visit)?);
    }

    let place = replica.enter(&document, &Key::tap(day, name, 0).to_string(), &visit.to_string())?;
    let tap = Tap { id: count.id, name, at: now.as_second(), day, place, visit: value };
    taps::insert(replica.conn, &tap, count.reason.as_deref().unwrap_or_default())?;
    let view = view(replica, &name)?;
    Ok(view.map(|view| TapView { new: true, ..view }))
}

fn reused<T>(id: TapId) -> Result<T, CommandError> {
    Err(CommandError::IdReused(id.to_uuid()))
}

fn view_again(replica: &Replica<'_>, name: &TapName) -> Outcome<TapView> {
    view(replica, name)
}

fn check_codes(operator: Option<&str>, help: Option<&str>, age: Option<&str>) -> Result<(), CommandError> {
    if let Some(code) = operator.filter(|code| known_operator(code).is_none()) {
        let known: Vec<&str> = OPERATORS.iter().map(|operator| operator.code).collect();
        return invalid(
            "operator",
            format!("{code} n’est pas un opérateur connu ; choisissez parmi {}", known.join(", ")),
        );
    }
    if let Some(code) = help.filter(|code| Help::known(code).is_none()) {
        let known = Help::ALL.map(Help::as_str).join(", ");
        return invalid("help", format!("{code} n’est pas un type d’aide connu ; choisissez parmi {known}"));
    }
    if let Some(code) = age.filter(|code| Age::known(code).is_none()) {
        let known = Age::CODES.join(", ");
        return invalid("age", format!("{code} n’est pas une tranche d’âge connue ; choisissez parmi {known}"));
    }
    Ok(())
}

fn check_number(count: &Count) -> Result<(), CommandError> {
    let n = count.people;
    if n == 0 || !(-COUNT_PLAUSIBLE_MAX..=COUNT_PLAUSIBLE_MAX).contains(&n) {
        return invalid("n", format!("{n} : comptez de 1 à {COUNT_PLAUSIBLE_MAX} personnes par touche"));
    }
    if n > 0 {
        return Ok(());
    }
    if count.same_visit {
        return invalid("n", format!("{n} : une demande de la même visite compte au moins 1"));
    }
    if count.day.is_none() {
        return invalid("day", "une correction négative dit de quel jour : ajoutez --day AAAA-MM-JJ");
    }
    if count.reason.as_deref().is_none_or(|reason| reason.trim().is_empty()) {
        return invalid("reason", "une correction négative dit pourquoi : ajoutez --reason TEXTE");
    }
    Ok(())
}

fn check_day(day: Day, today: Day) -> Result<(), CommandError> {
    if day > today {
        return invalid("day", format!("{day} est dans l’avenir : aujourd’hui, ici, est le {today}"));
    }
    Ok(())
}

/// A negative count never takes away more than is there.
fn check_remains(replica: &Replica<'_>, document: &DocId, day: Day, visit: &Visit) -> Outcome<()> {
    let mut left = (0i64, 0i64);
    for standing in facts::taps(replica.conn, document, Some(day.day_of_month()))? {
        if let Ok(other) = Visit::parse(&standing.standing.value)
            && (&other.operator, &other.help, &other.age) == (&visit.operator, &visit.help, &visit.age)
        {
            left = (left.0 + i64::from(other.people), left.1 + i64::from(other.requests));
        }
    }
    let Visit { people, operator, help, age, requests } = visit;
    if left.0 + i64::from(*people) < 0 || left.1 + i64::from(*requests) < 0 {
        let why = format!(
            "il n’y a que {} visite(s) {operator}, {help}, {age} le {day} : précisez aussi l’aide et l’âge",
            left.0
        );
        return Ok(invalid("n", why));
    }
    Ok(Ok(()))
}

/// The last tap made here for the day that still counts.
fn last_of_day(replica: &Replica<'_>, day: Day) -> Result<Option<Tap>, StoreError> {
    for tap in taps::of_day(replica.conn, day)? {
        let standing = facts::find(replica.conn, &tap.name)?;
        let counts = standing.and_then(|s| Visit::parse(&s.standing.value).ok()).is_some_and(|v| !v.is_undone());
        if counts && tap.place != Place::Aside {
            return Ok(Some(tap));
        }
    }
    Ok(None)
}

fn named(tap: TapRef) -> (TapName, String) {
    match tap {
        TapRef::Id(id) => (id.name(), id.to_uuid()),
        TapRef::Name(name) => (name, name.to_string()),
    }
}

fn undo(tap: Option<TapRef>, replica: &mut Replica<'_>, today: Day) -> Outcome<TapView> {
    let tap = match tap {
        Some(tap) => tap,
        None => match last_of_day(replica, today)? {
            Some(last) => TapRef::Name(last.name),
            None => return Ok(invalid("id", "rien à annuler aujourd’hui sur ce poste")),
        },
    };
    let (name, spelled) = named(tap);
    let Some(known) = facts::find(replica.conn, &name)? else { return Ok(Err(CommandError::UnknownTap(spelled))) };
    let visit = visit_of(&known)?;
    if visit.is_undone() {
        // Asked again: still undone.
        return view_again(replica, &name);
    }
    revise(&known, &visit.undone(), replica)
}

fn correct(tap: TapRef, correction: &Correction, replica: &mut Replica<'_>) -> Outcome<TapView> {
    let Correction { operator, help, age } = correction;
    check!(check_codes(
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
        return view_again(replica, &name);
    }
    revise(&known, &after, replica)
}

fn visit_of(known: &TapStanding) -> Result<Visit, StoreError> {
    Visit::parse(&known.standing.value)
        .map_err(|error| StoreError::Corrupt { what: format!("tap {}: {error}", known.name) })
}

/// Enters the next revision of a tap. Fields that this version does not know are carried along.
fn revise(known: &TapStanding, visit: &Visit, replica: &mut Replica<'_>) -> Outcome<TapView> {
    let TapStanding { document, name, standing } = known;
    let Some(rev) = standing.rev.checked_add(1).filter(|rev| *rev <= REV_MAX) else {
        return Ok(invalid("id", format!("cette visite a déjà été corrigée {REV_MAX} fois")));
    };
    let Some(day) = document.month().day(standing.day) else {
        return Err(StoreError::Corrupt { what: format!("tap {name} lies on day {}", standing.day) });
    };
    let further = standing.value.splitn(6, '|').nth(5).map(|fields| format!("|{fields}")).unwrap_or_default();
    let value = format!("{visit}{further}");
    if value.len() > VALUE_LEN_MAX {
        return Ok(invalid("id", "cette visite porte trop d’informations pour être corrigée ici"));
    }
    let place = replica.enter(document, &Key::tap(day, *name, rev).to_string(), &value)?;
    taps::set_place(replica.conn, name, place)?;
    let view = view(replica, name)?;
    Ok(view.map(|view| TapView { new: true, ..view }))
}

fn close(day: Day, closed: bool, replica: &mut Replica<'_>, profile: &Profile, today: Day) -> Outcome<Reply> {
    check!(check_day(day, today));
    let document = DocId::visits(profile.site.clone(), day.month());
    let before = match chains::document_row(replica.conn, &document)? {
        Some(id) => facts::closing(replica.conn, id, day.day_of_month())?,
        None => None,
    };
    if before.map_or(!closed, |before| before.closed == closed) {
        return Ok(Ok(Reply::Day(day, closed)));
    }
    let rev = before.map_or(1, |before| before.rev + 1);
    if rev > REV_MAX {
        return Ok(invalid("day", format!("cette journée a déjà été rouverte {REV_MAX} fois")));
    }
    replica.enter(&document, &Key::close(day, rev).to_string(), if closed { "1" } else { "0" })?;
    Ok(Ok(Reply::Day(day, closed)))
}

/// The tap as it now stands.
fn view(replica: &Replica<'_>, name: &TapName) -> Outcome<TapView> {
    let tap = taps::by_name(replica.conn, name)?;
    match facts::find(replica.conn, name)? {
        Some(known) => view_of(replica, &known, tap.as_ref()).map(Ok),
        None => Ok(Err(CommandError::UnknownTap(name.to_string()))),
    }
}

fn view_of(replica: &Replica<'_>, known: &TapStanding, tap: Option<&Tap>) -> Result<TapView, StoreError> {
    let visit = visit_of(known)?;
    let keeping = match tap.map(|tap| tap.place) {
        Some(Place::Aside) => Keeping::SetAside,
        Some(Place::Change { chain, seq }) if !is_acked(replica, chain, seq)? => Keeping::Kept,
        // Made elsewhere: it came from the hub.
        Some(Place::Change { .. }) | None => Keeping::Confirmed,
    };
    let day = known.document.month().day(known.standing.day);
    Ok(TapView {
        id: tap.map(|tap| tap.id),
        name: known.name,
        day: day.unwrap_or_else(|| known.document.month().first_day()),
        at: tap.map(|tap| tap.at),
        undone: visit.is_undone(),
        people: visit.people,
        operator: visit.operator,
        help: visit.help,
        age: visit.age,
        requests: visit.requests,
        rev: known.standing.rev,
        keeping,
        new: false,
    })
}

fn is_acked(replica: &Replica<'_>, chain: i64, seq: u64) -> Result<bool, StoreError> {
    Ok(chains::acked(replica.conn, chain)?.is_some_and(|acked| acked >= seq))
}

/// The taps of a day, those made here first and latest first.
fn list(replica: &Replica<'_>, profile: &Profile, day: Day) -> Result<Vec<TapView>, StoreError> {
    let document = DocId::visits(profile.site.clone(), day.month());
    let mut others: std::collections::BTreeMap<TapName, TapStanding> =
        facts::taps(replica.conn, &document, Some(day.day_of_month()))?
            .into_iter()
            .map(|known| (known.name, known))
            .collect();
    let mut views = Vec::new();
    for tap in taps::of_day(replica.conn, day)? {
        if let Some(known) = others.remove(&tap.name) {
            views.push(view_of(replica, &known, Some(&tap))?);
        }
    }
    for known in others.values() {
        views.push(view_of(replica, known, None)?);
    }
    Ok(views)
}
