//! The two languages that people read: French first, English on demand.
//!
//! Logs and the names in JSON are English only.

use std::fmt;

pub use msap_shared::lang::Lang;

/// A number with the word for one and for several; in French nothing is singular too.
pub fn counted(n: impl TryInto<i64>, lang: Lang, fr: [&str; 2], en: [&str; 2]) -> String {
    lang.counted(n.try_into().unwrap_or(i64::MAX), fr, en)
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

/// A language as it travels between the command line and the hub.
pub(crate) mod code {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::Lang;

    pub(crate) fn serialize<S: Serializer>(lang: &Lang, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(lang.of("fr", "en"))
    }

    pub(crate) fn deserialize<'a, D: Deserializer<'a>>(deserializer: D) -> Result<Lang, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "fr" => Ok(Lang::Fr),
            "en" => Ok(Lang::En),
            other => Err(D::Error::unknown_variant(other, &["fr", "en"])),
        }
    }
}
