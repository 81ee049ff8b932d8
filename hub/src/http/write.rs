//! What holds of every request that writes: who may, what a body may hold, how mistakes are told.

use msap_shared::document::register::{Author, FieldError};
use msap_shared::id::SiteId;
use serde_json::{Map, Value, json};

use super::auth::Caller;
use super::problem::Problem;
use super::scope::Role;
use crate::almanac::object;
use crate::coordinate::{WriteError, Written};

/// What is said of a conflict that is not there.
pub(super) const NO_CONFLICT: &str = "aucun conflit n’a cet identifiant : il a pu être tranché";

/// The role on whose behalf a caller writes.
pub(super) fn author(caller: &Caller) -> Result<Author, Problem> {
    if caller.role < Role::Coordinator {
        return Err(Problem::needs_role("coordinator"));
    }
    caller.scope.author().ok_or_else(|| Problem::not_in_scope(&caller.scope, "une modification"))
}

/// What was written of a site, and what was settled by it, as an answer.
pub(super) fn answer(site: &SiteId, written: &Written) -> Value {
    let facts = written.facts.iter().map(|(key, value)| json!({ "key": key, "value": value }));
    let settled = written.settled.iter().map(|(kind, conflict)| object::conflict(site.as_str(), *kind, conflict));
    let changed = !written.facts.is_empty();
    json!({ "changed": changed, "facts": facts.collect::<Value>(), "settled": settled.collect::<Value>() })
}

impl From<FieldError> for Problem {
    fn from(FieldError { field, why }: FieldError) -> Self {
        Self::field(field, why)
    }
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Field(error) => error.into(),
            WriteError::Gone(why) => Self::not_found(why),
            WriteError::NoConflict(_) => Self::not_found(NO_CONFLICT),
            // Whatever a person can do otherwise was said of the field.
            WriteError::Refused(_) => Self::internal(&error),
            WriteError::Store(error) => error.into(),
        }
    }
}

/// The fields of a JSON object, each taken once.
#[derive(Debug)]
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// The objects of a body: one, or a list of them.
    pub(super) fn several(body: &[u8]) -> Result<Vec<Self>, Problem> {
        match parse(body)? {
            Value::Array(objects) => objects.into_iter().map(Self::of).collect(),
            object => Ok(vec![Self::of(object)?]),
        }
    }

    /// The one object of a body.
    pub(super) fn one(body: &[u8]) -> Result<Self, Problem> {
        Self::of(parse(body)?)
    }

    fn of(value: Value) -> Result<Self, Problem> {
        match value {
            Value::Object(fields) => Ok(Self(fields)),
            _ => Err(Problem::body("attendu : un objet JSON")),
        }
    }

    /// Takes a text; `None` when the field is not there, `Some(None)` when it is null or empty.
    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<Option<String>>, Problem> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            Some(Value::String(text)) => Ok(Some(Some(text).filter(|text| !text.trim().is_empty()))),
            Some(_) => Err(Problem::field(name, "attendu : un texte")),
        }
    }

    /// Takes a text that must be there.
    pub(super) fn needed(&mut self, name: &'static str) -> Result<String, Problem> {
        self.text(name)?.flatten().ok_or_else(|| Problem::field(name, "ce champ manque"))
    }

    /// Takes a text, or what stands for its absence.
    pub(super) fn text_or(&mut self, name: &'static str, default: &str) -> Result<String, Problem> {
        Ok(self.text(name)?.flatten().unwrap_or_else(|| default.to_owned()))
    }

    /// Takes a number.
    pub(super) fn number(&mut self, name: &'static str) -> Result<Option<u16>, Problem> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match whole(&value).and_then(|number| u16::try_from(number).ok()) {
                Some(number) => Ok(Some(number)),
                None => Err(Problem::field(name, "attendu : un nombre de 0 à 65535")),
            },
        }
    }

    /// Takes a yes or no.
    pub(super) fn flag(&mut self, name: &'static str) -> Result<bool, Problem> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => Err(Problem::field(name, "attendu : true ou false")),
        }
    }

    /// Takes an object.
    pub(super) fn object(&mut self, name: &'static str) -> Result<Option<Self>, Problem> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(fields)) => Ok(Some(Self(fields))),
            Some(_) => Err(Problem::field(name, "attendu : un objet")),
        }
    }

    /// Nothing may be left: a misspelt field must not be silently ignored.
    pub(super) fn finish(self) -> Result<(), Problem> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => Err(Problem::field(name, "champ inconnu")),
        }
    }
}

/// A number without a fraction, however it is written: 2 and 2.0 are the same in JSON.
fn whole(value: &Value) -> Option<u64> {
    let written = value.as_f64().filter(|number| number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(number));
    value.as_u64().or_else(|| written.map(|number| number as u64))
}

fn parse(body: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(body).map_err(|_| Problem::body("le corps n’est pas du JSON"))
}
