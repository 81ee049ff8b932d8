//! Who asks: bearer tokens.
//!
//! A layer over everything under `/v1`, unknown addresses included, so that a stranger learns
//! nothing from the difference between 404 and 401.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::Views;
use super::problem::Problem;
use super::scope::{Role, Scope};
use crate::store::{StoreError, tokens};

/// Longest secret that is looked up.
const SECRET_LEN_MAX: usize = 128;

/// The holder of a valid token.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// The id of the token.
    pub(super) id: String,
    pub(super) scope: Scope,
    pub(super) role: Role,
}

/// Under which hash a secret is stored. Secrets have 160 random bits: a slow hash would add
/// nothing.
pub fn token_hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Lets a request through with its [`Caller`], or answers 401.
pub(super) async fn require_token<V: Views>(
    State(views): State<V>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let secret = bearer(request.headers()).ok_or_else(Problem::unauthorized)?;
    let (hash, now) = (token_hash(secret), Timestamp::now().as_second());
    let found = views.look_up(move |conn| tokens::by_hash(conn, &hash)).await?;
    let token = found.filter(|token| !token.revoked && token.expires > now).ok_or_else(Problem::unauthorized)?;
    let parsed =
        token.scope.parse().and_then(|scope| Ok(Caller { id: token.id.clone(), scope, role: token.role.parse()? }));
    let caller = parsed.map_err(|error| {
        let what = format!("the row of token {}: {error}", token.id);
        Problem::from(StoreError::Corrupt { what })
    })?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
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
