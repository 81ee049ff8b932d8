//! `count`, `tally`, `day`: what the front desk does, from the command line.

use hyper::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Context, CountAction, CountArgs, DayAction, Failure, TallyArgs, Visit};
use crate::catalogue;
use crate::client::{Client, escaped};
use crate::exit::Exit;
use crate::out::{self, Form, Lang};

/// Longest text of an argument, in characters: as long as a reason may be.
const TEXT_LEN_MAX: usize = 200;

/// `count …`.
///
/// # Errors
/// As the agent answers.
pub async fn count(context: &Context, args: CountArgs) -> Result<Exit, Failure> {
    let client = context.client()?;
    match args.action {
        None => count_visit(context, &client, args.visit).await,
        Some(CountAction::Undo { id: None }) => {
            // The last one is another one the second time: asked once only.
            let undone = client.send_once(Method::POST, "/api/visits/undo", &json!({})).await;
            show_tap(context, Asked::Undo, &undone.map_err(|error| context.failed(error))?)
        }
        Some(CountAction::Undo { id: Some(id) }) => {
            let path = format!("/api/visits/{}", escaped(&bounded("id", id, context.lang)?));
            let undone = client.send(Method::DELETE, &path, &json!({})).await;
            show_tap(context, Asked::Undo, &undone.map_err(|error| context.failed(error))?)
        }
        Some(CountAction::Correct { id, operator, help_kind, age }) => {
            let path = format!("/api/visits/{}", escaped(&bounded("id", id, context.lang)?));
            let body = object(
                [("operator", operator.map(upper)), ("help", help_kind.map(lower)), ("age", age.map(lower))],
                context.lang,
            )?;
            let corrected = client.send(Method::PATCH, &path, &body.into()).await;
            show_tap(context, Asked::Correct, &corrected.map_err(|error| context.failed(error))?)
        }
        Some(CountAction::List { day }) => {
            let query = query([("day", day)], context.lang)?;
            let taps = client.get(&format!("/api/visits{query}")).await.map_err(|error| context.failed(error))?;
            show_taps(context, &taps)
        }
    }
}

async fn count_visit(context: &Context, client: &Client, visit: Visit) -> Result<Exit, Failure> {
    let id = visit.id.unwrap_or_else(|| Uuid::new_v4().to_string());
    let mut body = object(
        [
            ("id", Some(id.clone())),
            ("operator", visit.operator.map(upper)),
            ("help", visit.help_kind.map(lower)),
            ("age", visit.age.map(lower)),
            ("day", visit.day),
            ("reason", visit.reason),
        ],
        context.lang,
    )?;
    if let Some(n) = visit.n {
        // What is no number goes as it is: the agent names the field.
        let n = bounded("n", n, context.lang)?;
        body.insert("n".to_owned(), n.parse::<i64>().map_or_else(|_| n.into(), Value::from));
    }
    if body.contains_key("day") {
        // A person's word, where the clock's is not believed.
        body.insert("day_given".to_owned(), true.into());
    }
    if visit.same_visit {
        body.insert("same_visit".to_owned(), true.into());
    }
    match client.send(Method::POST, "/api/visits", &body.into()).await {
        Ok(tap) => show_tap(context, Asked::Count, &tap),
        Err(error @ crate::client::ClientError::Broken(_)) => {
            let failure = context.failed(error);
            let next = context.lang.pick("Recommencez sans crainte avec", "Safely repeat it with");
            Err(Failure { text: format!("{}. {next} --id {id}", failure.text), ..failure })
        }
        Err(error) => Err(context.failed(error)),
    }
}

