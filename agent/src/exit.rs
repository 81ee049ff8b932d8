//! The exit codes of the program, one meaning each.
//!
//! Scripts rely on them: a code is never given a second meaning.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// Failed for a reason without a code of its own.
    Failure = 1,
    /// The command line itself is wrong.
    Usage = 2,
    /// The agent is not running.
    NotRunning = 3,
    /// The thing named does not exist.
    NotFound = 4,
    /// A value is invalid, or conflicts with what is there.
    Invalid = 5,
    /// Refused by the hub.
    Refused = 6,
    /// The hub did not answer; work is kept.
    HubUnreachable = 7,
    /// The condition asked for did not come true.
    ConditionFailed = 8,
    /// The storage is damaged, or from a newer version.
    Storage = 9,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
