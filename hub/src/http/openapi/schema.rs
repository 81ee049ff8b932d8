//! Schemas of bodies and answers, written as they are read: closed objects whose fields are all
//! there unless they say otherwise, with an example at every end.
//!
//! Words of closed lists are given by the constants that the program itself goes by.

use serde_json::{Map, Value, json};

/// Marks a field that may be absent, until its object is made.
const OPTIONAL: &str = "x-optional";
/// The name of an object that is described once.
pub(super) const NAME: &str = "x-name";

/// What a value may be.
#[derive(Clone, Debug)]
pub(crate) struct Schema(pub(super) Value);

fn of(kind: &str, example: Value) -> Schema {
    Schema(json!({ "type": kind, "examples": [example] }))
}

/// A text, such as this one.
pub(super) fn text(example: &str) -> Schema {
    of("string", json!(example))
}

/// A text of this form, such as this one.
pub(super) fn shaped(pattern: &str, example: &str) -> Schema {
    text(example).with("pattern", json!(pattern))
}

/// The days of the calendar that is known.
pub(super) const DAY: &str = "^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$";

/// A day.
pub(super) fn day() -> Schema {
    shaped(DAY, "2026-11-20").with("format", json!("date"))
}

/// A text that is not blank, such as this one.
pub(super) fn said(example: &str) -> Schema {
    shaped("\\S", example)
}

/// A moment, in UTC.
pub(super) fn moment() -> Schema {
    text("2026-11-20T09:30:00Z").with("format", json!("date-time"))
}

/// A time of the clock on the wall.
pub(super) fn clock(example: &str) -> Schema {
    shaped("^([01][0-9]|2[0-4]):[0-5][0-9]$", example)
}

/// A whole number, which may be below zero.
pub(super) fn number(example: i64) -> Schema {
    of("integer", json!(example))
}

/// How many.
pub(super) fn count(example: u64) -> Schema {
    of("integer", json!(example)).with("minimum", json!(0))
}

/// A number with decimals.
pub(super) fn decimal(example: f64) -> Schema {
    of("number", json!(example))
}

/// Yes or no.
pub(super) fn flag() -> Schema {
    of("boolean", json!(true))
}

/// One of these words.
pub(super) fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> Schema {
    Schema(json!({ "type": "string", "enum": words.into_iter().collect::<Vec<_>>() }))
}

/// Several of these.
pub(super) fn list(item: Schema) -> Schema {
    Schema(json!({ "type": "array", "items": item.0 }))
}

/// Names, such as this one, and what they stand for.
pub(super) fn map(example: &str, value: Schema) -> Schema {
    Schema(json!({ "type": "object", "additionalProperties": value.0, "x-key": example }))
}

/// One of these.
pub(super) fn either(schemas: impl IntoIterator<Item = Schema>) -> Schema {
    Schema(json!({ "anyOf": schemas.into_iter().map(|schema| schema.0).collect::<Value>() }))
}

/// An object with these fields and no others.
pub(super) fn fields<const N: usize>(fields: [(&str, Schema); N]) -> Schema {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for (name, Schema(mut schema)) in fields {
        let optional = schema.as_object_mut().and_then(|schema| schema.remove(OPTIONAL)).is_some();
        if !optional {
            required.push(name.to_owned());
        }
        properties.insert(name.to_owned(), schema);
    }
    Schema(json!({
        "type": "object", "properties": properties, "required": required, "additionalProperties": false,
    }))
}

/// The same, under a name of its own.
pub(super) fn object<const N: usize>(name: &str, of: [(&str, Schema); N]) -> Schema {
    fields(of).with(NAME, json!(name))
}

impl Schema {
    /// Nothing.
    pub(super) fn null() -> Self {
        Self(json!({ "type": "null" }))
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.0[name] = value;
        self
    }

    /// An object under a name of its own.
    pub(super) fn with_name(self, name: &str) -> Self {
        self.with(NAME, json!(name))
    }

    /// What it is, in French.
    pub(super) fn says(self, text: &str) -> Self {
        self.with("description", json!(text))
    }

    /// Of which it may be null.
    pub(super) fn or_null(mut self) -> Self {
        match (self.0.get("type").and_then(Value::as_str).map(str::to_owned), self.0.get(NAME)) {
            (Some(kind), None) => {
                self.0["type"] = json!([kind, "null"]);
                if let Some(Value::Array(words)) = self.0.get_mut("enum") {
                    words.push(Value::Null);
                }
                self
            }
            _ => either([self, Self(json!({ "type": "null" }))]),
        }
    }

    /// At most so much.
    pub(super) fn at_most(self, most: u64) -> Self {
        self.with("maximum", json!(most))
    }

    /// A field that may be absent.
    pub(super) fn optional(self) -> Self {
        self.with(OPTIONAL, json!(true))
    }

    /// With the fields of another object as well.
    pub(super) fn and(mut self, Self(mut other): Self) -> Self {
        if let (Value::Object(properties), Value::Object(more)) = (&mut self.0["properties"], &mut other["properties"])
        {
            properties.append(more);
        }
        if let (Value::Array(required), Value::Array(more)) = (&mut self.0["required"], &mut other["required"]) {
            required.append(more);
        }
        self
    }

    /// That it may have further fields, which are not named.
    pub(super) fn open(mut self) -> Self {
        self.0["additionalProperties"] = json!(true);
        self
    }
}

/// A value that a schema describes, made of the examples of its parts.
pub(super) fn example(schema: &Value, named: &dyn Fn(&str) -> Option<Value>) -> Value {
    let first = |list: &str| schema[list].as_array().and_then(|items| items.first()).cloned();
    if let Some(found) = first("examples").or_else(|| first("enum")) {
        return found;
    }
    if let Some(found) = schema["$ref"].as_str().and_then(named) {
        return example(&found, named);
    }
    if let Some(part) = first("anyOf").or_else(|| first("allOf")) {
        return example(&part, named);
    }
    if let Some(items) = schema.get("items") {
        return json!([example(items, named)]);
    }
    if let (Some(key), Some(value)) = (schema["x-key"].as_str(), schema.get("additionalProperties")) {
        return json!({ key: example(value, named) });
    }
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties.map(|(name, value)| (name.clone(), example(value, named))).collect::<Map<_, _>>().into()
}
