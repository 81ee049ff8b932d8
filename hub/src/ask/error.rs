//! Why a question cannot be asked, in words.

use super::*;
use crate::privacy::table::{TABLES, Table};

/// Why a question cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Not a parameter.
    #[error("{0:?} is not a parameter of this address; the nearest one is {1}")]
    UnknownParameter(String, &'static str),
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
    /// The mistake, as people read it.
    pub fn say(&self, lang: Lang) -> String {
        match (lang, self) {
            (Lang::En, _) => self.to_string(),
            (Lang::Fr, Self::UnknownParameter(name, nearest)) => {
                format!("{name:?} n’est pas un paramètre d’ici ; le plus proche : {nearest}")
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
