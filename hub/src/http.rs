//! The HTTP interface: what programs may ask of the hub.
//!
//! Started by `app`. Every address under `/v1` needs a token; every error is a problem document.
//! Handlers only read, through [`Views`], so that they cannot disturb the writer.

mod api;
mod auth;
mod documents;
mod problem;
mod query;
pub mod scope;
mod serve;
mod settling;
mod sites;
mod visits;

use std::future::Future;

use rusqlite::Connection;

pub use self::api::router;
pub use self::auth::token_hash;
pub use self::serve::{Limits, serve};
pub use self::settling::flagged_filter;
pub use self::sites::site_filter;
use crate::store::StoreError;

/// What the handlers need of the hub.
pub trait Views: Clone + Send + Sync + 'static {
    /// Runs a read on a connection that cannot write, within a time limit.
    fn read<T, F>(&self, f: F) -> impl Future<Output = Result<T, StoreError>> + Send
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static;

    /// Runs a read that is over at once, whatever longer ones are under way.
    fn look_up<T, F>(&self, f: F) -> impl Future<Output = Result<T, StoreError>> + Send
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static;

    /// Why the writer cannot do its work, if it cannot. Asking costs it nothing.
    fn trouble(&self) -> Option<&'static str>;
}

#[cfg(test)]
mod tests;
