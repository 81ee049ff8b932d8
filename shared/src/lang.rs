//! The two languages that people read: French first, English on demand.
//!
//! Called by whatever has words for people, in the agent and in the hub. Logs and the names in
//! JSON are English only.

/// A language of people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "io", derive(clap::ValueEnum))]
pub enum Lang {
    /// French.
    #[default]
    Fr,
    /// English.
    En,
}

impl Lang {
    /// The one of two texts, or whatever they are made of, that is in this language.
    pub fn of<T>(self, fr: T, en: T) -> T {
        match self {
            Self::Fr => fr,
            Self::En => en,
        }
    }

    /// A number with the word for one and for several; in French nothing is singular too.
    pub fn counted(self, n: i64, fr: [&str; 2], en: [&str; 2]) -> String {
        let [one, several] = self.of(fr, en);
        let singular = n.abs() == 1 || (n == 0 && self == Self::Fr);
        format!("{n} {}", if singular { one } else { several })
    }

    /// The same of two texts that may be owned by different things.
    pub fn pick<'a>(self, fr: &'a str, en: &'a str) -> &'a str {
        self.of(fr, en)
    }
}
