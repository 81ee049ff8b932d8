//! What people read of an answer about the schedule.

use msap_shared::document::schedule::slot::parse_minute;
use msap_shared::document::schedule::{Interval, Reason};
use serde_json::Value;

use crate::cli::decide::{list, signed, text};
use crate::out::{self, Lang};
use crate::wording;

/// One interval of an answer, in words.
pub(super) fn when(value: &Value, lang: Lang) -> String {
    let minute = |name: &str| parse_minute(&text(value, name));
    let interval = minute("from").zip(minute("to")).and_then(|(from, to)| Interval::new(from, to));
    interval.map_or_else(String::new, |interval| wording::interval(interval, lang))
}

fn openings(day: &Value, lang: Lang) -> String {
    let all: Vec<String> = list(day, "intervals").iter().map(|opening| when(opening, lang)).collect();
    match day["state"].as_str() {
        Some("shut") => lang.pick("fermé", "shut").to_owned(),
        Some("unknown") if all.is_empty() => lang.pick("inconnu", "unknown").to_owned(),
        _ => all.join(", "),
    }
}

fn because(day: &Value, lang: Lang) -> String {
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
            other => other,
        };
        let more = why["label"].as_str().map(str::to_owned).or(reason);
        Some(more.map_or_else(|| kind.to_owned(), |more| format!("{kind} : {more}")))
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
        parts.push(format!("{} {}", lang.pick("personne de", "nobody"), when(gap, lang)));
    }
    if list(day, "calendar_missing").iter().any(|missing| missing == "public") {
        parts.push(lang.pick("jours fériés non reçus", "public holidays not received").to_owned());
    }
    parts.join(" ; ")
}

/// One row a day, or one for each version of a day in conflict.
pub(super) fn days(schedule: &Value, lang: Lang) {
    let mut rows = Vec::new();
    for day in list(schedule, "days") {
        let name = text(day, "day");
        let shown = name.parse().map_or_else(|_| name.clone(), |day| wording::day(day, lang));
        if day["state"] != "conflict" {
            rows.push(vec![shown, openings(day, lang), because(day, lang)]);
            continue;
        }
        for version in list(day, "versions") {
            let by: Vec<String> = list(version, "choices").iter().map(|choice| signed(choice, "day", lang)).collect();
            let words = format!("{} ({})", lang.pick("CONFLIT", "CONFLICT"), by.join(" ; "));
            rows.push(vec![shown.clone(), openings(version, lang), words]);
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
pub(super) fn exceptions(schedule: &Value, lang: Lang) {
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
            let more = [text(found, "to_place"), text(found, "hours")].join(" ");
            vec![
                text(found, "from"),
                text(found, "to"),
                text(found, "place"),
                format!("{kind} {more}").trim().to_owned(),
                reason.to_owned(),
                signed(found, "day", lang),
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
