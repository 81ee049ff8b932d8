//! The report of a catalogue's import, and the list of conflicts, for people.

use std::io;

use serde_json::{Value, json};

use super::show::list;
use crate::catalogue::CatalogueReport;
use crate::lang::Lang;
use crate::out;

/// Writes the report: counts on standard error, defects on standard output.
pub(super) fn show(report: &CatalogueReport, json: bool, lang: Lang) -> io::Result<()> {
    if json {
        return out::json(report);
    }
    let CatalogueReport { subject, added, changed, removed, unchanged, rejected, .. } = report;
    let subject = match (subject.as_str(), lang) {
        ("public_holidays", Lang::Fr) => "jours fériés",
        ("school_holidays", Lang::Fr) => "vacances scolaires",
        ("closures", Lang::Fr) => "fermetures du réseau",
        ("operators", Lang::Fr) => "opérateurs",
        (subject, _) => subject,
    };
    let french = format!(
        "{subject} : ajoutés {added} ; modifiés {changed} ; retirés {removed} ; inchangés {unchanged} ; rejetés {rejected}"
    );
    let english = format!(
        "{subject}: added {added}; changed {changed}; removed {removed}; unchanged {unchanged}; rejected {rejected}"
    );
    eprintln!("{}", lang.of(french, english));
    if report.problems.is_empty() {
        Ok(())
    } else {
        list(&report.problems, &["line", "field", "found", "problem"], false)
    }
}

/// Writes conflicts, a line a version.
pub(super) fn conflicts(found: &[Value], json: bool) -> io::Result<()> {
    if json {
        return out::json(&found);
    }
    let mut lines = Vec::new();
    for conflict in found {
        let versions = conflict["versions"].as_array().into_iter().flatten();
        lines.extend((1..).zip(versions).map(|(number, version)| {
            json!({
                "id": conflict["id"], "key": conflict["key"], "version": number,
                "value": version["value"], "author": version["author"], "day": version["day"],
            })
        }));
    }
    list(&lines, &["id", "key", "version", "value", "author", "day"], false)
}
