//! From the tap to the hub's figures, whatever happens in between.

mod bundle;
mod copies;
mod disks;
mod house;
mod kills;
mod offline;
mod restore;
mod transport;
mod wipe;
