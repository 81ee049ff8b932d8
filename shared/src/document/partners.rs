//! The partners document: how each partner can be had at a house, and what was agreed with it.
//!
//! Registers ([`register`](super::register)):
//!
//! | key | body |
//! |---|---|
//! | `presence\|<operator>` | `<mode>\|<contact>\|<until>\|<checked on>`; contact and until may be empty |
//! | `agreement\|<operator>` | `<status>\|<day or empty>` |
//! | `training\|<operator>` | `<n>\|<trained on>` |
//! | `label\|LOCAL:<slug>` | what a local service is called |
//!
//! Keys whose first field is of a later version are carried untouched and ignored. What is kept
//! is what somebody last confirmed; what holds on a day is [`availability`]'s to say.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

pub mod availability;
pub mod contact;
pub mod edit;

#[cfg(test)]
mod tests;

pub use contact::Contact;

use super::register::{Conflict, FactError, Facts, Register, Said, Unreadable, admits_as, check_bounds, conflicts};
use super::schedule::Line;
use super::schedule::body::LABEL_LEN_MAX;
use super::schedule::key::OperatorToken;
use crate::time::Day;

/// Most agents that one partner trained.
pub const TRAINED_MAX: u16 = 999;

/// How a partner can be had, as last confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Somebody comes: the schedule says when.
    Permanence,
    /// A part of the service, at a distance.
    Partial,
    /// An agent can be reached.
    Reachable,
    /// Not to be had.
    Absent,
}

/// The body of `presence|<operator>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// How.
    pub mode: Mode,
    /// Where the house reaches the partner.
    pub contact: Option<Contact>,
    /// The last day for which it holds.
    pub until: Option<Day>,
    /// When it was last confirmed.
    pub checked_on: Day,
}

/// How far an agreement has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AgreementStatus {
    /// Signed.
    Signed,
    /// Being negotiated.
    InProgress,
    /// Not begun.
    ToCome,
}

/// The body of `agreement|<operator>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// How far.
    pub status: AgreementStatus,
    /// When it was signed, or is to be.
    pub day: Option<Day>,
}

/// The body of `training|<operator>`: no names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Training {
    /// How many agents of the house the partner trained.
    pub agents: u16,
    /// When last.
    pub trained_on: Day,
}

/// What a house says of one partner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partner {
    /// How it can be had.
    pub presence: Option<Register<Presence>>,
    /// The agreement.
    pub agreement: Option<Register<Agreement>>,
    /// Training by it.
    pub training: Option<Register<Training>>,
    /// What a local service is called.
    pub label: Option<Register<Line<LABEL_LEN_MAX>>>,
}

/// A key of the partners document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// `presence|<operator>`.
    Presence(OperatorToken),
    /// `agreement|<operator>`.
    Agreement(OperatorToken),
    /// `training|<operator>`.
    Training(OperatorToken),
    /// `label|LOCAL:<slug>`.
    Label(OperatorToken),
}

/// A partners document, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partners {
    operators: BTreeMap<OperatorToken, Partner>,
    conflicts: Vec<Conflict>,
    unreadable: Vec<Unreadable>,
}

/// Whether a key and value may stand in a partners document.
///
/// # Errors
/// When out of bounds, or of a known first field and not of its form.
pub fn admits(key: &str, value: &str) -> Result<(), FactError> {
    check_bounds(key, value)?;
    match Key::parse(key)? {
        Some(Key::Presence(_)) => admits_as::<Presence>(value),
        Some(Key::Agreement(_)) => admits_as::<Agreement>(value),
        Some(Key::Training(_)) => admits_as::<Training>(value),
        Some(Key::Label(_)) => admits_as::<Line<LABEL_LEN_MAX>>(value),
        None => Ok(()),
    }
}

impl Partners {
    /// Reads a document's facts. What cannot be read has no effect and is listed.
    pub fn read(facts: &Facts) -> Self {
        let mut partners = Self { conflicts: conflicts(facts), ..Self::default() };
        // Of what a later version means nobody can be asked to choose.
        partners.conflicts.retain(|conflict| !matches!(Key::parse(&conflict.key), Ok(None)));
        for (key, values) in facts {
            let unreadable = &mut partners.unreadable;
            let parsed = match Key::parse(key) {
                Ok(Some(parsed)) => parsed,
                Ok(None) => continue,
                Err(why) => {
                    let all = values.iter().map(|value| Unreadable { key: key.clone(), value: value.clone(), why });
                    unreadable.extend(all);
                    continue;
                }
            };
            let (Key::Presence(operator) | Key::Agreement(operator) | Key::Training(operator) | Key::Label(operator)) =
                &parsed;
            let partner = partners.operators.entry(operator.clone()).or_default();
            match parsed {
                Key::Presence(_) => partner.presence = Register::read(key, values, unreadable),
                Key::Agreement(_) => partner.agreement = Register::read(key, values, unreadable),
                Key::Training(_) => partner.training = Register::read(key, values, unreadable),
                Key::Label(_) => partner.label = Register::read(key, values, unreadable),
            }
        }
        partners
    }

    /// What is said of each partner.
    pub fn operators(&self) -> impl Iterator<Item = (&OperatorToken, &Partner)> {
        self.operators.iter()
    }

