//! `hours`, `closure`, `permanence`, `staff`: the schedule, from the command line.

use hyper::Method;
use msap_shared::document::schedule::{AbsenceKind, Reason, Weekday};
use msap_shared::time::Day;
use serde_json::Value;
use uuid::Uuid;

use self::show::when;
use super::decide::{decide, fields, here, list, look, nothing, path, query, text};
use super::house::{AbsenceAction, ClosureAction, Dates, HoursAction, PermanenceAction, Since, StaffAction};
use super::{Context, Failure};
use crate::exit::Exit;
use crate::out::{self, Form};
use crate::wording;

mod show;

const HOURS: &str = "/api/schedule/hours";
const EXCEPTIONS: &str = "/api/schedule/exceptions";
const PERMANENCES: &str = "/api/schedule/permanences";
const OFF: &str = "/api/schedule/permanences/off";
const ABSENCES: &str = "/api/schedule/absences";
const NOTE: &str = "/api/schedule/note";
/// How far ahead exceptions are listed: beyond a school year.
const DAYS_AHEAD: i32 = 399;

/// `hours …`.
///
/// # Errors
/// As the agent answers.
pub async fn hours(context: &Context, action: HoursAction) -> Result<Exit, Failure> {
    let (method, at, body) = match action {
        HoursAction::Show { from, to } => {
            let query = query([("from", from), ("to", to)])?;
            let Some(schedule) = look(context, &format!("/api/schedule{query}")).await? else { return Ok(Exit::Ok) };
            show::days(&schedule, &here(context).await?, context.lang);
            return Ok(Exit::Ok);
        }
        HoursAction::Check { osm } => return check(context, osm).await,
        HoursAction::Set { osm, since: Since { from, place } } => {
            (Method::PUT, HOURS, fields([("osm", Some(osm)), ("from", from), ("place", place)])?)
        }
        HoursAction::Day { weekday, hours, variant, since: Since { from, place } } => {
            let field = weekday_field(&weekday)?;
            let body = [(field, Some(hours)), ("variant", variant), ("from", from), ("place", place)];
            (Method::PUT, HOURS, fields(body)?)
        }
        HoursAction::Extra { dates, hours, reason } => {
            (Method::POST, EXCEPTIONS, exception("extra", dates, Some(hours), reason, None)?)
        }
        HoursAction::Replace { dates, hours, reason } => {
            (Method::POST, EXCEPTIONS, exception("hours", dates, Some(hours), reason, None)?)
        }
        HoursAction::Move { dates, to_place, hours, reason } => {
            (Method::POST, EXCEPTIONS, exception("moved", dates, hours, reason, Some(to_place))?)
        }
        HoursAction::Place { place, label, address } => {
            let at = path("/api/schedule/places", "place", &place, "")?;
            let body = fields([("label", Some(label)), ("address", address)])?;
            return decide(context, Method::PUT, &at, &body).await;
        }
        HoursAction::Comment { text } => (Method::PUT, NOTE, fields([("comment", Some(text))])?),
        HoursAction::GoodFriday { rule } => (Method::PUT, NOTE, fields([("good_friday", Some(rule))])?),
        HoursAction::Confirm => (Method::PUT, NOTE, fields([("checked", Some("today".to_owned()))])?),
    };
    decide(context, method, at, &body).await
}

/// `closure …`.
///
/// # Errors
/// As the agent answers.
pub async fn closure(context: &Context, action: ClosureAction) -> Result<Exit, Failure> {
    match action {
        ClosureAction::Add { dates, reason } => {
            let body = exception("closed", dates, None, Some(reason), None)?;
            decide(context, Method::POST, EXCEPTIONS, &body).await
        }
        ClosureAction::Remove { dates: Dates { from, to, place } } => {
            let body = fields([("from", Some(from)), ("to", to), ("place", place)])?;
            decide(context, Method::DELETE, EXCEPTIONS, &body).await
        }
        ClosureAction::List => {
            let Some(schedule) = ahead(context).await? else { return Ok(Exit::Ok) };
            show::exceptions(&schedule, &here(context).await?, context.lang);
            Ok(Exit::Ok)
        }
    }
}

