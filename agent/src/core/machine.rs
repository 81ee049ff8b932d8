//! What the desk is told of the machine beside what the store says.

use super::LinkState;
use super::clock::Today;
use crate::config::Origin;
use crate::store::Profile;

/// Whether the storage takes what it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// The last thing written was kept.
    Ok,
    /// It was kept, and there is little room left.
    Low,
    /// There was no room for it.
    Full,
    /// Another program held the database.
    Locked,
}

impl Storage {
    /// The stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Low => "low",
            Self::Full => "full",
            Self::Locked => "locked",
        }
    }
}

/// What the desk is told of the machine beside what the store says.
#[derive(Clone, Copy, Debug)]
pub struct Machine<'a> {
    /// Who it is.
    pub profile: &'a Profile,
    /// How the connection stands.
    pub link: &'a LinkState,
    /// How the storage does.
    pub storage: Storage,
    /// Which day it is here, and whether that is believed.
    pub today: Today,
    /// The setting that names the hub, and where it was made.
    pub hub: Option<&'a (String, Origin)>,
}
