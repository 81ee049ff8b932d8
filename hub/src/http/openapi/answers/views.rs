//! What is handed to partners, committees, whoever steers the network, and everybody.

use super::super::schema::{Schema, count, day, decimal, either, fields, flag, list, map, number, object, text, words};
use super::figures::{by, keys, tally};
use crate::coverage::Cover;
use crate::privacy::table::TABLES;
use crate::query::{Compare, Key};

const SIZES: [&str; 6] = ["candidate", "project", "open", "labelled", "retired", "serving"];

fn kind() -> Schema {
    words(["house", "antenna"])
}

fn named_site() -> Schema {
    fields([("site", text("275")), ("site_name", text("Chemillé-en-Anjou"))])
}

fn size() -> Schema {
    let kind = || fields(SIZES.map(|life| (life, count(3))));
    fields([("houses", kind()), ("antennas", kind()), ("departments", count(1).says("où une maison est en service"))])
}

pub(in crate::http) fn network() -> Schema {
    let of = [Key::Department, Key::Region, Key::Month, Key::Bearer];
    let row = keys(&of).and(size()).and(fields([("day", day())]));
    object(
        "Network",
        [
            ("from", day()),
            ("to", day()),
            ("by", by(&of)),
            ("total", size().with_name("NetworkSize").says("au dernier jour")),
            ("rows", list(row.with_name("NetworkRow"))),
        ],
    )
}

fn covers() -> Schema {
    let [present, partial, reachable, absent, unknown] = Cover::ALL.map(Cover::as_str);
    fields([present, partial, reachable, absent, unknown, "without"].map(|cover| (cover, count(2))))
}

fn coverage_sums() -> Schema {
    fields([
        ("operator", text("DGFIP")),
        ("operator_name", text("Impôts")),
        ("houses", covers()),
        ("antennas", covers()),
        ("communes", count(4).says("où il est présent ou joignable")),
        ("days_per_week", decimal(1.5)),
        ("minutes_per_week", decimal(270.0)),
    ])
}

pub(in crate::http) fn coverage() -> Schema {
    let site = fields([
        ("operator", text("DGFIP")),
        ("department", text("49")),
        ("site", text("275")),
        ("site_name", text("Chemillé-en-Anjou")),
        ("kind", kind()),
        ("house", text("361").or_null().says("la maison d’une antenne")),
        ("commune", text("Chemillé-en-Anjou")),
        ("state", words(Cover::ALL.map(Cover::as_str))),
        ("days_per_week", decimal(1.5)),
        ("minutes_per_week", decimal(270.0)),
        ("checked_on", day().or_null().says("confirmé ce jour-là")),
        ("stale", flag().says("confirmé il y a trop longtemps")),
    ]);
    let department = coverage_sums().and(fields([("department", text("49"))]));
    object(
        "Coverage",
        [
            ("day", day()),
            ("weeks", fields([("from", day()), ("to", day())])),
            ("total", list(coverage_sums().with_name("CoverageSums"))),
            ("departments", list(department.with_name("CoverageDepartment"))),
            ("sites", list(site.with_name("CoverageSite")).optional().says("sans by, ou by=site")),
        ],
    )
}

/// A figure of a table that was released.
fn told() -> Schema {
    let hidden = fields([("suppressed", flag()), ("lt", count(11).optional().says("au-dessous de, et plus que 0"))]);
    either([number(40), hidden.with_name("Suppressed"), Schema::null()])
}

pub(in crate::http) fn returned() -> Schema {
    let owed = || fields([("expected", count(20)), ("reported", count(19))]);
    let department = fields([
        ("department", text("49")),
        ("requests", number(63)),
        ("help", map("online", number(23))),
        ("age", map("25-39", told()).or_null().says("tels que publiés ; null tant qu’ils ne le sont pas")),
    ]);
    let site = fields([
        ("department", text("49")),
        ("site", text("597")),
        ("site_name", text("Courteille")),
        ("kind", kind()),
        ("requests", number(20)),
        ("houses", list(named_site()).says("les maisons d’une antenne ce mois-là")),
    ]);
    object(
        "Return",
        [
            ("operator", text("CNAF")),
            ("operator_name", text("CAF")),
            ("month", text("2026-10")),
            ("as_of", day()),
            ("provisional", flag().says("le mois n’est pas terminé")),
            ("total", fields([("requests", number(63)), ("sites", count(2).says("lieux qui ont eu des demandes"))])),
            ("completeness", tally().with_name("Tally")),
            ("apart", apart().says("ce qui n’est dans aucun des chiffres")),
            ("ages_released", day().or_null()),
            ("ages_withheld", flag().says("aucun âge n’a pu être publié")),
            ("departments", list(department.and(owed()).with_name("ReturnDepartment"))),
            ("sites", list(site.and(owed()).with_name("ReturnSite"))),
        ],
    )
}

