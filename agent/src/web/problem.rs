//! What is answered when a request is not carried out: `application/problem+json`.

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::bundle::FileError;
use crate::command::CommandError;
use crate::exit::Exit;
use crate::out::Lang;
use crate::wording;

/// One refusal, for people to read and for programs to tell apart by status and field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    field: Option<String>,
}

impl Problem {
    /// A refusal of the request as a whole.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), field: None }
    }

    /// A field whose value cannot be taken.
    pub fn invalid(field: &str, why: impl Into<String>) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, detail: why.into(), field: Some(field.to_owned()) }
    }

    /// A request that is not of the form asked for.
    pub fn malformed(field: Option<&str>, why: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, detail: why.into(), field: field.map(str::to_owned) }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The field that it is about.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// What a person reads, beside the field where there is one.
    pub fn in_words(&self) -> &str {
        &self.detail
    }

    fn title(&self) -> &'static str {
        match self.status {
            StatusCode::UNPROCESSABLE_ENTITY => "Valeur refusée",
            StatusCode::NOT_FOUND => "Introuvable",
            StatusCode::CONFLICT if self.field.as_deref() == Some("settle") => "Versions contradictoires",
            StatusCode::CONFLICT => "Identifiant déjà utilisé",
            StatusCode::SERVICE_UNAVAILABLE => "Non enregistré",
            StatusCode::FORBIDDEN => "Refusé",
            _ => "Demande incorrecte",
        }
    }
}

impl From<FileError> for Problem {
    fn from(error: FileError) -> Self {
        match error.exit() {
            Exit::Refused => {
                Self { field: Some("file".to_owned()), ..Self::new(StatusCode::FORBIDDEN, error.to_string()) }
            }
            Exit::Invalid => Self::invalid("file", error.to_string()),
            _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        }
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Invalid { field, why } => Self::invalid(field, why),
            CommandError::UnknownTap(tap) => {
                Self::new(StatusCode::NOT_FOUND, format!("la visite {tap} n’est pas connue sur ce poste"))
            }
            CommandError::IdReused(id) => {
                let detail = format!("l’identifiant {id} a déjà servi pour une autre visite : tirez-en un nouveau");
                Self { status: StatusCode::CONFLICT, detail, field: Some("id".to_owned()) }
            }
            CommandError::UnknownConflict(id) => Self::new(
                StatusCode::NOT_FOUND,
                format!("le conflit {id} n’existe pas, ou plus : relisez la liste des conflits"),
            ),
            CommandError::Contradicted { id, key } => {
                let detail = format!(
                    "{} : deux versions se contredisent. Choisissez d’abord l’une d’elles (conflit {id})",
                    wording::subject(&key, Lang::Fr)
                );
                Self { status: StatusCode::CONFLICT, detail, field: Some("settle".to_owned()) }
            }
            CommandError::DiskFull => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "pas enregistré : le disque de ce poste est plein. Libérez de la place, puis recommencez",
            ),
            CommandError::NotKept => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "pas enregistré : l’agent s’arrête, ou un autre programme occupe sa base. Recommencez dans un instant",
            ),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": "about:blank",
            "title": self.title(),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if let Some(field) = self.field {
            body["field"] = field.into();
        }
        let kind = HeaderValue::from_static("application/problem+json");
        (self.status, [(CONTENT_TYPE, kind)], body.to_string()).into_response()
    }
}
