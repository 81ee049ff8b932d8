//! The front desk's commands, carried out on the store.
//!
//! Every check stands before the first write, so that a command that is refused has stored
//! nothing.

use jiff::Timestamp;
use msap_shared::code::Age;
use msap_shared::document::DocId;
use msap_shared::document::visits::{DAY_WAS_ASKED, Key, REV_MAX, Visit};
use msap_shared::id::TapId;
use msap_shared::time::Day;

use crate::catalogue::matter;
use crate::command::{Command, CommandError, Count, Notice, Period, Reply, TapView};
use crate::core::Machine;
use crate::core::clock::Today;
use crate::replica::Replica;
use crate::store::taps::{Place, Tap};
use crate::store::{Profile, StoreError, chains, facts, taps};

/// Returns from the function with the desk's answer when a check fails.
macro_rules! check {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(error) => return Ok(Err(error)),
        }
    };
}
mod bounds;
mod cells;
mod documents;
mod file;
mod house;
mod mend;
mod report;
mod show;
mod verify;

/// A day further back than this is counted, and said to be: most likely a slip of the keyboard.
const DAYS_BACK_USUAL: i32 = 62;

/// The outer error is the store's and ends the turn; the inner one is the desk's answer.
type Outcome<T> = Result<Result<T, CommandError>, StoreError>;

/// Carries out one command.
pub(crate) fn carry_out(
    command: Command,
    replica: &mut Replica<'_>,
    machine: Machine<'_>,
    now: Timestamp,
) -> Outcome<Reply> {
    let profile = machine.profile;
    let zone = &profile.timezone;
    let today = machine.today.day;
    Ok(match command {
        Command::Count(count) => self::count(count, replica, machine, now)?.map(Reply::Tap),
        Command::Undo(tap) => mend::undo(tap, replica, zone, today)?.map(Reply::Tap),
        Command::Correct(tap, correction) => mend::correct(tap, &correction, replica, zone)?.map(Reply::Tap),
        Command::Close { day, closed } => {
            check!(bounds::day_is_known(machine.today));
            close(day.unwrap_or(today), closed, replica, profile, today)?
        }
        Command::GiveDay(day) => Ok(Reply::Given(day)),
        Command::Tally(period) => {
            match period {
                Period::Today => {}
                Period::Day(day) => check!(bounds::not_to_come("day", day, today)),
                Period::Month(month) => check!(bounds::not_to_come("month", month.first_day(), today)),
            }
            Ok(Reply::Tally(report::tally(replica.conn, profile, period, today)?))
        }
        Command::List(day) => {
            let day = day.unwrap_or(today);
            check!(bounds::not_to_come("day", day, today));
            Ok(Reply::Taps(show::list(replica, profile, day)?))
        }
        Command::Status => Ok(Reply::Status(Box::new(report::status(replica.conn, machine, now)?))),
        Command::SyncLog => Ok(Reply::Log(crate::store::log::lines(replica.conn)?)),
        Command::Export { all } => Ok(Reply::Draft(Box::new(file::export(replica, machine, all, now)?))),
        Command::Import(answer) => file::import(&answer, replica, machine, now)?.map(Reply::Imported),
        Command::Verify => Ok(Reply::Verified(verify::verify(replica.conn)?)),
        Command::House(house) => {
            house::carry_out(*house, replica, machine, now)?.map(|seen| Reply::House(Box::new(seen)))
        }
    })
}

fn invalid<T>(field: &'static str, why: impl Into<String>) -> Result<T, CommandError> {
    Err(CommandError::Invalid { field, why: why.into() })
}

