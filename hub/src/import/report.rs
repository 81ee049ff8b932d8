//! What an import tells: counts, each change, each defect with what was found and done.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::lang::{Lang, Phrase};
use crate::site::Site;

/// Longest piece of a file that is repeated in a report, in characters.
const FOUND_LEN_MAX: usize = 60;

/// A defect, and what was done about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Defect {
    /// The stable code.
    pub(super) code: &'static str,
    /// What is wrong.
    pub(super) problem: Phrase,
    /// What was done.
    pub(super) done: Phrase,
}

impl Defect {
    pub(super) const fn new(code: &'static str, problem: (&'static str, &'static str), done: Phrase) -> Self {
        Self { code, problem: Phrase::new(problem.0, problem.1), done }
    }
}

/// A defect at its place in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowProblem {
    /// Line of the file, from 1.
    pub line: u64,
    /// The site, as the row names it.
    pub site: String,
    /// The column, as the file names it.
    pub field: String,
    /// The stable code.
    pub code: String,
    /// What stands there.
    pub found: String,
    /// What is wrong with it.
    pub problem: String,
    /// What was done.
    pub done: String,
    /// Whether the row was left out because of it.
    pub rejected: bool,
}

/// One field of a known site that the list changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub struct FieldChange {
    pub line: u64,
    pub site: String,
    pub field: String,
    pub old: String,
    pub new: String,
}

/// A site that an older list named and this one does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub struct MissingSite {
    pub site: String,
    pub name: String,
    /// The date of the last list that named it.
    pub list_date: String,
    /// Whether it is retired for that.
    pub retired: bool,
}

/// A column that a whole list has and this one has not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub struct MissingColumn {
    pub column: String,
    pub means: String,
}

/// A provisional id that is now another name of a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub struct NewAlias {
    pub alias: String,
    pub site: String,
}

/// What an import did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// `tidy` or `national`.
    pub layout: String,
    /// How the file was written.
    pub encoding: String,
    /// The date of the list.
    pub list_date: String,
    /// Where that date is from: `option`, `name`, `labels` or `today`.
    pub list_date_from: String,
    /// Columns that are not used.
    pub ignored_columns: Vec<String>,
    /// Columns that a whole list has and this one has not.
    pub missing_columns: Vec<MissingColumn>,
    /// Sites that are new.
    pub added: u64,
    /// Sites that were known and differ.
    pub changed: u64,
    /// Sites that are as the file says.
    pub unchanged: u64,
    /// Rows that a newer list has overtaken.
    pub older: u64,
    /// Rows left out.
    pub rejected: u64,
    /// Defects by code.
    pub defects: BTreeMap<String, u64>,
    /// Provisional ids that became other names.
    pub aliases: Vec<NewAlias>,
    /// Every field that changes.
    pub changes: Vec<FieldChange>,
    /// Every defect, in the order of the file.
    pub problems: Vec<RowProblem>,
    /// Sites that only older lists name.
    pub missing: Vec<MissingSite>,
    /// Whether this was a rehearsal: nothing was changed.
    pub dry_run: bool,
}

impl ImportReport {
    /// Whether anything about any site is otherwise than before.
    pub fn changes_anything(&self) -> bool {
        self.added + self.changed > 0 || !self.aliases.is_empty() || self.missing.iter().any(|site| site.retired)
    }

    /// Counts the defects, in the order of the file.
    pub(super) fn finish(&mut self) {
        self.problems.sort_by_key(|problem| problem.line);
        for problem in &self.problems {
            *self.defects.entry(problem.code.clone()).or_default() += 1;
        }
    }

    /// Adds what differs between a site before and after.
    pub(super) fn compare(&mut self, line: u64, before: &Site, after: &Site) {
        for ((field, old), (_, new)) in before.fields().into_iter().zip(after.fields()) {
            if old != new {
                self.changes.push(FieldChange { line, site: after.id.to_string(), field: field.to_owned(), old, new });
            }
        }
    }
}

/// The place of a defect.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) line: u64,
    pub(super) site: String,
    pub(super) lang: Lang,
}

impl Place {
    /// A defect of this row.
    pub(super) fn problem(&self, field: String, found: &str, defect: Defect) -> RowProblem {
        RowProblem {
            line: self.line,
            site: self.site.clone(),
            field,
            code: defect.code.to_owned(),
            found: found.chars().take(FOUND_LEN_MAX).collect(),
            problem: defect.problem.say(self.lang).to_owned(),
            done: defect.done.say(self.lang).to_owned(),
            rejected: false,
        }
    }

    /// One for which the row is left out.
    pub(super) fn rejected(&self, field: String, found: &str, defect: Defect) -> RowProblem {
        RowProblem { rejected: true, ..self.problem(field, found, defect) }
    }
}