/// `permanence …`.
///
/// # Errors
/// As the agent answers.
pub async fn permanence(context: &Context, action: PermanenceAction) -> Result<Exit, Failure> {
    let (method, at, body) = match action {
        PermanenceAction::List => return list_permanences(context).await,
        PermanenceAction::Add { operator, day, slots, variant, since: Since { from, place } } => {
            let body = [
                ("operator", Some(operator)),
                ("weekday", Some(day)),
                ("hours", Some(slots)),
                ("variant", variant),
                ("from", from),
                ("place", place),
            ];
            (Method::PUT, PERMANENCES, fields(body)?)
        }
        PermanenceAction::Remove { operator, day, since: Since { from, place } } => {
            let body = [("operator", Some(operator)), ("weekday", day), ("from", from), ("place", place)];
            (Method::DELETE, PERMANENCES, fields(body)?)
        }
        PermanenceAction::Cancel { operator, day, reason, place } => {
            let body = [("operator", Some(operator)), ("day", day), ("reason", Some(reason)), ("place", place)];
            (Method::PUT, OFF, fields(body)?)
        }
        PermanenceAction::Shift { operator, day, slots, reason, place } => {
            let body = [
                ("operator", Some(operator)),
                ("day", day),
                ("hours", Some(slots)),
                ("reason", reason),
                ("place", place),
            ];
            (Method::PUT, OFF, fields(body)?)
        }
        PermanenceAction::Resume { operator, day, place } => {
            (Method::DELETE, OFF, fields([("operator", Some(operator)), ("day", day), ("place", place)])?)
        }
    };
    decide(context, method, at, &body).await
}

/// `staff …`.
///
/// # Errors
/// As the agent answers.
pub async fn staff(context: &Context, action: StaffAction) -> Result<Exit, Failure> {
    match action {
        StaffAction::Set { agents, day, hours, since: Since { from, place } } => {
            let body = [("agents", Some(agents)), ("weekday", day), ("hours", hours), ("from", from), ("place", place)];
            decide(context, Method::PUT, "/api/schedule/staff", &fields(body)?).await
        }
        StaffAction::Absence(AbsenceAction::Add { from, to, hours, agents, kind }) => {
            // Drawn here: what is asked again because its answer was lost is the same absence.
            let id = Uuid::new_v4().simple().to_string().chars().take(12).collect();
            let body = [
                ("id", Some(id)),
                ("from", Some(from)),
                ("to", to),
                ("hours", hours),
                ("agents", agents),
                ("kind", kind),
            ];
            decide(context, Method::POST, ABSENCES, &fields(body)?).await
        }
        StaffAction::Absence(AbsenceAction::Remove { id }) => {
            decide(context, Method::DELETE, &path(ABSENCES, "id", &id, "")?, &nothing()).await
        }
        StaffAction::Absence(AbsenceAction::List) => {
            let Some(schedule) = look(context, "/api/schedule").await? else { return Ok(Exit::Ok) };
            let lang = context.lang;
            let row = |away: &Value| {
                let kind = AbsenceKind::known(&text(away, "kind"));
                let kind = kind.map_or(String::new(), |kind| lang.pick(kind.label_fr(), kind.label_en()).to_owned());
                let days = [text(away, "from"), text(away, "to"), text(away, "hours")];
                let [from, to, hours] = days;
                vec![text(away, "id"), from, to, hours, text(away, "agents"), kind]
            };
            let rows = list(&schedule, "absences").iter().map(row).collect();
            let header = [
                lang.pick("Absence", "Absence"),
                lang.pick("Du", "From"),
                lang.pick("Au", "To"),
                lang.pick("Heures", "Hours"),
                lang.pick("Agents", "Agents"),
                lang.pick("Motif", "Why"),
            ];
            out::table(&header, rows);
            Ok(Exit::Ok)
        }
    }
}

fn exception(
    kind: &str,
    Dates { from, to, place }: Dates,
    hours: Option<String>,
    reason: Option<String>,
    to_place: Option<String>,
) -> Result<Value, Failure> {
    fields([
        ("kind", Some(kind.to_owned())),
        ("from", Some(from)),
        ("to", to),
        ("place", place),
        ("hours", hours),
        ("reason", reason),
        ("to_place", to_place),
    ])
}

/// The API's field of a weekday, or of public holidays.
fn weekday_field(text: &str) -> Result<&'static str, Failure> {
    if matches!(text.to_lowercase().as_str(), "férié" | "ferie" | "fériés" | "holiday") {
        return Ok("holiday");
    }
    let weekday = weekday(text);
    weekday.map(Weekday::as_str).ok_or_else(|| {
        let why = format!("JOUR : « {text} » n’est pas un jour de la semaine : lundi, mardi… ou férié");
        Failure::new(Exit::Invalid, why)
    })
}