/// What stands apart of a return.
fn apart() -> Schema {
    fields([
        ("requests", number(3).says("en attente d’une décision")),
        ("reasons", map("clock", number(3)).or_null().says("pourquoi ; null à une date passée")),
        ("refused_changes", count(0).says("changements refusés du mois, dont le contenu revient par d’autres")),
        ("pending_changes", count(0).or_null().says("changements de postes à approuver ; null à une date passée")),
    ])
    .with_name("ReturnApart")
}

fn pair() -> Schema {
    fields([("visits", number(12).or_null()), ("requests", number(15))])
}

fn figure() -> Schema {
    pair().and(fields([("compared", pair().or_null().says("un an avant ; null où rien n’a été reçu"))]))
}

fn hours() -> Schema {
    fields([
        ("days", count(20)),
        ("minutes", number(4_800)),
        ("days_unknown", count(0).says("sans horaires connus, ou contredits")),
    ])
}

fn permanence() -> Schema {
    fields([
        ("held", count(4)),
        ("cancelled", count(1)),
        ("minutes", number(480)),
        ("reasons", map("strike", count(1))),
    ])
}

fn part() -> Schema {
    let line = |key: &'static str, example: &str| list(figure().and(fields([(key, text(example))])));
    let month = figure().and(fields([("month", text("2026-10")), ("expected", count(20)), ("reported", count(19))]));
    let of_month = hours().and(fields([("month", text("2026-10"))]));
    let closure = fields([
        ("site", text("275")),
        ("from", day()),
        ("to", day()),
        ("days", number(3)),
        ("kind", text("closed")),
        ("reason", text("works").or_null()),
        ("label", text("travaux").or_null()),
        ("whole", flag().says("le lieu entier, et non un point d’accueil")),
    ]);
    let coming = permanence().and(fields([("partner", text("CAF")), ("compared", permanence().or_null())]));
    let closed = fields([("from", day().or_null()), ("to", day().or_null())]);
    fields([
        ("sites_summed", count(2).says("les lieux dont jours et heures sont additionnés")),
        ("closed", list(closed).says("quand le lieu était fermé définitivement, du début de la période à aujourd’hui")),
        ("total", figure()),
        ("flagged", fields([("visits", number(0)), ("requests", number(0))]).says("à part, en attente d’une décision")),
        ("completeness", tally().with_name("Tally")),
        ("months", list(month)),
        ("operators", line("operator", "CNAF")),
        ("helps", line("help", "online")),
        ("ages", line("age", "25-39")),
        ("hours", hours().and(fields([("months", list(of_month)), ("compared", hours().or_null())]))),
        ("closures", list(closure)),
        ("permanences", list(coming)),
    ])
}

pub(in crate::http) fn report() -> Schema {
    let compare = fields([("with", words([Compare::Year.name()])), ("from", day().or_null()), ("to", day().or_null())]);
    object(
        "Report",
        [
            ("site", text("275")),
            ("site_name", text("Chemillé-en-Anjou")),
            ("kind", kind()),
            ("department", text("49")),
            ("commune", text("Chemillé-en-Anjou")),
            ("bearer", text("mairie")),
            ("antennas", list(named_site())),
            ("from", day()),
            ("to", day()),
            ("compare", compare),
            ("held_until", day().says("le dernier jour dont horaires et permanences sont dits")),
            ("completeness", tally().with_name("Tally")),
            ("whole", part().with_name("ReportPart")),
            (
                "sites",
                list(part().and(named_site()).and(fields([("kind", kind())])).with_name("ReportSite"))
                    .optional()
                    .says("avec antennas=apart"),
            ),
        ],
    )
}

fn period() -> Schema {
    text("2026-10")
}

fn measures() -> Schema {
    list(words(["visits", "requests"]))
}

pub(in crate::http) fn public() -> Schema {
    let table = fields([("table", table()), ("by", by(&Key::ALL)), ("tells", measures())]);
    object(
        "PublicTables",
        [
            ("layout", count(1).says("la version de cette liste")),
            ("tables", list(table)),
            ("periods", list(fields([("period", period()), ("as_of", day())]))),
        ],
    )
}

fn table() -> Schema {
    words(TABLES.map(|table| table.name))
}

pub(in crate::http) fn released() -> Schema {
    let figures = || fields([("visits", told()), ("requests", told())]);
    object(
        "Released",
        [
            ("table", table()),
            ("period", period()),
            ("as_of", day().says("publié ce jour-là, et figé depuis")),
            ("from", day().or_null()),
            ("to", day().or_null()),
            ("by", by(&Key::ALL)),
            ("layout", count(1)),
            ("min_cell", count(11).says("le plus petit chiffre montré, hors 0")),
            ("total", figures()),
            ("rows", list(keys(&Key::ALL).and(figures()).with_name("ReleasedRow"))),
            ("completeness", tally().with_name("Tally").or_null()),
            ("withheld", measures().says("ce qui ne peut être dit à ce niveau")),
            ("operator", text("CNAF").optional().says("d’un partenaire seul")),
        ],
    )
}
