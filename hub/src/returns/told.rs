//! A return as a table, as JSON and as a file.
//!
//! One table, whose every row says of which partner, month and part it is, so that it can be
//! sorted, filtered and put under the one of the month before. Columns are only added to.

use msap_shared::code::{Age, Help, OperatorCode};
use serde_json::{Map, Value, json};

use super::{DepartmentLines, Question, Return, ReturnFile, SiteLine, label};
use crate::ask::Form;
use crate::lang::Lang;
use crate::reporting;
use crate::sheet::{Cell, Column, Sheet, SheetFormat};
use crate::site::Kind;

const COLUMNS: [(&str, &str); 17] = [
    ("operator", "opérateur"),
    ("operator_name", "nom de l’opérateur"),
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
    ("help", "aide"),
    ("age", "âge"),
    ("requests", "demandes"),
    ("expected", "jours attendus"),
    ("reported", "jours reçus"),
];

/// What a row is about.
#[derive(Default)]
struct Line<'a> {
    part: (&'static str, &'static str),
    department: &'a str,
    site: Option<&'a SiteLine>,
    help: Option<&'a str>,
    age: Option<&'a str>,
}

impl Return {
    /// The operator's code.
    pub fn operator(&self) -> &OperatorCode {
        &self.operator
    }

    /// As JSON.
    pub fn object(&self) -> Value {
        let Self { operator, question, departments, sites, .. } = self;
        let department = |(department, of): (&String, &DepartmentLines)| {
            let helps: Map<_, _> = of.helps.iter().map(|(help, requests)| (help.clone(), json!(requests))).collect();
            let age = |(age, requests): (&str, Option<i64>)| {
                (age.to_owned(), requests.map_or(json!({ "suppressed": true }), |requests| json!(requests)))
            };
            let ages: Map<_, _> = of.shown_ages().map(age).collect();
            json!({ "department": department, "requests": of.requests, "help": helps, "age": ages })
        };
        let site = |line: &SiteLine| {
            json!({
                "department": line.department, "site": line.site, "site_name": line.named.name,
                "kind": line.named.kind.as_str(), "requests": line.requests,
                "houses": line.houses.iter().map(|(site, name)| json!({ "site": site, "site_name": name })).collect::<Value>(),
            })
        };
        json!({
            "operator": operator.as_str(),
            "operator_name": label(operator),
            "month": question.month.to_string(),
            "as_of": self.as_of.to_string(),
            "provisional": question.provisional,
            "total": { "requests": self.requests, "sites": self.sites.len() },
            "completeness": reporting::object(self.reporting),
            "departments": departments.iter().map(department).collect::<Value>(),
            "sites": sites.iter().map(site).collect::<Value>(),
        })
    }

    /// As a table.
    pub fn sheet(&self) -> Sheet {
        let columns = COLUMNS.map(|(name, french)| Column::new(name, french)).to_vec();
        let mut rows = Vec::new();
        let mut total = self.row(&Line { part: ("total", "total"), ..Line::default() }, Some(self.requests));
        if let Some(reporting) = self.reporting {
            let told = [reporting.expected, reporting.reported].map(|days| Cell::Number(days.into()));
            total.splice(COLUMNS.len() - 2.., told);
        }
        rows.push(total);
        for (department, of) in &self.departments {
            let line = Line { part: ("department", "département"), department, ..Line::default() };
            rows.push(self.row(&line, Some(of.requests)));
        }
        for site in &self.sites {
            let part = ("site", "lieu");
            let line = Line { part, department: &site.department, site: Some(site), ..Line::default() };
            rows.push(self.row(&line, Some(site.requests)));
        }
        for (department, of) in &self.departments {
            for (help, requests) in &of.helps {
                let part = ("help", "aide");
                let line = Line { part, department, help: Some(help), ..Line::default() };
                rows.push(self.row(&line, Some(*requests)));
            }
        }
        for (department, of) in &self.departments {
            for (age, requests) in of.shown_ages() {
                let line = Line { part: ("age", "âge"), department, age: Some(age), ..Line::default() };
                rows.push(self.row(&line, requests));
            }
        }
        Sheet { columns, rows }
    }

    fn row(&self, line: &Line<'_>, requests: Option<i64>) -> Vec<Cell> {
        let text = |text: &str| if text.is_empty() { Cell::None } else { Cell::Text(text.to_owned()) };
        let (yes, no) = (Cell::word("true", "oui"), Cell::word("false", "non"));
        let (part, part_fr) = line.part;
        let of_site = line.site.map_or([const { Cell::None }; 5], |site| {
            let french = match site.named.kind {
                Kind::House => "maison",
                Kind::Antenna => "antenne",
            };
            let all = |part: fn(&(String, String)) -> &String| {
                text(&site.houses.iter().map(|house| part(house).as_str()).collect::<Vec<_>>().join(" + "))
            };
            [
                text(&site.site),
                text(&site.named.name),
                Cell::word(site.named.kind.as_str(), french),
                all(|(site, _)| site),
                all(|(_, name)| name),
            ]
        });
        let help = |code: &str| Cell::word(code, Help::known(code).map_or(code, |help| help.label_fr()));
        let age = |code: &str| Cell::word(code, Age::known(code).map_or(code, |age| age.label_fr()));
        let mut cells = vec![
            text(self.operator.as_str()),
            text(label(&self.operator)),
            Cell::Time(self.question.month.to_string()),
            Cell::Time(self.as_of.to_string()),
            if self.question.provisional { yes } else { no },
            Cell::word(part, part_fr),
            text(line.department),
        ];
        cells.extend(of_site);
        cells.push(line.help.map_or(Cell::None, help));
        cells.push(line.age.map_or(Cell::None, age));
        cells.push(requests.map_or(Cell::word("suppressed", "masqué"), Cell::Number));
        cells.extend([Cell::None, Cell::None]);
        cells
    }

    /// As a file of this form.
    pub fn file(&self, form: Form) -> ReturnFile {
        let text = match form {
            Form::Json => format!("{}\n", self.object()),
            // A sheet is written from texts.
            Form::Sheet(format) => String::from_utf8_lossy(&self.sheet().write(format)).into_owned(),
        };
        let name = file_name(&self.operator, &self.question, form);
        let requests = self.requests;
        ReturnFile { operator: self.operator.to_string(), name, requests, sites: self.sites.len(), text }
    }

    /// The total in one line, for people.
    pub fn summary(&self, lang: Lang) -> String {
        let Self { operator, question, as_of, requests, .. } = self;
        let (month, sites) = (question.month, self.sites.len());
        let provisional = match question.provisional {
            true => lang.of(", provisoire", ", provisional"),
            false => "",
        };
        let known = match self.reporting {
            Some(reporting) => format!("{}/{}", reporting.reported, reporting.expected),
            None => lang.of("complétude inconnue", "completeness unknown").to_owned(),
        };
        lang.of(
            format!("{operator}, {month}{provisional} : {requests} demandes dans {sites} lieux, reçues au {as_of} ; {known}"),
            format!("{operator}, {month}{provisional}: {requests} requests at {sites} sites, as received by {as_of}; {known}"),
        )
    }
}

/// The name of a return's file.
pub fn file_name(operator: &OperatorCode, question: &Question, form: Form) -> String {
    let provisional = if question.provisional { "-provisoire" } else { "" };
    let ending = match form {
        Form::Json => "json",
        Form::Sheet(SheetFormat::Csv | SheetFormat::CsvFr) => "csv",
    };
    format!("releve-{operator}-{}{provisional}.{ending}", question.month)
}
