//! The two languages that people read: French first, English on demand.
//!
//! Logs and the names in JSON are English only.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A language of people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// French.
    #[default]
    Fr,
    /// English.
    En,
}

impl Lang {
    /// The one of two texts that is in this language.
    pub fn of<T>(self, fr: T, en: T) -> T {
        match self {
            Self::Fr => fr,
            Self::En => en,
        }
    }
}

/// A number with the word for one and for several; in French nothing is singular too.
pub fn counted(n: u32, lang: Lang, fr: [&str; 2], en: [&str; 2]) -> String {
    let [one, several] = lang.of(fr, en);
    let singular = n == 1 || (n == 0 && lang == Lang::Fr);
    format!("{n} {}", if singular { one } else { several })
}

impl From<Lang> for msap_shared::lang::Lang {
    fn from(lang: Lang) -> Self {
        lang.of(Self::Fr, Self::En)
    }
}

/// The same few words in both languages; displayed in English, as an error's text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// In French.
    pub fr: &'static str,
    /// In English.
    pub en: &'static str,
}

impl Phrase {
    /// Both texts.
    pub const fn new(fr: &'static str, en: &'static str) -> Self {
        Self { fr, en }
    }

    /// The text in this language.
    pub fn say(self, lang: Lang) -> &'static str {
        lang.of(self.fr, self.en)
    }
}

impl fmt::Display for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.en)
    }
}