    /// What is said of one partner.
    pub fn partner(&self, operator: &OperatorToken) -> Option<&Partner> {
        self.operators.get(operator)
    }

    /// Every key whose values differ.
    pub fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }

    /// What cannot be read.
    pub fn unreadable(&self) -> &[Unreadable] {
        &self.unreadable
    }
}

impl Partner {
    /// The presence that everybody agrees on.
    pub fn agreed_presence(&self) -> Option<&Said<Presence>> {
        self.presence.as_ref()?.agreed()
    }
}

impl Key {
    /// Reads a key; `None` when its first field is of a later version.
    ///
    /// # Errors
    /// When the first field is known and the rest is not of its form.
    pub fn parse(text: &str) -> Result<Option<Self>, FactError> {
        let (field, rest) = text.split_once('|').unwrap_or((text, ""));
        match field {
            "presence" => rest.parse().map(Self::Presence).map(Some),
            "agreement" => rest.parse().map(Self::Agreement).map(Some),
            "training" => rest.parse().map(Self::Training).map(Some),
            "label" => match rest.parse()? {
                local @ OperatorToken::Local(_) => Ok(Some(Self::Label(local))),
                OperatorToken::Known(_) => Err(FactError::Key("local service")),
            },
            _ => Ok(None),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Presence(operator) => write!(f, "presence|{operator}"),
            Self::Agreement(operator) => write!(f, "agreement|{operator}"),
            Self::Training(operator) => write!(f, "training|{operator}"),
            Self::Label(operator) => write!(f, "label|{operator}"),
        }
    }
}

impl Mode {
    /// All, in the order they are offered.
    pub const ALL: [Self; 4] = [Self::Permanence, Self::Partial, Self::Reachable, Self::Absent];

    /// The stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Permanence => "permanence",
            Self::Partial => "partial",
            Self::Reachable => "reachable",
            Self::Absent => "absent",
        }
    }

    /// What people read.
    pub const fn label_fr(self) -> &'static str {
        match self {
            Self::Permanence => "en permanence",
            Self::Partial => "à distance (service partiel)",
            Self::Reachable => "joignable",
            Self::Absent => "absent",
        }
    }

    /// The same in English.
    pub const fn label_en(self) -> &'static str {
        match self {
            Self::Permanence => "on site",
            Self::Partial => "remote (partial service)",
            Self::Reachable => "reachable",
            Self::Absent => "absent",
        }
    }

    /// The mode with this code.
    pub fn known(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == code)
    }
}

impl AgreementStatus {
    /// All, in the order they are offered.
    pub const ALL: [Self; 3] = [Self::Signed, Self::InProgress, Self::ToCome];

    /// The stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::InProgress => "in_progress",
            Self::ToCome => "to_come",
        }
    }

    /// What people read.
    pub const fn label_fr(self) -> &'static str {
        match self {
            Self::Signed => "signée",
            Self::InProgress => "en cours",
            Self::ToCome => "à venir",
        }
    }

    /// The same in English.
    pub const fn label_en(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::InProgress => "in progress",
            Self::ToCome => "to come",
        }
    }

    /// The status with this code.
    pub fn known(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == code)
    }
}

fn day(text: &str) -> Result<Day, FactError> {
    text.parse().map_err(|_| FactError::Value("day"))
}

/// A day that may be left out.
fn day_or_none(text: &str) -> Result<Option<Day>, FactError> {
    if text.is_empty() { Ok(None) } else { day(text).map(Some) }
}

fn or_empty(value: Option<&impl fmt::Display>) -> String {
    value.map_or_else(String::new, ToString::to_string)
}

impl fmt::Display for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mode, contact, until, checked_on } = self;
        write!(f, "{}|{}|{}|{checked_on}", mode.as_str(), or_empty(contact.as_ref()), or_empty(until.as_ref()))
    }
}

impl FromStr for Presence {
    type Err = FactError;

    fn from_str(text: &str) -> Result<Self, FactError> {
        let [mode, contact, until, checked_on] = text.split('|').collect::<Vec<_>>()[..] else {
            return Err(FactError::Value("presence"));
        };
        let contact = if contact.is_empty() { None } else { Some(contact.parse()?) };
        let mode = Mode::known(mode).ok_or(FactError::Value("mode"))?;
        Ok(Self { mode, contact, until: day_or_none(until)?, checked_on: day(checked_on)? })
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{}", self.status.as_str(), or_empty(self.day.as_ref()))
    }
}

impl FromStr for Agreement {
    type Err = FactError;

    fn from_str(text: &str) -> Result<Self, FactError> {
        let (status, day) = text.split_once('|').ok_or(FactError::Value("agreement"))?;
        let status = AgreementStatus::known(status).ok_or(FactError::Value("status"))?;
        Ok(Self { status, day: day_or_none(day)? })
    }
}

impl fmt::Display for Training {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{}", self.agents, self.trained_on)
    }
}

impl FromStr for Training {
    type Err = FactError;

    fn from_str(text: &str) -> Result<Self, FactError> {
        let (agents, trained_on) = text.split_once('|').ok_or(FactError::Value("training"))?;
        let agents = agents.parse().ok().filter(|n| *n <= TRAINED_MAX).ok_or(FactError::Value("agents"))?;
        Ok(Self { agents, trained_on: day(trained_on)? })
    }
}
