//! What people read of an answer about the schedule.

use msap_shared::document::schedule::slot::parse_minute;
use msap_shared::document::schedule::{Interval, Reason};
use serde_json::Value;

use crate::cli::decide::{list, signed, text};
use crate::out::{self, Lang};
use crate::wording;

/// One interval of an answer, in words.
pub(super) fn when(value: &Value, lang: Lang) -> String {
    interval(value).map_or_else(String::new, |interval| wording::interval(interval, lang))
}

fn interval(value: &Value) -> Option<Interval> {
    let minute = |name: &str| parse_minute(&text(value, name));
    minute("from").zip(minute("to")).and_then(|(from, to)| Interval::new(from, to))
}

/// A place by its name for the public; nothing for the house itself.
pub(super) fn place(schedule: &Value, slug: &str) -> String {
    let named = list(schedule, "places").iter().find(|named| named["place"] == slug);
    named.map_or_else(|| slug.trim_start_matches('-').to_owned(), |named| text(named, "label"))
}

fn openings(schedule: &Value, day: &Value, lang: Lang) -> String {
    let opening = |opening: &Value| match place(schedule, &text(opening, "place")) {
        house if house.is_empty() => when(opening, lang),
        elsewhere => format!("{} ({elsewhere})", when(opening, lang)),
    };
    let all: Vec<String> = list(day, "intervals").iter().map(opening).collect();
    match day["state"].as_str() {
        Some("shut") => lang.pick("fermé", "shut").to_owned(),
        Some("unknown") if all.is_empty() => lang.pick("inconnu", "unknown").to_owned(),
        _ => all.join(", "),
    }
}

fn because(schedule: &Value, (name, day): (&str, &Value), lang: Lang) -> String {
    let words = |why: &Value| {
        let reason = Reason::known(&text(why, "reason")).map(|reason| wording::reason(reason, lang).to_owned());
        let kind = match why["kind"].as_str().unwrap_or_default() {
            "rule" => return None,
            "public_holiday" => lang.pick("jour férié", "public holiday"),
            "closed" => lang.pick("fermeture", "closure"),
            "extra" => lang.pick("ouverture exceptionnelle", "extra opening"),
            "hours" => lang.pick("horaires exceptionnels", "other hours"),
            "moved" => lang.pick("déplacement", "moved"),
            "network_closure" => lang.pick("fermeture du réseau", "network closure"),
            "no_rule" => lang.pick("aucun horaire ce jour-là", "no hours on this day"),
            "no_hours" => lang.pick("horaires non renseignés", "no hours given"),
            "no_calendar" => lang.pick("selon un calendrier qui n’est pas reçu", "by a calendar that is not received"),
            other => other,
        };
        let kind = match moved_to(schedule, name, why) {
            Some(to) => format!("{kind}, {to}"),
            None => kind.to_owned(),
        };
        let more = why["label"].as_str().map(str::to_owned).or(reason);
        Some(more.map_or_else(|| kind.clone(), |more| format!("{kind} : {more}")))
    };
    let mut parts: Vec<String> = list(day, "why").iter().filter_map(words).collect();
    for over in list(day, "prevailing") {
        let label = text(over, "label");
        parts.push(format!(
            "{} : {label}",
            lang.pick("prévaut sur la fermeture du réseau", "prevails over the network’s")
        ));
    }
    for gap in list(day, "gaps") {
        if let Some(gap) = interval(gap) {
            parts.push(format!("{} {}", lang.pick("personne", "nobody"), wording::span(gap, lang)));
        }
    }
    for part in list(day, "staffing").iter().filter(|part| part["agents"].is_null() && part["absent"] != 0) {
        let n = u8::try_from(part["absent"].as_u64().unwrap_or_default()).unwrap_or(u8::MAX);
        let (absent, unsaid) = (
            lang.pick("en absence", "absent"),
            lang.pick("nombre au travail non dit", "nobody said how many are at work"),
        );
        let of = interval(part).map_or_else(String::new, |part| wording::span(part, lang));
        parts.push(format!("{} {absent} {of} ({unsaid})", wording::agents(n, lang)));
    }
    for (code, words) in [
        ("public", lang.pick("jours fériés non reçus", "public holidays not received")),
        ("school", lang.pick("vacances scolaires non reçues", "school holidays not received")),
    ] {
        if list(day, "calendar_missing").iter().any(|missing| missing == code) {
            parts.push(words.to_owned());
        }
    }
    parts.join(" ; ")
}

/// Where the house is on a day on which it is elsewhere.
fn moved_to(schedule: &Value, day: &str, why: &Value) -> Option<String> {
    let is_it = |found: &&Value| {
        found["kind"] == "moved"
            && found["place"] == why["place"]
            && (text(found, "from")..=text(found, "to")).contains(&day.to_owned())
    };
    let to = list(schedule, "exceptions").iter().find(is_it).filter(|_| why["kind"] == "moved")?;
    Some(place(schedule, &text(to, "to_place")))
}

