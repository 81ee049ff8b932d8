//! The visits document: a month of named, immutable facts.
//!
//! A fact is one root key and its value, written once and never overwritten:
//!
//! | key | value | says |
//! |---|---|---|
//! | `<dd>\|<tap>\|<rev>` | `people\|operator\|help\|age\|requests` | what one tap says, at one revision |
//! | `<dd>\|close\|<rev>` | `1` or `0` | the day is closed, or open again |
//!
//! Because the tap is in the key, whatever is cloned, restored, retried, relayed or entered
//! again, the same tap is the same key, and [`fold`](super::fold) counts it once.
//!
//! Values may carry further fields after the fifth: the partners' form will change, and what a
//! newer agent writes is kept untouched.

use std::fmt;

use crate::code::{AgeCode, HelpCode, OperatorCode};
use crate::id::TapName;
use crate::time::{Day, Month};

/// The highest revision of one tap or day.
pub const REV_MAX: u8 = 99;
/// The most people or requests one tap may count at the desk, either sign.
pub const COUNT_PLAUSIBLE_MAX: i16 = 99;
/// The largest number a fact may hold at all, either sign.
pub const COUNT_STORED_MAX: i16 = 9_999;
/// A further field of a value: the machine's clock was not believed, and a person gave the day.
pub const DAY_WAS_ASKED: &str = "clock";
/// Longest key, in bytes.
pub const KEY_LEN_MAX: usize = 24;
/// Longest value, in bytes, further fields included.
pub const VALUE_LEN_MAX: usize = 160;

/// What a key names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// One tap at the desk.
    Tap(TapName),
    /// The closing of the day.
    Close,
}

/// The name of a fact within its month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Day of the month.
    pub day: u8,
    /// What the fact is about.
    pub subject: Subject,
    /// 0 for the tap itself, then 1, 2… for its corrections.
    pub rev: u8,
}

/// What one tap says at one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// People received; 0 for a further request of the same visit, and for an undo.
    pub people: i16,
    /// For whom the matter was handled.
    pub operator: OperatorCode,
    /// Kind of help.
    pub help: HelpCode,
    /// Age bracket.
    pub age: AgeCode,
    /// Matters handled; 0 for an undo.
    pub requests: i16,
}

/// A fact's value, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Of a tap.
    Visit(Visit),
    /// Of a close: whether the day is closed.
    Closed(bool),
}

/// Why a key and value are no fact of a visits document.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum FactError {
    /// The key is not `<dd>|<tap>|<rev>` or `<dd>|close|<rev>`.
    #[error("the key has not the form day|tap|revision")]
    Key,
    /// The month has no such day.
    #[error("the month has no such day")]
    Day,
    /// The value has not the form that its key asks for.
    #[error("the value has not the form people|operator|help|age|requests")]
    Value,
    /// A number is out of bounds.
    #[error("a number is out of bounds")]
    Number,
}

/// Reads and checks one fact of the document of `month`.
///
/// Canonical texts only: what parses prints back to the same bytes, so that equal facts are
/// equal strings everywhere.
///
/// # Errors
/// When key or value is outside the grammar above.
pub fn parse_fact(month: Month, key: &str, value: &str) -> Result<(Key, Value), FactError> {
    let key = Key::parse(key)?;
    month.day(key.day).ok_or(FactError::Day)?;
    let value = match key.subject {
        Subject::Tap(_) => Value::Visit(Visit::parse(value)?),
        Subject::Close => match value {
            "1" => Value::Closed(true),
            "0" => Value::Closed(false),
            _ => return Err(FactError::Value),
        },
    };
    Ok((key, value))
}

impl Key {
    /// The key of a tap at `rev`.
    pub fn tap(day: Day, name: TapName, rev: u8) -> Self {
        Self { day: day.day_of_month(), subject: Subject::Tap(name), rev }
    }

    /// The key of a close at `rev`.
    pub fn close(day: Day, rev: u8) -> Self {
        Self { day: day.day_of_month(), subject: Subject::Close, rev }
    }

    /// Reads a key, without knowing the month's length.
    ///
    /// # Errors
    /// When the text is outside the grammar.
    pub fn parse(text: &str) -> Result<Self, FactError> {
        if text.len() > KEY_LEN_MAX {
            return Err(FactError::Key);
        }
        let mut parts = text.split('|');
        let (Some(day), Some(subject), Some(rev), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(FactError::Key);
        };
        if day.len() != 2 || !day.bytes().all(|b| b.is_ascii_digit()) {
            return Err(FactError::Key);
        }
        let day = day.parse().map_err(|_| FactError::Key)?;
        if !(1..=31).contains(&day) {
            return Err(FactError::Day);
        }
        let subject = match subject {
            "close" => Subject::Close,
            tap => Subject::Tap(tap.parse().map_err(|_| FactError::Key)?),
        };
        let rev = number(rev).and_then(|rev| u8::try_from(rev).ok()).filter(|rev| *rev <= REV_MAX);
        Ok(Self { day, subject, rev: rev.ok_or(FactError::Key)? })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.subject {
            Subject::Tap(name) => write!(f, "{:02}|{name}|{}", self.day, self.rev),
            Subject::Close => write!(f, "{:02}|close|{}", self.day, self.rev),
        }
    }
}

