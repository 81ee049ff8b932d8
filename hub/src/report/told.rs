//! A report as JSON and as a table.
//!
//! The table has one row a figure; what a row is about stands in its first columns.

use msap_shared::code::operator_label;
use msap_shared::time::{Day, Month};
use msap_shared::wording::calendar_days;
use serde_json::{Value, json};

use super::held::{Closure, Held, Hours, Permanence};
use super::{Figure, Part, Report};
use crate::completeness::Tally;
use crate::completeness::told::fields;
use crate::lang::Lang;
use crate::sheet::{Cell, Column, Sheet, Table};
use crate::site::Site;
use crate::store::history::Closed;
use crate::words::{Vocabulary, nouns};

const COLUMNS: [(&str, &str); 20] = [
    ("part", "partie"),
    ("site", "lieu"),
    ("site_name", "nom du lieu"),
    ("key", "rubrique"),
    ("from", "du"),
    ("to", "au"),
    ("visits", "visites"),
    ("requests", "demandes"),
    ("visits_compared", "visites un an avant"),
    ("requests_compared", "demandes un an avant"),
    ("days", "jours"),
    ("hours", "heures prévues"),
    ("days_compared", "jours un an avant"),
    ("hours_compared", "heures prévues un an avant"),
    ("days_unknown", "jours inconnus"),
    ("held", "permanences maintenues"),
    ("cancelled", "permanences annulées"),
    ("expected", "jours attendus"),
    ("reported", "jours reçus"),
    ("sites", "lieux additionnés"),
];

/// How people call a code.
pub(super) type Wording = fn(&str) -> Cell;

/// One row of the table.
#[derive(Default)]
struct Row<'a> {
    part: (&'static str, &'static str),
    key: Option<Cell>,
    days: Option<(Day, Day)>,
    figure: Option<&'a Figure>,
    hours: Option<(Hours, Option<Hours>)>,
    permanence: Option<&'a Permanence>,
    tally: Option<Tally>,
    closed: Option<Closed>,
    /// How many sites' days are added up.
    sites: Option<usize>,
}

impl Table for Report {
    fn object(&self) -> Value {
        let Self { site, question, other, held_until, antennas, whole, parts } = self;
        let (from, to) = question.period;
        let mut object = json!({
            "site": site.id.as_str(), "site_name": site.name, "kind": site.kind.as_str(),
            "department": site.department, "commune": site.commune, "bearer": site.bearer,
            "antennas": antennas.iter().map(|(id, name)| json!({ "site": id.as_str(), "site_name": name })).collect::<Value>(),
            "from": from.to_string(), "to": to.to_string(),
            "compare": { "with": "year", "from": other.map(|(from, _)| from.to_string()), "to": other.map(|(_, to)| to.to_string()) },
            "held_until": held_until.to_string(),
            "completeness": fields(&whole.tally),
            "whole": part(whole),
        });
        if !parts.is_empty() {
            object["sites"] = parts
                .iter()
                .map(|(site, of)| {
                    let mut object = part(of);
                    object["site"] = json!(site.id.as_str());
                    object["site_name"] = json!(site.name);
                    object["kind"] = json!(site.kind.as_str());
                    object
                })
                .collect();
        }
        object
    }

    /// The whole, then each site for itself where asked for.
    fn sheet(&self) -> Sheet {
        let columns = COLUMNS.map(|(name, french)| Column::new(name, french)).to_vec();
        let mut rows = self.rows(&self.site, &self.whole, true);
        for (site, part) in &self.parts {
            rows.extend(self.rows(site, part, false));
        }
        Sheet { columns, rows }
    }

    fn text(&self, lang: Lang) -> String {
        self.sections(lang)
    }

    fn summary(&self, lang: Lang) -> String {
        let (name, days) = (&self.site.name, calendar_days(self.question.period, lang));
        let total = nouns::figures(self.whole.total.visits, self.whole.total.requests, lang);
        lang.of(format!("{name}, {days} : {total}"), format!("{name}, {days}: {total}"))
    }
}

