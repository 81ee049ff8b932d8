//! The two languages that people read: French first, English on demand.
//!
//! Called by whatever has words for people, in the agent and in the hub. Logs and the names in
//! JSON are English only.

/// A language of people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// French.
    #[default]
    Fr,
    /// English.
    En,
}

impl Lang {
    /// One of two wordings of the same thing.
    pub fn pick<'a>(self, fr: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Fr => fr,
            Self::En => en,
        }
    }
}
