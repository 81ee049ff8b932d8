//! The report of an import, for people.

use std::io;

use super::table::list;
use crate::import::ImportReport;
use crate::lang::Lang;
use crate::out;
use crate::words::nouns;

/// Writes the report: counts on standard error, changes and defects on standard output.
pub(super) fn show(report: &ImportReport, json: bool, lang: Lang) -> io::Result<()> {
    if json {
        return out::json(report);
    }
    for line in summary(report, lang) {
        eprintln!("{line}");
    }
    if !report.aliases.is_empty() {
        list(&report.aliases, &["alias", "site"], false, lang)?;
    }
    if !report.changes.is_empty() {
        list(&report.changes, &["line", "site", "field", "old", "new"], false, lang)?;
    }
    if !report.problems.is_empty() {
        list(&report.problems, &["line", "site", "field", "code", "found", "problem", "done"], false, lang)?;
    }
    if !report.hours_kept.is_empty() {
        list(&report.hours_kept, &["line", "site", "key", "author", "stands", "listed"], false, lang)?;
    }
    if !report.missing.is_empty() {
        list(&report.missing, &["site", "name", "list_date", "retired"], false, lang)?;
    }
    if report.dry_run {
        eprintln!("{}", lang.of("rien n’a été changé", "nothing was changed"));
    }
    Ok(())
}

fn summary(report: &ImportReport, lang: Lang) -> Vec<String> {
    let ImportReport { layout, encoding, list_date, added, changed, unchanged, older, rejected, .. } = report;
    let retired = report.missing.iter().filter(|site| site.retired).count();
    let (hours, kept) = (report.hours_changed, report.hours_kept.len());
    let (aliases, missing) = (report.aliases.len(), report.missing.len());
    let from = match (report.list_date_from.as_str(), lang) {
        ("option", _) => "--date",
        ("name", Lang::Fr) => "nom du fichier",
        ("name", Lang::En) => "name of the file",
        ("labels", Lang::Fr) => "labellisation la plus récente",
        ("labels", Lang::En) => "newest label",
        (_, Lang::Fr) => "aujourd’hui",
        (_, Lang::En) => "today",
    };
    let mut lines = match lang {
        Lang::Fr => vec![
            format!("liste du {list_date} ({from}), {layout}, {encoding}"),
            format!(
                "ajoutés : {added} ; modifiés : {changed} ; inchangés : {unchanged} ; dépassés par une liste plus \
                 récente : {older} ; rejetés : {rejected}"
            ),
            format!(
                "horaires modifiés : {} ; dits autrement par une personne, et gardés : {kept}",
                nouns::sites(hours, lang)
            ),
            format!("nouveaux alias : {aliases} ; absents de cette liste : {missing}, dont fermés : {retired}"),
        ],
        Lang::En => vec![
            format!("list of {list_date} ({from}), {layout}, {encoding}"),
            format!(
                "added: {added}; changed: {changed}; unchanged: {unchanged}; overtaken by a newer list: {older}; \
                 rejected: {rejected}"
            ),
            format!("hours changed: {}; said otherwise by a person, and kept: {kept}", nouns::sites(hours, lang)),
            format!("new aliases: {aliases}; not in this list: {missing}, of which retired: {retired}"),
        ],
    };
    if !report.ignored_columns.is_empty() {
        let columns = report.ignored_columns.join(", ");
        lines.push(format!("{} : {columns}", lang.of("colonnes ignorées", "columns left aside")));
    }
    for missing in &report.missing_columns {
        let text = lang.of("colonne absente", "column missing");
        lines.push(format!("{text} : {} ({})", missing.column, missing.means));
    }
    if !report.defects.is_empty() {
        let defects: Vec<_> = report.defects.iter().map(|(code, count)| format!("{code} {count}")).collect();
        lines.push(format!("{} : {}", lang.of("défauts", "defects"), defects.join(", ")));
    }
    lines
}
