//! A return as a table, as JSON and as a file.
//!
//! One table, whose every row says of which partner, month and part it is, so that it can be
//! sorted, filtered and put under the one of the month before. Columns are only added to.

use msap_shared::code::{OperatorCode, operator_label};
use msap_shared::time::Day;
use msap_shared::wording::{self, calendar_day};
use serde_json::{Map, Value, json};

use super::{Ages, DepartmentLines, Question, Return, ReturnFile, SiteLine};
use crate::ask::Form;
use crate::completeness::Tally;
use crate::completeness::told::fields;
use crate::lang::Lang;
use crate::release::Waiting;
use crate::sheet::{Cell, Column, Sheet, SheetFormat, Table, french};
use crate::words::{self, Vocabulary, nouns};

const COLUMNS: [(&str, &str); 19] = [
    ("operator", "partenaire"),
    ("operator_name", "nom du partenaire"),
    ("month", "mois"),
    ("as_of", "reçu au"),
    ("provisional", "provisoire"),
    ("part", "partie"),
    ("department", "département"),
    ("site", "lieu"),
    ("site_name", "nom du lieu"),
    ("kind", "sorte"),
    ("house", "maison"),
    ("house_name", "nom de la maison"),
    ("help", "type d’aide"),
    ("age", "âge"),
    ("requests", "demandes"),
    ("expected", "jours attendus"),
    ("reported", "jours reçus"),
    ("reason", "motif"),
    ("changes", "changements"),
];

/// What a row is about.
#[derive(Default)]
struct Line<'a> {
    part: (&'static str, &'static str),
    department: &'a str,
    site: Option<(&'a str, &'a SiteLine)>,
    tally: Option<Tally>,
    help: Option<&'a str>,
    age: Option<&'a str>,
    /// When it was as it says, where not when the others were.
    as_of: Option<Day>,
    /// Why it stands apart.
    reason: Option<&'static str>,
    /// Changes that stand apart whole.
    changes: Option<i64>,
}

impl Table for Return {
    fn object(&self) -> Value {
        let Self { operator, question, departments, sites, .. } = self;
        let department = |(department, of): (&String, &DepartmentLines)| {
            let helps: Map<_, _> = of.helps.iter().map(|(help, requests)| (help.clone(), json!(requests))).collect();
            let released = self.ages.as_ref().ok().and_then(|ages| ages.departments.get(department));
            let ages = released.map(|ages| ages.iter().map(|(age, figure)| (age.clone(), figure.object())).collect());
            let ages: Option<Map<_, _>> = ages;
            let Tally { expected, reported, .. } = of.tally;
            json!({
                "department": department, "requests": of.requests, "help": helps, "age": ages,
                "expected": expected, "reported": reported,
            })
        };
        let site = |((department, site), line): (&(String, String), &SiteLine)| {
            json!({
                "department": department, "site": site, "site_name": line.named.name,
                "kind": line.named.kind.as_str(), "requests": line.requests,
                "expected": line.tally.expected, "reported": line.tally.reported,
                "houses": line.houses.iter().map(|(site, name)| json!({ "site": site, "site_name": name })).collect::<Value>(),
            })
        };
        json!({
            "operator": operator.as_str(),
            "operator_name": operator_label(operator.as_str()),
            "month": question.month.to_string(),
            "as_of": self.as_of.to_string(),
            "provisional": question.provisional,
            "total": { "requests": self.requests, "sites": self.with_requests() },
            "completeness": fields(&self.tally),
            "apart": self.apart.object(),
            "ages_released": self.ages.as_ref().ok().map(|ages| ages.day.to_string()),
            "ages_withheld": self.ages.as_ref().is_ok_and(|ages| ages.withheld),
            "departments": departments.iter().map(department).collect::<Value>(),
            "sites": sites.iter().map(site).collect::<Value>(),
        })
    }

    fn sheet(&self) -> Sheet {
        let columns = COLUMNS.map(|(name, french)| Column::new(name, french)).to_vec();
        let mut rows = Vec::new();
        let total = Line { part: ("total", "total"), tally: Some(self.tally), ..Line::default() };
        rows.push(self.row(&total, Cell::Number(self.requests)));
        for (department, of) in &self.departments {
            let line =
                Line { part: ("department", "département"), department, tally: Some(of.tally), ..Line::default() };
            rows.push(self.row(&line, Cell::Number(of.requests)));
        }
        for ((department, id), site) in &self.sites {
            let (part, tally) = (("site", "lieu"), Some(site.tally));
            let line = Line { part, department, site: Some((id, site)), tally, ..Line::default() };
            rows.push(self.row(&line, Cell::Number(site.requests)));
        }
        for (department, of) in self.departments.iter().filter(|(_, of)| of.requests > 0) {
            for (help, requests) in &of.helps {
                let part = ("help", "type d’aide");
                let line = Line { part, department, help: Some(help), ..Line::default() };
                rows.push(self.row(&line, Cell::Number(*requests)));
            }
        }
        let part = ("age", "âge");
        match &self.ages {
            Ok(Ages { day, withheld: true, .. }) => {
                let line = Line { part, as_of: Some(*day), ..Line::default() };
                rows.push(self.row(&line, Cell::Hidden));
            }
            Ok(ages) => {
                for (department, figures) in &ages.departments {
                    let line =
                        |age| Line { part, department, age: Some(age), as_of: Some(ages.day), ..Line::default() };
                    rows.extend(figures.iter().map(|(age, figure)| self.row(&line(age), figure.cell())));
                }
            }
            Err(waiting) => {
                let word = match waiting {
                    Waiting::Until(day) => {
                        Cell::word(&format!("from {day}"), &format!("à partir du {}", french(&day.to_string())))
                    }
                    Waiting::Soon => Cell::word("soon", "bientôt"),
                    Waiting::Lost => Cell::word("not released", "non publié"),
                };
                rows.push(self.row(&Line { part, ..Line::default() }, word));
            }
        }
        rows.extend(self.apart());
        Sheet { columns, rows }
    }

