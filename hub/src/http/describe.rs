//! What an address does, takes and answers, said once beside its handler.
//!
//! `api` keeps a description for every address that it routes; the door goes by it, the document of
//! the API is written from it, and tests hold every answer against it.

use super::openapi::schema::Schema;
use super::scope::Role;
use super::spans::Spans;
use crate::ask::parameter::Parameter;
use crate::lang::Phrase;

pub(super) const JSON: &str = "application/json";
pub(super) const CSV: &str = "text/csv";
pub(super) const CALENDAR: &str = "text/calendar";
pub(super) const TEXT: &str = "text/plain";
pub(super) const BYTES: &str = "application/octet-stream";

/// One address and one method of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    /// In a line.
    pub(super) says: Phrase,
    /// What else is to be known of it, in French.
    pub(super) more: &'static str,
    /// The least role that may ask; `None` where nobody has to be known.
    pub(super) role: Option<Role>,
    /// The names in the address itself, in order.
    pub(super) names: &'static [Parameter],
    /// The names of the query.
    pub(super) parameters: &'static [Parameter],
    /// The body that it takes.
    pub(super) body: Option<fn() -> Schema>,
    /// What it answers.
    pub(super) answer: Answer,
    /// How much it reads for that.
    pub(super) spans: Spans,
    /// Statuses of problems that do not follow from the rest.
    pub(super) problems: &'static [u16],
}

/// What is answered when all goes well.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    /// An object.
    Json(fn() -> Schema),
    /// The same as an object or as a table.
    Table(fn() -> Schema),
    /// The same as an object, as a table or as a text.
    Prose(fn() -> Schema),
    /// A file of this type, with an example of how it begins.
    File(&'static str, &'static str),
    /// Nothing, 204.
    Nothing,
}

impl Answer {
    /// The types that it comes in; the first unless asked otherwise.
    pub(super) fn types(self) -> &'static [&'static str] {
        match self {
            Self::Json(_) => &[JSON],
            Self::Table(_) => &[JSON, CSV],
            Self::Prose(_) => &[JSON, CSV, TEXT],
            Self::File(CSV, _) => &[CSV],
            Self::File(CALENDAR, _) => &[CALENDAR],
            Self::File(TEXT, _) => &[TEXT],
            Self::File(..) => &[BYTES],
            Self::Nothing => &[],
        }
    }
}

impl Operation {
    /// Something that any reader may ask, without parameters.
    pub(super) const fn read(fr: &'static str, en: &'static str, answer: Answer) -> Self {
        let role = Some(Role::Reader);
        let says = Phrase::new(fr, en);
        let spans = Spans::Little;
        Self { says, more: "", role, names: &[], parameters: &[], body: None, answer, spans, problems: &[] }
    }

    /// Something that coordinators change.
    pub(super) const fn write(fr: &'static str, en: &'static str, answer: Answer) -> Self {
        Self { role: Some(Role::Coordinator), ..Self::read(fr, en, answer) }
    }

    /// The statuses of all problems that it may answer with.
    pub(super) fn statuses(&self) -> Vec<u16> {
        let mut statuses = vec![400, 406, 414, 431, 500, 503];
        statuses.extend(self.problems);
        if self.role.is_some() {
            statuses.extend([401, 403]);
        }
        if !self.names.is_empty() {
            statuses.push(404);
        }
        if !self.parameters.is_empty() || !self.names.is_empty() || self.body.is_some() {
            statuses.push(422);
        }
        if self.body.is_some() {
            statuses.extend([413, 415]);
        }
        statuses.sort_unstable();
        statuses.dedup();
        statuses
    }
}
