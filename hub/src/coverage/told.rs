//! Coverage as JSON, as a table and in a line.

use msap_shared::code::{OperatorCode, operator_label};
use msap_shared::time::Day;
use msap_shared::wording::calendar_day;
use serde_json::{Value, json};

use super::{Cover, Coverage, Rows, SiteCover, Sums, WEEKS, window};
use crate::lang::{Lang, counted};
use crate::sheet::{Cell, Column, Sheet, Table};
use crate::words;

impl Table for Coverage {
    /// Sites are told one by one unless the question asks for sums.
    fn object(&self) -> Value {
        let Self { question, sites, departments, total } = self;
        let days = window(question.day);
        let sums = |operator: &OperatorCode, department: Option<&str>, sums: &Sums| {
            let mut object = json!({
                "operator": operator.as_str(), "operator_name": operator_label(operator.as_str()),
                "houses": kinds(&sums.houses), "antennas": kinds(&sums.antennas),
                "communes": sums.communes.len(),
                "days_per_week": per_week(sums.days), "minutes_per_week": f64::from(sums.minutes) / f64::from(WEEKS),
            });
            if let Some(department) = department {
                object["department"] = json!(department);
            }
            object
        };
        let total = total.iter().map(|(operator, of)| sums(operator, None, of));
        let departments = departments.iter().map(|((operator, department), of)| sums(operator, Some(department), of));
        let mut object = json!({
            "day": question.day.to_string(),
            "weeks": { "from": days.first().map(Day::to_string), "to": days.last().map(Day::to_string) },
            "total": total.collect::<Value>(),
            "departments": departments.collect::<Value>(),
        });
        if question.rows == Rows::Site {
            object["sites"] = sites.iter().map(site).collect();
        }
        object
    }

    fn sheet(&self) -> Sheet {
        let Self { question, sites, departments, total } = self;
        let mut columns =
            vec![Column::new("operator", "partenaire"), Column::new("operator_name", "nom du partenaire")];
        match question.rows {
            Rows::Site => {
                let own = [
                    ("department", "département"),
                    ("site", "lieu"),
                    ("site_name", "nom du lieu"),
                    ("kind", "sorte"),
                    ("house", "maison"),
                    ("commune", "commune"),
                    ("state", "état"),
                    ("days_per_week", "jours par semaine"),
                    ("hours_per_week", "heures par semaine"),
                    ("checked_on", "confirmé le"),
                    ("stale", "confirmation trop ancienne"),
                ];
                columns.extend(own.map(|(name, french)| Column::new(name, french)));
                return Sheet { columns, rows: sites.iter().map(site_row).collect() };
            }
            Rows::Department => columns.push(Column::new("department", "département")),
            Rows::Operator => {}
        }
        for (kind, kind_fr) in [("houses", "maisons"), ("antennas", "antennes")] {
            let covers = Cover::ALL.map(|cover| (cover.as_str(), cover.label_fr()));
            columns.extend(
                covers
                    .into_iter()
                    .chain([("without", "sans")])
                    .map(|(state, state_fr)| Column::new(format!("{kind}_{state}"), format!("{kind_fr} : {state_fr}"))),
            );
        }
        let last = [
            ("communes", "communes desservies"),
            ("days_per_week", "jours par semaine"),
            ("hours_per_week", "heures par semaine"),
        ];
        columns.extend(last.map(|(name, french)| Column::new(name, french)));
        let row = |operator: &OperatorCode, department: Option<&String>, sums: &Sums| {
            let mut cells = vec![Cell::Text(operator.to_string()), words::operator(operator.as_str())];
            cells.extend(department.map(|department| Cell::Text(department.clone())));
            for kind in [&sums.houses, &sums.antennas] {
                cells.extend(kind.iter().chain([&Sums::without(kind)]).map(|sum| Cell::Number((*sum).into())));
            }
            cells.push(Cell::Number(i64::try_from(sums.communes.len()).unwrap_or(i64::MAX)));
            cells.extend([Cell::Decimal(per_week(sums.days)), Cell::Decimal(hours_per_week(sums.minutes))]);
            cells
        };
        let rows = match question.rows {
            Rows::Department => {
                departments.iter().map(|((operator, department), sums)| row(operator, Some(department), sums)).collect()
            }
            Rows::Operator | Rows::Site => total.iter().map(|(operator, sums)| row(operator, None, sums)).collect(),
        };
        Sheet { columns, rows }
    }

    /// One line per partner.
    fn summary(&self, lang: Lang) -> String {
        let line = |(operator, sums): (&OperatorCode, &Sums)| {
            let [present, partial, reachable, absent, unknown] = sums.houses;
            let day = calendar_day(self.question.day, lang);
            let houses = counted(present, lang, ["maison", "maisons"], ["house", "houses"]);
            let served = (["commune desservie", "communes desservies"], ["commune served", "communes served"]);
            let communes = counted(sums.communes.len(), lang, served.0, served.1);
            let name = lang.of(operator_label(operator.as_str()), operator.as_str());
            lang.of(
                format!(
                    "{name}, au {day} : présent dans {houses}, partiel {partial}, joignable {reachable}, absent {absent}, \
                     inconnu {unknown} ; {communes}"
                ),
                format!(
                    "{name}, on {day}: present at {houses}, partial {partial}, reachable {reachable}, absent {absent}, \
                     unknown {unknown}; {communes}"
                ),
            )
        };
        let lines: Vec<_> = self.total.iter().map(line).collect();
        match lines.is_empty() {
            true => lang.of("aucun lieu ne parle d’un partenaire", "no site speaks of a partner").to_owned(),
            false => lines.join("\n"),
        }
    }
}

fn kinds(sums: &[u32; 5]) -> Value {
    let covers = Cover::ALL.iter().zip(sums).map(|(cover, sum)| (cover.as_str().to_owned(), json!(sum)));
    covers.chain([("without".to_owned(), json!(Sums::without(sums)))]).collect::<serde_json::Map<_, _>>().into()
}

fn site(line: &SiteCover) -> Value {
    json!({
        "operator": line.operator.as_str(), "department": line.department, "site": line.site, "site_name": line.name,
        "kind": line.kind.as_str(), "house": line.house, "commune": line.commune, "state": line.cover.as_str(),
        "days_per_week": per_week(line.days), "minutes_per_week": f64::from(line.minutes) / f64::from(WEEKS),
        "checked_on": line.checked_on.map(|day| day.to_string()), "stale": line.stale,
    })
}

fn site_row(line: &SiteCover) -> Vec<Cell> {
    vec![
        Cell::Text(line.operator.to_string()),
        words::operator(line.operator.as_str()),
        Cell::Text(line.department.clone()),
        Cell::Text(line.site.clone()),
        Cell::Text(line.name.clone()),
        Cell::word(line.kind.as_str(), line.kind.label_fr()),
        line.house.clone().map_or(Cell::None, Cell::Text),
        Cell::Text(line.commune.clone()),
        Cell::word(line.cover.as_str(), line.cover.label_fr()),
        Cell::Decimal(per_week(line.days)),
        Cell::Decimal(hours_per_week(line.minutes)),
        line.checked_on.map_or(Cell::None, |day| Cell::Time(day.to_string())),
        Cell::Flag(line.stale),
    ]
}

/// Of all weeks together, on the average.
fn per_week(days: u32) -> f64 {
    f64::from(days) / f64::from(WEEKS)
}

fn hours_per_week(minutes: u32) -> f64 {
    f64::from(minutes) / 60.0 / f64::from(WEEKS)
}
