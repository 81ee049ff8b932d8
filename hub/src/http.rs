//! The HTTP interface: what programs may ask of the hub.
//!
//! Started by `app`. Every address under `/v1` but `/v1/public` needs a token or a session; every
//! error is a problem document. Handlers read through [`Views`], so that they cannot disturb the
//! writer; the few that change something do so on the writer's thread, between two turns, on the
//! caller's behalf.

mod accept;
mod api;
mod asking;
mod attempts;
mod auth;
mod closures;
mod conflicts;
mod describe;
mod docs;
mod documents;
mod door;
mod entrance;
mod exports;
mod fleet;
mod journal;
mod label;
mod list;
mod moment;
mod nowhere;
pub mod openapi;
mod partners;
mod permanences;
mod problem;
mod public;
mod query;
mod reports;
mod schedule;
pub mod scope;
mod serve;
mod session;
mod settling;
mod sites;
mod small;
mod spans;
mod surplus;
mod tagged;
mod visits;
mod write;

use std::future::Future;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::Connection;

pub use self::api::router;
pub use self::auth::token_hash;
pub use self::conflicts::in_conflict;
pub use self::entrance::{Entrance, PublicUrl, PublicUrlError};
pub use self::journal::journal_filter;
pub use self::serve::{Limits, serve};
pub use self::settling::flagged_filter;
pub use self::sites::site_filter;
use crate::almanac::Almanac;
use crate::core::Core;
use crate::lane::{Lane, ReadError};
use crate::store::StoreError;
use crate::who::Who;

/// What the handlers need of the hub.
pub trait Views: Clone + Send + Sync + 'static {
    /// Runs a read on a connection that cannot write, within a time limit, beside those of other lanes. It
    /// ends when this is dropped.
    fn read<T, F>(&self, lane: Lane, f: F) -> impl Future<Output = Result<T, ReadError>> + Send
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static;

    /// Runs a change on the writer's thread, on somebody's behalf; `None` when the hub is stopping.
    fn change<T, F>(&self, who: Who, f: F) -> impl Future<Output = Option<T>> + Send
    where
        T: Send + 'static,
        F: FnOnce(&mut Core, Timestamp) -> T + Send + 'static;

    /// What every site's schedule and partners amount to.
    fn almanac(&self) -> &Arc<Almanac>;

    /// Why the writer cannot do its work, if it cannot. Asking costs it nothing.
    fn trouble(&self) -> Option<&'static str>;
}

#[cfg(test)]
mod tests;
