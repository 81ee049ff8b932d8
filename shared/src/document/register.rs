//! Documents of registers: what `schedule` and `partners` documents have in common.
//!
//! A fact is one root key with a string value, and is what one person decides at once. Concurrent
//! values of one key are all visible. Every value says first who wrote it and when:
//!
//! ```text
//! <author>|<day>|<body>
//! device:5f1e0c9a12b4d677|2026-11-20|09:00-12:00
//! ```
//!
//! A body `-` is a tombstone: the fact says nothing any more. Two values with equal bodies are no
//! conflict, whoever wrote them; different ones are never merged and never hidden, until a person
//! settles them by writing one of them again. Called by the two documents' grammars; pure.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::id::{DeviceId, SiteId};
use crate::time::Day;

#[cfg(test)]
mod tests;

/// Longest key, in bytes.
pub const KEY_LEN_MAX: usize = 96;
/// Longest value, in bytes, author and day included.
pub const VALUE_LEN_MAX: usize = 2_048;
/// The body that takes a fact back.
pub const TOMBSTONE: &str = "-";

/// A document's facts: the visible values of each key, in any order.
pub type Facts = BTreeMap<String, Vec<String>>;
/// What a command writes: keys and values.
pub type Edits = Vec<(String, String)>;

/// Who wrote a value, as a place or a role, never as a person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Author {
    /// A machine of the site, by its id or the first 8 digits of it: `device:5f1e0c9a`.
    Device(Box<str>),
    /// A coordinator of the whole network.
    National,
    /// A coordinator of a region, by its code.
    Region(Box<str>),
    /// A coordinator of a department, by its code.
    Department(Box<str>),
    /// A coordinator of one site.
    Site(SiteId),
    /// The national list, imported.
    List,
}

/// Who writes, and on what day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// Who.
    pub author: Author,
    /// The day on which it was written or confirmed.
    pub day: Day,
}

/// A value without its meaning: the stamp and the body.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry<'a> {
    /// Who wrote it, and when.
    pub stamp: Stamp,
    /// The rest, `-` included.
    pub body: &'a str,
}

/// One of the values of a register, with its meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said<T> {
    /// Who wrote it, and when.
    pub stamp: Stamp,
    /// What; `None` when the fact was taken back.
    pub body: Option<T>,
}

/// A key with all that is said of it: at least one value, no two with the same body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register<T> {
    key: Arc<str>,
    first: Said<T>,
    others: Vec<Said<T>>,
}

/// A key whose concurrent values differ: for a person to settle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The key.
    pub key: String,
    /// Who said what, in the order of the bodies; `-` where the fact was taken back.
    pub versions: Vec<(Stamp, String)>,
}

impl Conflict {
    /// By what a person names it: eight digits that follow from the key and what is said, so that
    /// whoever settles it settles what he has read.
    pub fn id(&self) -> String {
        let mut hasher = Sha256::new();
        for text in std::iter::once(self.key.as_str()).chain(self.versions.iter().map(|(_, body)| body.as_str())) {
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text);
        }
        hasher.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A value of a known key that cannot be read: kept, shown, and without effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The key.
    pub key: String,
    /// The value, verbatim.
    pub value: String,
    /// What is wrong.
    pub why: FactError,
}

