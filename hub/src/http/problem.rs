//! Errors as `application/problem+json`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tracing::error;

use super::scope::{self, Beyond, Scope};
use crate::ask::AskError;
use crate::store::StoreError;
use crate::store::figures::{FigureError, Filters, ROWS_MAX};

/// One problem document.
#[derive(Debug, Serialize)]
pub(super) struct Problem {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    // Apart: a result that may be a problem is handed on many times.
    #[serde(flatten)]
    about: Box<About>,
}

/// What a problem is about, as far as it is about something.
#[derive(Debug, Default, Serialize)]
struct About {
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// What whoever asks may see.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    /// What was asked for instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<String>,
    /// Seconds after which it may be asked again.
    #[serde(skip)]
    retry_after_s: Option<u64>,
}

impl Problem {
    fn new(status: StatusCode, r#type: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { r#type, title, status: status.as_u16(), detail: detail.into(), about: Box::default() }
    }

    fn about(mut self, parameter: &str) -> Self {
        self.about.parameter = Some(parameter.to_owned());
        self
    }

    /// Neither token nor session, or one that does not count (any more). The reasons are not told
    /// apart.
    pub(super) fn unauthorized() -> Self {
        let detail = "send a valid token as «Authorization: Bearer msap_…», or sign in by POST /v1/session";
        let title = "A valid token or session is needed";
        Self::new(StatusCode::UNAUTHORIZED, "urn:msap:problem:unauthorized", title, detail)
    }

    /// A login and a password that do not go together. Whether the login exists is not told.
    pub(super) fn not_signed_in() -> Self {
        let detail = "this login and this password do not go together";
        Self::new(StatusCode::UNAUTHORIZED, "urn:msap:problem:not-signed-in", "Not signed in", detail)
    }

    /// A token and a cookie: whose rights were to count?
    pub(super) fn two_callers() -> Self {
        let detail = "send either the token or the session's cookie, not both";
        Self::new(StatusCode::BAD_REQUEST, "urn:msap:problem:two-callers", "Both a token and a session", detail)
    }

    /// There is no session to end.
    pub(super) fn no_session() -> Self {
        let detail = "a token is no session: an operator ends it by «msap-hub token revoke»";
        Self::new(StatusCode::BAD_REQUEST, "urn:msap:problem:no-session", "No session", detail)
    }

    /// A request with a cookie that does not come from a page of the hub.
    pub(super) fn foreign_page(own: &str) -> Self {
        let detail = format!("a session changes something only from pages of {own} (Origin, Sec-Fetch-Site)");
        Self::new(StatusCode::FORBIDDEN, "urn:msap:problem:foreign-page", "Asked by another page", detail)
    }

