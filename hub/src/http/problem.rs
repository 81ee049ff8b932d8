//! Errors as `application/problem+json`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tracing::error;

use super::scope::{Beyond, Scope};
use crate::ask::AskError;
use crate::store::StoreError;
use crate::store::figures::{FigureError, ROWS_MAX};

/// One problem document.
#[derive(Debug, Serialize)]
pub(super) struct Problem {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// The parameter that an unknown one was perhaps meant to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    nearest: Option<&'static str>,
}

impl Problem {
    fn new(status: StatusCode, r#type: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { r#type, title, status: status.as_u16(), detail, parameter: None, field: None, nearest: None }
    }

    fn about(self, parameter: &str) -> Self {
        Self { parameter: Some(parameter.to_owned()), ..self }
    }

    /// No token, or one that does not count (any more). The reasons are not told apart.
    pub(super) fn unauthorized() -> Self {
        let detail = "send a valid token as «Authorization: Bearer msap_…»";
        Self::new(StatusCode::UNAUTHORIZED, "urn:msap:problem:unauthorized", "A valid token is needed", detail)
    }

    /// The question reaches beyond what the token may see.
    pub(super) fn outside_scope(scope: &str) -> Self {
        let detail = format!("this token sees {scope}: filter the question accordingly");
        Self::new(StatusCode::FORBIDDEN, "urn:msap:problem:outside-scope", "Outside the scope of the token", detail)
    }

    /// The question is not for a token of this scope.
    pub(super) fn beyond(scope: &Scope, beyond: Beyond) -> Self {
        let scope = scope.to_string();
        let outside = Self::outside_scope(&scope);
        match beyond {
            Beyond::Scope => outside,
            Beyond::Antennas => {
                let detail = format!(
                    "this token sees {scope}, and an antenna of a house named here lies outside: add antennas=apart"
                );
                Self { detail, ..outside }.about("site")
            }
            Beyond::Detail(parameter) => {
                let detail = format!(
                    "this token sees {scope}, by whole months, kinds of help only where no site or bearer is named, and \
                     ages alone or by region or department, of one whole month, quarter or year: {parameter} asks for more"
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

    /// The token's role does not allow this.
    pub(super) fn needs_role(role: &str) -> Self {
        let detail = format!("this address needs a token of role {role}");
        Self::new(StatusCode::FORBIDDEN, "urn:msap:problem:needs-role", "Not allowed for this role", detail)
    }

    /// Nothing has this name.
    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "urn:msap:problem:not-found", "Not found", detail)
    }

    /// The figures of a period are not released, or not yet.
    pub(super) fn not_released(detail: String) -> Self {
        Self::new(StatusCode::NOT_FOUND, "urn:msap:problem:not-released", "Not released", detail).about("period")
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
        let field = Some(field.chars().take(60).collect());
        Self { field, ..Self::new(status, "urn:msap:problem:field", title, why) }
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
            AskError::UnknownParameter(name, nearest) => {
                let (status, title) = (StatusCode::BAD_REQUEST, "Unknown parameter");
                let problem = Self::new(status, "urn:msap:problem:unknown-parameter", title, detail);
                Self { nearest: Some(nearest), ..problem.about(&name) }
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
            AskError::NotPublic => {
                let title = "Not one of the public tables";
                Self::new(StatusCode::BAD_REQUEST, "urn:msap:problem:not-public", title, detail).about("public")
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
            FigureError::HistoryLost(_) => {
                let (status, title) = (StatusCode::CONFLICT, "The figures of that day cannot be told any more");
                Self::new(status, "urn:msap:problem:history_lost", title, error.to_string()).about("as_of")
            }
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
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
