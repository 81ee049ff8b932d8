//! `GET /docs`: the description of the API as a page, made on the hub from the same document.
//!
//! French first, in English with `?lang=en`. It needs no script and loads its style from the hub.

use askama::Template;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{Html, IntoResponse};
use serde_json::Value;

use super::openapi;
use super::problem::Problem;
use super::query::Pairs;
use crate::ask::Given;
use crate::ask::parameter::LANG;
use crate::lang::{Lang, Phrase};

const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
const STYLE: &str = include_str!("../../assets/docs.css");

#[derive(Template)]
#[template(path = "docs.html")]
struct Page {
    lang: Lang,
    introduction: String,
    version: &'static str,
    addresses: Vec<Address>,
    schemas: Vec<Object>,
}

/// One address and method, as people read it.
struct Address {
    id: String,
    method: String,
    path: String,
    says: String,
    more: String,
    parameters: Vec<Row>,
    body: Option<String>,
    answers: Vec<(String, String)>,
    example: Option<String>,
}

/// One parameter or field.
struct Row {
    name: String,
    kind: String,
    needed: bool,
    says: String,
    example: String,
}

/// One object.
struct Object {
    name: String,
    fields: Vec<Row>,
}

/// The page.
pub(super) async fn page(Pairs(pairs): Pairs) -> Result<impl IntoResponse, Problem> {
    let words = [("fr", Lang::Fr), ("en", Lang::En)];
    let lang = Given::check(&pairs, &[LANG])?.choice("lang", &words, Phrase::new("fr ou en", "fr or en"))?;
    let page = made(&openapi::document(), lang.unwrap_or(Lang::Fr));
    let html = page.render().map_err(|error| Problem::internal(&error))?;
    Ok(([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(html)))
}

/// Its style.
pub(super) async fn style() -> ([(HeaderName, HeaderValue); 2], &'static str) {
    let kind = HeaderValue::from_static("text/css; charset=utf-8");
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))], STYLE)
}

fn made(document: &Value, lang: Lang) -> Page {
    let mut addresses = Vec::new();
    for (path, methods) in fields(&document["paths"]) {
        addresses.extend(fields(methods).map(|(method, operation)| address(document, (path, method), operation, lang)));
    }
    let schemas = fields(&document["components"]["schemas"]).map(|(name, schema)| {
        let required =
            |field: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|name| name == field));
        let row = |(field, of): (&String, &Value)| Row {
            name: field.clone(),
            kind: kind(of),
            needed: required(field),
            says: text(&of["description"]),
            example: shown(&schema["examples"][0][field]),
        };
        Object { name: name.clone(), fields: fields(&schema["properties"]).map(row).collect() }
    });
    Page {
        lang,
        introduction: text(&document["info"]["description"]),
        version: env!("CARGO_PKG_VERSION"),
        schemas: schemas.collect(),
        addresses,
    }
}

fn address(document: &Value, (path, method): (&str, &str), operation: &Value, lang: Lang) -> Address {
    let said = |of: &Value, fr: &str| text(lang.of(&of[fr], &of["x-en"]));
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let parameters = parameters.map(|parameter| openapi::meant(document, parameter)).map(|parameter| Row {
        name: text(&parameter["name"]),
        kind: kind(&parameter["schema"]),
        needed: parameter["required"] == true,
        says: said(parameter, "description"),
        example: shown(&parameter["example"]),
    });
    let good = fields(&operation["responses"]).find(|(status, _)| status.starts_with('2')).map(|(_, good)| good);
    let answers = good.into_iter().flat_map(|good| fields(&good["content"]));
    let first = good.and_then(|good| fields(&good["content"]).next()).map(|(_, content)| &content["example"]);
    let pretty = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    };
    let body = &operation["requestBody"]["content"]["application/json"];
    Address {
        id: format!("{method}-{}", path.replace(|c: char| !c.is_ascii_alphanumeric(), "-").trim_matches('-')),
        method: method.to_uppercase(),
        path: path.to_owned(),
        says: said(operation, "summary"),
        more: text(&operation["description"]),
        parameters: parameters.collect(),
        body: body.get("example").map(pretty),
        answers: answers.map(|(media, content)| (media.clone(), kind(&content["schema"]))).collect(),
        example: first.filter(|example| !example.is_null()).map(pretty),
    }
}

fn fields(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// An example on one line, cut where it is long.
fn shown(example: &Value) -> String {
    let text = match example {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
        }
        other => other.to_string(),
    };
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// What a schema takes, in a few words.
fn kind(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return reference.rsplit('/').next().unwrap_or_default().to_owned();
    }
    if let Some(parts) = schema["anyOf"].as_array() {
        return parts.iter().map(kind).collect::<Vec<_>>().join(" | ");
    }
    if let Some(words) = schema["enum"].as_array() {
        let said: Vec<_> = words.iter().map(|word| word.as_str().unwrap_or("null")).collect();
        return said.join(" | ");
    }
    if let Some(items) = schema.get("items") {
        return format!("[{}]", kind(items));
    }
    let format = schema["format"].as_str().map(|format| format!(" ({format})")).unwrap_or_default();
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" | "),
        kind => text(kind),
    };
    kinds + &format
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_tells_every_address_in_both_languages_without_script_or_style_of_its_own() {
        let document = openapi::document();
        for (lang, word) in [(Lang::Fr, "Paramètres"), (Lang::En, "Parameters")] {
            let page = made(&document, lang).render().unwrap();
            for (path, methods) in fields(&document["paths"]) {
                for (method, operation) in fields(methods) {
                    let (heading, says) =
                        (format!("{} <code>{path}</code>", method.to_uppercase()), lang.of("summary", "x-en"));
                    assert!(page.contains(&heading), "{heading}");
                    assert!(!text(&operation[says]).is_empty(), "{method} {path}");
                }
            }
            assert!(page.contains(word) && page.contains("<th scope=\"col\">"), "{word}");
            for forbidden in ["<script", "<style", " style=", " onclick", "http://", "https://"] {
                assert!(!page.contains(forbidden), "{forbidden}");
            }
        }
    }
}