impl Visit {
    /// Reads a value, ignoring further fields.
    ///
    /// # Errors
    /// When the text is outside the grammar.
    pub fn parse(text: &str) -> Result<Self, FactError> {
        if text.len() > VALUE_LEN_MAX || !text.bytes().all(|b| matches!(b, 0x20..=0x7e)) {
            return Err(FactError::Value);
        }
        let mut parts = text.split('|');
        let (Some(people), Some(operator), Some(help), Some(age), Some(requests)) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(FactError::Value);
        };
        let count = |text| {
            let number: i16 = number(text).ok_or(FactError::Value)?;
            if number.unsigned_abs() > COUNT_STORED_MAX.unsigned_abs() { Err(FactError::Number) } else { Ok(number) }
        };
        Ok(Self {
            people: count(people)?,
            operator: operator.parse().map_err(|_| FactError::Value)?,
            help: help.parse().map_err(|_| FactError::Value)?,
            age: age.parse().map_err(|_| FactError::Value)?,
            requests: count(requests)?,
        })
    }

    /// Whether the value's further fields say that a person gave the day.
    pub fn day_was_asked(value: &str) -> bool {
        value.split('|').skip(5).any(|field| field == DAY_WAS_ASKED)
    }

    /// The same matter, undone: nobody and nothing.
    pub fn undone(&self) -> Self {
        Self { people: 0, requests: 0, ..self.clone() }
    }

    /// Whether this counts nobody and nothing.
    pub fn is_undone(&self) -> bool {
        self.people == 0 && self.requests == 0
    }
}

impl fmt::Display for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { people, operator, help, age, requests } = self;
        write!(f, "{people}|{operator}|{help}|{age}|{requests}")
    }
}

/// A canonical decimal: no plus, no leading zero, no `-0`.
fn number(text: &str) -> Option<i16> {
    let canonical = match text.strip_prefix('-').unwrap_or(text).as_bytes() {
        [b'0'] => text == "0",
        [b'1'..=b'9', ..] => true,
        _ => false,
    };
    text.parse().ok().filter(|_| canonical)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn november() -> Month {
        "2026-11".parse().unwrap()
    }

    #[test]
    fn facts_outside_the_grammar_are_refused() {
        let good = ("17|AAAAAAAAAAA|0", "1|CNAF|online|25-39|1");
        assert!(parse_fact(november(), good.0, good.1).is_ok());
        for (key, why) in [
            ("", FactError::Key),
            ("17|AAAAAAAAAAA", FactError::Key),
            ("17|AAAAAAAAAAA|0|1", FactError::Key),
            ("7|AAAAAAAAAAA|0", FactError::Key),
            ("00|AAAAAAAAAAA|0", FactError::Day),
            ("31|AAAAAAAAAAA|0", FactError::Day),
            ("17|AAAAAAAAAAB|0", FactError::Key),
            ("17|AAAAAAAAAAA|00", FactError::Key),
            ("17|AAAAAAAAAAA|100", FactError::Key),
            ("17|AAAAAAAAAAA|-1", FactError::Key),
            ("17|AAAAAAAAAAA|+1", FactError::Key),
        ] {
            assert_eq!(parse_fact(november(), key, good.1), Err(why), "{key:?}");
        }
        for (value, why) in [
            ("", FactError::Value),
            ("1|CNAF|online|25-39", FactError::Value),
            ("1|cnaf|online|25-39|1", FactError::Value),
            ("01|CNAF|online|25-39|1", FactError::Value),
            ("-0|CNAF|online|25-39|1", FactError::Value),
            ("10000|CNAF|online|25-39|1", FactError::Number),
            ("1|CNAF|online|25-39|-10000", FactError::Number),
            ("-32768|CNAF|online|25-39|1", FactError::Number),
            ("-32769|CNAF|online|25-39|1", FactError::Value),
            ("1|CNAF|online|25-39|1|caf\u{e9}", FactError::Value),
        ] {
            assert_eq!(parse_fact(november(), good.0, value), Err(why), "{value:?}");
        }
        assert_eq!(parse_fact(november(), "17|close|3", "2"), Err(FactError::Value));
    }

    #[test]
    fn bounds_hold_at_the_bound_and_one_past_it() {
        let rev = |rev: u32| parse_fact(november(), &format!("17|AAAAAAAAAAA|{rev}"), "1|CNAF|online|25-39|1").is_ok();
        assert!(rev(99) && !rev(100));
        let people = |n: i32| Visit::parse(&format!("{n}|CNAF|online|25-39|1")).is_ok();
        assert!(people(9_999) && people(-9_999) && !people(10_000) && !people(-10_000));
        let extra = |len: usize| Visit::parse(&format!("1|CNAF|online|25-39|1|{}", "x".repeat(len))).is_ok();
        assert!(extra(VALUE_LEN_MAX - 22) && !extra(VALUE_LEN_MAX - 21));
    }

    proptest! {
        #[test]
        fn numbers_that_parse_print_back(text in "[-+]?[0-9]{0,6}") {
            let printed = number(&text).map(|number| number.to_string());
            prop_assert!(printed.is_none_or(|printed| printed == text));
            let canonical = text.parse::<i16>().is_ok_and(|number| number.to_string() == text);
            prop_assert_eq!(number(&text).is_some(), canonical);
        }

        #[test]
        fn what_parses_prints_back(text in "[0-9]{2}\\|([A-Za-z0-9_-]{11}|close)\\|[0-9]{1,2}") {
            if let Ok(key) = Key::parse(&text) {
                prop_assert_eq!(key.to_string(), text);
            }
        }

        #[test]
        fn no_text_panics(key in "\\PC{0,40}", value in "\\PC{0,200}") {
            let _parsed = parse_fact(november(), &key, &value);
        }

        #[test]
        fn values_round_trip(people in -9_999i16..=9_999, requests in -9_999i16..=9_999) {
            let text = format!("{people}|LA_POSTE|referral|70+|{requests}");
            prop_assert_eq!(Visit::parse(&text).unwrap().to_string(), text);
        }
    }
}
