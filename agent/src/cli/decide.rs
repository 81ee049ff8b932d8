//! Asking the agent about the schedule and the partners, and showing what became of it.

use hyper::Method;
use serde_json::{Map, Value, json};

use super::{Context, Failure};
use crate::client::escaped;
use crate::command::house::RemarkKind;
use crate::exit::Exit;
use crate::out::{self, Form, Lang};
use crate::wording;

/// Longest text of an argument, in characters: above what any field takes.
const TEXT_LEN_MAX: usize = 2_400;

/// The fields that were given.
pub(super) fn fields<const N: usize>(fields: [(&str, Option<String>); N]) -> Result<Value, Failure> {
    let given = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let fields: Result<Map<String, Value>, Failure> = given
        .map(|(name, value)| {
            let length = value.chars().count();
            if length > TEXT_LEN_MAX {
                let why = format!("{name} : {length} caractères, {TEXT_LEN_MAX} au plus");
                return Err(Failure::new(Exit::Invalid, why));
            }
            Ok((name.to_owned(), value.into()))
        })
        .collect();
    fields.map(Value::from)
}

/// A path that ends with one of the arguments.
pub(super) fn path(before: &str, name: &str, argument: &str, after: &str) -> Result<String, Failure> {
    fields([(name, Some(argument.to_owned()))])?;
    Ok(format!("{before}/{}{after}", escaped(argument)))
}

/// The query of these parameters; empty when none was given.
pub(super) fn query<const N: usize>(parameters: [(&str, Option<String>); N]) -> Result<String, Failure> {
    let fields = fields(parameters)?;
    let pairs = fields.as_object().into_iter().flatten();
    let pairs: Vec<String> =
        pairs.map(|(name, value)| format!("{name}={}", escaped(value.as_str().unwrap_or_default()))).collect();
    Ok(if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) })
}

/// Has a decision carried out, and tells what was kept.
pub(super) async fn decide(context: &Context, method: Method, path: &str, body: &Value) -> Result<Exit, Failure> {
    let client = context.client()?;
    let mut body = body.clone();
    if context.settle {
        body["settle"] = true.into();
    }
    let answer = client.send(method, path, &body).await.map_err(|error| context.failed(error))?;
    if context.form == Form::Json {
        out::json(&answer);
        return Ok(Exit::Ok);
    }
    let lang = context.lang;
    let facts = answer["facts"].as_array().map_or(&[][..], Vec::as_slice);
    for fact in facts {
        let words = wording::fact(&text(fact, "key"), &text(fact, "value"), lang);
        out::data(&format!("{} : {words}", lang.pick("enregistré sur ce poste", "kept on this machine")));
    }
    if facts.is_empty() {
        out::data(lang.pick("rien à changer", "nothing to change"));
    }
    if !list(&answer, "put_aside").is_empty() {
        let here = here(context).await?;
        for conflict in list(&answer, "put_aside") {
            let key = text(conflict, "key");
            for version in list(conflict, "versions") {
                let said = wording::said(&key, &text(version, "value"), lang);
                let by = signed(version, "day", &here, lang);
                let what = lang.pick("version écartée", "version put aside");
                out::data(&format!("{what} : {} : {said} ({by})", wording::subject(&key, lang)));
            }
        }
    }
    for found in list(&answer, "remarks") {
        out::note(&remark(found, lang));
    }
    Ok(Exit::Ok)
}

/// Something that the person should know, in words.
fn remark(found: &Value, lang: Lang) -> String {
    let (key, body) = (text(found, "key"), text(found, "value"));
    let kind = RemarkKind::known(&text(found, "kind"));
    let what = kind.map_or_else(|| text(found, "text"), |kind| lang.pick(kind.label_fr(), kind.label_en()).to_owned());
    match kind {
        Some(RemarkKind::PlaceUnnamed) => format!("{body} : {what} : msap-agent hours place {body} --label …"),
        Some(RemarkKind::StaffUnknown) => {
            format!("{} : {what} : msap-agent staff set …", wording::said(&key, &body, lang))
        }
        _ if key.is_empty() => format!("{what} : {body}"),
        _ => format!("{} : {} : {what}", wording::subject(&key, lang), wording::said(&key, &body, lang)),
    }
}

/// The id of this machine.
pub(super) async fn here(context: &Context) -> Result<String, Failure> {
    let status = context.client()?.get("/api/status").await.map_err(|error| context.failed(error))?;
    Ok(text(&status, "device"))
}

/// Reads something; `None` when it was printed already, as JSON.
pub(super) async fn look(context: &Context, path: &str) -> Result<Option<Value>, Failure> {
    let client = context.client()?;
    let answer = client.get(path).await.map_err(|error| context.failed(error))?;
    if context.form == Form::Json {
        out::json(&answer);
        return Ok(None);
    }
    Ok(Some(answer))
}

/// One member as text; empty when it is missing or null.
pub(super) fn text(value: &Value, name: &str) -> String {
    match &value[name] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The members of a list; none when it is missing.
pub(super) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

/// Who said something, and when; `here` is this machine's id.
pub(super) fn signed(value: &Value, day: &str, here: &str, lang: Lang) -> String {
    let author = text(value, "author");
    let author = author.parse().map_or(author, |author| wording::author(&author, here, lang));
    format!("{author}, {}", text(value, day))
}

/// A body without any field.
pub(super) fn nothing() -> Value {
    json!({})
}
