//! Which readers a question is for: nobody who asks for little waits for somebody who asks for much.
//!
//! Chosen by `http` before anything is read, kept apart by `service`, which gives every lane readers of
//! its own and lets only so many wait for them.

use crate::store::StoreError;

/// One kind of questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// One row by its key, such as whose token this is: nobody waits for figures only to be told 401.
    Key,
    /// Of whoever has no token: nobody who has one waits for them.
    Anybody,
    /// Few sites, or few days, or a page of rows.
    Light,
    /// Years of the network, or all that is worked out of each of its houses.
    Heavy,
}

/// Why nothing was read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// As many wait for the same readers as may.
    #[error("as many questions of this kind wait as may")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
