//! What holds of every request for an address, before and after its handler: the form that is asked
//! for, the body that is brought, the parameters that there are, and the tag of the answer.
//!
//! A layer around each address, behind the question who asks. What an address takes and answers is
//! its description's.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest as _, Sha256};

use super::accept;
use super::describe::{JSON, Operation};
use super::problem::Problem;
use super::query::{Pairs, decodes};
use super::tagged::{TAG_LEN, is_known, tags};
use crate::ask::Given;

/// Longest address that is read.
pub(super) const ADDRESS_LEN_MAX: usize = 16 * 1024;
/// Longest header of a request that is read.
pub(super) const HEADERS_LEN_MAX: usize = 32 * 1024;

/// What an answer amounts to, for its tag, where its bytes also tell the time.
#[derive(Clone)]
pub(super) struct Essence(pub(super) Vec<u8>);

/// Refuses what no address takes.
pub(super) async fn bound(request: Request, next: Next) -> Result<Response, Problem> {
    let address = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
    if address > ADDRESS_LEN_MAX {
        return Err(Problem::address_too_long());
    }
    let headers = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    if headers.sum::<usize>() > HEADERS_LEN_MAX {
        return Err(Problem::headers_too_long());
    }
    if !decodes(request.uri().path()) {
        return Err(Problem::address());
    }
    Ok(next.run(request).await)
}

/// Lets a request in that the address can answer, and gives the answer its tag.
pub(super) async fn pass(
    State(operation): State<&'static Operation>,
    pairs: Pairs,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let Pairs(pairs) = pairs;
    Given::check(&pairs, operation.parameters)?;
    let headers = request.headers();
    let types = operation.answer.types();
    // A form that is named in the address goes before.
    let named = operation.parameters.iter().any(|known| known.name == "format")
        && pairs.iter().any(|(name, _)| name == "format");
    if !types.is_empty() && !named && accept::best(headers, types).is_none() {
        return Err(Problem::not_acceptable(types));
    }
    if operation.body.is_some() && !brings_json(headers) {
        return Err(Problem::media_type());
    }
    let known = (request.method() == Method::GET).then(|| headers.clone());
    request.extensions_mut().insert(operation);
    let response = next.run(request).await;
    match known {
        Some(headers) if response.status() == StatusCode::OK => tagged(&headers, response).await,
        _ => Ok(response),
    }
}

/// Whether a body is said to be JSON; one of which nothing is said is read as such.
fn brings_json(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(header::CONTENT_TYPE) else { return true };
    let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case(JSON)
}

/// An answer under the hash of what it says, unless it has a tag or must not be kept; nothing but
/// the tag for whoever has it.
async fn tagged(headers: &HeaderMap, response: Response) -> Result<Response, Problem> {
    let (mut parts, body) = response.into_parts();
    if parts.headers.contains_key(header::ETAG) || parts.headers.contains_key(header::CACHE_CONTROL) {
        return Ok(Response::from_parts(parts, body));
    }
    // Every body is made in memory: its length has no other bound.
    let body = to_bytes(body, usize::MAX).await.map_err(|error| Problem::internal(&error))?;
    let essence = parts.extensions.remove::<Essence>();
    let kind = parts.headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let next = parts.headers.get(header::LINK).map_or(&b""[..], HeaderValue::as_bytes);
    let told = essence.as_ref().map_or(&body[..], |Essence(essence)| essence);
    let hash = Sha256::new().chain_update(kind).chain_update(next).chain_update(told).finalize();
    let tag = format!("W/\"{}\"", BASE64URL_NOPAD.encode(&hash[..TAG_LEN]));
    if is_known(headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, tags(&tag)).into_response());
    }
    Ok((tags(&tag), Response::from_parts(parts, Body::from(body))).into_response())
}
