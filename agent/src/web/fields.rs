//! From the texts of a request to the values of a command.
//!
//! Strict on purpose: a misspelt field that is ignored is a visit counted under the wrong thing.
//! Whether a code or a day may be counted under is the core's to say; here only the form is read.

use std::fmt;

use axum::body::Bytes;
use data_encoding::BASE64;
use jiff::civil::Date;
use msap_shared::code::{Age, AgeCode, Help, HelpCode, OperatorCode};
use msap_shared::id::TapId;
use msap_shared::time::{Day, Month};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::Problem;
use crate::catalogue::{self, quoted};
use crate::command::{Correction, Count, Period, TapRef};

mod house;
pub(super) mod partners;
pub(super) mod schedule;

pub use house::weekday;

/// Most people, either way, that one tap counts.
const PEOPLE_MAX: i64 = 99;
/// Longest reason, in characters.
const REASON_LEN_MAX: usize = 200;

/// The fields of a JSON object; each is taken once, and none may be left.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// Reads an object; no body at all is an empty one.
    pub(super) fn read(body: &Bytes) -> Result<Self, Problem> {
        if body.is_empty() {
            return Ok(Self(Map::new()));
        }
        match serde_json::from_slice(body) {
            Ok(Body::Object(fields)) => Ok(Self(fields)),
            Ok(Body::Twice(name)) => {
                let why = format!("le champ « {} » est donné deux fois", quoted(&name));
                Err(Problem::malformed(Some(&quoted(&name)), why))
            }
            // Of the wrong type, or no JSON at all.
            Err(error) if error.is_data() => Err(Problem::malformed(None, "un objet JSON est attendu")),
            Err(error) => Err(Problem::malformed(None, format!("le corps n’est pas du JSON : {error}"))),
        }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    fn text(&mut self, name: &str) -> Result<Option<String>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Problem::invalid(name, "un texte est attendu")),
        }
    }

    fn flag(&mut self, name: &str) -> Result<Option<bool>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(Problem::invalid(name, "true ou false est attendu")),
        }
    }

    fn end(self) -> Result<(), Problem> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => Err(Problem::malformed(Some(name), format!("le champ « {} » n’existe pas", quoted(name)))),
        }
    }
}

/// An object, or the name that it holds twice: of two values, neither is the one that was meant.
enum Body {
    Object(Map<String, Value>),
    Twice(String),
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Object)
    }
}

struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = Body;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut found: A) -> Result<Body, A::Error> {
        let (mut fields, mut twice) = (Map::new(), None);
        while let Some((name, value)) = found.next_entry::<String, Value>()? {
            if fields.insert(name.clone(), value).is_some() {
                twice = Some(name);
            }
        }
        Ok(twice.map_or(Body::Object(fields), Body::Twice))
    }
}

/// The visit to count, and whether a person named its day, not a clock.
pub(super) fn count(mut fields: Fields) -> Result<(Count, bool), Problem> {
    let id = fields.text("id")?.ok_or_else(|| Problem::invalid("id", "un UUID est attendu, tiré par qui compte"))?;
    let id =
        TapId::parse_uuid(&id).map_err(|_| Problem::invalid("id", format!("« {} » n’est pas un UUID", quoted(&id))))?;
    if id == TapId::new([0; 16]) {
        // What an unset variable or a failed draw gives: every one of these would be the same tap.
        return Err(Problem::invalid("id", "l’UUID nul ne désigne aucune visite : tirez-en un au hasard"));
    }
    let code = fields
        .text("operator")?
        .ok_or_else(|| Problem::invalid("operator", "un code de partenaire est attendu, comme CNAF"))?;
    let count = Count {
        id,
        operator: operator(&code)?,
        help: fields.text("help")?.map_or(Ok(Help::DEFAULT.code()), |code| help(&code))?,
        age: fields.text("age")?.map_or(Ok(Age::UNKNOWN.code()), |code| age(&code))?,
        people: people(fields.take("n"))?,
        day: fields.text("day")?.map(|text| day(&text)).transpose()?,
        same_visit: fields.flag("same_visit")?.unwrap_or(false),
        reason: fields.text("reason")?.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()),
    };
    let day_given = fields.flag("day_given")?.unwrap_or(false);
    fields.end()?;
    if count.reason.as_ref().is_some_and(|reason| reason.chars().count() > REASON_LEN_MAX) {
        return Err(Problem::invalid("reason", format!("{REASON_LEN_MAX} caractères au plus")));
    }
    if count.people < 0 && count.day.is_none() {
        return Err(Problem::invalid("day", "un nombre négatif corrige un jour précis : indiquez lequel"));
    }
    if count.people < 0 && count.reason.is_none() {
        return Err(Problem::invalid("reason", "un nombre négatif se justifie : indiquez pourquoi"));
    }
    Ok((count, day_given))
}

/// What to change of a tap: at least one field.
pub(super) fn correction(mut fields: Fields) -> Result<Correction, Problem> {
    let correction = Correction {
        operator: fields.text("operator")?.map(|code| operator(&code)).transpose()?,
        help: fields.text("help")?.map(|code| help(&code)).transpose()?,
        age: fields.text("age")?.map(|code| age(&code)).transpose()?,
    };
    fields.end()?;
    if correction == Correction::default() {
        return Err(Problem::malformed(None, "rien à corriger : indiquez operator, help ou age"));
    }
    Ok(correction)
}

