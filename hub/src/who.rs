//! On whose behalf the hub does something, as its journal tells it.

use std::fmt;
use std::str::FromStr;

use crate::login::Login;

/// Longest id of a token that is looked for.
const TOKEN_LEN_MAX: usize = 64;

/// Whoever acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// The hub by itself, and machines in their sessions.
    Hub,
    /// Whoever runs commands on the hub's machine.
    Operator,
    /// A person who signed in.
    User(Login),
    /// A program with a token, by the token's public id.
    Token(String),
}

/// A text that names nobody.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not one of hub, operator, user:LOGIN, token:ID")]
pub struct WhoError(String);

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hub => f.write_str("hub"),
            Self::Operator => f.write_str("operator"),
            Self::User(login) => write!(f, "user:{login}"),
            Self::Token(id) => write!(f, "token:{id}"),
        }
    }
}

impl FromStr for Who {
    type Err = WhoError;

    fn from_str(text: &str) -> Result<Self, WhoError> {
        let parsed = match text.split_once(':') {
            None if text == "hub" => Some(Self::Hub),
            None if text == "operator" => Some(Self::Operator),
            Some(("user", login)) => login.parse().ok().map(Self::User),
            Some(("token", id)) => (1..=TOKEN_LEN_MAX).contains(&id.len()).then(|| Self::Token(id.to_owned())),
            _ => None,
        };
        parsed.ok_or_else(|| WhoError(text.chars().take(60).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_acts_prints_as_it_parses() {
        for text in ["hub", "operator", "user:prefecture-49", "token:abcdefgh"] {
            assert_eq!(text.parse::<Who>().unwrap().to_string(), text);
        }
        for text in ["", "Hub", "user:", "user:É", "token:", "device:00", "operator:x"] {
            assert!(text.parse::<Who>().is_err(), "{text:?}");
        }
    }
}
