//! What operators ask of the hub, whether it runs or not.
//!
//! One [`Request`] and one [`Reply`] for both: a running hub takes them on its local socket
//! (`socket`), otherwise the command line locks the data directory and carries them out itself
//! (`client`). A [`Look`] only reads; a [`Change`] is one transaction and leaves a line in the
//! journal.

mod asked;
mod authorities;
mod change;
mod error;
mod listed;
mod look;
mod reply;
mod settle;
mod site_changes;
pub mod socket;
mod tokens;
mod users;

use std::net::SocketAddr;

pub use self::asked::{Asked, Change, Look, Request};
pub use self::authorities::authorities;
pub use self::change::{Hub, change};
pub use self::error::AdminError;
pub use self::listed::{look_beside_list, revocations};
pub use self::look::look;
#[cfg(test)]
pub(crate) use self::reply::REFUSALS;
pub(crate) use self::reply::moment;
pub use self::reply::{
    AuthoritiesObject, AuthorityObject, CheckObject, DeviceObject, DocumentObject, FactObject, FlaggedObject,
    FoldedObject, HeldObject, InvitationObject, JournalObject, RefusedObject, Reply, RevocationsObject, RevokedObject,
    SettledObject, TokenObject, UserObject,
};
pub use crate::catalogue::CatalogueFile;
pub use crate::import::ListFile;

/// Names and values, as typed.
pub type Pairs = Vec<(String, String)>;

/// What carrying out a request needs besides the store.
#[derive(Clone, Debug)]
pub struct Context {
    /// The beginning of the CA key's hash, for join codes.
    pub ca_hash: [u8; 16],
    /// The address for join codes, if it is set.
    pub advertise: Option<String>,
    /// The address that sites connect to: the one really bound when the hub runs.
    pub sync: SocketAddr,
}

#[cfg(test)]
mod tests;
