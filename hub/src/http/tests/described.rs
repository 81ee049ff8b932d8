//! The description of the API: every answer that any test of the interface sees is held against it.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

use axum::http::{HeaderMap, Method};
use jsonschema::Validator;
use serde_json::json;

use super::super::api::described;
use super::super::describe::{Answer, JSON, Operation};
use super::super::openapi;
use super::*;
use crate::ask;
use crate::ask::parameter::{Parameter, TO};

static DOCUMENT: LazyLock<Value> = LazyLock::new(openapi::document);
static VALIDATORS: Mutex<BTreeMap<String, &'static Validator>> = Mutex::new(BTreeMap::new());

/// What judges values by a schema of the document.
fn validator(schema: &Value) -> &'static Validator {
    let mut known = VALIDATORS.lock().unwrap();
    known.entry(schema.to_string()).or_insert_with(|| {
        let mut whole = schema.clone();
        whole["components"] = DOCUMENT["components"].clone();
        let made = jsonschema::options().should_validate_formats(true).build(&whole).unwrap();
        Box::leak(Box::new(made))
    })
}

/// The address that a path is of.
fn found(method: &Method, path: &str) -> Option<(String, &'static Operation)> {
    let is_of = |template: &str| {
        let mut parts = path.split('/');
        for known in template.split('/') {
            match parts.next() {
                Some(_) if known.starts_with("{*") => return true,
                Some(part) if known.starts_with('{') || known == part => {}
                _ => return false,
            }
        }
        parts.next().is_none()
    };
    let mut all = described().into_iter().filter(|(of, template, _)| of == method && is_of(template));
    all.next().map(|(_, template, operation)| (template.replace("{*", "{"), operation))
}

/// Fails unless an answer is one that the description tells of.
pub(super) fn hold(method: &Method, path: &str, status: StatusCode, headers: &HeaderMap, body: &[u8]) {
    let kind = headers.get("content-type").map_or("", |kind| kind.to_str().unwrap());
    let kind = kind.split(';').next().unwrap();
    let judge = |schema: &Value, value: &Value| {
        let wrong: Vec<_> =
            validator(schema).iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(wrong.is_empty(), "{method} {path} {status}: {}\n{value:#}", wrong.join("\n"));
    };
    if status.as_u16() >= 400 {
        assert_eq!(kind, "application/problem+json", "{method} {path} {status}");
        let problem = serde_json::from_slice(body).unwrap();
        judge(&json!({ "$ref": "#/components/schemas/Problem" }), &problem);
        assert_eq!(problem["status"], status.as_u16());
    }
    let Some((template, operation)) = found(method, path) else { return };
    let responses = &DOCUMENT["paths"][&template][method.as_str().to_lowercase()]["responses"];
    let told = &responses[status.as_str()];
    assert!(!told.is_null(), "{method} {template} answered {status}, of which nothing is said");
    if !status.is_success() || headers.contains_key("content-encoding") || operation.answer.types().is_empty() {
        return;
    }
    let content = &told["content"][kind];
    assert!(!content.is_null(), "{method} {template} answered {kind:?}, of which nothing is said");
    if kind == JSON && !matches!(operation.answer, Answer::File(..)) {
        judge(&content["schema"], &serde_json::from_slice(body).unwrap());
    }
}

#[test]
fn the_document_in_the_tree_is_what_the_program_describes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    let renew = "the API or its description changed: look at the difference, then renew it with\n  \
                 cargo run --profile ci --bin msap-hub -- openapi > openapi.new && mv openapi.new hub/openapi.json";
    assert!(kept == openapi::text(), "{renew}");
}

#[test]
fn every_address_parameter_body_and_answer_is_described_with_an_example_that_holds() {
    let blank = |value: &Value| value.as_str().is_none_or(str::is_empty);
    for (path, methods) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let name = format!("{method} {path}");
            assert!(!blank(&operation["summary"]) && !blank(&operation["x-en"]), "{name}");
            let parameters = operation["parameters"].as_array().unwrap().iter();
            let parameters: Vec<_> = parameters.map(|parameter| openapi::meant(&DOCUMENT, parameter)).collect();
            let placed = parameters.iter().filter(|known| known["in"] == "path");
            assert_eq!(placed.count(), path.matches('{').count(), "{name}");
            for parameter in parameters {
                assert!(!blank(&parameter["description"]) && !blank(&parameter["x-en"]), "{name} {parameter}");
                assert!(validator(&parameter["schema"]).is_valid(&parameter["example"]), "{name} {parameter}");
            }
            let bodies = [&operation["requestBody"], &operation["responses"]["200"]];
            for (kind, content) in bodies.iter().filter_map(|body| body["content"].as_object()).flatten() {
                if kind == JSON && content["schema"] != json!({ "type": "string" }) {
                    assert!(validator(&content["schema"]).is_valid(&content["example"]), "{name} {content:#}");
                }
            }
        }
    }
    for (name, schema) in DOCUMENT["components"]["schemas"].as_object().unwrap() {
        assert!(validator(schema).is_valid(&schema["examples"][0]), "{name}: {:#}", schema["examples"][0]);
    }
}

