//! What is brought to be written, and what is answered then; sessions, health and problems.

use super::super::schema::{either, list, said, shaped};
use super::schedule::conflict;
use super::*;
use msap_shared::document::schedule::Reason;

fn reason() -> Schema {
    words(Reason::ALL.iter().map(|reason| reason.as_str()))
}

/// What is shut in a part of the network.
pub(super) fn closure() -> Schema {
    object(
        "NetworkClosure",
        [
            ("id", text("department-49-2026-12-24")),
            ("scope", text("department:49")),
            ("from", day()),
            ("to", day()),
            ("reason", reason()),
            ("label", text("pont")),
        ],
    )
}

pub(in crate::http) fn written() -> Schema {
    let fact = fields([("key", text("partner|CNAF")), ("value", text("department:49|2026-11-20|absent"))]);
    object(
        "Written",
        [
            ("changed", flag().says("faux : c’était déjà ainsi")),
            ("facts", list(fact)),
            ("settled", list(conflict(false)).says("les contradictions que ceci a tranchées, telles qu’elles étaient")),
        ],
    )
}

/// Null is the same as nothing.
fn maybe(schema: Schema) -> Schema {
    schema.or_null().optional()
}

/// A text of which null and an empty one are the same as nothing.
fn maybe_text(schema: Schema) -> Schema {
    either([schema, words([""]).or_null()]).optional()
}

fn dated() -> Schema {
    object(
        "SiteClosure",
        [
            ("from", day()),
            ("to", maybe_text(day())),
            ("reason", reason()),
            ("place", maybe_text(text("*"))),
            ("kind", maybe_text(words(["closed", "extra", "hours", "moved"]))),
            ("hours", maybe_text(text("09:00-12:00"))),
            ("to_place", maybe_text(text("mairie"))),
        ],
    )
}

pub(in crate::http) fn site_closures() -> Schema {
    either([dated(), list(dated())])
}

pub(in crate::http) fn network_closure() -> Schema {
    object(
        "NewNetworkClosure",
        [
            ("from", day()),
            ("to", maybe_text(day())),
            ("reason", reason()),
            ("label", said("pont")),
            ("scope", maybe_text(text("department:49"))),
            ("id", maybe_text(text("pont-2026"))),
        ],
    )
}

pub(in crate::http) fn network_closed() -> Schema {
    object("NetworkClosed", [("changed", flag()), ("closure", closure()), ("replaced", closure().or_null())])
}

pub(in crate::http) fn network_reopened() -> Schema {
    object("NetworkReopened", [("changed", flag()), ("closure", closure())])
}

pub(in crate::http) fn partner_change() -> Schema {
    let agreement =
        fields([("status", words(AgreementStatus::ALL.map(AgreementStatus::as_str))), ("day", maybe_text(day()))]);
    let training = fields([("agents", count(2).at_most(65_535)), ("trained_on", day())]);
    let cancel = fields([("day", day()), ("place", maybe_text(text("-"))), ("reason", reason())]);
    object(
        "PartnerChange",
        [
            ("mode", maybe_text(words(Mode::ALL.map(Mode::as_str)))),
            ("contact", maybe_text(text("0241000000"))),
            ("until", maybe_text(day())),
            ("confirm", maybe(flag())),
            ("agreement", maybe(agreement)),
            ("training", maybe(training)),
            ("cancel", maybe(cancel)),
            ("label", maybe_text(text("Assistante sociale"))),
        ],
    )
}

pub(in crate::http) fn choice() -> Schema {
    object("Choice", [("version", count(1).at_most(65_535).says("le numéro d’une version, à partir de 1"))])
}

pub(in crate::http) fn credentials() -> Schema {
    object("Credentials", [("login", said("prefecture-49")), ("password", said("un long mot de passe"))])
}

pub(in crate::http) fn session() -> Schema {
    object(
        "Session",
        [
            ("who", text("user:prefecture-49")),
            ("scope", text("department:49")),
            ("role", words([Role::Reader, Role::Coordinator, Role::Admin].map(Role::name))),
            ("until", moment().or_null()),
        ],
    )
}

pub(in crate::http) fn alive() -> Schema {
    object("Health", [("status", words(["alive", "ready"]))])
}

pub(in crate::http) fn openapi() -> Schema {
    fields([("openapi", shaped("^3\\.1\\.", "3.1.0"))]).open()
}

pub(in crate::http) fn problem() -> Schema {
    object(
        "Problem",
        [
            ("type", shaped("^urn:msap:problem:[a-z_-]+$", "urn:msap:problem:unknown-parameter")),
            ("title", text("Paramètre inconnu")),
            ("status", number(400)),
            ("detail", text("\"departement\" n’est pas un paramètre d’ici ; le plus proche : department")),
            ("parameter", text("departement").optional().says("le paramètre dont il s’agit")),
            ("field", text("reason").optional().says("le champ du corps dont il s’agit")),
            ("nearest", text("department").optional().says("le paramètre que vous vouliez peut-être dire")),
            ("scope", text("department:49").optional().says("ce que vous voyez")),
            ("asked", text("department:61").optional().says("ce que vous avez demandé")),
        ],
    )
}