    /// Too many attempts to sign in.
    pub(super) fn too_many_attempts(wait_s: u64) -> Self {
        let detail = format!("too many attempts to sign in: try again in {wait_s} s");
        let title = "Too many attempts";
        let r#type = "urn:msap:problem:too-many-attempts";
        let mut problem = Self::new(StatusCode::TOO_MANY_REQUESTS, r#type, title, detail);
        problem.about.retry_after_s = Some(wait_s);
        problem
    }

    /// What is asked for reaches beyond what this token or person may see.
    pub(super) fn outside_scope(scope: &Scope, asked: impl Into<String>) -> Self {
        let (scope, asked) = (scope.to_string(), asked.into());
        let detail = format!("you see {scope}, and asked for {asked}: filter the question accordingly");
        let title = "Outside your scope";
        let mut outside = Self::new(StatusCode::FORBIDDEN, "urn:msap:problem:outside-scope", title, detail);
        (outside.about.scope, outside.about.asked) = (Some(scope), Some(asked));
        outside
    }

    /// The question is not for a token or person of this scope.
    pub(super) fn beyond(scope: &Scope, beyond: Beyond, asked: &Filters) -> Self {
        let outside = Self::outside_scope(scope, scope::asked(asked));
        match beyond {
            Beyond::Scope => outside,
            Beyond::Antennas => {
                let detail =
                    format!("you see {scope}, and an antenna of a house named here lies outside: add antennas=apart");
                Self { detail, ..outside }.about("site")
            }
            Beyond::Detail(parameter) => {
                let detail = format!(
                    "you see {scope}, by whole months, without ages, and kinds of help only where no site or \
                     bearer is named: {parameter} asks for more"
                );
                Self { detail, ..outside }.about(parameter)
            }
        }
    }

    /// An address whose name of a thing is no text.
    pub(super) fn address() -> Self {
        let (status, title) = (StatusCode::BAD_REQUEST, "The address cannot be read");
        Self::new(status, "urn:msap:problem:address", title, "a name in the address is not UTF-8")
    }

    /// The role does not allow this.
    pub(super) fn needs_role(role: &str) -> Self {
        let detail = format!("this address needs the role {role}");
        Self::new(StatusCode::FORBIDDEN, "urn:msap:problem:needs-role", "Not allowed for this role", detail)
    }

    /// Nothing has this name.
    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "urn:msap:problem:not-found", "Not found", detail)
    }

    /// The address exists, for other methods.
    pub(super) fn method() -> Self {
        let title = "Method not allowed";
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "urn:msap:problem:method",
            title,
            "this address does not take this method",
        )
    }

    /// The hub is about to end.
    pub(super) fn stopping() -> Self {
        Self::unavailable("the hub is stopping")
    }

    /// A body that is not of its form.
    pub(super) fn body(detail: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "urn:msap:problem:body", "The body cannot be read", detail)
    }

    /// A field of a body that cannot be written. Nothing was.
    pub(super) fn field(field: &str, why: impl Into<String>) -> Self {
        let (status, title) = (StatusCode::UNPROCESSABLE_ENTITY, "A field has a value that it cannot take");
        let mut problem = Self::new(status, "urn:msap:problem:field", title, why);
        problem.about.field = Some(field.chars().take(60).collect());
        problem
    }

    /// One client has as many connections as it may.
    pub(super) fn too_many_connections() -> Self {
        let detail = "this address has as many connections open as limits.http_connections_per_address allows";
        let title = "Too many connections";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "urn:msap:problem:too-many-connections", title, detail)
    }

    /// The hub cannot answer just now.
    pub(super) fn unavailable(detail: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "urn:msap:problem:unavailable", "Unavailable", detail)
    }

    /// A value that its parameter cannot take.
    pub(super) fn value(parameter: &str, detail: impl Into<String>) -> Self {
        let (status, title) = (StatusCode::UNPROCESSABLE_ENTITY, "A parameter has a value that it cannot take");
        Self::new(status, "urn:msap:problem:parameter-value", title, detail).about(parameter)
    }

    /// The hub failed: the cause is logged, not told.
    pub(super) fn internal(cause: &dyn std::error::Error) -> Self {
        let mut causes = cause.to_string();
        let mut source = cause.source();
        while let Some(next) = source {
            causes = format!("{causes}: {next}");
            source = next.source();
        }
        error!(cause = %causes, "an HTTP request failed");
        let detail = "the hub's log tells why";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "urn:msap:problem:internal", "The hub failed", detail)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Sqlite { source, .. }
                if source.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted) =>
            {
                Self::unavailable("the answer takes longer than allowed: narrow the question")
            }
            _ => Self::internal(&error),
        }
    }
}

impl From<AskError> for Problem {
    fn from(error: AskError) -> Self {
        let detail = error.to_string();
        match error {
            AskError::UnknownParameter(name) => {
                let title = "Unknown parameter";
                Self::new(StatusCode::BAD_REQUEST, "urn:msap:problem:unknown-parameter", title, detail).about(&name)
            }
            AskError::Repeated(name) => {
                let title = "Repeated parameter";
                Self::new(StatusCode::BAD_REQUEST, "urn:msap:problem:repeated-parameter", title, detail).about(name)
            }
            AskError::HalfPeriod(name) => {
                let title = "Missing parameter";
                Self::new(StatusCode::BAD_REQUEST, "urn:msap:problem:missing-parameter", title, detail).about(name)
            }
            AskError::Later(name) => {
                let title = "Not there yet";
                Self::new(StatusCode::NOT_IMPLEMENTED, "urn:msap:problem:not-implemented", title, detail).about(name)
            }
            AskError::Value { parameter, .. } => Self::value(parameter, detail),
            AskError::Store(error) => error.into(),
        }
    }
}

impl From<FigureError> for Problem {
    fn from(error: FigureError) -> Self {
        match error {
            FigureError::TooManyRows => Self::value("by", format!("the answer has more than {ROWS_MAX} rows")),
            FigureError::Store(error) => error.into(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(wait_s) = self.about.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait_s));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
