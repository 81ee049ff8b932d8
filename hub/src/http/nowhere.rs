//! Views of nothing: the list of addresses is made for them where only its descriptions are wanted.

use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use rusqlite::Connection;

use super::Views;
use crate::almanac::Almanac;
use crate::core::Core;
use crate::lane::{Lane, ReadError};
use crate::store::StoreError;
use crate::who::Who;

static EMPTY: LazyLock<Arc<Almanac>> = LazyLock::new(Arc::default);

/// Where there is nothing to read.
#[derive(Clone)]
pub(super) struct Nowhere;

impl Views for Nowhere {
    async fn read<T, F>(&self, _: Lane, _: F) -> Result<T, ReadError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        Err(StoreError::corrupt("there is no store here").into())
    }

    async fn change<T, F>(&self, _: Who, _: F) -> Option<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Core, Timestamp) -> T + Send + 'static,
    {
        None
    }

    fn almanac(&self) -> &Arc<Almanac> {
        &EMPTY
    }

    fn trouble(&self) -> Option<&'static str> {
        Some("nothing is here")
    }
}
