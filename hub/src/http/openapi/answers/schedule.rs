//! Days, partners and contradictions.

use msap_shared::document::partners::availability::Availability;
use msap_shared::document::partners::{AgreementStatus, Mode};
use msap_shared::document::schedule::{Access, Reason};
use msap_shared::schedule::{DayState, WhyKind};

use super::super::schema::{Schema, clock, count, day, fields, flag, list, object, text, words};

fn interval() -> Schema {
    fields([("from", clock("09:00")), ("to", clock("12:00"))])
}

fn access() -> Schema {
    words(Access::ALL.map(Access::as_str))
}

fn why() -> Schema {
    let kinds = [
        "rule",
        "public_holiday",
        "closed",
        "extra",
        "hours",
        "moved",
        "network_closure",
        "off",
        "no_rule",
        "no_hours",
        "no_calendar",
    ];
    debug_assert!(kinds.contains(&WhyKind::NoRule.as_str()));
    object(
        "Why",
        [
            ("kind", words(kinds)),
            ("place", text("-").or_null()),
            ("key", text("hours|mon").or_null()),
            ("author", text("device:0102030405060708").or_null()),
            ("day", day().or_null()),
            ("reason", words(Reason::ALL.iter().map(|reason| reason.as_str())).or_null()),
            ("label", text("travaux").or_null()),
        ],
    )
}

fn permanence() -> Schema {
    object(
        "Permanence",
        [
            ("operator", text("CNAF")),
            ("from", clock("09:00")),
            ("to", clock("12:00")),
            ("place", text("-")),
            ("access", access()),
            ("why", why()),
            ("cancelled", why().or_null()),
        ],
    )
}

fn outcome() -> Schema {
    let opening = fields([
        ("from", clock("09:00")),
        ("to", clock("12:00")),
        ("place", text("-")),
        ("access", access()),
        ("agents", count(2).or_null()),
    ]);
    let staffing = interval().and(fields([("agents", count(2).or_null()), ("absent", count(0))]));
    let prevailing = fields([
        ("closure", text("national-2026-12-24")),
        ("label", text("pont")),
        ("key", text("exception|2026-12-24")),
        ("author", text("device:0102030405060708")),
        ("day", day()),
    ]);
    let states = [DayState::Open, DayState::Shut, DayState::Unknown, DayState::Conflict].map(DayState::as_str);
    fields([
        ("state", words(states)),
        ("minutes", count(360).or_null()),
        ("intervals", list(opening)),
        ("permanences", list(permanence())),
        ("staffing", list(staffing)),
        ("gaps", list(interval())),
        ("why", list(why())),
        ("public_holiday", text("Noël").or_null()),
        ("prevailing", list(prevailing)),
        ("calendar_missing", list(words(["public", "school"]))),
    ])
}

fn said() -> Schema {
    fields([("author", text("device:0102030405060708")), ("day", day()), ("value", text("0900-1200|walkin"))])
}

pub(super) fn conflict(named: bool) -> Schema {
    let version = said().and(fields([("words", text("09:00–12:00")), ("by", text("poste accueil"))]));
    let conflict = fields([
        ("id", text("275.abcdef")),
        ("site", text("275")),
        ("document", words(["schedule", "partners"])),
        ("key", text("hours|mon")),
        ("subject", text("horaires du lundi")),
        ("versions", list(version)),
    ]);
    match named {
        true => conflict.and(fields([("name", text("Chemillé-en-Anjou"))])).with_name("NamedConflict"),
        false => conflict.with_name("Conflict"),
    }
}

pub(in crate::http) fn schedule() -> Schema {
    let choice = fields([("key", text("hours|mon")), ("author", text("national")), ("day", day())]);
    let version = outcome().and(fields([("choices", list(choice))])).with_name("DayVersion");
    let day_plan = outcome().and(fields([("day", day()), ("versions", list(version))])).with_name("DayPlan");
    object(
        "Schedule",
        [
            ("site", text("275")),
            ("timezone", text("Europe/Paris")),
            ("holiday_zone", text("metropole")),
            ("school_zone", text("B")),
            ("from", day()),
            ("to", day()),
            ("days", list(day_plan)),
            ("rules", list(fields([("key", text("hours|mon")), ("values", list(said()))]))),
            ("conflicts", list(conflict(false))),
            ("unreadable", list(fields([("key", text("x")), ("value", text("y")), ("why", text("…"))]))),
            ("checked_on", day().or_null()),
        ],
    )
}

fn partner() -> Schema {
    let presence = fields([
        ("mode", words(Mode::ALL.map(Mode::as_str))),
        ("contact", text("0241000000").or_null()),
        ("until", day().or_null()),
        ("checked_on", day()),
        ("author", text("department:49")),
    ]);
    let agreement =
        fields([("status", words(AgreementStatus::ALL.map(AgreementStatus::as_str))), ("day", day().or_null())]);
    fields([
        ("operator", text("CNAF")),
        ("label", text("Assistante sociale").or_null()),
        ("availability", words(Availability::ALL.map(Availability::as_str))),
        ("stale", flag()),
        ("said", list(presence)),
        ("permanences", list(permanence())),
        ("agreement", agreement.or_null()),
        ("training", fields([("agents", count(2)), ("trained_on", day())]).or_null()),
    ])
}

pub(in crate::http) fn partners_of_site() -> Schema {
    object(
        "PartnersOfSite",
        [
            ("site", text("275")),
            ("day", day()),
            ("partners", list(partner().with_name("Partner"))),
            ("conflicts", list(conflict(false))),
        ],
    )
}

pub(in crate::http) fn partners() -> Schema {
    let row = partner().and(fields([
        ("site", text("275")),
        ("name", text("Chemillé-en-Anjou")),
        ("commune", text("Chemillé-en-Anjou")),
        ("department", text("49")),
        ("day", day()),
    ]));
    object(
        "PartnersPage",
        [
            ("day", day().or_null()),
            ("partners", list(row.with_name("PartnerAtSite"))),
            ("next", text("Z2FyZGV6LWxl").or_null()),
        ],
    )
}

pub(in crate::http) fn conflicts() -> Schema {
    object("ConflictsPage", [("conflicts", list(conflict(true))), ("next", text("Z2FyZGV6LWxl").or_null())])
}
