//! The description of the API as an OpenAPI 3.1 document, written from what `api` routes by.
//!
//! Served at `/openapi.json`, printed by `msap-hub openapi`, shown by `docs`, and kept in the
//! tree as `hub/openapi.json`, so that a change of it is seen. French first; the English words stand
//! beside as `x-en`. Invariant: no address is routed that it lacks.

use std::collections::BTreeMap;

use axum::http::Method;
use serde_json::{Map, Value, json};

use self::schema::{Schema, example};
use super::api::described;
use super::describe::{Answer, CSV, JSON, Operation, TEXT};
use crate::ask::parameter::{Parameter, Takes};

pub(super) mod answers;
pub(super) mod schema;

const INTRODUCTION: &str = "Les chiffres du réseau, ses lieux, leurs horaires et leurs partenaires. Chaque adresse sous /v1, \
sauf /v1/public, demande un jeton (« Authorization: Bearer … ») ou une session ouverte par POST /v1/session. Une question plus large que le \
périmètre est refusée, jamais rétrécie ; un paramètre inconnu ou répété est une erreur, qui nomme celui que vous vouliez dire, \
ou tous. Les longues questions ont leurs propres lecteurs : quand trop d’entre elles attendent, 503 avec Retry-After. Les listes \
continuent par « cursor », le « next » de la page précédente : ce qui reste pendant la lecture est dit une fois et une seule, \
quoi qu’il s’écrive entre deux pages. Chaque réponse à GET sous /v1 porte un ETag : If-None-Match est répondu 304 ; \
/healthz, /readyz, /openapi.json et /docs n’en ont pas. Un tableur demande \
format=csv-fr.";

/// The whole document.
pub fn document() -> Value {
    let mut named = BTreeMap::new();
    let (mut parameters, mut paths) = (Map::new(), Map::new());
    for (method, path, operation) in described() {
        let is_tagged = method == Method::GET && path.starts_with("/v1/");
        // The rest of an address, with its slashes, is one name.
        let path = path.replace("{*", "{");
        let methods = paths.entry(path).or_insert_with(|| json!({}));
        methods[method.as_str().to_lowercase()] = describe(operation, is_tagged, &mut named, &mut parameters);
    }
    let problem = hoisted(answers::problem(), &mut named);
    let lookup = |reference: &str| named.get(reference.rsplit('/').next()?).cloned();
    let examples: BTreeMap<_, _> =
        named.iter().map(|(name, schema)| (name.clone(), example(schema, &lookup))).collect();
    for (name, schema) in &mut named {
        schema["examples"] = json!([examples[name]]);
    }
    let problem_example = example(&problem, &|reference: &str| named.get(reference.rsplit('/').next()?).cloned());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "MSAP : l’interface du hub",
            "description": INTRODUCTION,
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "EUPL-1.2", "identifier": "EUPL-1.2" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }, { "session": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description": "msap-hub token create" },
                "session": { "type": "apiKey", "in": "cookie", "name": "msap_session", "description": "POST /v1/session" },
            },
            "responses": { "Problem": {
                "description": "Un problème, dit à un programme (type, parameter, field) et à une personne (title, detail)",
                "content": { "application/problem+json": { "schema": problem, "example": problem_example } },
            } },
            "parameters": parameters,
            "schemas": named,
        },
    })
}

/// What a part of the document stands for, where it only names it.
pub(super) fn meant<'a>(document: &'a Value, part: &'a Value) -> &'a Value {
    let named = part["$ref"].as_str().and_then(|reference| document.pointer(reference.strip_prefix('#')?));
    named.unwrap_or(part)
}

/// The document as it is kept in the tree.
pub fn text() -> String {
    format!("{:#}\n", document())
}

/// One address and method.
fn describe(
    operation: &Operation,
    is_tagged: bool,
    named: &mut BTreeMap<String, Value>,
    parameters: &mut Map<String, Value>,
) -> Value {
    let names = operation.names.iter().map(|name| parameter(name, "path"));
    let query = operation.parameters.iter().map(|known| parameter(known, "query"));
    let all: Value = names.chain(query).map(|described| once(described, parameters)).collect();
    let mut responses = Map::new();
    let (status, good) = good(operation, is_tagged, named);
    responses.insert(status.to_owned(), good);
    if is_tagged {
        responses
            .insert("304".to_owned(), json!({ "description": "Inchangé : ce que If-None-Match nomme vaut toujours" }));
    }
    for status in operation.statuses() {
        responses.insert(status.to_string(), json!({ "$ref": "#/components/responses/Problem" }));
    }
    let role = operation.role.map(|role| format!("Rôle : {role}."));
    let more: Vec<_> = [operation.more, role.as_deref().unwrap_or("Sans jeton.")]
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect();
    let mut object = json!({
        "summary": operation.says.fr,
        "x-en": operation.says.en,
        "description": more.join(" "),
        "parameters": all,
        "responses": responses,
    });
    if operation.role.is_none() {
        object["security"] = json!([]);
    }
    if let Some(body) = operation.body {
        let schema = hoisted(body(), named);
        object["requestBody"] = json!({ "required": true, "content": { JSON: content(schema, named) } });
    }
    object
}

