//! `POST`, `GET` and `DELETE /v1/session`: a person signs in, asks who he is, signs out.
//!
//! An unknown login and a wrong password are the same answer after the same work: an attempt is
//! taken, a password is checked, a line goes to the journal. Invariant: no more passwords are
//! checked at once than memory was set aside for, whether or not whoever asked still waits.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use serde_json::{Value, json};
use tracing::{info, warn};

use super::Views;
use super::auth::{Caller, token_hash};
use super::describe::{Answer, Operation};
use super::entrance::{Ambiguous, Entrance, Origin, Peer};
use super::openapi::answers;
use super::problem::Problem;
use super::query::Brought;
use super::write::Fields;
use crate::ask;
use crate::lane::Lane;
use crate::login::Login;
use crate::password::{Kept, LEN_MAX};
use crate::store::journal::{self, SESSION_BEGIN, SESSION_END};
use crate::store::{StoreError, sessions, users};
use crate::who::Who;

/// The address, within `/v1`.
pub(super) const PATH: &str = "/session";

/// A person signs in.
pub(super) const SIGN_IN: Operation = Operation {
    more: "Répond par un cookie. Un nom inconnu et un mot de passe faux ont la même réponse.",
    role: None,
    body: Some(answers::credentials),
    problems: &[401, 403, 429],
    ..Operation::read("Ouvre une session", "Signs in", Answer::Json(answers::session))
};

/// Who asks.
pub(super) const WHOAMI: Operation = Operation::read(
    "Qui demande, avec quels droits, jusqu’à quand",
    "Who asks, with which rights, until when",
    Answer::Json(answers::session),
);

/// A person signs out.
pub(super) const SIGN_OUT: Operation = Operation::read("Ferme la session", "Signs out", Answer::Nothing);

/// What the cookie is called; browsers take the other name from its own host by TLS only.
fn name(entrance: &Entrance) -> &'static str {
    if entrance.is_secure() { "__Host-msap_session" } else { "msap_session" }
}

fn cookie(entrance: &Entrance, secret: &str, age_s: i64) -> String {
    let secure = if entrance.is_secure() { "; Secure" } else { "" };
    format!("{}={secret}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Strict{secure}", name(entrance))
}

/// What the session's cookie holds, if there is one; not told if there are two.
pub(super) fn secret<'a>(headers: &'a HeaderMap, entrance: &Entrance) -> Option<Result<&'a str, Ambiguous>> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut ours = pairs.filter(|(known, _)| *known == name(entrance)).map(|(_, value)| value);
    let first = ours.next()?;
    Some(if ours.next().is_some() { Err(Ambiguous) } else { Ok(first) })
}

/// Signs a person in.
pub(super) async fn sign_in<V: Views>(
    State(views): State<V>,
    Extension(entrance): Extension<Arc<Entrance>>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Brought(body): Brought,
) -> Result<impl IntoResponse, Problem> {
    // Another page must not sign its visitor in as somebody whom it knows.
    if entrance.origin(&headers) == Origin::Foreign {
        return Err(Problem::foreign_page(&entrance.named()));
    }
    let before = match secret(&headers, &entrance) {
        Some(_) if headers.contains_key(header::AUTHORIZATION) => return Err(Problem::two_callers()),
        Some(Ok(secret)) => Some(token_hash(secret)),
        _ => None,
    };
    let mut fields = Fields::one(&body)?;
    let (login, password) = (fields.needed("login")?, fields.needed("password")?);
    fields.finish()?;
    let login: Option<Login> = login.parse().ok();
    let client = entrance.client(peer.map(|Extension(peer)| peer), &headers);

    let taken = entrance.attempts().take(login.as_ref(), client, Instant::now());
    taken.map_err(|wait| Problem::too_many_attempts(wait.as_secs() + 1))?;
    let known = match login.clone() {
        Some(login) => {
            views.read(Lane::Key, move |conn| users::find(conn, &login)).await?.filter(|user| !user.disabled)
        }
        None => None,
    };
    let kept = known.as_ref().map_or_else(Kept::nobodys, |user| user.password.clone());
    let right = checked(&entrance, kept, password).await?;
    let Some(user) = known.filter(|_| right) else {
        note_failure(&views, &entrance, login, client).await;
        return Err(Problem::not_signed_in());
    };

    let secret = BASE64URL_NOPAD.encode(&rand::random::<[u8; 32]>());
    let (hash, who) = (token_hash(&secret), Who::User(user.login.clone()));
    let begun = views.change(who, {
        let user = user.clone();
        move |core, now| {
            core.store().write(|conn, _| {
                // Disabled, or given another password, since it was looked up.
                if users::find(conn, &user.login)?.as_ref() != Some(&user) {
                    return Ok(None);
                }
                before.map_or(Ok(false), |before| sessions::end(conn, &before))?;
                let (login, moment) = (user.login.as_str(), (now, ask::today(now)));
                if sessions::begin(conn, &hash, &user.login, now.as_second())? > 0 {
                    journal::record_daily(conn, moment, SESSION_END, login, "made room for another")?;
                }
                journal::record_daily(conn, moment, SESSION_BEGIN, login, "")?;
                sessions::find(conn, &hash)
            })
        }
    });
    let session = begun.await.ok_or_else(Problem::stopping)??.ok_or_else(Problem::not_signed_in)?;
    entrance.attempts().succeeded(&user.login, client);
    info!(user.login = %user.login, client.address = %client, "somebody signed in");
    let object = object(&Who::User(user.login), &session.scope, &session.role, session.until());
    Ok(([(header::SET_COOKIE, cookie(&entrance, &secret, sessions::LONGEST_S))], Json(object)))
}

