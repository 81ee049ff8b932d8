//! What befalls the machines of sites: disks, clocks, replacement.

pub(super) mod clock;
mod disk;
mod overseas;
mod repair;
mod upkeep;
