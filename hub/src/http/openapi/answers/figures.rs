//! Figures, completeness, labels.

use super::super::schema::{Schema, count, day, decimal, either, fields, list, map, number, object, text, words};
use super::places::next;
use crate::completeness::Reason;
use crate::label::{Check, OVERALL, Verdict};
use crate::query::{Compare, Key};
use crate::site::Fact;
use crate::store::figures::Cause;

fn figure(name: &str) -> Schema {
    object(
        name,
        [
            ("visits", number(12).or_null().says("personnes ; null par opérateur ou type d’aide")),
            ("requests", number(15).says("demandes")),
        ],
    )
}

fn sum() -> Schema {
    figure("Figure")
}

fn percents() -> Schema {
    fields([("visits", decimal(-12.5).or_null()), ("requests", decimal(4.0).or_null())])
}

/// A figure, and under `compare` the other one.
fn compared() -> Schema {
    fields([
        ("visits", number(12).or_null()),
        ("requests", number(15)),
        ("compared", sum().or_null().optional().says("la période comparée ; null où rien n’a été reçu")),
        ("difference", sum().or_null().optional()),
        ("percent", percents().or_null().optional()),
    ])
}

fn days() -> Schema {
    fields([
        ("expected", count(20).says("jours de lieux attendus")),
        ("reported", count(19).says("dont reçus")),
        ("late", count(2).says("dont reçus en retard")),
        ("missing", count(1).says("attendus et non reçus")),
        ("unexpected", count(0).says("visites un jour de fermeture")),
        ("rate", decimal(0.95).or_null().says("reçus / attendus, arrondi vers le bas ; null si rien n’était attendu")),
    ])
}

/// The same, and how many sites there are of which nothing could be expected.
pub(super) fn tally() -> Schema {
    days().and(fields([(
        "not_expected",
        count(1).says("lieux dont rien n’était à attendre, tout le temps ou en partie"),
    )]))
}

fn named() -> Schema {
    fields([
        ("site", text("275")),
        ("name", text("Chemillé-en-Anjou")),
        ("count", count(1)),
        ("days", list(text("2026-11-02/2026-11-13")).says("jours, ou intervalles inclus")),
    ])
}

fn missing_sites() -> Schema {
    list(named().with_name("MissingSite"))
}

fn not_expected() -> Schema {
    let reason = words(Reason::ALL.map(Reason::as_str));
    list(named().and(fields([("reason", reason)])).with_name("NotExpectedSite"))
}

pub(super) fn keys(of: &[Key]) -> Schema {
    let mut keys = fields([]);
    for key in of {
        let example = match key {
            Key::Day => "2026-11-20",
            Key::Month => "2026-11",
            Key::Quarter => "2026-Q4",
            Key::Year => "2026",
            Key::Site => "275",
            Key::Department => "49",
            Key::Region => "52",
            Key::Bearer => "mairie",
            Key::Operator => "CNAF",
            Key::Help => "online",
            Key::Age => "25-39",
        };
        keys = keys.and(fields([(key.name(), text(example).optional())]));
        if *key == Key::Site {
            keys = keys.and(fields([("site_name", text("Chemillé-en-Anjou").or_null().optional())]));
        }
    }
    keys
}

pub(super) fn by(keys: &[Key]) -> Schema {
    list(words(keys.iter().map(|key| key.name())))
}

/// Figures, or with `public`, and a partner's ages, what was released.
pub(in crate::http) fn visits() -> Schema {
    either([summed(), super::released()])
}

fn summed() -> Schema {
    let owed = fields([("expected", count(20).optional()), ("reported", count(19).optional())]);
    let beside = days().and(fields([
        ("missing_sites", missing_sites()),
        ("missing_sites_count", count(1).says("combien de lieux ont des jours manquants")),
        ("not_expected", not_expected()),
        ("not_expected_count", count(0)),
        ("more", text("/v1/completeness?by=site").or_null().says("où les autres lieux sont nommés")),
    ]));
    let compare = fields([
        ("with", words(Compare::ALL.map(Compare::name))),
        ("from", day().or_null()),
        ("to", day().or_null()),
        ("completeness", tally().with_name("Tally").or_null()),
    ]);
    let moved = fields([
        ("received_day", day()),
        ("cause", words(Cause::ALL.map(Cause::name))),
        ("visits", number(1).or_null()),
        ("requests", number(1)),
    ]);
    let since = fields([
        ("visits", number(3).or_null()),
        ("requests", number(3)),
        ("late", sum()),
        ("correction", sum()),
        ("settled", sum()),
        ("negative", sum()),
        ("refused", fields([("changes", count(0))])),
        ("by_received_day", list(moved)),
    ]);
    object(
        "Visits",
        [
            ("as_of", day()),
            ("from", day()),
            ("to", day()),
            ("by", by(&Key::ALL)),
            ("total", compared().with_name("ComparedFigure")),
            ("rows", list(keys(&Key::ALL).and(compared()).and(owed).with_name("VisitsRow"))),
            ("flagged", sum().says("à part, tant que personne n’a tranché")),
            ("completeness", beside.with_name("CompletenessBeside")),
            ("compare", compare.optional().says("avec compare")),
            ("since", since.optional().says("avec as_of : ce qui a bougé depuis")),
        ],
    )
}

pub(in crate::http) fn completeness() -> Schema {
    let known = crate::completeness::keys(&Key::ALL);
    object(
        "Completeness",
        [
            ("as_of", day()),
            ("from", day()),
            ("to", day()),
            ("by", by(&known)),
            ("total", tally().with_name("Tally")),
            ("rows", list(keys(&known).and(tally()).with_name("CompletenessRow"))),
            ("missing_sites", missing_sites()),
            ("not_expected", not_expected()),
        ],
    )
}

pub(in crate::http) fn label() -> Schema {
    let verdict = || words(Verdict::ALL.map(Verdict::as_str));
    let evidence = fields([("fr", text("24 h 30 par semaine")), ("en", text("24 h 30 a week"))]);
    let check = fields([
        ("check", words(Check::ALL.map(Check::as_str))),
        ("state", verdict()),
        ("since", day()),
        ("evidence", evidence.open().says("en mots, et les nombres dont le constat découle")),
    ]);
    let house = object(
        "LabelSite",
        [
            ("site", text("275")),
            ("name", text("Chemillé-en-Anjou")),
            ("commune", text("Chemillé-en-Anjou")),
            ("department", text("49")),
            ("life", words(["candidate", "project", "open", "labelled", "retired"])),
            ("label_date", day().or_null()),
            ("state", verdict().says("le pire de tous les critères")),
            ("since", day()),
            ("checks", list(check)),
            ("facts", map(Fact::ALL[0].name(), fields([("value", text("2026-01-15")), ("from", day())]))),
        ],
    );
    let numbers = fields(Verdict::ALL.map(|verdict| (verdict.as_str(), count(1).optional())));
    object(
        "Label",
        [
            ("day", day()),
            ("note", fields([("fr", text("Aide au référent")), ("en", text("Help for the referent"))])),
            (
                "thresholds",
                fields([
                    ("minutes_min", count(1_440)),
                    ("near_minutes", count(60)),
                    ("agents", count(2)),
                    ("partners_min", count(2)),
                    ("statistics_months", count(1)),
                    ("confirmed_months", count(6)),
                ]),
            ),
            ("numbers", map(OVERALL, numbers).says("combien de maisons, par critère et par constat")),
            ("sites", list(house)),
            ("next", next()),
        ],
    )
}