/// The status of what goes well, and what is answered then.
fn good(operation: &Operation, is_tagged: bool, named: &mut BTreeMap<String, Value>) -> (&'static str, Value) {
    let mut types = Map::new();
    let says = match operation.answer {
        Answer::Nothing => return ("204", json!({ "description": "Fait" })),
        Answer::Json(schema) => {
            let schema = hoisted(schema(), named);
            types.insert(JSON.to_owned(), content(schema, named));
            "L’objet"
        }
        Answer::Table(schema) => {
            let schema = hoisted(schema(), named);
            types.insert(JSON.to_owned(), content(schema, named));
            types.insert(CSV.to_owned(), json!({ "schema": { "type": "string" } }));
            "L’objet, ou le tableau"
        }
        Answer::Prose(schema) => {
            let schema = hoisted(schema(), named);
            types.insert(JSON.to_owned(), content(schema, named));
            for kind in [CSV, TEXT] {
                types.insert(kind.to_owned(), json!({ "schema": { "type": "string" } }));
            }
            "L’objet, le tableau ou le texte"
        }
        Answer::File(kind, sample) => {
            let mut file = json!({ "schema": { "type": "string" }, "example": sample });
            if kind == super::describe::BYTES {
                file = json!({ "schema": {} });
            }
            types.insert(kind.to_owned(), file);
            "Le fichier"
        }
    };
    let header = |says: &str| json!({ "description": says, "schema": { "type": "string" } });
    let mut object = json!({ "description": says, "content": types });
    if is_tagged {
        object["headers"] = json!({ "ETag": header("la marque de cette réponse, pour If-None-Match") });
    }
    ("200", object)
}

fn content(schema: Value, named: &BTreeMap<String, Value>) -> Value {
    let example = example(&schema, &|reference: &str| named.get(reference.rsplit('/').next()?).cloned());
    json!({ "schema": schema, "example": example })
}

/// A parameter, described once however many addresses take it: under its name, and a number where
/// the same name means something else.
fn once(described: Value, parameters: &mut Map<String, Value>) -> Value {
    let name = described["name"].as_str().unwrap_or_default();
    let keys = std::iter::once(name.to_owned()).chain((2..).map(|n| format!("{name}_{n}")));
    for key in keys {
        match parameters.get(&key) {
            Some(held) if *held != described => {}
            held => {
                let reference = json!({ "$ref": format!("#/components/parameters/{key}") });
                if held.is_none() {
                    parameters.insert(key, described);
                }
                return reference;
            }
        }
    }
    described
}

/// A schema with its named objects put apart, each once.
fn hoisted(Schema(schema): Schema, named: &mut BTreeMap<String, Value>) -> Value {
    fn apart(value: Value, named: &mut BTreeMap<String, Value>) -> Value {
        match value {
            Value::Array(items) => items.into_iter().map(|item| apart(item, named)).collect(),
            Value::Object(fields) => {
                let mut object: Map<_, _> =
                    fields.into_iter().map(|(name, value)| (name, apart(value, named))).collect();
                let Some(Value::String(name)) = object.remove(schema::NAME) else { return object.into() };
                let says = object.remove("description");
                let mut reference = json!({ "$ref": format!("#/components/schemas/{name}") });
                if let Some(says) = says {
                    reference["description"] = says;
                }
                let object = Value::Object(object);
                let held = named.entry(name).or_insert_with(|| object.clone());
                debug_assert_eq!(*held, object, "two objects of one name");
                reference
            }
            other => other,
        }
    }
    apart(schema, named)
}

fn parameter(known: &Parameter, place: &str) -> Value {
    let text = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    let items = |of: Value| json!({ "type": "array", "items": of, "minItems": 1, "maxItems": crate::ask::VALUES_MAX });
    let (schema, list) = match known.takes {
        Takes::Day => (json!({ "type": "string", "format": "date", "pattern": schema::DAY }), false),
        Takes::Month => (text("^20[0-9]{2}-(0[1-9]|1[0-2])$"), false),
        Takes::Moment => (text("^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}.*$"), false),
        Takes::Word(words) => (json!({ "type": "string", "enum": words() }), false),
        Takes::Words(words) => (items(json!({ "type": "string", "enum": words() })), true),
        Takes::Text => (json!({ "type": "string", "minLength": 1 }), false),
        Takes::Texts => (items(text("^[^,]+$")), true),
        Takes::Rows(most) => (json!({ "type": "integer", "minimum": 1, "maximum": most }), false),
    };
    let mut object = json!({
        "name": known.name,
        "in": place,
        "required": known.needed,
        "description": known.says.fr,
        "x-en": known.says.en,
        "schema": schema,
        "example": sample(known),
    });
    if known.name == "by" {
        object["schema"]["uniqueItems"] = json!(true);
    }
    if list {
        (object["style"], object["explode"]) = (json!("form"), json!(false));
    }
    object
}

fn sample(known: &Parameter) -> Value {
    match known.takes {
        Takes::Words(_) | Takes::Texts => known.example.split(',').collect(),
        Takes::Rows(_) => known.example.parse::<u32>().map_or(Value::Null, |number| json!(number)),
        _ => json!(known.example),
    }
}
