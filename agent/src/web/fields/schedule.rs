//! From the texts of a request to a decision about the schedule.

use msap_shared::document::register::FieldError;
use msap_shared::document::schedule::{
    Absence, AbsenceKind, DayHours, Exception, GoodFriday, Off, Place, Reason, Slug, Variant, Weekday, Where,
};
use msap_shared::schedule::edit::field;
use msap_shared::time::Day;
use uuid::Uuid;

use super::house::count;
use super::{Fields, parameters};
use crate::catalogue::quoted;
use crate::command::house::{Decision, Look};
use crate::osm;
use crate::web::Problem;

/// The weekdays' fields, Monday first, then that of public holidays.
pub(in crate::web) const DAYS: [&str; 8] = ["mo", "tu", "we", "th", "fr", "sa", "su", "holiday"];

/// The days of a look at the schedule.
pub(in crate::web) fn look(query: Vec<(String, String)>) -> Result<Look, Problem> {
    let [from, to] = parameters(query, ["from", "to"])?;
    let day = |name: &'static str, text: Option<String>| text.map(|text| field::day(name, &text)).transpose();
    Ok(Look::Schedule { from: day("from", from)?, to: day("to", to)? })
}

/// The week that a page shows, and what the form before it did.
pub(in crate::web) fn page(query: Vec<(String, String)>) -> Result<(Option<Day>, Option<String>), Problem> {
    let [from, done] = parameters(query, ["from", "done"])?;
    Ok((from.map(|text| field::day("from", &text)).transpose()?, done))
}

/// `PUT /api/schedule/hours`: some days of the week, or the whole as OpenStreetMap text.
pub(in crate::web) fn hours(mut fields: Fields) -> Result<Decision, Problem> {
    let (from, place) = (fields.day("from")?, fields.place()?);
    if let Some(osm) = fields.word("osm")? {
        fields.end()?;
        let osm::Read { rules, exceptions, remarks } = osm::read(&osm)?;
        return Ok(Decision::Hours { from, place, rules, exceptions, untold: remarks });
    }
    let variant = fields.variant()?;
    let mut days = Vec::new();
    for (at, name) in DAYS.into_iter().enumerate() {
        if let Some(hours) = fields.read_as(name, field::hours)? {
            days.push((Weekday::ALL.get(at).copied(), hours));
        }
    }
    fields.end()?;
    if days.is_empty() {
        let why = "rien à changer : donnez un jour (mo, tu…), comme « 09:00-12:00, 14:00-17:30 » ou « fermé »";
        return Err(Problem::invalid("mo", why));
    }
    let (holiday, week): (Vec<_>, Vec<_>) = days.into_iter().partition(|(weekday, _)| weekday.is_none());
    match (holiday.is_empty(), week.is_empty()) {
        (false, true) => Ok(Decision::Days { from, place, variant: Variant::Holiday, days: holiday }),
        (true, _) => Ok(Decision::Days { from, place, variant, days: week }),
        (false, false) => {
            Err(Problem::invalid("holiday", "les jours fériés se règlent à part : envoyez-les dans une autre demande"))
        }
    }
}

/// `POST /api/schedule/hours/check`.
pub(in crate::web) fn check(mut fields: Fields) -> Result<String, Problem> {
    let osm = fields.word("osm")?.ok_or_else(|| Problem::invalid("osm", "un texte d’horaires est attendu"))?;
    fields.end()?;
    Ok(osm)
}

/// `PUT /api/schedule/staff`.
pub(in crate::web) fn staff(mut fields: Fields) -> Result<Decision, Problem> {
    let agents = match fields.word("agents")?.as_deref() {
        None => return Err(Problem::invalid("agents", "dites combien d’agents travaillent, de 0 à 99")),
        Some("unknown") => None,
        Some(text) => Some(u8::try_from(count("agents", text, 99)?).unwrap_or(u8::MAX)),
    };
    let decision = Decision::Staff {
        from: fields.day("from")?,
        place: fields.place()?,
        weekday: fields.weekday()?,
        within: fields.read_as("hours", field::interval)?,
        agents,
    };
    fields.end()?;
    Ok(decision)
}