/// Why a key and value are no fact of the document.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum FactError {
    /// Empty, longer than [`KEY_LEN_MAX`], or with control characters.
    #[error("a key has 1 to {KEY_LEN_MAX} bytes and no control character")]
    KeyForm,
    /// Longer than [`VALUE_LEN_MAX`], or with control characters.
    #[error("a value has at most {VALUE_LEN_MAX} bytes and no control character")]
    ValueForm,
    /// A part of the key is not of its form.
    #[error("the key's {0} is not of its form")]
    Key(&'static str),
    /// A part of the value is not of its form.
    #[error("the value's {0} is not of its form")]
    Value(&'static str),
    /// It can be read, and would be written otherwise: equal facts must be equal texts.
    #[error("the text is not the one that this would be written as")]
    NotCanonical,
}

/// A field of a command that cannot be written. Nothing was changed.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{field}: {why}")]
pub struct FieldError {
    /// The field's name, as in the API.
    pub field: &'static str,
    /// What is wrong with it, in French, with the next step.
    pub why: String,
}

impl FieldError {
    /// A field and what is wrong with it.
    pub fn new(field: &'static str, why: impl Into<String>) -> Self {
        Self { field, why: why.into() }
    }
}

/// Checks what holds of every fact, known or not.
///
/// # Errors
/// When key or value is out of bounds.
pub fn check_bounds(key: &str, value: &str) -> Result<(), FactError> {
    if key.is_empty() || key.len() > KEY_LEN_MAX || key.chars().any(char::is_control) {
        return Err(FactError::KeyForm);
    }
    // Comments have lines; nothing else of the kind has a place in a page or a table.
    if value.len() > VALUE_LEN_MAX || value.chars().any(|c| c.is_control() && c != '\n') {
        return Err(FactError::ValueForm);
    }
    Ok(())
}

/// The keys whose values differ, with all their versions.
///
/// Values of which not even the stamp can be read are left out: they have no effect.
pub fn conflicts(facts: &Facts) -> Vec<Conflict> {
    let differing = facts.iter().filter(|(_, values)| values.len() > 1).filter_map(|(key, values)| {
        let mut versions = BTreeMap::new();
        for entry in values.iter().filter_map(|value| Entry::parse(value).ok()) {
            keep_latest(key, &mut versions, entry);
        }
        let versions: Vec<_> = versions.into_values().map(|entry| (entry.stamp, entry.body.to_owned())).collect();
        (versions.len() > 1).then(|| Conflict { key: key.clone(), versions })
    });
    differing.collect()
}

/// Settles a conflict: writes one of the versions again, so that it alone remains.
///
/// # Errors
/// When the key has no differing values (any more), or `chosen` is not the body of one of them.
pub fn settle(facts: &Facts, stamp: &Stamp, key: &str, chosen: &str) -> Result<Edits, FieldError> {
    let Some(conflict) = conflicts(facts).into_iter().find(|conflict| conflict.key == key) else {
        return Err(FieldError::new("key", "ce conflit n’existe pas ou plus : relisez la liste des conflits"));
    };
    if !conflict.versions.iter().any(|(_, body)| body == chosen) {
        return Err(FieldError::new(
            "chosen",
            "cette version n’est pas, ou plus, parmi celles du conflit : relisez-le",
        ));
    }
    Ok(vec![(key.to_owned(), stamp.write(chosen))])
}

/// What two values must share to say the same: the whole body, but for the day of a confirmation.
/// Two people who confirm on two days do not contradict each other; the later one speaks.
fn matter<'a>(key: &str, body: &'a str) -> &'a str {
    match key.split('|').next() {
        _ if body == TOMBSTONE => body,
        Some("checked") => "",
        Some("presence") => body.rsplit_once('|').map_or(body, |(matter, _)| matter),
        _ => body,
    }
}

/// Among values that say the same the latest speaks, so that every reader names the same author.
fn keep_latest<'a>(key: &str, versions: &mut BTreeMap<&'a str, Entry<'a>>, entry: Entry<'a>) {
    let matter = matter(key, entry.body);
    let rank = |entry: &Entry<'a>| (entry.stamp.day, entry.body, entry.stamp.author.clone());
    if versions.get(matter).is_none_or(|held| rank(&entry) > rank(held)) {
        versions.insert(matter, entry);
    }
}

impl Author {
    /// A machine of the site.
    pub fn device(id: DeviceId) -> Self {
        Self::Device(id.to_string().into())
    }
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(id) => write!(f, "device:{id}"),
            Self::National => f.write_str("national"),
            Self::Region(code) => write!(f, "region:{code}"),
            Self::Department(code) => write!(f, "department:{code}"),
            Self::Site(site) => write!(f, "site:{site}"),
            Self::List => f.write_str("list"),
        }
    }
}

impl FromStr for Author {
    type Err = FactError;

