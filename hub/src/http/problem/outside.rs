//! What lies beyond what a token or person may see: 403, with the scope, what was asked, and what to ask instead.

use axum::http::StatusCode;
use msap_shared::code::OperatorCode;

use super::Problem;
use crate::ask::parameter::Parameter;
use crate::http::scope::{self, Beyond, Scope};
use crate::query::Filters;

impl Problem {
    /// What is asked for reaches beyond what this token or person may see. `takes` are the parameters
    /// of the address: one of them may keep a question within the scope.
    pub(in crate::http) fn outside_scope(scope: &Scope, asked: impl Into<String>, takes: &[Parameter]) -> Self {
        let filter = scope.filter().filter(|filter| takes.iter().any(|one| filter.split('=').next() == Some(one.name)));
        let instead = match filter {
            Some(filter) => format!("filtrez la question pour y rester, par exemple avec {filter}"),
            None => "cette adresse ne se restreint pas à ce périmètre".to_owned(),
        };
        let (scope, asked) = (scope.to_string(), asked.into());
        let detail = format!("vous voyez {scope} et demandez {asked} : {instead}");
        let title = "Hors de votre périmètre";
        let mut outside = Self::new(StatusCode::FORBIDDEN, "urn:msap:problem:outside-scope", title, detail);
        (outside.about.scope, outside.about.asked) = (Some(scope), Some(asked));
        outside
    }

    /// What is to be written, or shown by its name, is not for a token or person of this scope.
    pub(in crate::http) fn not_in_scope(scope: &Scope, asked: impl Into<String>) -> Self {
        let asked = asked.into();
        let detail = format!("vous voyez {scope} et demandez {asked}, hors de ce périmètre : demandez-en un autre");
        Self { detail, ..Self::outside_scope(scope, asked, &[]) }
    }

    /// The question is not for a token or person of this scope.
    pub(in crate::http) fn beyond(scope: &Scope, beyond: Beyond, asked: &Filters, takes: &[Parameter]) -> Self {
        let outside = Self::outside_scope(scope, scope::asked(asked), takes);
        match beyond {
            Beyond::Scope => outside,
            Beyond::Antennas => outside.antennas(scope, "antennas=apart"),
            Beyond::Detail(parameter) => {
                let named = if takes.iter().any(|one| one.name == parameter) { parameter } else { "cette adresse" };
                let detail = format!(
                    "vous voyez {scope}, par mois entiers, les types d’aide seulement sans lieu ni porteur, et les âges \
                     seuls, par région ou par département, d’un mois, trimestre ou an entier : {named} en dit plus"
                );
                Self { detail, ..outside }.about(parameter)
            }
        }
    }

    /// A partner's return, or a detail of its own, is not for a token or person of this scope.
    pub(in crate::http) fn of_return(scope: &Scope, beyond: Beyond, operator: &OperatorCode) -> Self {
        let outside = Self::outside_scope(scope, format!("operator:{operator}"), &[]);
        let instead = match (beyond, scope, scope.filter()) {
            (Beyond::Detail(parameter), ..) => {
                let detail = format!(
                    "vous voyez {scope} : votre relevé de chaque mois terminé, tel que reçu à ce jour ; {parameter} est \
                     réservé au niveau national"
                );
                return Self { detail, ..outside }.about(parameter);
            }
            (_, Scope::Operator(mine), _) => format!("/v1/operators/{mine}/return"),
            (.., filter) => format!("/v1/visits?operator={operator}&{}", filter.unwrap_or_default()),
        };
        let detail = format!(
            "vous voyez {scope} et demandez le relevé de {operator}, remis à ce partenaire et au niveau national : \
             demandez {instead}"
        );
        Self { detail, ..outside }
    }

    /// The same, because the antennas of a house lie partly outside: `remedy` leaves them out.
    pub(in crate::http) fn antennas(self, scope: &Scope, remedy: &str) -> Self {
        let detail =
            format!("vous voyez {scope}, et une antenne d’une maison nommée ici est ailleurs : ajoutez {remedy}");
        Self { detail, ..self }.about("site")
    }
}
