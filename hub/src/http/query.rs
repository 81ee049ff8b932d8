//! The names and values of an address.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;

use super::problem::Problem;

/// Every `name=value` of the query, in order, repeats included.
pub(super) struct Pairs(pub(super) Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Pairs {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        // What would be read as something else than was meant is not guessed at.
        if let Some(pair) = query.split('&').find(|pair| !decodes(pair)) {
            return Err(Problem::query(pair.split('=').next().unwrap_or_default()));
        }
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(pairs)) => Ok(Self(pairs)),
            Err(_) => Err(Problem::query("?")),
        }
    }
}

/// Whether every `%` of a part of an address stands before two digits, and all of it is UTF-8.
pub(super) fn decodes(text: &str) -> bool {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digit = |place: usize| after.get(place).and_then(|digit| char::from(*digit).to_digit(16));
        let (Some(high), Some(low)) = (digit(0), digit(1)) else { return false };
        // Two hexadecimal digits are a byte.
        bytes.push((high * 16 + low) as u8);
        rest = &after[2..];
    }
    std::str::from_utf8(&bytes).is_ok_and(|text| !text.contains('\0'))
}

/// The body of a request, whole.
pub(super) struct Brought(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for Brought {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Bytes::from_request(request, state).await {
            Ok(body) => Ok(Self(body)),
            Err(refused) if refused.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(Problem::body_too_large()),
            Err(_) => Err(Problem::body("le corps n’est pas arrivé entier")),
        }
    }
}

/// A site and a partner of it, in an address.
pub(super) struct SiteAndPartner(pub(super) String, pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for SiteAndPartner {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path((site, partner))) => Ok(Self(site, partner)),
            Err(_) => Err(Problem::address()),
        }
    }
}

/// The name of a thing at the end of an address.
pub(super) struct Name(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(_) => Err(Problem::address()),
        }
    }
}