/// Checks a password on a thread of its own, when there is a place.
async fn checked(entrance: &Entrance, kept: Kept, password: String) -> Result<bool, Problem> {
    let place = tokio::time::timeout(entrance.patience, entrance.checks.clone().acquire_owned()).await;
    let Ok(Ok(place)) = place else {
        return Err(Problem::unavailable("trop de connexions en cours : réessayez dans un instant"));
    };
    let work = tokio::task::spawn_blocking(move || {
        // The place is taken as long as the work lasts: whoever asked may hang up before.
        let _place = place;
        // No password is longer; what was sent costs the same.
        let fits = password.len() <= LEN_MAX;
        kept.is_of(if fits { &password } else { "" }) && fits
    });
    work.await.map_err(|error| Problem::internal(&error))
}

/// Puts a failed attempt into the journal. What was typed for a login that is none is not told:
/// it may be a password.
async fn note_failure<V: Views>(views: &V, entrance: &Entrance, login: Option<Login>, client: IpAddr) {
    let Some(untold) = entrance.attempts().tell(Instant::now()) else { return };
    info!(client.address = %client, untold, "somebody could not sign in");
    let noted = views.change(Who::Hub, move |core, now| {
        core.store().write(|conn, _| {
            let known = login.map(|login| users::find(conn, &login)).transpose()?.flatten();
            let subject = known.as_ref().map_or("", |user| user.login.as_str());
            let disabled = if known.as_ref().is_some_and(|user| user.disabled) { " disabled" } else { "" };
            let more = if untold == 0 { String::new() } else { format!(" untold={untold}") };
            journal::record(conn, now, "session.refuse", subject, format!("{disabled}{more}").trim_start())
        })
    });
    if let Some(Err::<(), StoreError>(error)) = noted.await {
        warn!(%error, "a failed sign-in could not be noted in the journal");
    }
}

/// Who asks, with which rights, until when.
pub(super) async fn whoami(Extension(caller): Extension<Caller>) -> Json<Value> {
    Json(object(&caller.who, &caller.scope.to_string(), &caller.role.to_string(), caller.until_s))
}

/// Signs a person out.
pub(super) async fn sign_out<V: Views>(
    State(views): State<V>,
    Extension(entrance): Extension<Arc<Entrance>>,
    Extension(caller): Extension<Caller>,
) -> Result<(StatusCode, [(HeaderName, String); 1]), Problem> {
    let Some(hash) = caller.session else { return Err(Problem::no_session()) };
    let login = caller.who.to_string();
    let ended = views.change(caller.who, move |core, now| {
        core.store().write(|conn, _| {
            if sessions::end(conn, &hash)? {
                let (login, moment) = (login.trim_start_matches("user:"), (now, ask::today(now)));
                journal::record_daily(conn, moment, SESSION_END, login, "signed out")?;
            }
            Ok::<_, StoreError>(())
        })
    });
    ended.await.ok_or_else(Problem::stopping)??;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie(&entrance, "", 0))]))
}

fn object(who: &Who, scope: &str, role: &str, until_s: i64) -> Value {
    let until = Timestamp::from_second(until_s).map(|until| until.to_string()).ok();
    json!({ "who": who.to_string(), "scope": scope, "role": role, "until": until })
}
