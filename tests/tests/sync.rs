//! From the tap to the hub's figures, whatever happens in between.

mod copies;
mod kills;
mod offline;
mod transport;
mod wipe;