/// `tally`.
///
/// # Errors
/// As the agent answers.
pub async fn tally(context: &Context, args: TallyArgs) -> Result<Exit, Failure> {
    let client = context.client()?;
    let query = query([("day", args.day), ("month", args.month)], context.lang)?;
    let tally = client.get(&format!("/api/tally{query}")).await.map_err(|error| context.failed(error))?;
    if context.form == Form::Json {
        out::json(&tally);
        return Ok(Exit::Ok);
    }
    let lang = context.lang;
    let row = |name: String, sums: &Value| vec![name, cell(sums, "visits"), cell(sums, "requests")];
    let rows = tally["rows"].as_array().into_iter().flatten();
    let mut rows: Vec<Vec<String>> =
        rows.map(|sums| row(operator_named(&cell(sums, "operator"), lang), sums)).collect();
    rows.push(row("Total".to_owned(), &tally));
    let header =
        [lang.pick("Partenaire", "Operator"), lang.pick("Visites", "Visits"), lang.pick("Démarches", "Requests")];
    out::table(&header, rows);
    let (from, to) = (cell(&tally, "from"), cell(&tally, "to"));
    let closed = if tally["closed"] == true { lang.pick(", journée close", ", day closed") } else { "" };
    out::note(&if from == to { format!("{from}{closed}") } else { format!("{from} – {to}") });
    for sum in tally["negative"].as_array().into_iter().flatten() {
        let sums = format!("{} / {}", cell(sum, "visits"), cell(sum, "requests"));
        let Cells { day, operator, help, age, .. } = Cells::of(sum, lang);
        let next = lang.pick(
            "plus de visites retirées que comptées ; annulez une des corrections négatives de ce jour",
            "more visits taken back than counted; undo one of that day’s negative corrections",
        );
        out::note(&format!("{operator}, {help}, {age}, {day} : {sums}, {next}"));
    }
    Ok(Exit::Ok)
}

/// `day close`, `day reopen`.
///
/// # Errors
/// As the agent answers.
pub async fn day(context: &Context, action: DayAction) -> Result<Exit, Failure> {
    let client = context.client()?;
    let (day, closed) = match action {
        DayAction::Close { day } => (day, true),
        DayAction::Reopen { day } => (day, false),
    };
    let day = bounded("day", day.unwrap_or_else(|| "today".to_owned()), context.lang)?;
    let path = format!("/api/days/{}", escaped(&day));
    let answer = client.send(Method::PUT, &path, &json!({ "closed": closed })).await;
    let answer = answer.map_err(|error| context.failed(error))?;
    match context.form {
        Form::Json => out::json(&answer),
        Form::Text => {
            let words = if answer["closed"] == true {
                context.lang.pick("journée close", "day closed")
            } else {
                context.lang.pick("journée ouverte", "day open")
            };
            out::data(&format!("{} : {words}", cell(&answer, "day")));
        }
    }
    Ok(Exit::Ok)
}

/// The fields of a request that were given.
fn object<const N: usize>(fields: [(&str, Option<String>); N], lang: Lang) -> Result<Map<String, Value>, Failure> {
    let given = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
    given.map(|(name, value)| Ok((name.to_owned(), bounded(name, value, lang)?.into()))).collect()
}

/// The query of a request; empty when nothing was given.
fn query<const N: usize>(fields: [(&str, Option<String>); N], lang: Lang) -> Result<String, Failure> {
    let given = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let pairs = given.map(|(name, value)| Ok(format!("{name}={}", escaped(&bounded(name, value, lang)?))));
    let pairs: Vec<String> = pairs.collect::<Result<_, Failure>>()?;
    Ok(if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) })
}

/// A text that the agent can take and answer for by its field; a longer one would be refused
/// with the whole request.
fn bounded(field: &str, text: String, lang: Lang) -> Result<String, Failure> {
    let length = text.chars().count();
    if length > TEXT_LEN_MAX {
        let why = match lang {
            Lang::Fr => format!("{field} : {length} caractères, {TEXT_LEN_MAX} au plus"),
            Lang::En => format!("{field}: {length} characters, {TEXT_LEN_MAX} at most"),
        };
        return Err(Failure::new(Exit::Invalid, why));
    }
    Ok(text)
}

/// Codes are one case each: people type them in any.
fn upper(code: String) -> String {
    code.to_uppercase()
}

fn lower(code: String) -> String {
    code.to_lowercase()
}

/// What was asked of a tap.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Count,
    Undo,
    Correct,
}

