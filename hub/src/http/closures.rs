//! `PUT` and `DELETE` of `/v1/sites/{id}/closures` and `/v1/closures`: what differs at one site, and
//! what is shut in a whole part of the network. Asked twice, nothing happens the second time; what is gone
//! is not found.

use axum::extract::State;
use axum::{Extension, Json};
use msap_shared::document::register::Author;
use msap_shared::document::schedule::{Exception, Where};
use msap_shared::schedule::NetworkClosure;
use msap_shared::schedule::closures::check_length;
use msap_shared::schedule::edit::field;
use serde_json::{Value, json};

use super::Views;
use super::asking::Asking;
use super::auth::{self, Caller};
use super::describe::{Answer, Operation};
use super::openapi::answers;
use super::problem::Problem;
use super::query::{Brought, Name, Pairs};
use super::scope::Scope;
use super::sites::seen;
use super::write::{Fields, answer, author};
use crate::ask::Given;
use crate::ask::parameter::{FROM, PLACE, Parameter, SITE_NAME, TO};
use crate::catalogue::rows::{closure_id, is_id_of_another};
use crate::coordinate::{self, Dated};
use crate::site::department_region;
use crate::store::calendars;

const OF_DAYS: &[Parameter] = &[
    FROM.saying("premier jour", "first day").needed(),
    TO.saying("dernier jour ; from s’il n’est pas dit", "last day; from unless said"),
    PLACE,
];

/// What differs at a site.
pub(super) const PUT_OF_SITE: Operation = Operation {
    more: "Ce qui se contredisait sur ces jours est tranché par là, et dit dans settled.",
    names: &[SITE_NAME],
    body: Some(answers::site_closures),
    ..Operation::write(
        "Dit ce qui diffère à un lieu, certains jours : fermé, ouvert en plus, autrement ou ailleurs",
        "Says what differs at a site on some days",
        Answer::Json(answers::written),
    )
};

/// Takes it back.
pub(super) const DELETE_OF_SITE: Operation = Operation {
    names: &[SITE_NAME],
    parameters: OF_DAYS,
    ..Operation::write(
        "Retire ce qui a été dit de ces jours à ce lieu",
        "Takes back what was said of these days of a site",
        Answer::Json(answers::written),
    )
};

/// What is shut in parts of the network.
pub(super) const OF_NETWORK: Operation =
    Operation::read("Les fermetures du réseau", "The closures of the network", Answer::Json(answers::closures));

/// Closes a part of it.
pub(super) const PUT_OF_NETWORK: Operation = Operation {
    more: "Une fermeture du même id prend la place de l’ancienne, dite dans replaced.",
    body: Some(answers::network_closure),
    ..Operation::write(
        "Ferme une partie du réseau",
        "Closes a part of the network",
        Answer::Json(answers::network_closed),
    )
};

/// Opens it again.
pub(super) const DELETE_OF_NETWORK: Operation = Operation {
    names: &[Parameter::id("department-49-2026-12-24", "l’id d’une fermeture", "the id of a closure")],
    ..Operation::write(
        "Retire une fermeture du réseau",
        "Takes back a closure of the network",
        Answer::Json(answers::network_reopened),
    )
};

/// Says what differs at a site on some days: one object, or a list of them.
pub(super) async fn put_of_site<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
    Brought(body): Brought,
) -> Result<Json<Value>, Problem> {
    let author = author(&caller)?;
    let dated: Vec<Dated> = Fields::several(&body)?.into_iter().map(dated).collect::<Result<_, _>>()?;
    let done = auth::change(&views, caller, move |core, caller, now| {
        let (site, _) = seen(core.connection(), caller, &name)?;
        Ok::<_, Problem>(answer(&site.id, &coordinate::except(core, &author, &site, &dated, now)?))
    });
    done.await.map(Json)
}

/// Takes back what was said of some days of a site.
pub(super) async fn delete_of_site<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
    Pairs(pairs): Pairs,
) -> Result<Json<Value>, Problem> {
    let author = author(&caller)?;
    let given = Given::check(&pairs, OF_DAYS)?;
    let from = given.one("from").ok_or_else(|| Problem::field("from", "ce champ manque"))?;
    let days = (field::day("from", from)?, field::day("to", given.one("to").unwrap_or(from))?);
    let place = field::place_or_all("place", given.one("place").unwrap_or("*"))?;
    let done = auth::change(&views, caller, move |core, caller, now| {
        let (site, _) = seen(core.connection(), caller, &name)?;
        Ok::<_, Problem>(answer(&site.id, &coordinate::remove_exception(core, &author, &site, days, &place, now)?))
    });
    done.await.map(Json)
}

