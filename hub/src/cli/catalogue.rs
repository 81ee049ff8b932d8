//! The report of a catalogue's import, for people.

use std::io;

use super::table::list;
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
        list(&report.problems, &["line", "field", "found", "problem"], false, lang)
    }
}
