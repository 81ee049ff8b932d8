//! The label as the API, the command line and files tell it.
//!
//! The columns of the sheet are `site`, `site_name`, `department`, `life`, `overall`, `since`, each
//! check by its name, `weekly_minutes`, and each fact that persons set by its name.

use msap_shared::wording::calendar_day;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::{Check, Checked, Label, Standing, Verdict};
use crate::lang::Lang;
use crate::sheet::{Cell, Column, Sheet, Table};
use crate::site::Fact;
use crate::words;

/// What an answer is, and is not.
const NOTE: (&str, &str) = (
    "Aide au référent de la préfecture : des constats avec leurs preuves, jamais une décision automatique.",
    "Help for the prefect's referent: findings with their evidence, never an automatic decision.",
);
/// Houses whose evidence a summary tells.
const TOLD_MAX: usize = 3;

impl Label {
    /// The checks that were asked for.
    fn checks<'a>(&'a self, standing: &'a Standing) -> impl Iterator<Item = &'a Checked> {
        standing.checks.iter().filter(|checked| self.question.check.is_none_or(|check| check == checked.check))
    }

    /// All but the houses.
    fn head(&self) -> Value {
        json!({
            "day": self.today.to_string(),
            "note": { "fr": NOTE.0, "en": NOTE.1 },
            "thresholds": {
                "minutes_min": self.rules.minutes,
                "near_minutes": self.rules.near_minutes,
                "agents": self.rules.agents,
                "partners_min": self.rules.partners,
                "statistics_months": self.rules.months,
                "confirmed_months": self.rules.confirmed_months,
            },
            "numbers": self.numbers,
            "next": self.next,
        })
    }

    fn row(&self, standing: &Standing) -> Value {
        let Standing { site, overall, since, facts, .. } = standing;
        let checks = self.checks(standing).map(|Checked { check, verdict, since, evidence }| {
            let mut numbers: Map<_, _> =
                evidence.numbers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            numbers.insert("fr".to_owned(), json!(evidence.fr));
            numbers.insert("en".to_owned(), json!(evidence.en));
            json!({
                "check": check.as_str(), "state": verdict.as_str(), "since": since.to_string(), "evidence": numbers,
            })
        });
        let held = facts.iter().filter(|(name, (_, value))| is_of_label(name) && !value.is_empty());
        let facts: Map<_, _> = held
            .map(|(name, (from, value))| (name.clone(), json!({ "value": value, "from": from.to_string() })))
            .collect();
        json!({
            "site": site.id.as_str(),
            "name": site.name,
            "commune": site.commune,
            "department": site.department,
            "life": site.life.as_str(),
            "label_date": site.label_date.map(|day| day.to_string()),
            "state": overall.as_str(),
            "since": since.to_string(),
            "checks": checks.collect::<Value>(),
            "facts": facts,
        })
    }
}

/// Whether a fact that persons set is one of the label's.
fn is_of_label(name: &str) -> bool {
    Fact::named(name).is_some_and(Fact::is_dated)
}

/// Houses one after the other: each is a value only while it is written.
struct Rows<'a>(&'a Label);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.standings.iter().map(|standing| self.0.row(standing)))
    }
}