fn weekday(text: &str) -> Option<Weekday> {
    crate::web::weekday("weekday", text).ok()
}

async fn check(context: &Context, osm: String) -> Result<Exit, Failure> {
    let client = context.client()?;
    let body = fields([("osm", Some(osm))])?;
    let answer = client.send(Method::POST, "/api/schedule/hours/check", &body).await;
    let answer = answer.map_err(|error| context.failed(error))?;
    if context.form == Form::Json {
        out::json(&answer);
        return Ok(Exit::Ok);
    }
    let lang = context.lang;
    let day = |rule: &Value| {
        let weekday = Weekday::ALL.into_iter().find(|weekday| rule["weekday"] == weekday.as_str());
        text(rule, "variant").parse().map_or_else(|_| text(rule, "variant"), |v| wording::rule(v, weekday, lang))
    };
    let hours =
        |rule: &Value| text(rule, "hours").parse().map_or_else(|_| text(rule, "hours"), |h| wording::hours(&h, lang));
    let mut rows: Vec<Vec<String>> = list(&answer, "rules").iter().map(|rule| vec![day(rule), hours(rule)]).collect();
    for found in list(&answer, "exceptions") {
        let days = format!("{}..{}", text(found, "from"), text(found, "to"));
        rows.push(vec![days, wording::said("on", &text(found, "value"), lang)]);
    }
    out::table(&[lang.pick("Jours", "Days"), lang.pick("Horaires", "Hours")], rows);
    for remark in list(&answer, "remarks").iter().filter_map(Value::as_str) {
        out::note(remark);
    }
    Ok(Exit::Ok)
}

/// The schedule with the exceptions of the year to come.
async fn ahead(context: &Context) -> Result<Option<Value>, Failure> {
    let client = context.client()?;
    let status = client.get("/api/status").await.map_err(|error| context.failed(error))?;
    let last = text(&status, "today").parse::<Day>().map(|today| today.plus_days(DAYS_AHEAD).to_string());
    let query = query([("to", last.ok())])?;
    look(context, &format!("/api/schedule{query}")).await
}

async fn list_permanences(context: &Context) -> Result<Exit, Failure> {
    let Some(schedule) = look(context, "/api/schedule").await? else { return Ok(Exit::Ok) };
    let lang = context.lang;
    let operator = |value: &Value| {
        text(value, "operator").parse().map_or_else(|_| text(value, "operator"), |of| wording::operator(&of, None))
    };
    let mut rows = Vec::new();
    for rule in list(&schedule, "permanences") {
        let weekday = weekday(&text(rule, "weekday"));
        let days =
            text(rule, "variant").parse().map_or_else(|_| text(rule, "variant"), |v| wording::rule(v, weekday, lang));
        let hours = text(rule, "hours").parse().map_or_else(|_| text(rule, "hours"), |h| wording::hours(&h, lang));
        rows.push(vec![
            text(rule, "operator"),
            operator(rule),
            days,
            hours,
            show::place(&schedule, &text(rule, "place")),
            String::new(),
        ]);
    }
    for day in list(&schedule, "days") {
        for coming in list(day, "permanences") {
            let cancelled = match &coming["cancelled"] {
                Value::Null => String::new(),
                why => {
                    let reason =
                        Reason::known(&text(why, "reason")).map(|reason| wording::reason(reason, lang).to_owned());
                    let reason = reason.unwrap_or_else(|| text(why, "label"));
                    format!("{} : {reason}", lang.pick("annulée", "cancelled"))
                }
            };
            let row = [
                text(coming, "operator"),
                operator(coming),
                text(day, "day"),
                when(coming, lang),
                show::place(&schedule, &text(coming, "place")),
            ];
            rows.push(row.into_iter().chain([cancelled]).collect());
        }
    }
    let header = [
        lang.pick("Code", "Code"),
        lang.pick("Partenaire", "Operator"),
        lang.pick("Jours", "Days"),
        lang.pick("Heures", "Hours"),
        lang.pick("Lieu", "Place"),
        lang.pick("Ce jour-là", "This day"),
    ];
    out::table(&header, rows);
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weekdays_are_taken_as_people_write_them() {
        for (text, field) in [("lundi", "mo"), ("Mon", "mo"), ("su", "su"), ("dim", "su"), ("férié", "holiday")] {
            assert_eq!(weekday_field(text).unwrap(), field, "{text}");
        }
        assert_eq!(weekday_field("demain").unwrap_err().exit, Exit::Invalid);
    }
}
