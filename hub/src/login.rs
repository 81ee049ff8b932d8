//! The name under which somebody signs in: a function, rather than a person's name, where a
//! function has one keyboard.

use std::fmt;
use std::str::FromStr;

/// Longest login.
pub const LOGIN_LEN_MAX: usize = 40;

/// A login that is valid.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Login(Box<str>);

/// A text that is no login.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "{0:?} is not a login: 1 to {LOGIN_LEN_MAX} characters among a-z, 0-9, dot, _ and -, the first a letter or digit"
)]
pub struct LoginError(pub String);

impl Login {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Login {
    type Err = LoginError;

    fn from_str(text: &str) -> Result<Self, LoginError> {
        let known = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '-');
        let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        match (1..=LOGIN_LEN_MAX).contains(&text.len()) && begins && text.chars().all(known) {
            true => Ok(Self(text.into())),
            false => Err(LoginError(text.chars().take(60).collect())),
        }
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_plain_and_bounded() {
        for text in ["a", "prefecture-49", "cellule.nationale", "0_x", &"a".repeat(LOGIN_LEN_MAX)] {
            assert_eq!(text.parse::<Login>().unwrap().as_str(), text);
        }
        for text in ["", ".a", "-a", "A", "é", "a b", "a@b", "a\n", &"a".repeat(LOGIN_LEN_MAX + 1)] {
            assert!(text.parse::<Login>().is_err(), "{text:?}");
        }
    }
}