impl Table for Label {
    fn json(&self) -> Vec<u8> {
        // In the order of their names, as values are written.
        #[derive(Serialize)]
        struct Written<'a> {
            day: &'a Value,
            next: &'a Value,
            note: &'a Value,
            numbers: &'a Value,
            sites: Rows<'a>,
            thresholds: &'a Value,
        }
        let head = self.head();
        let [day, next, note, numbers, thresholds] =
            ["day", "next", "note", "numbers", "thresholds"].map(|name| &head[name]);
        let written = serde_json::to_vec(&Written { day, next, note, numbers, sites: Rows(self), thresholds });
        // Writing to memory does not fail.
        written.unwrap_or_else(|_| self.object().to_string().into_bytes())
    }

    fn object(&self) -> Value {
        let mut object = self.head();
        object["sites"] = self.standings.iter().map(|standing| self.row(standing)).collect();
        object
    }

    fn sheet(&self) -> Sheet {
        let keys = [
            ("site", "lieu"),
            ("site_name", "nom du lieu"),
            ("department", "département"),
            ("life", "étape"),
            ("overall", "ensemble"),
            ("since", "depuis"),
        ];
        let checks = Check::ALL.into_iter().filter(|check| self.question.check.is_none_or(|asked| asked == *check));
        let checks: Vec<_> = checks.collect();
        let facts = || Fact::ALL.into_iter().filter(|fact| fact.is_dated());
        let mut columns: Vec<_> = keys.into_iter().map(|(name, fr)| Column::new(name, fr)).collect();
        columns.extend(checks.iter().map(|check| Column::new(check.as_str(), french(*check))));
        columns.push(Column::new("weekly_minutes", "minutes par semaine"));
        columns.extend(facts().map(|fact| Column::new(fact.name(), fact.french())));
        let text = |text: &str| Cell::Text(text.to_owned());
        let told = |verdict: Verdict| Cell::word(verdict.as_str(), verdict.say(Lang::Fr));
        let row = |standing: &Standing| {
            let Standing { site, overall, since, .. } = standing;
            let mut cells = vec![text(site.id.as_str()), text(&site.name), text(&site.department)];
            cells.extend([
                Cell::word(site.life.as_str(), site.life.label_fr()),
                told(*overall),
                Cell::Time(since.to_string()),
            ]);
            let verdict = |check: &Check| standing.of(*check).map_or(Verdict::Unknown, |checked| checked.verdict);
            cells.extend(checks.iter().map(|check| told(verdict(check))));
            let minutes = standing.of(Check::Hours).and_then(|checked| checked.evidence.numbers.first());
            cells.push(minutes.and_then(|(_, minutes)| minutes.as_i64()).map_or(Cell::None, Cell::Number));
            cells.extend(facts().map(|fact| match standing.facts.get(fact.name()) {
                Some((_, value)) if !value.is_empty() => words::cell(fact.name(), &json!(value)),
                _ => Cell::None,
            }));
            cells
        };
        Sheet { columns, rows: self.standings.iter().map(row).collect() }
    }

    fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    fn summary(&self, lang: Lang) -> String {
        let mut lines = vec![lang.of(NOTE.0, NOTE.1).to_owned()];
        for (name, numbers) in &self.numbers {
            let check = Check::parse(name);
            let told = Verdict::ALL.iter().map(|verdict| {
                let number = numbers.get(verdict.as_str()).copied().unwrap_or_default();
                format!("{number} {}", verdict.say(lang))
            });
            let asked = self.question.check.is_none() || self.question.check == check;
            let name = check.map_or(lang.of("ensemble", "overall"), |check| lang.of(french(check), check.as_str()));
            let told = told.collect::<Vec<_>>().join(", ");
            lines.extend(asked.then(|| lang.of(format!("{name} : {told}"), format!("{name}: {told}"))));
        }
        // Who asks for a few wants to know why.
        for standing in self.standings.iter().filter(|_| self.standings.len() <= TOLD_MAX) {
            lines.push(format!("{} {}", standing.site.id, standing.site.name));
            for Checked { check, verdict, since, evidence } in self.checks(standing) {
                let (verdict, name) = (verdict.say(lang), lang.of(french(*check), check.as_str()));
                lines.push(lang.of(
                    format!("  {name} : {verdict} depuis le {} ; {}", calendar_day(*since, Lang::Fr), evidence.fr),
                    format!("  {name}: {verdict} since {since}; {}", evidence.en),
                ));
            }
        }
        lines.join("\n")
    }
}

fn french(check: Check) -> &'static str {
    match check {
        Check::Hours => "ouverture",
        Check::Staff => "effectif",
        Check::Partners => "partenaires",
        Check::Signatories => "signataires",
        Check::Statistics => "statistiques",
        Check::PublishedHours => "horaires publiés",
    }
}
