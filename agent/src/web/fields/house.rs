//! The fields of decisions about the schedule and the partners.
//!
//! One reading for the API's JSON and for the forms of the pages, whose fields have the same names.
//! In a form, what is empty was not filled in.

use std::collections::BTreeMap;

use axum::body::Bytes;
use msap_shared::document::register::FieldError;
use msap_shared::document::schedule::{DayHours, OperatorToken, Place, Reason, Variant, Weekday};
use msap_shared::schedule::edit::field;
use msap_shared::time::Day;
use serde_json::Value;

use super::Fields;
use crate::catalogue::quoted;
use crate::web::Problem;

impl From<FieldError> for Problem {
    fn from(error: FieldError) -> Self {
        Self::invalid(error.field, error.why)
    }
}

impl Fields {
    /// Reads a form as a browser sends it; a field that is there twice is an error, as in JSON.
    pub(in crate::web) fn form(body: &Bytes) -> Result<Self, Problem> {
        let mut fields = Self::read(&Bytes::new())?;
        for (name, value) in form_urlencoded::parse(body) {
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            if fields.0.insert(name.to_string(), Value::from(value)).is_some() {
                let why = format!("le champ « {} » est donné deux fois", quoted(&name));
                return Err(Problem::malformed(Some(&quoted(&name)), why));
            }
        }
        Ok(fields)
    }

    /// Whether people's contradictions about this are to be put aside.
    pub(in crate::web) fn settle(&mut self) -> Result<bool, Problem> {
        Ok(self.flag("settle")?.unwrap_or(false))
    }

    /// Every text, to be shown again where the form was not carried out.
    pub(in crate::web) fn words(&self) -> BTreeMap<String, String> {
        let texts = self.0.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        texts.collect()
    }

    /// A text that may have been left out, or left empty.
    pub(in crate::web) fn word(&mut self, name: &str) -> Result<Option<String>, Problem> {
        match self.take(name) {
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.trim().is_empty())),
            Some(_) => Err(Problem::invalid(name, "un texte est attendu")),
            None => Ok(None),
        }
    }

    pub(super) fn read_as<T>(
        &mut self,
        name: &'static str,
        read: impl Fn(&'static str, &str) -> Result<T, FieldError>,
    ) -> Result<Option<T>, Problem> {
        Ok(self.word(name)?.map(|text| read(name, &text)).transpose()?)
    }

    pub(super) fn needed<T>(
        &mut self,
        name: &'static str,
        why: &str,
        read: impl Fn(&'static str, &str) -> Result<T, FieldError>,
    ) -> Result<T, Problem> {
        self.read_as(name, read)?.ok_or_else(|| Problem::invalid(name, why))
    }

    pub(super) fn day(&mut self, name: &'static str) -> Result<Option<Day>, Problem> {
        self.read_as(name, field::day)
    }

    pub(super) fn place(&mut self) -> Result<Place, Problem> {
        Ok(self.read_as("place", field::place)?.unwrap_or_default())
    }

    pub(super) fn operator(&mut self) -> Result<OperatorToken, Problem> {
        self.needed("operator", "un partenaire est attendu : un code comme CNAF, ou LOCAL:ecrivain-public", operator)
    }

    pub(super) fn hours(&mut self) -> Result<DayHours, Problem> {
        self.needed("hours", "un créneau est attendu, comme 09:00-12:00", field::hours)
    }

    pub(super) fn weekday(&mut self) -> Result<Option<Weekday>, Problem> {
        self.read_as("weekday", weekday)
    }

    pub(super) fn variant(&mut self) -> Result<Variant, Problem> {
        Ok(self.read_as("variant", field::variant)?.unwrap_or(Variant::Every))
    }

    pub(super) fn reason(&mut self) -> Result<Option<Reason>, Problem> {
        self.read_as("reason", field::reason)
    }
}

/// A weekday, also by the first three letters of its name.
///
/// # Errors
/// When it is none.
pub fn weekday(name: &'static str, text: &str) -> Result<Weekday, FieldError> {
    let small = text.trim().to_lowercase();
    let begins = |weekday: &Weekday| {
        let names = [weekday.label_fr().to_owned(), weekday.label_en().to_lowercase()];
        small.len() == 3 && names.iter().any(|name| name.starts_with(&small))
    };
    Weekday::ALL.into_iter().find(begins).map_or_else(|| field::weekday(name, text), Ok)
}

/// A partner's code, in any case; a local service's is small.
pub(super) fn operator(name: &'static str, text: &str) -> Result<OperatorToken, FieldError> {
    let (head, tail) = text.trim().split_once(':').map_or((text.trim(), None), |(head, tail)| (head, Some(tail)));
    let text = match tail {
        Some(tail) => format!("{}:{}", head.to_uppercase(), tail.to_lowercase()),
        None => head.to_uppercase(),
    };
    field::operator(name, &text)
}

/// A number.
pub(super) fn count(name: &'static str, text: &str, max: u16) -> Result<u16, FieldError> {
    let read = text.trim().parse().ok().filter(|n| *n <= max);
    read.ok_or_else(|| FieldError::new(name, format!("« {} » : un nombre de 0 à {max} est attendu", quoted(text))))
}