fn show_tap(context: &Context, asked: Asked, tap: &Value) -> Result<Exit, Failure> {
    if context.form == Form::Json {
        out::json(tap);
        return Ok(Exit::Ok);
    }
    let lang = context.lang;
    let (undone, new) = (tap["undone"] == true, tap["new"] == true);
    let what = match asked {
        Asked::Undo if new => lang.pick("annulée", "undone"),
        Asked::Undo => lang.pick("déjà annulée", "undone before"),
        Asked::Correct if new => lang.pick("corrigée, enregistré sur ce poste", "corrected, kept on this machine"),
        Asked::Correct => lang.pick("rien à changer", "nothing to change"),
        Asked::Count if new => lang.pick("enregistré sur ce poste", "kept on this machine"),
        Asked::Count if undone => lang.pick("déjà comptée, puis annulée", "counted before, then undone"),
        Asked::Count => lang.pick("déjà comptée", "counted before"),
    };
    let Cells { name, day, people, operator, help, age, .. } = Cells::of(tap, lang);
    let people = match people.as_str() {
        "1" => String::new(),
        _ if undone => String::new(),
        "0" => format!(" ({})", lang.pick("démarche de plus", "further request")),
        people => format!(" × {people}"),
    };
    out::data(&format!("{what} : {operator}{people}, {help}, {age}, {day} ({name})"));
    match tap["also_undone"].as_array().map_or(0, Vec::len) {
        0 => {}
        1 => {
            out::data(lang.pick("avec elle, 1 autre démarche de la même visite", "and 1 further request of the visit"))
        }
        more => out::data(&match lang {
            Lang::Fr => format!("avec elle, {more} autres démarches de la même visite"),
            Lang::En => format!("and {more} further requests of the visit"),
        }),
    }
    for notice in tap["notices"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        match notice {
            "closed_day" => out::note(lang.pick(
                "cette journée était close : la visite compte tout de même",
                "this day was closed: the visit counts all the same",
            )),
            "old_day" => out::note(lang.pick(
                "ce jour remonte à plus de deux mois : vérifiez-le, ou annulez",
                "this day is more than two months back: check it, or undo",
            )),
            _ => {}
        }
    }
    Ok(Exit::Ok)
}

fn show_taps(context: &Context, taps: &Value) -> Result<Exit, Failure> {
    if context.form == Form::Json {
        out::json(taps);
        return Ok(Exit::Ok);
    }
    let lang = context.lang;
    let row = |tap: &Value| {
        let Cells { name, day, time, people, operator, help, age, keeping } = Cells::of(tap, lang);
        let people = match people.as_str() {
            _ if tap["undone"] == true => "—".to_owned(),
            "0" => lang.pick("démarche de plus", "further request").to_owned(),
            _ => people,
        };
        vec![name, day, time, people, operator, help, age, keeping]
    };
    let rows = taps.as_array().into_iter().flatten().map(row).collect();
    let header = [
        lang.pick("Visite", "Visit"),
        lang.pick("Jour", "Day"),
        lang.pick("Heure", "Time"),
        lang.pick("Personnes", "People"),
        lang.pick("Partenaire", "Operator"),
        lang.pick("Aide", "Help"),
        lang.pick("Âge", "Age"),
        lang.pick("Envoi", "Sent"),
    ];
    out::table(&header, rows);
    Ok(Exit::Ok)
}

/// A tap in words.
struct Cells {
    name: String,
    day: String,
    time: String,
    people: String,
    operator: String,
    help: String,
    age: String,
    keeping: String,
}

impl Cells {
    fn of(tap: &Value, lang: Lang) -> Self {
        let (help, age) = (cell(tap, "help"), cell(tap, "age"));
        let keeping = if tap["undone"] == true {
            lang.pick("annulée", "undone").to_owned()
        } else {
            match (tap["keeping"].as_str(), lang) {
                (Some("confirmed"), Lang::Fr) => "reçue par le hub".to_owned(),
                (Some("kept"), Lang::Fr) => "en attente".to_owned(),
                (Some("set_aside"), Lang::Fr) => "mise de côté".to_owned(),
                _ => cell(tap, "keeping"),
            }
        };
        let french = lang == Lang::Fr;
        Self {
            name: tap["id"].as_str().map_or_else(|| cell(tap, "name"), str::to_owned),
            day: cell(tap, "day"),
            time: match cell(tap, "time") {
                time if time.is_empty() => lang.pick("autre poste", "other desk").to_owned(),
                time => time,
            },
            people: cell(tap, "people"),
            operator: operator_named(&cell(tap, "operator"), lang),
            help: if french { catalogue::help_label(&help).to_owned() } else { help },
            age: if french { catalogue::age_label(&age).to_owned() } else { age },
            keeping,
        }
    }
}

fn operator_named(code: &str, lang: Lang) -> String {
    match lang {
        Lang::Fr => catalogue::operator_named(code),
        Lang::En => code.to_owned(),
    }
}

/// One member of an answer as text; empty when it is missing or null.
fn cell(value: &Value, name: &str) -> String {
    match value.get(name) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    }
}