/// Parameters that need others beside them.
fn beside(known: &str, names: &[Parameter]) -> String {
    // A period has two ends, but in calendars.
    let both = names.iter().any(|other| other.name == "to" && other.says == TO.says);
    let other = |name| names.iter().find(|other| other.name == name).map_or("", |other| other.example);
    // The network's size has a period by month alone.
    let by = if names.len() == ask::NETWORK.len() && other("by") == ask::NETWORK[0].example { "&by=month" } else { "" };
    match known {
        "from" if both => format!("&to={}{by}", other("to")),
        "to" if both => format!("&from={}{by}", other("from")),
        _ => String::new(),
    }
}

#[tokio::test]
async fn an_answer_has_a_tag_where_the_description_says_so_and_nowhere_else() {
    let hub = hub();
    for path in ["/healthz", "/readyz", "/openapi.json", "/v1/sites", "/v1/closures"] {
        let good = &DOCUMENT["paths"][path]["get"]["responses"];
        let is_told = good["200"]["headers"].get("ETag").is_some();
        assert_eq!(is_told, good.get("304").is_some(), "{path}");
        let request = Request::get(path).header("authorization", "Bearer admin").body(Body::empty()).unwrap();
        let (_, headers, _) = hub.send(request).await;
        assert_eq!(headers.contains_key("etag"), is_told, "{path}");
    }
    let changed = &DOCUMENT["paths"]["/v1/sites/{id}/closures"]["delete"]["responses"];
    assert!(changed.get("304").is_none() && changed["200"].get("headers").is_none(), "{changed}");
}

#[tokio::test]
async fn the_page_for_people_takes_its_language_and_nothing_else() {
    let hub = hub();
    for (query, status, parameter) in [
        ("", 200, None),
        ("?lang=en", 200, None),
        ("?lang=fr", 200, None),
        ("?lang=de", 422, Some("lang")),
        ("?x=1", 400, Some("x")),
        ("?lang=en&lang=fr", 400, Some("lang")),
    ] {
        let request = Request::get(format!("/docs{query}")).body(Body::empty()).unwrap();
        let (found, headers, body) = hub.send(request).await;
        assert_eq!(found, status, "{query}");
        let Some(parameter) = parameter else { continue };
        assert_eq!(headers["content-type"], "application/problem+json", "{query}");
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["parameter"], parameter, "{query}");
    }
}

#[tokio::test]
async fn every_parameter_of_an_address_is_taken_with_its_example() {
    let hub = hub();
    let gets = described().into_iter().filter(|(method, ..)| *method == Method::GET);
    for (_, path, operation) in gets {
        let path = path.replace("{*id}", "site/275/visits/2026-11").replace("{id}", "275").replace("{code}", "CNAF");
        let path = path.replace("{table}", "departments");
        let names = operation.parameters;
        let needed: String =
            names.iter().filter(|one| one.needed).map(|one| format!("&{}={}", one.name, one.example)).collect();
        for known in names.iter().filter(|known| known.name != "cursor" && !known.needed) {
            let address = format!("{path}?{}={}{}{needed}", known.name, known.example, beside(known.name, names));
            let request = Request::get(&address).header("authorization", "Bearer admin").body(Body::empty()).unwrap();
            let (status, _, body) = hub.send(request).await;
            // What was received by a day that was before this database is not known any more.
            // And nothing is released here.
            let expected = match known.name {
                "as_of" => 409,
                "public" => 404,
                _ if path.starts_with("/v1/public/") => 404,
                _ => 200,
            };
            assert_eq!(status, expected, "{address}: {}", String::from_utf8_lossy(&body));
        }
    }
}
