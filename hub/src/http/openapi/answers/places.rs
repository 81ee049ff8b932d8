//! Sites, machines, and what wants a person.

use super::super::schema::{
    Schema, count, day, decimal, fields, flag, list, map, moment, number, object, shaped, text, words,
};
use super::{KINDS, closure};
use crate::ledger::Verdict;
use crate::site::STATES;

/// Where the next page begins.
pub(super) fn next() -> Schema {
    text("Z2FyZGV6LWxl").or_null().says("le « cursor » de la page suivante ; null à la fin")
}

fn kind() -> Schema {
    words(["house", "antenna"])
}

fn life() -> Schema {
    words(["candidate", "project", "open", "labelled", "retired"])
}

pub(in crate::http) fn site() -> Schema {
    object(
        "Site",
        [
            ("id", text("275")),
            ("name", text("Chemillé-en-Anjou")),
            ("kind", kind()),
            ("life", life()),
            ("parent", text("361").or_null().says("la maison d’une antenne")),
            ("format", text("Site fixe")),
            ("commune", text("Chemillé-en-Anjou")),
            ("insee", text("49092")),
            ("department", text("49")),
            ("region", text("52")),
            ("bearer", text("mairie")),
            ("lat", decimal(47.21).or_null()),
            ("lon", decimal(-0.72).or_null()),
            ("timezone", text("Europe/Paris")),
            ("holiday_zone", text("metropole")),
            ("school_zone", text("B")),
            ("osm_opening_hours", text("Mo-Fr 09:00-12:00,14:00-17:00")),
            ("weekly_minutes", count(1_800).or_null()),
            ("label_date", day().or_null()),
            ("open_now", flag().or_null().says("null : inconnu, ou contredit")),
            ("state", words(STATES).or_null()),
            ("last_contact", moment().or_null()),
            ("waiting", count(0).or_null().says("changements qui attendent sur ses postes")),
            ("version", text("0.1.0").or_null()),
            ("quality", list(text("no_hours"))),
        ],
    )
}

pub(in crate::http) fn sites() -> Schema {
    let numbers = fields([("open", count(3)), ("shut", count(2)), ("unknown", count(1))]);
    object(
        "Sites",
        [
            ("sites", list(site())),
            ("open_at", numbers.optional().says("avec open_at : combien sont ouverts, fermés, inconnus")),
            ("next", next()),
        ],
    )
}

fn group() -> Schema {
    object(
        "FleetGroup",
        [
            ("department", text("49").or_null()),
            ("state", words(STATES).or_null().says("le pire ; null sans lieu")),
            ("sites", count(12)),
            ("states", map("up_to_date", count(10))),
            ("waiting", count(0)),
            ("forked", count(0)),
            ("refused", count(0)),
            ("flagged", count(0)),
        ],
    )
}

fn machine() -> Schema {
    object(
        "FleetDevice",
        [
            ("id", text("0102030405060708")),
            ("site", text("275")),
            ("label", text("accueil")),
            ("standing", words(["active", "returned", "pending", "revoked", "replaced"])),
            ("replaced_by", text("0102030405060709").or_null()),
            ("enrolled", day()),
            ("reason", text("perdu")),
            ("forked", flag()),
            ("last_contact", moment().or_null()),
            ("last_in_sync", moment().or_null()),
            ("version", text("0.1.0")),
            ("transport", text("quic")),
            ("tried", text("quic silent")),
            ("clock_offset_ms", number(-120).or_null()),
            ("waiting", count(0).or_null()),
            ("oldest_waiting_day", day().or_null()),
            ("turned_away", moment().or_null()),
            ("state", words(STATES).or_null()),
            ("refused", count(0)),
        ],
    )
}

pub(in crate::http) fn fleet() -> Schema {
    let check = object(
        "CheckRun",
        [
            ("at", moment()),
            ("ended", moment()),
            ("documents", count(120)),
            ("changes", count(5_400)),
            ("drift", count(0)),
            ("problems", count(0)),
            ("registry", count(0)),
            ("differences", count(0)),
            ("negative", count(0)),
        ],
    );
    let cause = fields([("fr", text("tout est reçu")), ("en", text("all is received"))]);
    let site = object(
        "FleetSite",
        [
            ("id", text("275")),
            ("name", text("Chemillé-en-Anjou")),
            ("kind", kind()),
            ("life", life()),
            ("parent", text("361").or_null()),
            ("commune", text("Chemillé-en-Anjou")),
            ("department", text("49")),
            ("region", text("52")),
            ("bearer", text("mairie")),
            ("state", words(STATES)),
            ("cause", cause),
            ("last_contact", moment().or_null()),
            ("last_in_sync", moment().or_null()),
            ("waiting", count(0).or_null()),
            ("oldest_waiting_day", day().or_null()),
            ("version", text("0.1.0").or_null()),
            ("forked", count(0)),
            ("refused", count(0)),
            ("flagged", count(0)),
            ("machines", count(1).says("postes qui comptent : ni révoqués ni remplacés")),
            ("devices", list(machine()).or_null().says("null pour un lecteur")),
        ],
    );
    object(
        "Fleet",
        [
            ("as_of", moment()),
            ("check", check.or_null().says("la dernière vérification de toute la base")),
            ("total", group()),
            ("departments", list(group())),
            ("sites", list(site)),
            ("next", next()),
        ],
    )
}

pub(in crate::http) fn flagged() -> Schema {
    let verdict = words([Verdict::Count.as_str(), Verdict::LeaveOut.as_str()]).or_null();
    let row = object(
        "Flagged",
        [
            ("id", shaped("^[a-z2-7]{5}-[a-z2-7]{5}$", "abcde-fgh23")),
            ("document", text("site/275/visits/2026-11")),
            ("site", text("275")),
            ("tap", text("AQIDBAUGBwg")),
            ("reason", text("day").says("toutes, séparées par des virgules")),
            ("date", day().or_null()),
            ("day", count(20).or_null().says("jour du mois")),
            ("value", text("1|CNAF|online|25-39|1").or_null()),
            ("verdict", verdict),
            ("settled", text("vérifié au téléphone").or_null()),
        ],
    );
    object("FlaggedPage", [("flagged", list(row)), ("next", next())])
}

pub(in crate::http) fn refused() -> Schema {
    let reasons = ["hash", "key", "day", "value", "number", "size", "repeated", "grant", "other"];
    let row = object(
        "Refused",
        [
            ("id", count(7)),
            ("document", text("site/275/visits/2026-11")),
            ("site", text("275")),
            ("device", text("0102030405060708")),
            ("writer", text("00112233445566778899aabbccddeeff")),
            ("seq", count(3)),
            ("reason", words(reasons)),
            ("day", day().or_null()),
            ("settled", flag()),
        ],
    );
    object("RefusedPage", [("refused", list(row)), ("next", next())])
}

pub(in crate::http) fn journal() -> Schema {
    let line = object(
        "JournalLine",
        [
            ("n", count(12)),
            ("at", moment()),
            ("who", text("operator")),
            ("action", text("site.set").says(&format!("le premier mot : {}", KINDS.join(", ")))),
            ("subject", text("275")),
            ("detail", text("name=Chemillé")),
        ],
    );
    object("JournalPage", [("journal", list(line)), ("next", next())])
}

pub(in crate::http) fn documents() -> Schema {
    let row = object("Document", [("id", text("site/275/visits/2026-11")), ("changes", count(4))]);
    object("DocumentsPage", [("documents", list(row)), ("next", next())])
}

pub(in crate::http) fn closures() -> Schema {
    object("NetworkClosures", [("closures", list(closure()))])
}
