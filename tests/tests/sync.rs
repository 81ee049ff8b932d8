//! From the tap to the hub's figures, whatever happens in between.

mod bundle;
mod copies;
mod kills;
mod offline;
mod wipe;