/// Whether to close or to reopen a day.
pub(super) fn closed(mut fields: Fields) -> Result<bool, Problem> {
    let closed = fields.flag("closed")?.ok_or_else(|| Problem::invalid("closed", "true ou false est attendu"))?;
    fields.end()?;
    Ok(closed)
}

/// The day that a person gives.
pub(super) fn given_day(mut fields: Fields) -> Result<Day, Problem> {
    let text = fields.text("day")?.ok_or_else(|| Problem::invalid("day", "un jour est attendu, comme 2026-11-20"))?;
    fields.end()?;
    day(&text)
}

/// A request that takes no field.
pub(super) fn nothing(fields: Fields) -> Result<(), Problem> {
    fields.end()
}

/// A tap by its UUID or its name.
pub(super) fn tap(text: &str) -> Result<TapRef, Problem> {
    TapId::parse_uuid(text).map(TapRef::Id).or_else(|_| text.parse().map(TapRef::Name)).map_err(|_| {
        let why = format!("« {} » n’est ni un UUID ni un nom de visite de 11 caractères", quoted(text));
        Problem::invalid("id", why)
    })
}

/// `today`, or a day.
pub(super) fn day_or_today(text: &str) -> Result<Option<Day>, Problem> {
    if text == "today" { Ok(None) } else { day(text).map(Some) }
}

/// The sole `day` of a query.
pub(super) fn day_query(query: Vec<(String, String)>) -> Result<Option<Day>, Problem> {
    let [text] = parameters(query, ["day"])?;
    text.map_or(Ok(None), |text| day_or_today(&text))
}

/// The `day` or the `month` of a query.
pub(super) fn period(query: Vec<(String, String)>) -> Result<Period, Problem> {
    let [day, month] = parameters(query, ["day", "month"])?;
    match (day, month) {
        (None, None) => Ok(Period::Today),
        (Some(text), None) => Ok(day_or_today(&text)?.map_or(Period::Today, Period::Day)),
        (None, Some(text)) => text.parse::<Month>().map(Period::Month).map_err(|_| {
            Problem::invalid("month", format!("« {} » n’est pas un mois ; écrivez par exemple 2026-11", quoted(&text)))
        }),
        (Some(_), Some(_)) => Err(Problem::malformed(Some("month"), "un jour ou un mois, pas les deux")),
    }
}

/// A query without parameters.
pub(super) fn no_query(query: Vec<(String, String)>) -> Result<(), Problem> {
    parameters(query, []).map(|[]| ())
}

fn parameters<const N: usize>(query: Vec<(String, String)>, names: [&str; N]) -> Result<[Option<String>; N], Problem> {
    let mut values = [const { None }; N];
    for (name, value) in query {
        let Some(at) = names.iter().position(|known| *known == name) else {
            let why = format!("le paramètre « {} » n’existe pas", quoted(&name));
            return Err(Problem::malformed(Some(&name), why));
        };
        if values[at].replace(value).is_some() {
            return Err(Problem::malformed(Some(&name), format!("le paramètre « {name} » est donné deux fois")));
        }
    }
    Ok(values)
}

fn people(value: Option<Value>) -> Result<i16, Problem> {
    let number = match value {
        None => Some(1),
        Some(value) => value.as_i64(),
    };
    number
        .filter(|n| *n != 0 && n.abs() <= PEOPLE_MAX)
        .and_then(|n| i16::try_from(n).ok())
        .ok_or_else(|| Problem::invalid("n", "un nombre entier de 1 à 99 est attendu (ou de -99 à -1 pour corriger)"))
}

fn day(text: &str) -> Result<Day, Problem> {
    text.parse().map_err(|_| {
        let why = match text.parse::<Date>() {
            Ok(date) if date.to_string() == text => {
                format!("{date} : seuls les jours du 2000-01-01 au 2099-12-31 se comptent")
            }
            _ => format!("« {} » n’est pas un jour du calendrier ; écrivez par exemple 2026-11-20", quoted(text)),
        };
        Problem::invalid("day", why)
    })
}

fn operator(text: &str) -> Result<OperatorCode, Problem> {
    text.parse().map_err(|_| Problem::invalid("operator", catalogue::unknown_operator(text)))
}

fn help(text: &str) -> Result<HelpCode, Problem> {
    text.parse().map_err(|_| Problem::invalid("help", catalogue::unknown_help(text)))
}

fn age(text: &str) -> Result<AgeCode, Problem> {
    text.parse().map_err(|_| Problem::invalid("age", catalogue::unknown_age(text)))
}

/// Whether a file is to hold what is confirmed too.
pub(super) fn all(mut fields: Fields) -> Result<bool, Problem> {
    let all = fields.flag("all")?.unwrap_or(false);
    fields.end()?;
    Ok(all)
}

/// The bytes of a file.
pub(super) fn file(mut fields: Fields) -> Result<Vec<u8>, Problem> {
    let text =
        fields.text("file")?.ok_or_else(|| Problem::invalid("file", "le fichier du hub est attendu, en base 64"))?;
    fields.end()?;
    BASE64.decode(text.as_bytes()).map_err(|_| Problem::invalid("file", "le fichier n’est pas en base 64"))
}