/// Counts a visit, unless the same tap was counted before.
///
/// Who asks again is recognised by the id alone, in whichever month it was counted. Only after an
/// old image was put back, before the hub has sent what it lacks, is an id unknown that was
/// counted before: a caller that repeats itself must then name the day, or a second month would
/// hold the tap too.
fn count(count: Count, replica: &mut Replica<'_>, machine: Machine<'_>, now: Timestamp) -> Outcome<TapView> {
    let profile = machine.profile;
    let zone = &profile.timezone;
    let today = machine.today.day;
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
        return if same { show::view(replica, zone, &before.name) } else { Ok(reused(count.id)) };
    }
    if let Some(known) = facts::find(replica.conn, &name)? {
        // Counted before this machine's image was taken back, or on another desk. A further
        // request has taken over its visit's age.
        let as_counted = Visit::parse(&known.standing.value).ok();
        let aged =
            as_counted.clone().filter(|_| count.same_visit).map(|counted| Visit { age: counted.age, ..visit.clone() });
        let asked = aged.map_or(value, |visit| visit.to_string());
        let same = known.standing.rev > 0 || as_counted.is_some_and(|counted| counted.to_string() == asked);
        return if same { show::view(replica, zone, &name) } else { Ok(reused(count.id)) };
    }
    // Only now: what was counted stays counted, whatever the clock or the catalogue says since.
    check!(bounds::day_is_known(machine.today));
    check!(bounds::codes(Some(count.operator.as_str()), Some(count.help.as_str()), Some(count.age.as_str())));
    check!(bounds::number(&count));
    check!(bounds::not_to_come("day", day, today));
    let mut part_of = None;
    if count.same_visit {
        let Some((root, whole)) = last_visit_of_day(replica, day)? else {
            return Ok(invalid(
                "same_visit",
                "aucune visite à compléter ce jour-là sur ce poste : comptez d’abord la visite",
            ));
        };
        if count.age == Age::UNKNOWN.code() {
            visit.age = whole.age;
        }
        part_of = Some(root.name);
    }
    let document = DocId::visits(profile.site.clone(), day.month());
    let revised = [cells::Revised { name, before: None, after: &visit }];
    if let Some(short) = cells::shortfall(replica.conn, &document, day, &revised)? {
        let (what, left) = (matter(&visit), short.left.0);
        return Ok(invalid(
            "n",
            format!("il n’y a que {left} visite(s) {what} le {day} : précisez aussi l’aide et l’âge"),
        ));
    }

    let place = replica.enter(&document, &Key::tap(day, name, 0).to_string(), &said(&visit, machine.today))?;
    let tap = Tap { id: count.id, name, at: now.as_second(), day, place, visit: value, part_of };
    taps::insert(replica.conn, &tap, count.reason.as_deref().unwrap_or_default())?;
    let mut notices = Vec::new();
    if is_closed(replica, &document, day)? {
        notices.push(Notice::ClosedDay);
    }
    if day < today.plus_days(-DAYS_BACK_USUAL) {
        notices.push(Notice::OldDay);
    }
    let view = show::view(replica, zone, &name)?;
    Ok(view.map(|view| TapView { new: true, notices, ..view }))
}

/// The value of a fact. Whoever reads it is told when the clock was not believed: the day is a
/// person's, and a person should look.
fn said(visit: &Visit, today: Today) -> String {
    if today.doubt.is_some() { format!("{visit}|{DAY_WAS_ASKED}") } else { visit.to_string() }
}

fn reused<T>(id: TapId) -> Result<T, CommandError> {
    Err(CommandError::IdReused(id.to_uuid()))
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

/// The last visit counted here for the day that still counts: what a further request is added
/// to. Not another further request, nor a negative count.
fn last_visit_of_day(replica: &Replica<'_>, day: Day) -> Result<Option<(Tap, Visit)>, StoreError> {
    for tap in taps::of_day(replica.conn, day)? {
        let standing = facts::find(replica.conn, &tap.name)?;
        let visit = standing.and_then(|known| Visit::parse(&known.standing.value).ok());
        if let Some(visit) = visit.filter(|visit| visit.people > 0 && tap.place != Place::Aside) {
            return Ok(Some((tap, visit)));
        }
    }
    Ok(None)
}

fn is_closed(replica: &Replica<'_>, document: &DocId, day: Day) -> Result<bool, StoreError> {
    let Some(row) = chains::document_row(replica.conn, document)? else { return Ok(false) };
    Ok(facts::closing(replica.conn, row, day.day_of_month())?.is_some_and(|closing| closing.closed))
}

fn close(day: Day, closed: bool, replica: &mut Replica<'_>, profile: &Profile, today: Day) -> Outcome<Reply> {
    check!(bounds::not_to_come("day", day, today));
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