/// `POST /api/schedule/exceptions`.
pub(in crate::web) fn exception(mut fields: Fields) -> Result<Decision, Problem> {
    let (days, place) = exception_days(&mut fields)?;
    let kind = fields.word("kind")?;
    let (reason, to) = (fields.reason()?, fields.read_as("to_place", field::place)?);
    let hours = fields.read_as("hours", field::hours)?;
    fields.end()?;
    let at_site = || place.clone().unwrap_or(Where::At(Place::Site));
    let other = reason.unwrap_or(Reason::Other);
    let slots = |hours: Option<DayHours>| {
        hours.ok_or_else(|| Problem::invalid("hours", "un créneau est attendu, comme 09:00-12:00"))
    };
    let (place, exception) = match kind.as_deref() {
        None | Some("closed") => {
            if hours.is_some() {
                return Err(Problem::invalid(
                    "hours",
                    "une fermeture n’a pas d’horaires : retirez-les, ou kind: hours",
                ));
            }
            let reason = reason.ok_or_else(|| Problem::invalid("reason", reasons()))?;
            (place.unwrap_or(Where::Everywhere), Exception::Closed(reason))
        }
        Some("extra") => (at_site(), Exception::Extra(other, slots(hours)?)),
        Some("hours") => (at_site(), Exception::Hours(other, slots(hours)?)),
        Some("moved") => {
            let to = to.ok_or_else(|| Problem::invalid("to_place", "nommez le lieu où la maison se trouvera"))?;
            (at_site(), Exception::Moved(other, to, hours))
        }
        Some(_) => return Err(Problem::invalid("kind", "closed, extra, hours ou moved est attendu")),
    };
    Ok(Decision::Except { days, place, exception })
}

/// `DELETE /api/schedule/exceptions`.
pub(in crate::web) fn remove_exception(mut fields: Fields) -> Result<Decision, Problem> {
    let (days, place) = exception_days(&mut fields)?;
    fields.end()?;
    Ok(Decision::RemoveException { days, place: place.unwrap_or(Where::Everywhere) })
}

fn exception_days(fields: &mut Fields) -> Result<((Day, Day), Option<Where>), Problem> {
    let from = fields.needed("from", "un jour est attendu, comme 2026-12-24", field::day)?;
    let to = fields.day("to")?.unwrap_or(from);
    Ok(((from, to), fields.read_as("place", field::place_or_all)?))
}

fn reasons() -> String {
    let codes: Vec<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    format!("dites pourquoi : {}", codes.join(", "))
}

/// `PUT /api/schedule/permanences`.
pub(in crate::web) fn permanence(mut fields: Fields) -> Result<Decision, Problem> {
    let decision = Decision::Permanence {
        from: fields.day("from")?,
        operator: fields.operator()?,
        place: fields.place()?,
        variant: fields.variant()?,
        weekday: fields.weekday()?,
        hours: fields.hours()?,
    };
    fields.end()?;
    Ok(decision)
}

/// `DELETE /api/schedule/permanences`.
pub(in crate::web) fn end_permanence(mut fields: Fields) -> Result<Decision, Problem> {
    let decision = Decision::EndPermanence {
        from: fields.day("from")?,
        operator: fields.operator()?,
        place: fields.read_as("place", field::place)?,
        weekday: fields.weekday()?,
    };
    fields.end()?;
    Ok(decision)
}

/// `PUT /api/schedule/permanences/off`: cancelled, or at the hours that are given.
pub(in crate::web) fn off(mut fields: Fields) -> Result<Decision, Problem> {
    let (day, operator) = (fields.day("day")?, fields.operator()?);
    let place = fields.read_as("place", field::place)?;
    let (reason, hours) = (fields.reason()?, fields.read_as("hours", field::hours)?);
    fields.end()?;
    let off = match hours {
        Some(hours) => Off::Hours(reason.unwrap_or(Reason::Other), hours),
        None => Off::Cancelled(reason.ok_or_else(|| Problem::invalid("reason", reasons()))?),
    };
    Ok(Decision::Off { day, operator, place, off })
}

