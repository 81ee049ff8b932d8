//! Who may talk to the page: this machine's own programs, and pages that this agent served.
//!
//! Any site that a person visits can make their browser send requests to 127.0.0.1, and can make
//! a name of its own resolve there. So `Host` must be one of ours, and what is asked for must be
//! asked by a page of ours; only the page itself may be opened by a link from anywhere. Whatever
//! changes something must also say that it carries JSON, and be small and quick. The forms of the
//! pages cannot say that: they must say instead that they come from a page of ours.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, ORIGIN, REFERRER_POLICY,
    TRANSFER_ENCODING, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::Problem;

/// Largest body, in bytes.
pub const BODY_LEN_MAX: usize = 16 * 1024;
/// Where a file from the hub is handed in, which may be longer.
pub const IMPORT_PATH: &str = "/api/bundle/import";
/// Largest body there: the longest file in base 64, and the field around it.
pub const IMPORT_LEN_MAX: usize = msap_shared::io::bundle::LEN_MAX / 3 * 4 + 64;
/// Longest time for a body to arrive.
pub const BODY_TIME_MAX: Duration = Duration::from_secs(7);

/// The pages beside the desk: they are opened by links, and their forms are sent to them.
pub const FORM_PATHS: [&str; 2] = ["/schedule", "/partners"];

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// The port that http:// means without one.
const HTTP_PORT: u16 = 80;
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const SEC_FETCH_SITE: &str = "sec-fetch-site";
const SEC_FETCH_MODE: &str = "sec-fetch-mode";

/// What a request is after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aim {
    /// To show the page: a link elsewhere may lead here.
    Open,
    /// To read what the page reads.
    Read,
    /// To change something.
    Write,
    /// To change something by a form of a page of ours.
    Submit,
}

/// The names under which this server may be asked.
#[derive(Clone, Copy, Debug)]
pub struct Guard {
    port: u16,
}

impl Guard {
    /// For a server that listens on this port of a loopback address.
    pub fn new(port: u16) -> Self {
        Self { port }
    }

    /// The request again, with its whole body in memory, if it may pass.
    ///
    /// # Errors
    /// What to answer instead.
    pub async fn admit(&self, request: Request) -> Result<Request, Problem> {
        let (parts, body) = request.into_parts();
        let aim = match parts.method {
            Method::GET | Method::HEAD if parts.uri.path() == "/" || FORM_PATHS.contains(&parts.uri.path()) => {
                Aim::Open
            }
            Method::GET | Method::HEAD => Aim::Read,
            Method::POST if FORM_PATHS.contains(&parts.uri.path()) => Aim::Submit,
            _ => Aim::Write,
        };
        let len_max = if parts.uri.path() == IMPORT_PATH { IMPORT_LEN_MAX } else { BODY_LEN_MAX };
        let authority = parts.uri.authority().map(|authority| authority.as_str());
        self.judge(&parts.headers, authority, aim, len_max)?;
        let read = tokio::time::timeout(BODY_TIME_MAX, to_bytes(body, len_max)).await;
        let body = match read {
            Ok(Ok(bytes)) => Body::from(bytes),
            Ok(Err(_)) => {
                return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "la demande est coupée ou trop longue"));
            }
            Err(_) => return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "la demande n’est pas arrivée en entier")),
        };
        Ok(Request::from_parts(parts, body))
    }

    /// The rules on what comes before the body.
    fn judge(&self, headers: &HeaderMap, authority: Option<&str>, aim: Aim, len_max: usize) -> Result<(), Problem> {
        let foreign = |why| Err(Problem::new(StatusCode::FORBIDDEN, why));
        let host = sole(headers, &HOST).map(|host| host.is_some_and(|host| self.is_ours(host)));
        if host != Ok(true) || authority.is_some_and(|authority| !self.is_ours(authority)) {
            return foreign("l’en-tête Host n’est pas l’adresse de cette page");
        }
        let origin = sole(headers, &ORIGIN).map(|origin| {
            origin.is_none_or(|origin| origin.strip_prefix("http://").is_some_and(|host| self.is_ours(host)))
        });
        if origin != Ok(true) {
            return foreign("la demande vient d’une autre page (Origin)");
        }
        let site = sole(headers, &HeaderName::from_static(SEC_FETCH_SITE))
            .map(|site| site.is_none_or(|site| matches!(site, "same-origin" | "none")));
        let followed = || sole(headers, &HeaderName::from_static(SEC_FETCH_MODE)) == Ok(Some("navigate"));
        if site != Ok(true) && !(site == Ok(false) && aim == Aim::Open && followed()) {
            return foreign("la demande vient d’une autre page (Sec-Fetch-Site)");
        }
        if aim == Aim::Open || aim == Aim::Read {
            return Ok(());
        }
        // Any page can send a form; a browser says from where, and who does not say is refused.
        let says =
            headers.contains_key(ORIGIN) || headers.get(SEC_FETCH_SITE).is_some_and(|site| site == "same-origin");
        if aim == Aim::Submit && !says {
            return foreign("le formulaire ne dit pas de quelle page il vient");
        }
        let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if length.is_some_and(|length| length > len_max as u64) {
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "la demande est trop longue"));
        }
        let has_body = length.is_some_and(|length| length > 0) || headers.contains_key(TRANSFER_ENCODING);
        let wanted = if aim == Aim::Submit { FORM } else { JSON };
        if has_body && !sole(headers, &CONTENT_TYPE).is_ok_and(|kind| kind.is_some_and(|kind| is(kind, wanted))) {
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("le corps doit être {wanted}")));
        }
        Ok(())
    }

    /// Exactly one of our names with exactly our port: no prefix, suffix or user, and no port only
    /// where it is the one that browsers leave out.
    fn is_ours(&self, host: &str) -> bool {
        ["127.0.0.1", "localhost", "[::1]"].into_iter().filter_map(|name| host.strip_prefix(name)).any(
            |rest| match rest.strip_prefix(':') {
                Some(port) => port == self.port.to_string(),
                None => rest.is_empty() && self.port == HTTP_PORT,
            },
        )
    }
}

