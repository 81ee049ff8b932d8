//! Why a question cannot be asked, in words.

use super::*;
use crate::privacy::table::{TABLES, Table};

/// Longest piece of a name that is told.
const NAME_LEN_MAX: usize = 40;
/// How many letters of a name may be wrong, and how many make a beginning.
const FAR_MAX: usize = 2;
const PREFIX_LEN_MIN: usize = 2;

/// Why a question cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Not a parameter.
    #[error("{name:?} is not a parameter of this address; {}", meant(*.nearest, .known, Lang::En))]
    UnknownParameter {
        /// A bounded piece of what was given.
        name: String,
        /// The one that was perhaps meant.
        nearest: Option<&'static str>,
        /// All that there are.
        known: Vec<&'static str>,
    },
    /// The same parameter twice.
    #[error("{0} is given more than once")]
    Repeated(&'static str),
    /// A period with one end.
    #[error("from and to go together: {0} is missing")]
    HalfPeriod(&'static str),
    /// A value that the parameter cannot take.
    #[error("{parameter}: {value:?} is not {expected}")]
    Value {
        /// The parameter.
        parameter: &'static str,
        /// A bounded piece of the value.
        value: String,
        /// What would have been right.
        expected: Phrase,
    },
    /// A cursor of another list, or of other questions.
    #[error("cursor: not the «next» of a page before, with the same other parameters")]
    Cursor,
    /// A question that is public is one of a list.
    #[error("{}", not_public(Lang::En))]
    NotPublic,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AskError {
    /// That this is none of these parameters: told with the one that was perhaps meant, else with all.
    pub(super) fn unknown(given: &str, known: &[Parameter]) -> Self {
        let name: String = given.chars().take(NAME_LEN_MAX).collect();
        let far = |known: &str| {
            let letters = strsim::damerau_levenshtein(known, &name);
            let is_part = name.len() >= PREFIX_LEN_MIN && (known.starts_with(&name) || name.starts_with(known));
            // Of two letters, any two others are as near.
            let is_near = letters <= FAR_MAX && letters < name.chars().count().min(known.len());
            (is_part || is_near).then_some((!is_part, letters))
        };
        let known: Vec<_> = known.iter().map(|known| known.name).collect();
        let nearest = known.iter().filter_map(|known| Some((far(known)?, *known))).min().map(|(_, known)| known);
        Self::UnknownParameter { name, nearest, known }
    }

    /// The mistake, as people read it.
    pub fn say(&self, lang: Lang) -> String {
        match (lang, self) {
            (Lang::En, _) => self.to_string(),
            (Lang::Fr, Self::UnknownParameter { name, nearest, known }) => {
                format!("{name:?} n’est pas un paramètre d’ici ; {}", meant(*nearest, known, lang))
            }
            (Lang::Fr, Self::Repeated(name)) => format!("{name} est donné plus d’une fois"),
            (Lang::Fr, Self::HalfPeriod(name)) => format!("from et to vont ensemble : {name} manque"),
            (Lang::Fr, Self::Value { parameter, value, expected }) => {
                format!("{parameter} : {value:?} ; attendu : {}", expected.fr)
            }
            (Lang::Fr, Self::Cursor) => {
                "cursor : ce n’est pas le « next » d’une page précédente, avec les mêmes autres paramètres".to_owned()
            }
            (Lang::Fr, Self::NotPublic) => not_public(lang),
            (Lang::Fr, Self::Store(error)) => harm::said(error, lang),
        }
    }
}

/// The parameter that was meant, or all that there are.
fn meant(nearest: Option<&str>, known: &[&str], lang: Lang) -> String {
    match nearest {
        Some(nearest) => lang.of(format!("le plus proche : {nearest}"), format!("the nearest one is {nearest}")),
        None if known.is_empty() => lang.of("cette adresse n’en prend aucun", "there are none").to_owned(),
        None => {
            let known = known.join(", ");
            lang.of(format!("il y a : {known}"), format!("there are: {known}"))
        }
    }
}

/// What can be asked as public.
fn not_public(lang: Lang) -> String {
    let by = |table: &Table| match table.by {
        [] => lang.of("sans by", "no by").to_owned(),
        keys => format!("by={}", keys.iter().map(|key| key.name()).collect::<Vec<_>>().join(",")),
    };
    let list = TABLES.iter().map(by).collect::<Vec<_>>().join(" · ");
    lang.of(
        format!("public=true ne répond que pour un mois, trimestre ou année entiers, sans filtre, à : {list}"),
        format!("public=true only answers for a whole month, quarter or year, without filters, to: {list}"),
    )
}