fn dated(mut fields: Fields) -> Result<Dated, Problem> {
    let from = fields.needed("from")?;
    let days = (field::day("from", &from)?, field::day("to", &fields.text_or("to", &from)?)?);
    check_length(days.0, days.1)?;
    let place = field::place_or_all("place", &fields.text_or("place", "*")?)?;
    let reason = field::reason("reason", &fields.needed("reason")?)?;
    let kind = fields.text_or("kind", "closed")?;
    let hours = fields.text("hours")?.flatten().map(|hours| field::hours("hours", &hours)).transpose()?;
    let given = || hours.clone().ok_or_else(|| Problem::field("hours", "donnez les créneaux, comme 09:00-12:00"));
    let exception = match kind.as_str() {
        "closed" if hours.is_some() => {
            return Err(Problem::field("hours", "une fermeture n’a pas de créneaux : kind vaut extra, hours ou moved"));
        }
        "closed" => Exception::Closed(reason),
        "extra" => Exception::Extra(reason, given()?),
        "hours" => Exception::Hours(reason, given()?),
        "moved" => Exception::Moved(reason, field::place("to_place", &fields.needed("to_place")?)?, hours),
        _ => return Err(Problem::field("kind", "attendu : closed, extra, hours ou moved")),
    };
    // An opening is at one place; only a closure is everywhere.
    let place = match (place, &exception) {
        (Where::Everywhere, Exception::Extra(..) | Exception::Moved(..)) => Where::At(Default::default()),
        (place, _) => place,
    };
    fields.finish()?;
    Ok(Dated { days, place, exception })
}

/// The closures of the network, for whoever has a token: they are public.
pub(super) async fn of_network<V: Views>(asking: Asking<V>) -> Result<Json<Value>, Problem> {
    let closures = asking.read(|sight| Ok(calendars::closures(sight.conn)?)).await?;
    Ok(Json(json!({ "closures": closures.iter().map(object).collect::<Value>() })))
}

/// Closes a part of the network.
pub(super) async fn put_of_network<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    Brought(body): Brought,
) -> Result<Json<Value>, Problem> {
    let mine = author(&caller)?;
    let mut fields = Fields::one(&body)?;
    let scope = match fields.text("scope")?.flatten() {
        None => mine,
        Some(text) => {
            let scope = text.parse::<Scope>().ok().and_then(|scope| scope.author());
            scope.ok_or_else(|| Problem::field("scope", "attendu : national, region:52 ou department:49"))?
        }
    };
    let from_text = fields.needed("from")?;
    let (from, to) = (field::day("from", &from_text)?, field::day("to", &fields.text_or("to", &from_text)?)?);
    let closure = NetworkClosure {
        id: fields.text_or("id", &closure_id(&scope.to_string(), from, to))?,
        from,
        to,
        reason: field::reason("reason", &fields.needed("reason")?)?,
        label: fields.needed("label")?.trim().to_owned(),
        scope,
    };
    fields.finish()?;
    closure.check()?;
    if is_id_of_another(&closure.id, &closure.scope.to_string()) {
        let why =
            format!("cet identifiant est d’un autre territoire que {} : donnez-en un autre, ou aucun", closure.scope);
        return Err(Problem::field("id", why));
    }
    may_close(&caller, &closure.scope)?;
    let done = auth::change(&views, caller, move |core, caller, now| {
        // The id may be another scope's: it is not to be taken over.
        let held = calendars::closures(core.connection())?.into_iter().find(|held| held.id == closure.id);
        held.as_ref().map_or(Ok(()), |held| may_close(caller, &held.scope))?;
        let changed = coordinate::close_network(core, &closure, now)?;
        let replaced = held.filter(|_| changed).as_ref().map(object);
        Ok::<_, Problem>(json!({ "changed": changed, "closure": object(&closure), "replaced": replaced }))
    });
    done.await.map(Json)
}

/// Takes a closure of the network back.
pub(super) async fn delete_of_network<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    Name(id): Name,
) -> Result<Json<Value>, Problem> {
    author(&caller)?;
    let done = auth::change(&views, caller, move |core, caller, now| {
        let held = calendars::closures(core.connection())?.into_iter().find(|held| held.id == id);
        let held = held.ok_or_else(|| {
            Problem::not_found("aucune fermeture du réseau n’a cet identifiant : GET /v1/closures les donne")
        })?;
        may_close(caller, &held.scope)?;
        coordinate::reopen_network(core, &held, now)?;
        Ok::<_, Problem>(json!({ "changed": true, "closure": object(&held) }))
    });
    done.await.map(Json)
}

/// Whether a caller may close, or reopen, all of this part of the network.
fn may_close(caller: &Caller, part: &Author) -> Result<(), Problem> {
    let inside = match (&caller.scope, part) {
        (Scope::National, _) => true,
        (Scope::Region(mine), Author::Region(code)) => **code == **mine,
        (Scope::Region(mine), Author::Department(code)) => department_region(code) == Some(mine.as_str()),
        (Scope::Department(mine), Author::Department(code)) => **code == **mine,
        _ => false,
    };
    if inside { Ok(()) } else { Err(Problem::not_in_scope(&caller.scope, part.to_string())) }
}

fn object(closure: &NetworkClosure) -> Value {
    let NetworkClosure { id, from, to, reason, label, scope } = closure;
    let (from, to) = (from.to_string(), to.to_string());
    json!({ "id": id, "scope": scope.to_string(), "from": from, "to": to, "reason": reason.as_str(), "label": label })
}