impl Report {
    fn rows(&self, site: &Site, part: &Part, is_whole: bool) -> Vec<Vec<Cell>> {
        let mut rows = Vec::new();
        let total = if is_whole { ("total", "total") } else { ("site", "pour lui seul") };
        let hours = (part.held.whole, Some(part.held_then.whole));
        let tally = Some(part.tally);
        let sites = Some(part.sites);
        rows.push(Row { part: total, figure: Some(&part.total), hours: Some(hours), tally, sites, ..Row::default() });
        rows.extend(part.closed.iter().map(|closed| Row {
            part: ("closed", "fermeture définitive"),
            closed: Some(*closed),
            ..Row::default()
        }));
        for (month, figure) in &part.months {
            let hours = month.parse::<Month>().ok().and_then(|month| part.held.months.get(&month));
            let hours = hours.map(|hours| (*hours, None));
            let (key, tally) = (Some(Cell::Time(month.clone())), part.due.get(month).copied());
            let part = ("month", "mois");
            rows.push(Row { part, key, figure: Some(figure), hours, tally, sites, ..Row::default() });
        }
        let lists = [
            (("operator", "partenaire"), &part.operators, operator as Wording),
            (("help", "type d’aide"), &part.helps, help),
            (("age", "âge"), &part.ages, age),
        ];
        for (part, lines, word) in lists {
            let row = |(code, figure)| Row { part, key: Some(word(code)), figure: Some(figure), ..Row::default() };
            rows.extend(lines.iter().map(|(code, figure)| row((code, figure))));
        }
        for closure in &part.held.closures {
            let key = Some(closure.cell());
            let part = if closure.whole { ("closure", "fermeture") } else { ("place_closure", "fermeture partielle") };
            rows.push(Row { part, key, days: Some((closure.from, closure.to)), ..Row::default() });
        }
        for (partner, permanence) in &part.held.permanences {
            let (key, permanence) = (Some(Cell::Text(partner.clone())), Some(permanence));
            rows.push(Row { part: ("permanence", "permanence"), key, permanence, ..Row::default() });
        }
        rows.into_iter().map(|row| self.cells(site, row)).collect()
    }

    fn cells(&self, site: &Site, row: Row<'_>) -> Vec<Cell> {
        let number = |number: Option<i64>| number.map_or(Cell::None, Cell::Number);
        let (from, to) = row.days.unwrap_or(self.question.period);
        let (from, to) = row.closed.unwrap_or((Some(from), Some(to)));
        let month = matches!(row.key, Some(Cell::Time(_)));
        let day = |day: Option<Day>| match day {
            Some(day) if !month => Cell::Time(day.to_string()),
            _ => Cell::None,
        };
        let mut cells = vec![
            Cell::word(row.part.0, row.part.1),
            Cell::Text(site.id.to_string()),
            Cell::Text(site.name.clone()),
            row.key.unwrap_or(Cell::None),
            day(from),
            day(to),
            number(row.figure.and_then(|figure| figure.visits)),
            number(row.figure.map(|figure| figure.requests)),
            number(row.figure.and_then(|figure| figure.then?.0)),
            number(row.figure.and_then(|figure| Some(figure.then?.1))),
        ];
        let hours = |minutes: i64| Cell::Decimal(minutes as f64 / 60.0);
        let then = row.hours.and_then(|(_, then)| then.filter(is_known));
        let closed = row.days.map(|(from, to)| i64::from(to.number() - from.number() + 1));
        let minutes = row.hours.map(|(now, _)| now.minutes).or(row.permanence.map(|of| of.minutes));
        cells.extend([
            number(row.hours.map(|(now, _)| i64::from(now.days)).or(closed)),
            minutes.map_or(Cell::None, hours),
            number(then.map(|then| i64::from(then.days))),
            then.map_or(Cell::None, |then| hours(then.minutes)),
            number(row.hours.map(|(now, _)| i64::from(now.unknown))),
            number(row.permanence.map(|of| i64::from(of.held))),
            number(row.permanence.map(|of| i64::from(of.cancelled))),
            number(row.tally.map(|tally| tally.expected.into())),
            number(row.tally.map(|tally| tally.reported.into())),
            number(row.sites.and_then(|sites| sites.try_into().ok())),
        ]);
        cells
    }
}

