//! The command line: arguments as typed, the requests that they mean, replies as people and
//! programs read them.
//!
//! Called by `app`. Nothing is carried out here.

mod args;
pub(crate) mod bundle;
mod catalogue;
mod conflicts;
mod fleet;
mod imported;
pub(crate) mod people;
pub(crate) mod request;
pub(crate) mod returns;
pub(crate) mod show;
mod table;
pub(crate) mod tools;
mod upkeep;

pub use self::args::command;
pub(crate) use self::args::{Cli, Command, Config, Format, Global};
pub(crate) use self::upkeep::{Backup, Ca, Restore};

#[cfg(test)]
mod tests;