    fn from_str(text: &str) -> Result<Self, FactError> {
        let hex = |id: &str| (8..=16).contains(&id.len()) && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let code =
            |id: &str| (1..=3).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
        let author = match text.split_once(':') {
            None if text == "national" => Some(Self::National),
            None if text == "list" => Some(Self::List),
            Some(("device", id)) if hex(id) => Some(Self::Device(id.into())),
            Some(("region", id)) if code(id) => Some(Self::Region(id.into())),
            Some(("department", id)) if code(id) => Some(Self::Department(id.into())),
            Some(("site", id)) => id.parse().ok().map(Self::Site),
            _ => None,
        };
        author.ok_or(FactError::Value("author"))
    }
}

impl Stamp {
    /// A value with this stamp.
    pub fn write(&self, body: impl fmt::Display) -> String {
        format!("{}|{}|{body}", self.author, self.day)
    }
}

impl<'a> Entry<'a> {
    /// Reads a value's stamp.
    ///
    /// # Errors
    /// When author or day is not of its form.
    pub fn parse(value: &'a str) -> Result<Self, FactError> {
        let mut parts = value.splitn(3, '|');
        let (Some(author), Some(day), Some(body)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(FactError::Value("form"));
        };
        let day = day.parse().map_err(|_| FactError::Value("day"))?;
        Ok(Self { stamp: Stamp { author: author.parse()?, day }, body })
    }

    /// Whether the fact is taken back.
    pub fn is_tombstone(&self) -> bool {
        self.body == TOMBSTONE
    }
}

/// A body in its one spelling.
pub(crate) fn canonical<T>(text: &str) -> Result<T, FactError>
where
    T: FromStr<Err = FactError> + fmt::Display,
{
    let body: T = text.parse()?;
    if body.to_string() == text { Ok(body) } else { Err(FactError::NotCanonical) }
}

/// Checks a value of a key whose body is a `T`.
pub(crate) fn admits_as<T>(value: &str) -> Result<(), FactError>
where
    T: FromStr<Err = FactError> + fmt::Display,
{
    let entry = Entry::parse(value)?;
    if entry.is_tombstone() { Ok(()) } else { canonical::<T>(entry.body).map(|_| ()) }
}

impl<T: FromStr<Err = FactError> + fmt::Display> Register<T> {
    /// Reads a key's values; what cannot be read goes to `unreadable`. `None` when nothing is left.
    pub(crate) fn read(key: &str, values: &[String], unreadable: &mut Vec<Unreadable>) -> Option<Self> {
        let mut versions = BTreeMap::new();
        let mut bodies: BTreeMap<&str, Option<T>> = BTreeMap::new();
        for value in values {
            let read = check_bounds(key, value).and_then(|()| Entry::parse(value)).and_then(|entry| {
                let body = if entry.is_tombstone() { None } else { Some(canonical(entry.body)?) };
                Ok((entry, body))
            });
            match read {
                Ok((entry, body)) => {
                    bodies.insert(entry.body, body);
                    keep_latest(key, &mut versions, entry);
                }
                Err(why) => unreadable.push(Unreadable { key: key.to_owned(), value: value.clone(), why }),
            }
        }
        let mut said = versions
            .into_values()
            .filter_map(|entry| Some(Said { body: bodies.remove(entry.body)?, stamp: entry.stamp }));
        let first = said.next()?;
        Some(Self { key: key.into(), first, others: said.collect() })
    }
}

impl<T> Register<T> {
    /// The key.
    pub fn key(&self) -> &Arc<str> {
        &self.key
    }

    /// Everything that is said, in the order of the bodies.
    pub fn all(&self) -> impl Iterator<Item = &Said<T>> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// How many differing values there are: 1 when there is no conflict.
    pub fn versions(&self) -> usize {
        1 + self.others.len()
    }

    /// Whether the values differ.
    pub fn is_conflict(&self) -> bool {
        !self.others.is_empty()
    }

    /// The value with this number, the first when there are fewer.
    pub fn version(&self, number: usize) -> &Said<T> {
        number.checked_sub(1).and_then(|at| self.others.get(at)).unwrap_or(&self.first)
    }

    /// The one value, unless they differ.
    pub fn agreed(&self) -> Option<&Said<T>> {
        (!self.is_conflict()).then_some(&self.first)
    }
}