/// Whether anything is known of the hours of that time.
pub(super) fn is_known(hours: &Hours) -> bool {
    hours.days > 0
}

fn part(part: &Part) -> Value {
    let lines = |key: &str, lines: &[(String, Figure)]| {
        let line = |(value, of): &(String, Figure)| {
            let mut object = figure(of);
            object[key] = json!(value);
            object
        };
        lines.iter().map(line).collect::<Value>()
    };
    let due = |(month, of): &(String, Figure)| {
        let Tally { expected, reported, .. } = part.due.get(month).copied().unwrap_or_default();
        let mut object = figure(of);
        (object["month"], object["expected"], object["reported"]) = (json!(month), json!(expected), json!(reported));
        object
    };
    let months = part.held.months.iter().map(|(month, of)| {
        let mut object = hours(of);
        object["month"] = json!(month.to_string());
        object
    });
    let mut whole = hours(&part.held.whole);
    whole["months"] = months.collect();
    whole["compared"] = Some(part.held_then.whole).filter(is_known).map_or(Value::Null, |then| hours(&then));
    let closed =
        |(from, to): &Closed| json!({ "from": from.map(|day| day.to_string()), "to": to.map(|day| day.to_string()) });
    json!({
        "sites_summed": part.sites,
        "closed": part.closed.iter().map(closed).collect::<Value>(),
        "total": figure(&part.total),
        "flagged": { "visits": part.flagged.0, "requests": part.flagged.1 },
        "completeness": fields(&part.tally),
        "months": part.months.iter().map(due).collect::<Value>(),
        "operators": lines("operator", &part.operators),
        "helps": lines("help", &part.helps),
        "ages": lines("age", &part.ages),
        "hours": whole,
        "closures": part.held.closures.iter().map(closure).collect::<Value>(),
        "permanences": permanences(&part.held, &part.held_then),
    })
}

fn figure(Figure { visits, requests, then }: &Figure) -> Value {
    let compared = then.map(|(visits, requests)| json!({ "visits": visits, "requests": requests }));
    json!({ "visits": visits, "requests": requests, "compared": compared })
}

fn hours(Hours { days, minutes, unknown }: &Hours) -> Value {
    json!({ "days": days, "minutes": minutes, "days_unknown": unknown })
}

fn closure(closure: &Closure) -> Value {
    json!({
        "site": closure.site, "from": closure.from.to_string(), "to": closure.to.to_string(), "days": closure.days(),
        "kind": closure.kind.as_str(), "reason": closure.reason.map(|reason| reason.as_str()),
        "label": closure.label, "whole": closure.whole,
    })
}

fn permanences(now: &Held, then: &Held) -> Value {
    let mut partners: Vec<_> = now.permanences.keys().chain(then.permanences.keys()).collect();
    partners.sort();
    partners.dedup();
    let object = |of: &Permanence| json!({ "held": of.held, "cancelled": of.cancelled, "minutes": of.minutes, "reasons": of.reasons });
    let none = Permanence::default();
    let partner = |partner: &String| {
        let mut of = object(now.permanences.get(partner).unwrap_or(&none));
        of["partner"] = json!(partner);
        of["compared"] = then.permanences.get(partner).map_or(Value::Null, object);
        of
    };
    partners.into_iter().map(partner).collect()
}

pub(super) fn operator(code: &str) -> Cell {
    Cell::word(code, operator_label(code))
}

pub(super) fn help(code: &str) -> Cell {
    Vocabulary::Help.cell(code)
}

pub(super) fn age(code: &str) -> Cell {
    Vocabulary::Age.cell(code)
}
