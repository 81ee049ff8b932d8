//! `count`, `tally`, `day`: what the front desk does, from the command line.

use hyper::Method;
use msap_shared::code::{Age, Help, known_operator};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Context, CountAction, CountArgs, DayAction, Failure, TallyArgs, Visit};
use crate::client::{Client, escaped};
use crate::exit::Exit;
use crate::out::{self, Form, Lang};

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
            show_tap(context, &undone.map_err(|error| context.failed(error))?)
        }
        Some(CountAction::Undo { id: Some(id) }) => {
            let path = format!("/api/visits/{}", escaped(&id));
            let undone = client.send(Method::DELETE, &path, &json!({})).await;
            show_tap(context, &undone.map_err(|error| context.failed(error))?)
        }
        Some(CountAction::Correct { id, operator, help_kind, age }) => {
            let path = format!("/api/visits/{}", escaped(&id));
            let body = object([("operator", operator), ("help", help_kind), ("age", age)]);
            let corrected = client.send(Method::PATCH, &path, &body.into()).await;
            show_tap(context, &corrected.map_err(|error| context.failed(error))?)
        }
        Some(CountAction::List { day }) => {
            let query = day.map_or(String::new(), |day| format!("?day={}", escaped(&day)));
            let taps = client.get(&format!("/api/visits{query}")).await.map_err(|error| context.failed(error))?;
            show_taps(context, &taps)
        }
    }
}

async fn count_visit(context: &Context, client: &Client, visit: Visit) -> Result<Exit, Failure> {
    let id = visit.id.unwrap_or_else(|| Uuid::new_v4().to_string());
    let mut body = object([
        ("id", Some(id.clone())),
        ("operator", visit.operator),
        ("help", visit.help_kind),
        ("age", visit.age),
        ("day", visit.day),
        ("reason", visit.reason),
    ]);
    if let Some(n) = visit.n {
        // What is no number goes as it is: the agent names the field.
        body.insert("n".to_owned(), n.parse::<i64>().map_or_else(|_| n.into(), Value::from));
    }
    if visit.same_visit {
        body.insert("same_visit".to_owned(), true.into());
    }
    match client.send(Method::POST, "/api/visits", &body.into()).await {
        Ok(tap) => show_tap(context, &tap),
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
    let query = match (args.day, args.month) {
        (_, Some(month)) => format!("?month={}", escaped(&month)),
        (Some(day), None) => format!("?day={}", escaped(&day)),
        (None, None) => String::new(),
    };
    let tally = client.get(&format!("/api/tally{query}")).await.map_err(|error| context.failed(error))?;
    if context.form == Form::Json {
        out::json(&tally);
        return Ok(Exit::Ok);
    }
    let lang = context.lang;
    let row = |name: String, sums: &Value| vec![name, cell(sums, "visits"), cell(sums, "requests")];
    let rows = tally["rows"].as_array().into_iter().flatten();
    let mut rows: Vec<Vec<String>> =
        rows.map(|sums| row(operator_label(&cell(sums, "operator"), lang), sums)).collect();
    rows.push(row("Total".to_owned(), &tally));
    let header =
        [lang.pick("Partenaire", "Operator"), lang.pick("Visites", "Visits"), lang.pick("Démarches", "Requests")];
    out::table(&header, rows);
    let (from, to) = (cell(&tally, "from"), cell(&tally, "to"));
    let closed = if tally["closed"] == true { lang.pick(", journée close", ", day closed") } else { "" };
    out::note(&if from == to { format!("{from}{closed}") } else { format!("{from} – {to}") });
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
    let path = format!("/api/days/{}", escaped(day.as_deref().unwrap_or("today")));
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

fn object<const N: usize>(fields: [(&str, Option<String>); N]) -> Map<String, Value> {
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect()
}

fn show_tap(context: &Context, tap: &Value) -> Result<Exit, Failure> {
    if context.form == Form::Json {
        out::json(tap);
        return Ok(Exit::Ok);
    }
    let lang = context.lang;
    let what = if tap["undone"] == true {
        lang.pick("annulé", "undone")
    } else if tap["new"] == true {
        lang.pick("enregistré sur ce poste", "kept on this machine")
    } else if tap["rev"] != 0 {
        lang.pick("corrigé, enregistré sur ce poste", "corrected, kept on this machine")
    } else {
        lang.pick("déjà compté", "counted before")
    };
    let [_, day, people, operator, help, age, ..] = tap_cells(tap, lang);
    let name = tap["id"].as_str().map_or_else(|| cell(tap, "name"), str::to_owned);
    let people = if people == "1" || tap["undone"] == true { String::new() } else { format!(" × {people}") };
    out::data(&format!("{what} : {operator}{people}, {help}, {age}, {day} ({name})"));
    Ok(Exit::Ok)
}

fn show_taps(context: &Context, taps: &Value) -> Result<Exit, Failure> {
    if context.form == Form::Json {
        out::json(taps);
        return Ok(Exit::Ok);
    }
    let lang = context.lang;
    let rows = taps.as_array().into_iter().flatten().map(|tap| tap_cells(tap, lang).to_vec()).collect();
    let header = [
        lang.pick("Visite", "Visit"),
        lang.pick("Jour", "Day"),
        lang.pick("Personnes", "People"),
        lang.pick("Partenaire", "Operator"),
        lang.pick("Aide", "Help"),
        lang.pick("Âge", "Age"),
        lang.pick("Envoi", "Sent"),
    ];
    out::table(&header, rows);
    Ok(Exit::Ok)
}

fn tap_cells(tap: &Value, lang: Lang) -> [String; 7] {
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
    [
        tap["id"].as_str().map_or_else(|| cell(tap, "name"), str::to_owned),
        cell(tap, "day"),
        cell(tap, "people"),
        operator_label(&cell(tap, "operator"), lang),
        Help::known(&help).filter(|_| french).map_or(help, |help| help.label_fr().to_owned()),
        Age::known(&age).filter(|_| french).map_or(age, |age| age.label_fr().to_owned()),
        keeping,
    ]
}

fn operator_label(code: &str, lang: Lang) -> String {
    let known = known_operator(code).filter(|_| lang == Lang::Fr);
    known.map_or(code, |operator| operator.label_fr).to_owned()
}

/// One member of an answer as text; empty when it is missing or null.
fn cell(value: &Value, name: &str) -> String {
    match value.get(name) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    }
}