/// `DELETE /api/schedule/permanences/off`.
pub(in crate::web) fn resume(mut fields: Fields) -> Result<Decision, Problem> {
    let decision = Decision::Resume {
        day: fields.day("day")?,
        operator: fields.operator()?,
        place: fields.read_as("place", field::place)?,
    };
    fields.end()?;
    Ok(decision)
}

/// `POST /api/schedule/absences`.
pub(in crate::web) fn absence(mut fields: Fields) -> Result<Decision, Problem> {
    let from = fields.needed("from", "un jour est attendu, comme 2026-12-24", field::day)?;
    let agents = fields.word("agents")?.map_or(Ok(1), |text| count("agents", &text, 99))?;
    let absence = Absence {
        from,
        to: fields.day("to")?.unwrap_or(from),
        interval: fields.read_as("hours", field::interval)?,
        agents: u8::try_from(agents).unwrap_or(u8::MAX),
        kind: fields.read_as("kind", absence_kind)?.unwrap_or(AbsenceKind::Other),
    };
    let id = fields.read_as("id", field::slug)?.map_or_else(drawn, Ok)?;
    fields.end()?;
    Ok(Decision::Absence { id, absence })
}

fn absence_kind(name: &'static str, text: &str) -> Result<AbsenceKind, FieldError> {
    AbsenceKind::known(text.trim()).ok_or_else(|| {
        let codes: Vec<&str> = AbsenceKind::ALL.iter().map(|kind| kind.as_str()).collect();
        FieldError::new(name, format!("« {} » inconnu : {}", quoted(text), codes.join(", ")))
    })
}

/// A name that nobody gave: whoever does not draw one cannot ask again without adding.
pub(in crate::web) fn drawn() -> Result<Slug, Problem> {
    let text = Uuid::new_v4().simple().to_string();
    Ok(field::slug("id", text.get(..12).unwrap_or_default())?)
}

/// `DELETE /api/schedule/absences/{id}`.
pub(in crate::web) fn absence_id(text: &str) -> Result<Decision, Problem> {
    Ok(Decision::RemoveAbsence(field::slug("id", text)?))
}

/// The form that takes an absence back.
pub(in crate::web) fn present(mut fields: Fields) -> Result<Decision, Problem> {
    let id = fields.word("id")?.unwrap_or_default();
    fields.end()?;
    absence_id(&id)
}

/// `PUT /api/schedule/places/{place}`.
pub(in crate::web) fn place(slug: &str, mut fields: Fields) -> Result<Decision, Problem> {
    let label = fields.word("label")?.unwrap_or_default();
    let address = fields.word("address")?.unwrap_or_default();
    fields.end()?;
    Ok(Decision::Place(field::slug("place", slug)?, field::place_label(&label, &address)?))
}

/// `PUT /api/schedule/note`: one of the texts and switches beside the hours.
pub(in crate::web) fn note(mut fields: Fields) -> Result<Decision, Problem> {
    if let Some(rule) = fields.word("good_friday")? {
        fields.end()?;
        return match rule.as_str() {
            "open" => Ok(Decision::GoodFriday(Some(GoodFriday::Open))),
            "closed" => Ok(Decision::GoodFriday(Some(GoodFriday::Closed))),
            "calendar" => Ok(Decision::GoodFriday(None)),
            _ => Err(Problem::invalid("good_friday", "open, closed ou calendar est attendu")),
        };
    }
    if fields.word("checked")?.is_some() {
        fields.end()?;
        return Ok(Decision::ConfirmHours);
    }
    let takes_back = fields.0.contains_key("comment");
    let comment = fields.read_as("comment", field::text)?;
    fields.end()?;
    match (takes_back, comment) {
        (true, comment) => Ok(Decision::Comment(comment)),
        (false, _) => Err(Problem::malformed(None, "rien à changer : comment, good_friday ou checked est attendu")),
    }
}
