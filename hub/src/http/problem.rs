//! Errors as `application/problem+json`: the type is for programs and stable, the words for people
//! and in French, as those of the fields are.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use msap_shared::wording::calendar_day;
use serde::Serialize;
use tracing::error;

use super::api::BODY_LEN_MAX;
use super::door::{ADDRESS_LEN_MAX, HEADERS_LEN_MAX};
use crate::ask::AskError;
use crate::exit::with_causes;
use crate::lane::ReadError;
use crate::lang::Lang;
use crate::store::StoreError;
use crate::store::figures::{FigureError, NARROW, ROWS_MAX};

mod outside;

/// Seconds after which a question that found no reader may be asked again: the longest that one takes.
const RETRY_AFTER_S: u64 = 10;

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
    parameter: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// The parameter that an unknown one was perhaps meant to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    nearest: Option<&'static str>,
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
        self.about.parameter = Some(parameter.into());
        self
    }

    /// Neither token nor session, or one that does not count (any more). The reasons are not told
    /// apart.
    pub(super) fn unauthorized() -> Self {
        let detail =
            "envoyez un jeton valable, « Authorization: Bearer msap_… », ou ouvrez une session : POST /v1/session";
        let title = "Il faut un jeton ou une session valable";
        Self::new(StatusCode::UNAUTHORIZED, "urn:msap:problem:unauthorized", title, detail)
    }

    /// A login and a password that do not go together. Whether the login exists is not told.
    pub(super) fn not_signed_in() -> Self {
        let detail = "ce nom de connexion et ce mot de passe ne vont pas ensemble";
        Self::new(StatusCode::UNAUTHORIZED, "urn:msap:problem:not-signed-in", "Connexion refusée", detail)
    }

    /// A token and a cookie: whose rights were to count?
    pub(super) fn two_callers() -> Self {
        let detail = "envoyez ou le jeton, ou le cookie de la session, pas les deux";
        Self::new(StatusCode::BAD_REQUEST, "urn:msap:problem:two-callers", "Un jeton et une session à la fois", detail)
    }

    /// There is no session to end.
    pub(super) fn no_session() -> Self {
        let detail = "un jeton n’est pas une session : « msap-hub token revoke » y met fin";
        Self::new(StatusCode::BAD_REQUEST, "urn:msap:problem:no-session", "Pas de session", detail)
    }

    /// A request with a cookie that does not come from a page of the hub.
    pub(super) fn foreign_page(own: &str) -> Self {
        let detail = format!("une session ne change rien que depuis les pages de {own} (Origin, Sec-Fetch-Site)");
        Self::new(StatusCode::FORBIDDEN, "urn:msap:problem:foreign-page", "Demandé par une autre page", detail)
    }

    /// Too many attempts to sign in.
    pub(super) fn too_many_attempts(wait_s: u64) -> Self {
        let detail = format!("trop d’essais de connexion : réessayez dans {wait_s} s");
        let title = "Trop d’essais";
        let r#type = "urn:msap:problem:too-many-attempts";
        let mut problem = Self::new(StatusCode::TOO_MANY_REQUESTS, r#type, title, detail);
        problem.about.retry_after_s = Some(wait_s);
        problem
    }

    pub(super) fn address() -> Self {
        let (status, title) = (StatusCode::BAD_REQUEST, "L’adresse est illisible");
        let detail = "un % de l’adresse n’est pas suivi de deux chiffres hexadécimaux, ou elle n’est pas en UTF-8";
        Self::new(status, "urn:msap:problem:address", title, detail)
    }

    /// A parameter that does not decode.
    pub(super) fn query(name: &str) -> Self {
        Self::address().about(&name.chars().take(40).collect::<String>())
    }

    /// More than a body may hold.
    pub(super) fn body_too_large() -> Self {
        let detail = format!("le corps dépasse {BODY_LEN_MAX} octets : envoyez-en moins à la fois");
        let title = "Le corps de la requête est trop long";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "urn:msap:problem:body-too-large", title, detail)
    }

    /// More than an address may hold.
    pub(super) fn address_too_long() -> Self {
        let detail = format!("l’adresse dépasse {ADDRESS_LEN_MAX} octets : posez la question en plusieurs fois");
        Self::new(StatusCode::URI_TOO_LONG, "urn:msap:problem:address-too-long", "L’adresse est trop longue", detail)
    }

    /// More than the headers may hold.
    pub(super) fn headers_too_long() -> Self {
        let detail = format!("les en-têtes dépassent {HEADERS_LEN_MAX} octets");
        let (status, title) = (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Les en-têtes sont trop longs");
        Self::new(status, "urn:msap:problem:headers-too-long", title, detail)
    }

    /// A body of another type than JSON.
    pub(super) fn media_type() -> Self {
        let detail = "envoyez le corps en JSON, « Content-Type: application/json »";
        let (status, title) = (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Ce type de corps n’est pas lu");
        Self::new(status, "urn:msap:problem:media-type", title, detail)
    }

    /// No form that whoever asks would take.
    pub(super) fn not_acceptable(types: &[&str]) -> Self {
        let detail = format!("cette adresse répond en {} : changez l’en-tête Accept", types.join(" ou "));
        let (status, title) = (StatusCode::NOT_ACCEPTABLE, "Aucune forme demandée n’est offerte");
        Self::new(status, "urn:msap:problem:not-acceptable", title, detail)
    }

    /// The role does not allow this.
    pub(super) fn needs_role(role: &str) -> Self {
        let detail = format!("cette adresse demande le rôle {role}");
        Self::new(StatusCode::FORBIDDEN, "urn:msap:problem:needs-role", "Ce rôle ne suffit pas", detail)
    }

    /// Nothing has this name.
    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "urn:msap:problem:not-found", "Introuvable", detail)
    }

    /// The figures of a period are not released, or not yet.
    pub(super) fn not_released(detail: String) -> Self {
        Self::new(StatusCode::NOT_FOUND, "urn:msap:problem:not-released", "Non publié", detail).about("period")
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
        let mut problem = Self::new(status, "urn:msap:problem:field", title, why);
        problem.about.field = Some(field.chars().take(60).collect());
        problem
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

    /// The journal takes nothing, and what was asked for leaves only once it stands there for whom.
    pub(super) fn not_journalled(cause: &StoreError) -> Self {
        error!(cause = with_causes(cause), "the journal does not take who reads small figures: they are not told");
        let detail = "une réponse qui peut désigner une personne ne part qu’une fois inscrite au journal, et il ne prend \
                      rien : réessayez plus tard, ou demandez sans les âges ou par lieux plus grands";
        Self::unavailable(detail)
    }

    /// As many questions of this kind wait as may.
    pub(super) fn busy() -> Self {
        let detail = format!(
            "trop de questions attendent déjà leur tour : redemandez dans {RETRY_AFTER_S} s ; celles de peu de jours ou de \
             peu de lieux n’attendent pas les grandes"
        );
        let title = "Trop de questions à la fois";
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "urn:msap:problem:busy", title, detail);
        problem.about.retry_after_s = Some(RETRY_AFTER_S);
        problem
    }

    /// A value that its parameter cannot take.
    pub(super) fn value(parameter: &str, detail: impl Into<String>) -> Self {
        let (status, title) = (StatusCode::UNPROCESSABLE_ENTITY, "Un paramètre ne peut pas prendre cette valeur");
        Self::new(status, "urn:msap:problem:parameter-value", title, detail).about(parameter)
    }

    /// A handler panicked: what it said is in the log.
    pub(super) fn panicked() -> Self {
        error!("an HTTP request panicked");
        let detail = "le journal du hub dit pourquoi";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "urn:msap:problem:internal", "Le hub a échoué", detail)
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

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Busy => Self::busy(),
            ReadError::Store(error) => error.into(),
        }
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
            AskError::UnknownParameter { name, nearest, .. } => {
                let (status, title) = (StatusCode::BAD_REQUEST, "Paramètre inconnu");
                let problem = Self::new(status, "urn:msap:problem:unknown-parameter", title, detail);
                let mut problem = problem.about(&name);
                problem.about.nearest = nearest;
                problem
            }
            AskError::Repeated(name) => {
                let title = "Paramètre répété";
                Self::new(StatusCode::BAD_REQUEST, "urn:msap:problem:repeated-parameter", title, detail).about(name)
            }
            AskError::HalfPeriod(name) => {
                let title = "Paramètre manquant";
                Self::new(StatusCode::BAD_REQUEST, "urn:msap:problem:missing-parameter", title, detail).about(name)
            }
            AskError::Cursor => {
                let title = "Curseur d’une autre liste";
                Self::new(StatusCode::BAD_REQUEST, "urn:msap:problem:cursor", title, detail).about("cursor")
            }
            AskError::NotPublic => {
                let title = "Hors des tableaux publics";
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
            FigureError::TooManyRows => {
                Self::value("by", format!("la réponse dépasse {ROWS_MAX} lignes : {}", NARROW.fr))
            }
            FigureError::HistoryLost(first) => {
                let detail = format!(
                    "ce qui avait été reçu à cette date n’est connu que depuis le {}",
                    calendar_day(first, Lang::Fr)
                );
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
        if let Some(wait_s) = self.about.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait_s));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
