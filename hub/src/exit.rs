//! How a command ends: the exit codes that scripts rely on.

use std::process::ExitCode;

use serde::{Deserialize, Serialize};

/// One exit code. The numbers are a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Exit {
    /// Anything without a number of its own.
    Failure = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// The hub should run and does not answer.
    NotRunning = 3,
    /// Nothing has this name.
    NotFound = 4,
    /// Data that is invalid or contradicts what is there.
    Invalid = 5,
    /// Not allowed.
    Refused = 6,
    /// A condition that the caller asked for does not hold.
    ConditionFailed = 8,
    /// The storage is damaged or comes from a newer version.
    Damaged = 9,
}

/// The end of a command that did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What a person reads, in that person's language.
    pub message: String,
}

impl Failure {
    /// A failure with this code and text.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error and its causes on one line.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let told = next.to_string();
        // A transparent error repeats its cause.
        if !text.ends_with(&told) {
            text = format!("{text}: {told}");
        }
        cause = next.source();
    }
    text
}