    fn summary(&self, lang: Lang) -> String {
        let Self { operator, question, as_of, requests, tally, .. } = self;
        let (requests, sites) = (nouns::requests(*requests, lang), nouns::sites(self.with_requests(), lang));
        let days = nouns::reported(tally.reported, tally.expected, lang);
        let name = lang.of(operator_label(operator.as_str()), operator.as_str());
        let (month, as_of) = (wording::month(question.month, lang), calendar_day(*as_of, lang));
        let provisional = match question.provisional {
            true => lang.of(", provisoire", ", provisional"),
            false => "",
        };
        let apart = self.apart.said(lang).map(|said| format!(" ; {said}")).unwrap_or_default();
        lang.of(
            format!("{name}, {month}{provisional} : {requests}, dans {sites}, tel que reçu au {as_of} ; {days}{apart}"),
            format!("{name}, {month}{provisional}: {requests} at {sites}, as received by {as_of}; {days}{apart}"),
        )
    }
}

impl Return {
    /// How many sites had requests.
    fn with_requests(&self) -> usize {
        self.sites.values().filter(|line| line.requests > 0).count()
    }

    /// What stands apart: all of it, each reason, and changes that stand apart whole.
    fn apart(&self) -> Vec<Vec<Cell>> {
        let part = ("apart", "à part");
        let mut rows = vec![self.row(&Line { part, ..Line::default() }, Cell::Number(self.apart.requests))];
        rows.extend(self.apart.reasons.iter().flatten().map(|(flag, requests)| {
            let line = Line { part, reason: Some(flag.as_str()), ..Line::default() };
            self.row(&line, Cell::Number(*requests))
        }));
        let whole = [
            (("refused", "changements refusés"), self.apart.refused),
            (("pending", "changements de postes à approuver"), self.apart.pending),
        ];
        let whole = whole.into_iter().filter(|(_, changes)| changes.is_some_and(|changes| changes != 0));
        rows.extend(whole.map(|(part, changes)| self.row(&Line { part, changes, ..Line::default() }, Cell::None)));
        rows
    }

    fn row(&self, line: &Line<'_>, requests: Cell) -> Vec<Cell> {
        let text = |text: &str| if text.is_empty() { Cell::None } else { Cell::Text(text.to_owned()) };
        let (part, part_fr) = line.part;
        let of_site = line.site.map_or([const { Cell::None }; 5], |(id, site)| {
            let all = |part: fn(&(String, String)) -> &String| {
                text(&site.houses.iter().map(|house| part(house).as_str()).collect::<Vec<_>>().join(" + "))
            };
            [
                text(id),
                text(&site.named.name),
                Cell::word(site.named.kind.as_str(), site.named.kind.label_fr()),
                all(|(site, _)| site),
                all(|(_, name)| name),
            ]
        });
        let mut cells = vec![
            text(self.operator.as_str()),
            words::operator(self.operator.as_str()),
            Cell::Time(self.question.month.to_string()),
            Cell::Time(line.as_of.unwrap_or(self.as_of).to_string()),
            Cell::Flag(self.question.provisional),
            Cell::word(part, part_fr),
            text(line.department),
        ];
        cells.extend(of_site);
        cells.push(line.help.map_or(Cell::None, |code| Vocabulary::Help.cell(code)));
        cells.push(line.age.map_or(Cell::None, |code| Vocabulary::Age.cell(code)));
        cells.push(requests);
        let days =
            |days: fn(&Tally) -> u32| line.tally.as_ref().map_or(Cell::None, |tally| Cell::Number(days(tally).into()));
        cells.extend([days(|tally| tally.expected), days(|tally| tally.reported)]);
        cells.push(line.reason.map_or(Cell::None, |code| Vocabulary::Reason.cell(code)));
        cells.push(line.changes.map_or(Cell::None, Cell::Number));
        cells
    }

    /// As a file of this form.
    pub fn file(&self, form: Form) -> ReturnFile {
        let text = match form {
            Form::Json => format!("{}\n", self.object()),
            Form::Text => self.text(Lang::Fr),
            // A sheet is written from texts.
            Form::Sheet(format) => String::from_utf8_lossy(&self.sheet().write(format)).into_owned(),
        };
        let ending = match form {
            Form::Json => "json",
            Form::Text => "txt",
            Form::Sheet(SheetFormat::Csv | SheetFormat::CsvFr) => "csv",
        };
        let name = format!("{}.{ending}", file_stem(&self.operator, &self.question));
        let requests = self.requests;
        let (sites, apart) = (self.with_requests(), self.apart.requests);
        ReturnFile { operator: self.operator.to_string(), name, requests, sites, apart, text }
    }
}

/// The name of a return's file, without its ending.
pub fn file_stem(operator: &OperatorCode, question: &Question) -> String {
    let provisional = if question.provisional { "-provisoire" } else { "" };
    format!("releve-{operator}-{}{provisional}", question.month)
}
