//! What leaves the hub with small cells hidden: for everybody, a fixed list of tables; for a partner,
//! the ages of those whose requests it had.
//!
//! **Which tables.** [`table::TABLES`] is the whole list: visits by place and age, requests by place
//! and operator, and requests of the whole country by operator and kind of help, each with its sums.
//! These are what the network's own reports print. Left out on purpose: sites and bearers (a bearer
//! may run one house), days, kinds of help by place, and ages by operator, whose cells are so small
//! that hiding them would take the rest of the table along. For closed months, quarters and years
//! only: two windows that differ by a day would tell that day.
//!
//! **Frozen.** A period is released once, some days after its end, and never again: two versions
//! would differ by what came late. Quarters and years are sums of the months as released, so that
//! all tables of a year are one system of sums, with one decision for each cell, whatever table or
//! address shows it.
//!
//! **What is hidden.** A figure from 1 to `min_cell` − 1 reads «below `min_cell`»; 0 is told, because
//! nobody stands behind it and a cell that is not there would tell it anyhow. Others are hidden to
//! protect those, and read «hidden» without a bound. `search` decides which, and proves it.
//!
//! Pure: `store::releases` keeps what `release` has made here.

mod cube;
mod period;
mod search;
pub mod table;
mod tree;
mod year;

pub use self::cube::{Rule, State};
pub use self::period::{Period, PeriodError};
pub use self::year::{AGES, Kept, Release, Taken, VISITS, Year};

/// Asked again and again by whatever takes long: whether nobody waits for it any more.
pub type Stops<'a> = &'a dyn Fn() -> bool;

/// A release was not reckoned to its end: nothing is to come of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the figures to be released were not reckoned to the end")]
pub struct Stopped;

/// The smallest `min_cell` with which a hidden figure has several neighbours.
pub const MIN_CELL_MIN: i64 = 4;