/// More than one value where one is expected, or bytes that are not text.
#[derive(Debug, PartialEq, Eq)]
struct Ambiguous;

fn sole<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Ambiguous> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Ambiguous),
        (Some(_), Some(_)) => Err(Ambiguous),
    }
}

fn is(content_type: &str, wanted: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(wanted)
}

/// Sets the headers that every answer carries. A handler's own `Cache-Control` stays.
pub fn secure(headers: &mut HeaderMap) {
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Not «no-referrer»: with it, browsers do not say of our own forms where they come from.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(pairs: &[(&'static str, &'static str)], aim: Aim) -> u16 {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        Guard::new(8477)
            .judge(&headers, None, aim, BODY_LEN_MAX)
            .map_or_else(|problem| problem.status().as_u16(), |()| 200)
    }

    const HERE: (&str, &str) = ("host", "127.0.0.1:8477");

    #[test]
    fn only_our_own_names_are_hosts() {
        for host in ["127.0.0.1:8477", "localhost:8477", "[::1]:8477"] {
            assert_eq!(judged(&[("host", host)], Aim::Read), 200, "{host}");
        }
        for host in [
            "evil.example:8477",
            "127.0.0.1",
            "127.0.0.1:80",
            "127.0.0.1:08477",
            "127.0.0.1:8477:8477",
            "localhost",
            "localhost.evil.example:8477",
            "x@localhost:8477",
            "::1:8477",
            "127.0.0.2:8477",
            "LOCALHOST:8477 ",
            "",
        ] {
            assert_eq!(judged(&[("host", host)], Aim::Read), 403, "{host}");
        }
        assert_eq!(judged(&[], Aim::Read), 403);
        assert_eq!(judged(&[HERE, HERE], Aim::Read), 403);
    }

    #[test]
    fn a_port_is_left_out_where_browsers_leave_it_out() {
        let guard = Guard::new(80);
        for host in ["127.0.0.1", "127.0.0.1:80", "localhost", "[::1]"] {
            assert!(guard.is_ours(host), "{host}");
        }
        for host in ["127.0.0.1:", "127.0.0.1:8477", "127.0.0.10", "localhost.evil.example", "[::1]x", ""] {
            assert!(!guard.is_ours(host), "{host}");
        }
        let headers = HeaderMap::from_iter([
            (HOST, HeaderValue::from_static("localhost")),
            (ORIGIN, HeaderValue::from_static("http://localhost")),
        ]);
        assert!(guard.judge(&headers, None, Aim::Write, BODY_LEN_MAX).is_ok());
    }

    #[test]
    fn a_request_that_names_another_authority_is_refused() {
        let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("127.0.0.1:8477"))]);
        assert!(Guard::new(8477).judge(&headers, Some("evil.example"), Aim::Read, BODY_LEN_MAX).is_err());
        assert!(Guard::new(8477).judge(&headers, Some("localhost:8477"), Aim::Read, BODY_LEN_MAX).is_ok());
    }

    #[test]
    fn other_pages_are_refused() {
        for (name, value) in [
            ("origin", "http://evil.example"),
            ("origin", "https://127.0.0.1:8477"),
            ("origin", "http://127.0.0.1:9999"),
            ("origin", "http://127.0.0.1"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            for aim in [Aim::Write, Aim::Read, Aim::Open] {
                assert_eq!(judged(&[HERE, (name, value)], aim), 403, "{aim:?} {name}: {value}");
            }
        }
        assert_eq!(
            judged(&[HERE, ("origin", "http://localhost:8477"), ("sec-fetch-site", "same-origin")], Aim::Write),
            200
        );
        assert_eq!(judged(&[HERE, ("sec-fetch-site", "none")], Aim::Write), 200);
        assert_eq!(judged(&[HERE], Aim::Write), 200);
    }

    #[test]
    fn the_page_alone_is_opened_by_a_link_from_elsewhere() {
        let link = [HERE, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
        for (aim, status) in [(Aim::Open, 200), (Aim::Read, 403), (Aim::Write, 403)] {
            assert_eq!(judged(&link, aim), status, "{aim:?}");
        }
        let embedded = [HERE, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")];
        assert_eq!(judged(&embedded, Aim::Open), 403);
    }

    #[test]
    fn a_body_must_be_json_and_small() {
        let body = |kind, length| judged(&[HERE, ("content-type", kind), ("content-length", length)], Aim::Write);
        assert_eq!(body("application/json", "2"), 200);
        assert_eq!(body("application/json; charset=utf-8", "16384"), 200);
        assert_eq!(body("application/json", "16385"), 413);
        assert_eq!(body("text/plain", "2"), 415);
        assert_eq!(body("application/x-www-form-urlencoded", "2"), 415);
        assert_eq!(judged(&[HERE, ("transfer-encoding", "chunked")], Aim::Write), 415);
        assert_eq!(judged(&[HERE, ("content-length", "0")], Aim::Write), 200);
    }

    #[test]
    fn a_form_must_say_that_it_comes_from_a_page_of_ours() {
        let form = ("content-type", "application/x-www-form-urlencoded");
        let ours = ("origin", "http://127.0.0.1:8477");
        assert_eq!(judged(&[HERE, form, ours, ("content-length", "9")], Aim::Submit), 200);
        assert_eq!(judged(&[HERE, form, ("sec-fetch-site", "same-origin")], Aim::Submit), 200);
        for silent in [&[HERE, form][..], &[HERE, form, ("sec-fetch-site", "none")]] {
            assert_eq!(judged(silent, Aim::Submit), 403, "{silent:?}");
        }
        assert_eq!(judged(&[HERE, form, ("origin", "null")], Aim::Submit), 403);
        assert_eq!(judged(&[HERE, form, ("origin", "http://evil.example")], Aim::Submit), 403);
        let json = ("content-type", "application/json");
        assert_eq!(judged(&[HERE, json, ours, ("content-length", "2")], Aim::Submit), 415);
    }

    /// A body of which nothing ever comes.
    struct Silent;

    impl hyper::body::Body for Silent {
        type Data = hyper::body::Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<hyper::body::Frame<Self::Data>, Self::Error>>> {
            std::task::Poll::Pending
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let began = tokio::time::Instant::now();
        let request = Request::builder().header("host", "127.0.0.1:8477").body(Body::new(Silent)).unwrap();
        assert!(Guard::new(8477).admit(request).await.is_err());
        assert_eq!(began.elapsed().as_secs(), BODY_TIME_MAX.as_secs());
    }
}
