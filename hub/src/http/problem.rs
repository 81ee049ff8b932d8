//! Errors as `application/problem+json`: the type is for programs and stable, the words for people
//! and in French, as those of the fields are.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tracing::error;

use super::scope::{Beyond, Scope};
use crate::ask::AskError;
use crate::lang::Lang;
use crate::store::StoreError;
use crate::store::figures::{FigureError, ROWS_MAX};

/// One problem document.
#[derive(Debug, Serialize)]
pub(super) struct Problem {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: Box<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<Box<str>>,
    /// The parameter that an unknown one was perhaps meant to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    nearest: Option<&'static str>,
}

impl Problem {
    fn new(status: StatusCode, r#type: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into().into_boxed_str();
        Self { r#type, title, status: status.as_u16(), detail, parameter: None, field: None, nearest: None }
    }

    fn about(self, parameter: &str) -> Self {
        Self { parameter: Some(parameter.into()), ..self }
    }

    /// No token, or one that does not count (any more). The reasons are not told apart.
    pub(super) fn unauthorized() -> Self {
        let detail = "envoyez un jeton valable : « Authorization: Bearer msap_… »";
        Self::new(StatusCode::UNAUTHORIZED, "urn:msap:problem:unauthorized", "Il faut un jeton valable", detail)
    }

    /// The question reaches beyond what the token may see.
    pub(super) fn outside_scope(scope: &str) -> Self {
        let detail = format!("ce jeton vaut pour {scope} : filtrez la question pour y rester");
        Self::new(StatusCode::FORBIDDEN, "urn:msap:problem:outside-scope", "Hors du périmètre du jeton", detail)
    }

    /// What is to be written, or shown by its name, is not for a token of this scope.
    pub(super) fn not_in_scope(scope: &Scope) -> Self {
        let scope = scope.to_string();
        let detail = format!("ce jeton vaut pour {scope}, dont ceci ne fait pas partie : demandez-en un autre");
        Self { detail: detail.into(), ..Self::outside_scope(&scope) }
    }

    /// The question is not for a token of this scope.
    pub(super) fn beyond(scope: &Scope, beyond: Beyond) -> Self {
        let outside = Self::outside_scope(&scope.to_string());
        match beyond {
            Beyond::Scope => outside,
            Beyond::Antennas => Self::antennas(scope, "antennas=apart"),
            Beyond::Detail(parameter) => {
                let detail = format!(
                    "ce jeton vaut pour {scope}, par mois entiers, sans les âges, et les types d’aide seulement sans lieu ni \
                     porteur : {parameter} en demande plus"
                );
                Self { detail: detail.into(), ..outside }.about(parameter)
            }
        }
    }

    /// The antennas of a house lie partly outside, and `remedy` leaves them out.
    pub(super) fn antennas(scope: &Scope, remedy: &str) -> Self {
        let detail = format!(
            "ce jeton vaut pour {scope}, et une antenne d’une maison nommée ici est ailleurs : ajoutez {remedy}"
        );
        Self { detail: detail.into(), ..Self::outside_scope(&scope.to_string()) }.about("site")
    }

    /// An address whose name of a thing is no text.
    pub(super) fn address() -> Self {
        let (status, title) = (StatusCode::BAD_REQUEST, "L’adresse est illisible");
        Self::new(status, "urn:msap:problem:address", title, "un nom dans l’adresse n’est pas en UTF-8")
    }

    /// The token's role does not allow this.
    pub(super) fn needs_role(role: &str) -> Self {
        let detail = format!("cette adresse demande un jeton de rôle {role}");
        Self::new(StatusCode::FORBIDDEN, "urn:msap:problem:needs-role", "Ce rôle ne suffit pas", detail)
    }

    /// Nothing has this name.
    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "urn:msap:problem:not-found", "Introuvable", detail)
    }

    /// The address exists, for other methods.
    pub(super) fn method() -> Self {
        let title = "Méthode refusée";
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "urn:msap:problem:method",
            title,
            "cette adresse ne prend pas cette méthode",
        )
    }

    /// The hub is about to end.
    pub(super) fn stopping() -> Self {
        Self::unavailable("le hub s’arrête : réessayez dans un instant")
    }

    /// A body that is not of its form.
    pub(super) fn body(detail: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "urn:msap:problem:body", "Le corps de la requête est illisible", detail)
    }

    /// A field of a body that cannot be written. Nothing was.
    pub(super) fn field(field: &str, why: impl Into<String>) -> Self {
        let (status, title) = (StatusCode::UNPROCESSABLE_ENTITY, "Un champ ne peut pas prendre cette valeur");
        let field = Some(field.chars().take(60).collect());
        Self { field, ..Self::new(status, "urn:msap:problem:field", title, why) }
    }

    /// One client has as many connections as it may.
    pub(super) fn too_many_connections() -> Self {
        let detail = "cette adresse a autant de connexions ouvertes que limits.http_connections_per_address en permet";
        let title = "Trop de connexions";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "urn:msap:problem:too-many-connections", title, detail)
    }

    /// The hub cannot answer just now.
    pub(super) fn unavailable(detail: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "urn:msap:problem:unavailable", "Indisponible", detail)
    }

    /// A value that its parameter cannot take.
    pub(super) fn value(parameter: &str, detail: impl Into<String>) -> Self {
        let (status, title) = (StatusCode::UNPROCESSABLE_ENTITY, "Un paramètre ne peut pas prendre cette valeur");
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
        let detail = "le journal du hub dit pourquoi";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "urn:msap:problem:internal", "Le hub a échoué", detail)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Sqlite { source, .. }
                if source.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted) =>
            {
                Self::unavailable("la réponse prend plus de temps que permis : resserrez la question")
            }
            _ => Self::internal(&error),
        }
    }
}

impl From<AskError> for Problem {
    fn from(error: AskError) -> Self {
        let detail = error.say(Lang::Fr);
        match error {
            AskError::UnknownParameter(name, nearest) => {
                let (status, title) = (StatusCode::BAD_REQUEST, "Paramètre inconnu");
                let problem = Self::new(status, "urn:msap:problem:unknown-parameter", title, detail);
                Self { nearest: Some(nearest), ..problem.about(&name) }
            }
            AskError::Repeated(name) => {
                let title = "Paramètre répété";
                Self::new(StatusCode::BAD_REQUEST, "urn:msap:problem:repeated-parameter", title, detail).about(name)
            }
            AskError::HalfPeriod(name) => {
                let title = "Paramètre manquant";
                Self::new(StatusCode::BAD_REQUEST, "urn:msap:problem:missing-parameter", title, detail).about(name)
            }
            AskError::Later(name) => {
                let title = "Pas encore disponible";
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
            FigureError::TooManyRows => {
                Self::value("by", format!("la réponse dépasse {ROWS_MAX} lignes : resserrez la question"))
            }
            FigureError::HistoryLost(first) => {
                let detail = format!("ce qui avait été reçu à cette date n’est connu que depuis le {first}");
                let (status, title) = (StatusCode::CONFLICT, "Les chiffres de ce jour ne peuvent plus être dits");
                Self::new(status, "urn:msap:problem:history_lost", title, detail).about("as_of")
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
