//! Who asks: a program with a bearer token, or a person with a session's cookie.
//!
//! A layer over everything under `/v1`, unknown addresses included, so that a stranger learns
//! nothing from the difference between 404 and 401. Only signing in is asked without either. A
//! cookie changes something only where the request says that it comes from a page of the hub.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use jiff::Timestamp;
use rusqlite::Connection;
use sha2::{Digest, Sha256};

use super::Views;
use super::entrance::{Entrance, Origin};
use super::problem::Problem;
use super::scope::{Role, Scope};
use super::session;
use crate::ask;
use crate::core::Core;
use crate::lane::Lane;
use crate::store::{StoreError, sessions, tokens};
use crate::who::Who;

/// Longest secret that is looked up.
const SECRET_LEN_MAX: usize = 128;
/// The longest that a reader waits for the writer to note him.
const NOTE_MAX: Duration = Duration::from_secs(1);

/// Whoever asks, and may.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) scope: Scope,
    pub(super) role: Role,
    pub(super) who: Who,
    /// The second at which this ends, unless another request comes before.
    pub(super) until_s: i64,
    /// The hash of the session's secret, for a person.
    pub(super) session: Option<[u8; 32]>,
}

impl Caller {
    /// Only administrators of the whole network may go on.
    pub(super) fn administers(&self) -> Result<(), Problem> {
        match (self.role, &self.scope) {
            (Role::Admin, Scope::National) => Ok(()),
            (Role::Admin, scope) => Err(Problem::not_in_scope(scope, "national")),
            _ => Err(Problem::needs_role("admin")),
        }
    }

    /// Whether the database still grants what this caller was let in with.
    fn is_still_granted(&self, conn: &Connection, now: Timestamp) -> Result<bool, StoreError> {
        let (scope, role, until_s) = match (&self.who, &self.session) {
            (Who::Token(id), _) => match tokens::find(conn, id)?.filter(|token| !token.revoked) {
                Some(token) => (token.scope, token.role, token.expires),
                None => return Ok(false),
            },
            (_, Some(hash)) => match sessions::find(conn, hash)? {
                Some(session) => (session.scope.clone(), session.role.clone(), session.until()),
                None => return Ok(false),
            },
            (_, None) => return Ok(false),
        };
        Ok(scope == self.scope.to_string() && role == self.role.to_string() && until_s > now.as_second())
    }
}

/// Runs a change on behalf of a caller who still has his rights when it is the writer's turn: they
/// may have been taken away since the request came. Nothing else writes in between.
pub(super) async fn change<V, T, F>(views: &V, caller: Caller, f: F) -> Result<T, Problem>
where
    V: Views,
    T: Send + 'static,
    F: FnOnce(&mut Core, &Caller, Timestamp) -> Result<T, Problem> + Send + 'static,
{
    let done = views.change(caller.who.clone(), move |core, now| {
        if !caller.is_still_granted(core.connection(), now)? {
            return Err(Problem::unauthorized());
        }
        f(core, &caller, now)
    });
    done.await.ok_or_else(Problem::stopping)?
}

/// Under which hash a secret is stored. Secrets have 160 random bits or more: a slow hash would
/// add nothing.
pub fn token_hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Lets a request through with its [`Caller`], or answers 401.
pub(super) async fn require_caller<V: Views>(
    State(views): State<V>,
    Extension(entrance): Extension<Arc<Entrance>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if request.method() == Method::POST && request.uri().path() == session::PATH {
        return Ok(next.run(request).await);
    }
    let headers = request.headers();
    let caller = match (headers.contains_key(header::AUTHORIZATION), session::secret(headers, &entrance)) {
        (true, Some(_)) => return Err(Problem::two_callers()),
        (true, None) => {
            let secret = bearer(headers).ok_or_else(Problem::unauthorized)?;
            program(&views, token_hash(secret)).await?
        }
        (false, Some(secret)) => {
            let hash = token_hash(secret.map_err(|_| Problem::unauthorized())?);
            let caller = person(&views, hash).await?;
            if !request.method().is_safe() && entrance.origin(headers) != Origin::Own {
                return Err(Problem::foreign_page(&entrance.named()));
            }
            caller
        }
        (false, None) => return Err(Problem::unauthorized()),
    };
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// The program whose token this is the hash of.
async fn program<V: Views>(views: &V, hash: [u8; 32]) -> Result<Caller, Problem> {
    let now = Timestamp::now();
    let found = views.read(Lane::Key, move |conn| tokens::by_hash(conn, &hash)).await?;
    let token =
        found.filter(|token| !token.revoked && token.expires > now.as_second()).ok_or_else(Problem::unauthorized)?;
    let (scope, role) = granted(&token.scope, &token.role, || format!("token {}", token.id))?;
    let today = ask::today(now);
    if token.used != Some(today) {
        let id = token.id.clone();
        note(views.change(Who::Hub, move |core, _| core.store().write(|conn, _| tokens::note_use(conn, &id, today))))
            .await;
    }
    Ok(Caller { scope, role, who: Who::Token(token.id), until_s: token.expires, session: None })
}

/// The person whose session's secret this is the hash of.
async fn person<V: Views>(views: &V, hash: [u8; 32]) -> Result<Caller, Problem> {
    let now_s = Timestamp::now().as_second();
    let found = views.read(Lane::Key, move |conn| sessions::find(conn, &hash)).await?;
    let session = found.filter(|session| now_s < session.until()).ok_or_else(Problem::unauthorized)?;
    let (scope, role) = granted(&session.scope, &session.role, || format!("user {}", session.login))?;
    let login = session.login.parse().map_err(|_| corrupt(format!("the login {:?}", session.login)))?;
    if session.is_to_be_noted(now_s) {
        note(views.change(Who::Hub, move |core, _| core.store().write(|conn, _| sessions::note(conn, &hash, now_s))))
            .await;
    }
    Ok(Caller { scope, role, who: Who::User(login), until_s: session.until(), session: Some(hash) })
}

/// Has something noted that the answer under way does not depend on: a full disk, or a writer that
/// is busy for long, does not hold it up. A session that could not be noted ends with its idle time.
async fn note(noted: impl Future<Output = Option<Result<(), StoreError>>>) {
    if let Ok(Some(Err(error))) = tokio::time::timeout(NOTE_MAX, noted).await {
        tracing::warn!(%error, "a request could not be noted");
    }
}

fn granted(scope: &str, role: &str, whose: impl Fn() -> String) -> Result<(Scope, Role), Problem> {
    let parsed = scope.parse().and_then(|scope| Ok((scope, role.parse()?)));
    parsed.map_err(|error| corrupt(format!("the row of {}: {error}", whose())))
}

fn corrupt(what: String) -> Problem {
    StoreError::Corrupt { what }.into()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, secret) = value.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && secret.len() <= SECRET_LEN_MAX).then_some(secret)
}