/// One row a day, or one for each version of a day in conflict.
pub(super) fn days(schedule: &Value, here: &str, lang: Lang) {
    let mut rows = Vec::new();
    for day in list(schedule, "days") {
        let name = text(day, "day");
        let shown = name.parse().map_or_else(|_| name.clone(), |day| wording::day(day, lang));
        if day["state"] != "conflict" {
            rows.push(vec![shown, openings(schedule, day, lang), because(schedule, (&name, day), lang)]);
            continue;
        }
        for version in list(day, "versions") {
            let by: Vec<String> =
                list(version, "choices").iter().map(|choice| signed(choice, "day", here, lang)).collect();
            let words = format!("{} ({})", lang.pick("CONFLIT", "CONFLICT"), by.join(" ; "));
            rows.push(vec![shown.clone(), openings(schedule, version, lang), words]);
        }
    }
    out::table(&[lang.pick("Jour", "Day"), lang.pick("Horaires", "Hours"), lang.pick("Pourquoi", "Why")], rows);
    for text in list(schedule, "text").iter().filter_map(|said| said["text"].as_str()) {
        let what = lang.pick("horaires en texte, à entrer", "hours as text, to be entered");
        out::note(&format!("{what} : {text}"));
    }
    let conflicts = list(schedule, "conflicts").len();
    if conflicts > 0 {
        let next = lang.pick("à départager : msap-agent conflict list", "to settle: msap-agent conflict list");
        out::note(&format!("{conflicts} {} {next}", lang.pick("conflit(s)", "conflict(s)")));
    }
}

/// One row for each exception of the house, and each closure of the network.
pub(super) fn exceptions(schedule: &Value, here: &str, lang: Lang) {
    let mut rows: Vec<Vec<String>> = list(schedule, "exceptions")
        .iter()
        .map(|found| {
            let reason = Reason::known(&text(found, "reason")).map_or("", |reason| wording::reason(reason, lang));
            let kind = match found["kind"].as_str().unwrap_or_default() {
                "closed" => lang.pick("fermé", "closed"),
                "extra" => lang.pick("ouvert en plus", "open besides"),
                "hours" => lang.pick("autres horaires", "other hours"),
                "moved" => lang.pick("déplacé", "moved"),
                other => other,
            };
            let hours =
                text(found, "hours").parse().map_or_else(|_| text(found, "hours"), |h| wording::hours(&h, lang));
            let more = [place(schedule, &text(found, "to_place")), hours].join(" ");
            vec![
                text(found, "from"),
                text(found, "to"),
                text(found, "place"),
                format!("{kind} {more}").trim().to_owned(),
                reason.to_owned(),
                signed(found, "day", here, lang),
            ]
        })
        .collect();
    rows.extend(list(schedule, "network_closures").iter().map(|closure| {
        let of = lang.pick("fermeture du réseau", "network closure").to_owned();
        vec![
            text(closure, "from"),
            text(closure, "to"),
            "*".to_owned(),
            of,
            text(closure, "label"),
            text(closure, "scope"),
        ]
    }));
    rows.sort();
    let header = [
        lang.pick("Du", "From"),
        lang.pick("Au", "To"),
        lang.pick("Lieu", "Place"),
        lang.pick("Quoi", "What"),
        lang.pick("Motif", "Reason"),
        lang.pick("Par", "By"),
    ];
    out::table(&header, rows);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_day_tells_where_and_why_and_what_is_not_known() {
        let schedule = json!({
            "places": [{ "place": "mairie", "label": "Mairie annexe" }],
            "exceptions": [
                { "from": "2026-12-01", "to": "2026-12-04", "place": "-", "kind": "moved", "to_place": "mairie" },
            ],
        });
        let day = json!({
            "state": "open",
            "intervals": [{ "from": "09:00", "to": "12:00", "place": "-" }, { "from": "14:00", "to": "16:00", "place": "mairie" }],
            "why": [{ "kind": "moved", "place": "-", "reason": "works" }],
            "gaps": [{ "from": "09:00", "to": "12:00" }],
            "staffing": [{ "from": "14:00", "to": "16:00", "agents": null, "absent": 1 }],
            "calendar_missing": ["school"],
        });
        assert_eq!(openings(&schedule, &day, Lang::Fr), "9 h – 12 h, 14 h – 16 h (Mairie annexe)");
        assert_eq!(
            because(&schedule, ("2026-12-02", &day), Lang::Fr),
            "déplacement, Mairie annexe : travaux ; personne de 9 h à 12 h ; 1 agent en absence de 14 h à 16 h (nombre au \
             travail non dit) ; vacances scolaires non reçues"
        );
        let unknown = json!({ "state": "unknown", "why": [{ "kind": "no_calendar" }], "calendar_missing": ["public"] });
        assert_eq!(openings(&schedule, &unknown, Lang::Fr), "inconnu");
        assert_eq!(
            because(&schedule, ("2026-12-25", &unknown), Lang::Fr),
            "selon un calendrier qui n’est pas reçu ; jours fériés non reçus"
        );
    }
}
